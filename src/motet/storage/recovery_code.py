"""Recovery codes, as hashes. One that was used is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from motet.storage.database import Executor, PooledConnection

_DELETE_ALL = "DELETE FROM recovery_code WHERE user_id = $1"
_INSERT = "INSERT INTO recovery_code (user_id, code_hash, created_at) SELECT $1, unnest($2::bytea[]), $3"


async def replace(connection: PooledConnection, user_id: int, hashes: Sequence[bytes], now: datetime) -> None:
    """Store a user's codes in place of all that they had. Needs a transaction."""
    await connection.execute(_DELETE_ALL, user_id)
    await connection.execute(_INSERT, user_id, list(hashes), now)


_USE = "DELETE FROM recovery_code WHERE user_id = $1 AND code_hash = $2 RETURNING user_id"


async def use(connection: Executor, user_id: int, code_hash: bytes) -> bool:
    """Use a code up; False if it is none of the user's, or was used: of two callers at once one gets True."""
    return await connection.fetchval(_USE, user_id, code_hash) is not None


_COUNT = "SELECT count(*) FROM recovery_code WHERE user_id = $1"


async def count(connection: Executor, user_id: int) -> int:
    """How many codes the user has left."""
    left: int = await connection.fetchval(_COUNT, user_id)
    return left
