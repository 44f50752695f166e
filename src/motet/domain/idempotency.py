"""Idempotency keys: what one is, and how long it is held."""

from __future__ import annotations

from datetime import timedelta

from motet.domain.errors import InvalidError

KEY_CHARACTERS = 255
HOLD = timedelta(hours=24)
"""How long a key is held, per workspace and mutation."""


def check_key(key: str, path: tuple[str, ...] = ("idempotency_key",)) -> str:
    """The key, if it can be one. Raises InvalidError."""
    if not (0 < len(key) <= KEY_CHARACTERS and key.isprintable()):
        raise InvalidError("An idempotency key has 1 to {most} printable characters.", path=path, most=KEY_CHARACTERS)
    return key
