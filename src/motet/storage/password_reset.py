"""Links by which a forgotten password is replaced."""

from __future__ import annotations

from datetime import datetime

from motet.storage.database import Executor, PooledConnection

_ADD = "INSERT INTO password_reset (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)"


async def add_reset(
    connection: PooledConnection, token_hash: bytes, user_id: int, at: datetime, expires_at: datetime
) -> None:
    await connection.execute(_ADD, token_hash, user_id, at, expires_at)


_USE = "DELETE FROM password_reset WHERE token_hash = $1 AND expires_at > $2 RETURNING user_id"


async def use_reset(connection: PooledConnection, token_hash: bytes, at: datetime) -> int | None:
    """Whose password it replaces; None if it was used, is over, or never was."""
    found: int | None = await connection.fetchval(_USE, token_hash, at)
    return found


_IS_OPEN = "SELECT user_id FROM password_reset WHERE token_hash = $1 AND expires_at > $2"


async def find_reset(connection: Executor, token_hash: bytes, at: datetime) -> int | None:
    """Whose password it would replace."""
    found: int | None = await connection.fetchval(_IS_OPEN, token_hash, at)
    return found


_CANCEL = "DELETE FROM password_reset WHERE user_id = $1"


async def cancel_resets(connection: PooledConnection, user_id: int) -> None:
    """No link of the user's is good any more."""
    await connection.execute(_CANCEL, user_id)


_PURGE = """
DELETE FROM password_reset WHERE token_hash IN (SELECT token_hash FROM password_reset WHERE expires_at < $1 LIMIT 1000)
"""


async def purge_resets(connection: Executor, before: datetime) -> None:
    """Forget at most 1,000 links that were over before then."""
    await connection.execute(_PURGE, before)
