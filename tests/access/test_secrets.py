"""Secrets at rest, and the file that holds their key."""

from __future__ import annotations

from pathlib import Path

import pytest

from motet.access.secrets import SecretBox, SecretError, read_key_file
from motet.config.errors import StartError


def test_what_is_encrypted_comes_back() -> None:
    box = SecretBox(b"k" * 32)
    for plain in (b"", b"whsec", bytes(range(256)) * 10):
        sealed = box.encrypt(plain)
        assert box.decrypt(sealed) == plain
        assert len(sealed) == len(plain) + 29
        assert box.encrypt(plain) != sealed


def test_another_key_and_changed_octets_are_refused() -> None:
    box = SecretBox(b"k" * 32)
    sealed = box.encrypt(b"secret")
    with pytest.raises(SecretError):
        SecretBox(b"j" * 32).decrypt(sealed)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SecretError):
            box.decrypt(bytes(changed))
    for length in range(len(sealed)):
        with pytest.raises(SecretError):
            box.decrypt(sealed[:length])


def test_a_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.key"
    key = read_key_file(path, create=True)
    assert len(key) == 32
    assert read_key_file(path, create=True) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_or_wrong_key_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    with pytest.raises(StartError, match="cannot read the secret key file"):
        read_key_file(path, create=False)
    for content in ("", "00" * 31, "zz" * 32, "ü" * 64):
        path.write_text(content)
        with pytest.raises(StartError, match="must hold 64 hex digits"):
            read_key_file(path, create=False)
