"""The secrets of authenticator apps: one active and one being tried for each user."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection

PENDING = 0
ACTIVE = 1


class Totp(NamedTuple):
    """A secret and the newest step whose code was taken."""

    secret_encrypted: bytes
    last_step: int
    created_at: datetime


_PUT_PENDING = """
INSERT INTO totp (user_id, status, secret_encrypted, created_at) VALUES ($1, 0, $2, $3)
    ON CONFLICT (user_id, status) DO UPDATE
   SET secret_encrypted = EXCLUDED.secret_encrypted, created_at = EXCLUDED.created_at, last_step = 0
"""


async def put_pending(connection: Executor, user_id: int, secret_encrypted: bytes, now: datetime) -> None:
    """Store a secret that is to be tried, in place of one that was."""
    await connection.execute(_PUT_PENDING, user_id, secret_encrypted, now)


_FIND = "SELECT secret_encrypted, last_step, created_at FROM totp WHERE user_id = $1 AND status = $2"


async def find(connection: Executor, user_id: int, status: int) -> Totp | None:
    """The user's secret of this status."""
    record = await connection.fetchrow(_FIND, user_id, status)
    return None if record is None else Totp(*record)


# One statement, so that of two nodes with the same code at once one is refused. The secret is compared too: the code
# was one of this secret.
_TAKE_STEP = """
UPDATE totp SET last_step = $4
 WHERE user_id = $1 AND status = $2 AND secret_encrypted = $3 AND last_step < $4
RETURNING user_id
"""


async def take_step(connection: Executor, user_id: int, status: int, secret_encrypted: bytes, step: int) -> bool:
    """Use up a step of a secret; False if it, or a later one, was used before."""
    return await connection.fetchval(_TAKE_STEP, user_id, status, secret_encrypted, step) is not None


_DELETE_ACTIVE = "DELETE FROM totp WHERE user_id = $1 AND status = 1 RETURNING user_id"
_ACTIVATE = "UPDATE totp SET status = 1, activated_at = $2 WHERE user_id = $1 AND status = 0"


async def activate(connection: PooledConnection, user_id: int, now: datetime) -> None:
    """Make the pending secret the active one, in place of an older. Needs a transaction."""
    await connection.execute(_DELETE_ACTIVE, user_id)
    await connection.execute(_ACTIVATE, user_id, now)


_DELETE = "DELETE FROM totp WHERE user_id = $1 RETURNING status"


async def delete(connection: PooledConnection, user_id: int) -> bool:
    """Forget the user's secrets; False if there were none."""
    return await connection.fetchval(_DELETE, user_id) is not None
