"""Keeps secrets that must be read again (signing keys, webhook secrets, upstream passwords) encrypted at rest."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from motet.config.errors import StartError

KEY_OCTETS = 32
_NONCE_OCTETS = 12
_TAG_OCTETS = 16
_VERSION = b"\x01"


class SecretError(Exception):
    """The octets were not encrypted with this key, or have been changed."""


class SecretBox:
    """AES-256-GCM with random nonces. Layout: version octet 1, nonce (12), ciphertext, tag (16)."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_OCTETS:
            raise ValueError(f"the key must have {KEY_OCTETS} octets")
        self._cipher = AESGCM(key)

    def encrypt(self, plain: bytes) -> bytes:
        """29 octets longer than `plain`; different each time."""
        nonce = os.urandom(_NONCE_OCTETS)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, _VERSION)

    def decrypt(self, sealed: bytes) -> bytes:
        """What `encrypt` was given. Raises SecretError."""
        if len(sealed) < 1 + _NONCE_OCTETS + _TAG_OCTETS or sealed[:1] != _VERSION:
            raise SecretError("not a secret of ours")
        try:
            return self._cipher.decrypt(sealed[1 : 1 + _NONCE_OCTETS], sealed[1 + _NONCE_OCTETS :], _VERSION)
        except InvalidTag:
            raise SecretError("encrypted with another key, or damaged") from None


def read_key_file(path: Path, *, create: bool) -> bytes:
    """The key in a file of 64 hex digits; `create` makes it (mode 0600) where it is missing. Raises StartError.

    `openssl rand -hex 32` makes one too.
    """
    try:
        if create:
            _create_key_file(path)
        text = path.read_text(encoding="ascii").strip()
        key = bytes.fromhex(text)
    except OSError as error:
        raise StartError(f"cannot read the secret key file {path}: {error.strerror}") from error
    except ValueError:
        key = b""
    if len(key) != KEY_OCTETS:
        raise StartError(f"the secret key file {path} must hold {2 * KEY_OCTETS} hex digits (openssl rand -hex 32)")
    return key


def _create_key_file(path: Path) -> None:
    """Whole or not at all, and only once, whoever comes first: written beside and then linked to its name."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, os.urandom(KEY_OCTETS).hex().encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
