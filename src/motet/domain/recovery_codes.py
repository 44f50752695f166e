"""Recovery codes: what lets a user in whose phone is lost. Easy to copy from paper, impossible to guess."""

from __future__ import annotations

import hashlib
import secrets

CODES = 10
"""As many as one gets at a time."""

CHARACTERS = 16
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base32: no i, l, o, u. Sixteen of them are 80 bits, so that a plain hash of them tells nothing."""

_MISREAD = str.maketrans({"i": "1", "l": "1", "o": "0", "-": None, " ": None})


def new_codes() -> list[str]:
    """`CODES` codes such as `7k3m-p9xq-2wvt-h4nd`."""
    return [_grouped("".join(secrets.choice(_ALPHABET) for _ in range(CHARACTERS))) for _ in range(CODES)]


def code_hash(code: str) -> bytes | None:
    """What is stored of a code; None for what can be none. Case, spaces and hyphens do not matter, nor o for 0."""
    plain = code[: 4 * CHARACTERS].lower().translate(_MISREAD)
    if len(plain) != CHARACTERS or any(character not in _ALPHABET for character in plain):
        return None
    return hashlib.sha256(plain.encode()).digest()


def _grouped(plain: str) -> str:
    return "-".join(plain[start : start + 4] for start in range(0, CHARACTERS, 4))
