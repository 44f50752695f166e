"""What of an input may be kept: not its secrets, not the texts of messages, and nothing endless."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"

MAX_TEXT_CHARACTERS = 500
"""Of one text; a longer one is told by its length."""
MAX_ITEMS = 50
"""Of one list or object."""
MAX_DEPTH = 6

_SECRET = re.compile(
    r"password|passphrase|passwd|secret|payload|credential|assertion|otp|recovery|verifier|private|publickey|cookie"
    r"|signature|authorization|bearer|encrypted|sealed|hash|samlresponse|logouttoken|confirmationcode|matchingid|^lpa$"
    r"|(api|access|signing|shared|master|session)key$|^(sim)?(pin|puk|adm)[0-9]?$"
)
"""In names without what is no letter or digit."""
_SECRET_LAST = frozenset({
    "token", "tokens", "text", "texts", "csv", "udh", "tlvs", "hex", "nonce", "qr", "svg", "png", "pin", "puk", "ki",
    "opc", "psk", "seed", "salt",
})  # fmt: skip
"""Last words of names: `text`, `refreshToken`, `payload_hex`; not `tokenId`. The database's `motet_audit_secret` is the
same rule, for columns and for what is in their JSON."""
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
_OTHER = re.compile(r"[^a-z0-9]")
_URL_USER = re.compile(r"://[^/?#\s]*@")
_URL_QUERY = re.compile(r"[?#].*$", re.DOTALL)


def redacted(given: Mapping[str, Any], secrets: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The input as the audit log shows it: plain values. `secrets` are names that are secret in this input besides
    those that are in all."""
    shown = _shown(given, secrets, 0)
    return shown if isinstance(shown, dict) else {}


def is_secret(name: str) -> bool:
    """Whether what has this name is never kept, whatever it holds."""
    words = _WORDS.findall(name)
    if words and words[-1].casefold() in _SECRET_LAST:
        return True
    return _SECRET.search(_OTHER.sub("", name.casefold())) is not None


def _shown(value: Any, secrets: frozenset[str], depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else str(value)
    if isinstance(value, str):
        return _text(value)
    if depth >= MAX_DEPTH:
        return "[nested]"
    if isinstance(value, Mapping):
        named = [(str(name), one) for name, one in list(value.items())[:MAX_ITEMS]]
        kept = {
            _text(name): _hidden(one) if name in secrets or is_secret(name) else _shown(one, secrets, depth + 1)
            for name, one in named
        }
        if len(value) > MAX_ITEMS:
            kept["…"] = f"[{len(value) - MAX_ITEMS} more]"
        return kept
    if isinstance(value, list | tuple | set | frozenset):
        items = [_shown(one, secrets, depth + 1) for one in list(value)[:MAX_ITEMS]]
        return items if len(value) <= MAX_ITEMS else [*items, f"[{len(value) - MAX_ITEMS} more]"]
    if isinstance(value, bytes | bytearray | memoryview):
        return REDACTED
    return _text(str(value))


def _hidden(value: Any) -> Any:
    """Of a secret only whether there is one."""
    return value if value is None else REDACTED


def _text(value: str) -> str:
    if len(value) > MAX_TEXT_CHARACTERS:
        return f"[{len(value)} characters]"
    if "://" in value:
        value = _URL_USER.sub(f"://{REDACTED}@", value)
        value = _URL_QUERY.sub(f"?{REDACTED}", value)
    return storable_text(value)


def storable_text(value: str) -> str:
    """The text as a database takes it: one that it refuses would lose the entry that it stands in."""
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
