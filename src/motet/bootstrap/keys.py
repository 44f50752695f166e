"""Opens a node's secrets: the key file, and with it the signing key that the database keeps encrypted."""

from __future__ import annotations

from pathlib import Path

from motet.access.secrets import SecretBox, SecretError, read_key_file
from motet.access.tokens import TokenAuthority, generate_key
from motet.config import Settings, StartError
from motet.storage.database import PooledConnection
from motet.storage.setting import add_setting, read_setting

KEY_FILE = "secret.key"
_SIGNING_KEY = "token.signing_key"


def open_secret_box(settings: Settings) -> SecretBox:
    """With the key of --secret-key-file, or of the one in the data dir, which is made the first time."""
    return SecretBox(read_key_file(key_file(settings), create=settings.secret_key_file is None))


def key_file(settings: Settings) -> Path:
    return settings.secret_key_file or settings.data_dir / KEY_FILE


async def open_token_authority(connection: PooledConnection, box: SecretBox, settings: Settings) -> TokenAuthority:
    """Signs with the installation's key, made by whichever node comes first. Raises StartError when the secrets of the
    database were encrypted with another key file."""
    sealed = await read_setting(connection, _SIGNING_KEY)
    if sealed is None:
        sealed = await add_setting(connection, _SIGNING_KEY, box.encrypt(generate_key()))
    try:
        return TokenAuthority([box.decrypt(sealed)])
    except SecretError:
        raise StartError(
            f"the secrets in this database were encrypted with another key than that of {key_file(settings)}; "
            "give the right one with --secret-key-file"
        ) from None
