"""What an API key looks like: `motet_<prefix>_<secret>`, with a checksum that tells a mistyped key from a wrong one."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field

SCHEME = "motet"
"""What all keys start with, so that secret scanners find them: `motet_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}`."""

PREFIX_CHARACTERS = 12
"""71 bits: two keys of a platform do not get the same one by chance."""

SECRET_CHARACTERS = 43
"""256 bits: guessing is hopeless, so a plain SHA-256 is all that has to be stored."""

CHECKSUM_CHARACTERS = 6
"""CRC-32 of all before it, in the same alphabet."""

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM = re.compile(
    rf"{SCHEME}_([0-9A-Za-z]{{{PREFIX_CHARACTERS}}})_([0-9A-Za-z]{{{SECRET_CHARACTERS + CHECKSUM_CHARACTERS}}})"
)
_PREFIX = re.compile(rf"[0-9A-Za-z]{{{PREFIX_CHARACTERS}}}")


class ApiKeyFormError(Exception):
    """The text is no API key, or one with a slip of the pen. `str()` may be shown."""


@dataclass(frozen=True, slots=True)
class ApiKeyText:
    """A key as it is handed over, once."""

    prefix: str
    """Names the key, and is no secret."""
    text: str = field(repr=False)

    @property
    def hash(self) -> bytes:
        """What is stored: SHA-256 of the whole text."""
        return hashlib.sha256(self.text.encode("ascii")).digest()


def new_api_key(prefix: str | None = None) -> ApiKeyText:
    """A fresh key; one of this prefix, if that is given."""
    prefix = prefix or _random(PREFIX_CHARACTERS)
    body = f"{SCHEME}_{prefix}_{_random(SECRET_CHARACTERS)}"
    return ApiKeyText(prefix, body + _checksum(body))


def looks_like_api_key(text: str) -> bool:
    """Whether someone meant an API key, rather than an access token."""
    return text.startswith(SCHEME + "_")


def parse_api_key(text: str) -> ApiKeyText:
    """The key that the text is, right or wrong. Raises ApiKeyFormError for one that was mistyped or cut."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ApiKeyFormError("the API key is not whole")
    if not hmac.compare_digest(_checksum(text[:-CHECKSUM_CHARACTERS]), text[-CHECKSUM_CHARACTERS:]):
        raise ApiKeyFormError("the API key is mistyped: its checksum does not fit")
    return ApiKeyText(match[1], text)


def client_key(client_id: str, client_secret: str) -> ApiKeyText:
    """The key behind an OAuth 2.0 client's credentials: `client_id` is the prefix, with `motet_` before it or not, and
    `client_secret` the whole key or what stands behind the prefix. Raises ApiKeyFormError."""
    prefix = client_id.removeprefix(f"{SCHEME}_")
    if _PREFIX.fullmatch(prefix) is None:
        raise ApiKeyFormError("the client id is no prefix of an API key")
    start = f"{SCHEME}_{prefix}_"
    if looks_like_api_key(client_secret) and not client_secret.startswith(start):
        raise ApiKeyFormError("the client secret is that of another client id")
    return parse_api_key(start + client_secret.removeprefix(start))


def is_secret_of(given: bytes, stored: bytes | None) -> bool:
    """Whether two hashes are the same, in a time that does not tell how much of them is. None: never."""
    return hmac.compare_digest(given, stored if stored is not None else _NOBODYS) and stored is not None


def version_of(secret_hash: bytes) -> str:
    """Names one of a key's secrets, in the tokens that it was exchanged for. Tells nothing of the secret."""
    return hashlib.sha256(b"version" + secret_hash).hexdigest()[:16]


_NOBODYS = bytes(32)


def _random(characters: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(characters))


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
