"""Opens a node's secrets: the key file, and with it the signing keys that the database keeps encrypted."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from motet.access.secrets import SecretBox, SecretError, read_key_file
from motet.access.tokens import ISSUER, TokenAuthority
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.identity import signing_keys
from motet.storage.database import PooledConnection

KEY_FILE = "secret.key"


def open_secret_box(settings: Settings) -> SecretBox:
    """With the key of --secret-key-file, or of the one in the data dir, which is made the first time."""
    return SecretBox(read_key_file(key_file(settings), create=settings.secret_key_file is None))


def key_file(settings: Settings) -> Path:
    return settings.secret_key_file or settings.data_dir / KEY_FILE


async def open_token_authority(connection: PooledConnection, box: SecretBox, settings: Settings) -> TokenAuthority:
    """Signs with the installation's key, made by whichever node comes first, and checks with the former ones. Raises
    StartError when the secrets of the database were encrypted with another key file."""
    try:
        private, others = await signing_keys.load(connection, box, datetime.fromtimestamp(time.time(), UTC))
    except SecretError:
        raise StartError(
            f"the secrets in this database were encrypted with another key than that of {key_file(settings)}; "
            "give the right one with --secret-key-file"
        ) from None
    authority = TokenAuthority([private], issuer=settings.public_url or ISSUER)
    authority.use(private, others)
    return authority
