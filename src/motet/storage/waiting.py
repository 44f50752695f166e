"""Accepted messages that wait outside memory. Times are int microseconds since 1970."""

from collections.abc import Sequence
from typing import Any

import asyncpg

WAITING_COLUMNS = (
    "message_id", "workspace_id", "device_id", "account_id", "owner", "reason", "due", "ends_at", "attempts",
)  # fmt: skip


async def copy_waiting(connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows in the order of WAITING_COLUMNS, of messages that were not waiting before."""
    await connection.copy_records_to_table("waiting", records=rows, columns=WAITING_COLUMNS)


_PARK = """
INSERT INTO waiting (message_id, workspace_id, device_id, account_id, owner, reason, due, ends_at, attempts)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::smallint[],
                     $7::timestamptz[], $8::timestamptz[], $9::smallint[])
ON CONFLICT (message_id) DO UPDATE
   SET reason = excluded.reason, due = excluded.due, ends_at = excluded.ends_at, attempts = excluded.attempts
"""


async def park(connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put messages from memory (back) into waiting. Rows in the order of WAITING_COLUMNS."""
    await connection.execute(_PARK, *zip(*rows, strict=True))


_REMOVE = "DELETE FROM waiting WHERE message_id = ANY ($1)"


async def remove(connection: asyncpg.Connection, message_ids: Sequence[int]) -> None:
    await connection.execute(_REMOVE, message_ids)


# reason: 0 SCHEDULED, 1 LINK, 2 RETRY become 4 HELD.
_CLAIM_DUE = """
UPDATE waiting SET reason = 4
 WHERE reason <> 4 AND message_id = ANY (ARRAY(
    SELECT message_id FROM waiting
     WHERE owner = $1 AND reason = ANY (ARRAY[0, 1, 2]::smallint[]) AND due <= $2
     ORDER BY due, message_id LIMIT $3))
RETURNING message_id, workspace_id, attempts
"""


async def claim_due(connection: asyncpg.Connection, owner: int, now_us: int, limit: int) -> list[asyncpg.Record]:
    """Take what is due into the owner's memory, oldest first."""
    records: list[asyncpg.Record] = await connection.fetch(_CLAIM_DUE, owner, now_us, limit)
    return records


_CLAIM = """
UPDATE waiting SET reason = 4 WHERE message_id = ANY ($2) AND owner = $1 AND reason <> 4
RETURNING message_id, workspace_id, attempts
"""


async def claim(connection: asyncpg.Connection, owner: int, message_ids: Sequence[int]) -> list[asyncpg.Record]:
    """Take these into the owner's memory, whatever they wait for."""
    records: list[asyncpg.Record] = await connection.fetch(_CLAIM, owner, message_ids)
    return records


_CLAIM_ENDED = """
UPDATE waiting SET reason = 4
 WHERE reason <> 4 AND message_id = ANY (ARRAY(
    SELECT message_id FROM waiting WHERE owner = $1 AND ends_at <= $2 AND reason <> 4 ORDER BY ends_at LIMIT $3))
RETURNING message_id, workspace_id, attempts
"""


async def claim_ended(connection: asyncpg.Connection, owner: int, now_us: int, limit: int) -> list[asyncpg.Record]:
    """Take those whose time is over."""
    records: list[asyncpg.Record] = await connection.fetch(_CLAIM_ENDED, owner, now_us, limit)
    return records


_HELD = "SELECT message_id FROM waiting WHERE owner = $1 AND reason = 4"


async def held(connection: asyncpg.Connection, owner: int) -> list[int]:
    """What the owner has in memory, as far as the database knows."""
    return [record["message_id"] for record in await connection.fetch(_HELD, owner)]


# With every part upstream it waits for receipts (3), else it is to be sent (1).
_LET_GO = """
UPDATE waiting w
   SET reason = CASE WHEN m.part_count <= (SELECT count(DISTINCT s.part) FROM submit s WHERE s.message_id = m.id)
                     THEN 3 ELSE 1 END
  FROM message m
 WHERE w.owner = $1 AND w.reason = 4 AND w.message_id = ANY ($2)
   AND m.workspace_id = w.workspace_id AND m.id = w.message_id
"""


async def let_go(connection: asyncpg.Connection, owner: int, message_ids: Sequence[int]) -> None:
    """These are not in the owner's memory after all."""
    await connection.execute(_LET_GO, owner, message_ids)


_COUNT_BY_ACCOUNT = """
SELECT account_id, count(*) AS open FROM waiting WHERE owner = $1 AND account_id IS NOT NULL GROUP BY account_id
"""


async def count_by_account(connection: asyncpg.Connection, owner: int) -> dict[int, int]:
    """Open messages of each account."""
    return {record["account_id"]: record["open"] for record in await connection.fetch(_COUNT_BY_ACCOUNT, owner)}
