"""Passkeys: the public halves of keys that authenticators keep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from motet.domain.errors import ConflictError
from motet.storage.database import Executor, PooledConnection


class Passkey(NamedTuple):
    """One key, without what only its check needs."""

    id: int
    credential_id: bytes
    name: str
    transports: Sequence[str]
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


class PasskeyCheck(NamedTuple):
    """What an answer to a challenge is checked with."""

    id: int
    user_id: int
    public_key: bytes
    sign_count: int


_OF_USER = """
SELECT id, credential_id, name, transports, backed_up, created_at, last_used_at
  FROM passkey WHERE user_id = $1 ORDER BY id
"""


async def of_user(connection: Executor, user_id: int) -> list[Passkey]:
    """The user's keys, the oldest first; they are few."""
    return [Passkey(*record) for record in await connection.fetch(_OF_USER, user_id)]


_LOCK_USER = "SELECT FROM user_account WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO passkey (id, user_id, credential_id, public_key, sign_count, name, transports, backed_up, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE (SELECT count(*) FROM passkey WHERE user_id = $2) < $10
RETURNING id
"""


async def insert(
    connection: PooledConnection,
    passkey_id: int,
    user_id: int,
    credential_id: bytes,
    public_key: bytes,
    sign_count: int,
    name: str,
    transports: Sequence[str],
    backed_up: bool,
    now: datetime,
    limit: int,
) -> bool:
    """Add a key; False at `limit`. Needs a transaction: the user is locked, so that two callers cannot pass it.

    Raises ConflictError for a key that someone has.
    """
    await connection.execute(_LOCK_USER, user_id)
    try:
        added = await connection.fetchval(
            _INSERT, passkey_id, user_id, credential_id, public_key, sign_count, name, list(transports), backed_up, now,
            limit,
        )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "passkey_credential_taken":
            raise
        raise ConflictError("This passkey is registered already.", path=("credential",)) from None
    return added is not None


# By the one key that is unique over the platform: who signs in without a password says no more.
_BY_CREDENTIAL = "SELECT id, user_id, public_key, sign_count FROM passkey WHERE credential_id = $1"


async def by_credential(connection: Executor, credential_id: bytes) -> PasskeyCheck | None:
    """The key that an authenticator names."""
    record = await connection.fetchrow(_BY_CREDENTIAL, credential_id)
    return None if record is None else PasskeyCheck(*record)


# WebAuthn Level 3 §7.2: a counter that does not grow is a copy's; authenticators that do not count send 0 always.
_USED = """
UPDATE passkey SET sign_count = $2, last_used_at = $3
 WHERE id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))
RETURNING id
"""


async def used(connection: Executor, passkey_id: int, sign_count: int, now: datetime) -> bool:
    """Note a use; False if the counter has not grown, or the key is gone."""
    return await connection.fetchval(_USED, passkey_id, sign_count, now) is not None


_RENAME = "UPDATE passkey SET name = $3 WHERE user_id = $1 AND id = $2 RETURNING id"


async def rename(connection: PooledConnection, user_id: int, passkey_id: int, name: str) -> bool:
    """False for a key that is not the user's."""
    return await connection.fetchval(_RENAME, user_id, passkey_id, name) is not None


_DELETE = "DELETE FROM passkey WHERE user_id = $1 AND id = $2 RETURNING id"


async def delete(connection: PooledConnection, user_id: int, passkey_id: int) -> bool:
    """False for a key that is not the user's."""
    return await connection.fetchval(_DELETE, user_id, passkey_id) is not None
