"""Keys that make a mutation happen once. On lanes, times are int microseconds since 1970."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from motet.storage.database import Executor, PooledConnection

# A key whose time is over is free again.
_CLAIM = """
INSERT INTO idempotency AS i (workspace_id, mutation, key, input_hash, object_id, expires_at)
SELECT u.workspace_id, $1, u.key, u.input_hash, u.object_id, $2
  FROM unnest($4::bigint[], $5::text[], $6::bytea[], $7::bigint[]) AS u (workspace_id, key, input_hash, object_id)
ON CONFLICT (workspace_id, mutation, key) DO UPDATE
   SET input_hash = excluded.input_hash, object_id = excluded.object_id, expires_at = excluded.expires_at
 WHERE i.expires_at <= $3
RETURNING workspace_id, key
"""


async def claim(
    connection: asyncpg.Connection,
    mutation: str,
    rows: Sequence[tuple[int, str, bytes, int]],
    now_us: int,
    expires_at: int,
) -> set[tuple[int, str]]:
    """Claim keys in the caller's transaction; the (workspace_id, key) that were free. Keys are unique within `rows`.

    Rows: (workspace_id, key, input_hash, object_id).
    """
    records = await connection.fetch(_CLAIM, mutation, expires_at, now_us, *zip(*rows, strict=True))
    return {(record["workspace_id"], record["key"]) for record in records}


_HOLDER = """
SELECT input_hash, object_id FROM idempotency WHERE workspace_id = $1 AND mutation = $2 AND key = $3
"""


async def holder(
    connection: asyncpg.Connection, workspace_id: int, mutation: str, key: str
) -> tuple[bytes, int] | None:
    """Who has the key: (input_hash, object_id)."""
    record = await connection.fetchrow(_HOLDER, workspace_id, mutation, key)
    return None if record is None else (record["input_hash"], record["object_id"])


_FIND = f"{_HOLDER} AND expires_at > now()"


async def find(connection: Executor, workspace_id: int, mutation: str, key: str) -> tuple[bytes, int] | None:
    """Who has the key now, asked before the work is done that it may spare: (input_hash, object_id)."""
    record = await connection.fetchrow(_FIND, workspace_id, mutation, key)
    return None if record is None else (record["input_hash"], record["object_id"])


_CLAIM_ONE = """
INSERT INTO idempotency AS i (workspace_id, mutation, key, input_hash, object_id, expires_at)
VALUES ($1, $2, $3, $4, $5, now() + $6::interval)
ON CONFLICT (workspace_id, mutation, key) DO UPDATE
   SET input_hash = excluded.input_hash, object_id = excluded.object_id, expires_at = excluded.expires_at
 WHERE i.expires_at <= now()
RETURNING true
"""


async def claim_one(
    connection: PooledConnection,
    workspace_id: int,
    mutation: str,
    key: str,
    input_hash: bytes,
    object_id: int,
    hold: timedelta,
) -> tuple[bytes, int] | None:
    """Claim a key in the caller's transaction, through an edge's connection: None, or who has it (input_hash,
    object_id). Waits for a transaction that is claiming the same key."""
    if await connection.fetchval(_CLAIM_ONE, workspace_id, mutation, key, input_hash, object_id, hold):
        return None
    record = await connection.fetchrow(_HOLDER, workspace_id, mutation, key)
    return None if record is None else (record["input_hash"], record["object_id"])


_PURGE = """
DELETE FROM idempotency WHERE (workspace_id, mutation, key) IN (
    SELECT workspace_id, mutation, key FROM idempotency WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)
"""


async def purge(connection: asyncpg.Connection, now_us: int) -> None:
    """Forget at most 1,000 keys whose time is over."""
    await connection.execute(_PURGE, now_us)
