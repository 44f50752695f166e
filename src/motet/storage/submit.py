"""What was handed to SMSCs and what they said of single parts. Append-only. Times are int microseconds since 1970."""

from collections.abc import Sequence
from typing import Any

import asyncpg

SUBMIT_COLUMNS = ("message_id", "workspace_id", "at", "link_id", "part", "attempt", "smsc_message_id")


async def copy_submits(connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows in the order of SUBMIT_COLUMNS."""
    await connection.copy_records_to_table("submit", records=rows, columns=SUBMIT_COLUMNS)


_INSERT_PART_RECEIPTS = """
INSERT INTO part_receipt (message_id, part, at, state, error)
SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::timestamptz[], $4::smallint[], $5::text[])
ON CONFLICT DO NOTHING
"""


async def insert_part_receipts(connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows: (message_id, part, at, state, error). The first receipt of a part counts."""
    await connection.execute(_INSERT_PART_RECEIPTS, *zip(*rows, strict=True))


# The newest submit under an id counts, since carriers use ids again. $3 bounds the age by message id. Ordered by a
# column without an index: by message_id the planner would walk that index backwards in search of the id.
_FIND_BY_SMSC_ID = """
SELECT k.position, s.message_id, s.workspace_id, s.part, s.smsc_message_id
  FROM unnest($1::text[], $2::integer[], $4::integer[]) AS k (smsc_message_id, link_id, position)
 CROSS JOIN LATERAL (
    SELECT message_id, workspace_id, part, smsc_message_id FROM submit
     WHERE submit.smsc_message_id = k.smsc_message_id AND submit.link_id = k.link_id AND submit.message_id >= $3
     ORDER BY submit.at DESC LIMIT 1) s
"""


async def find_by_smsc_id(
    connection: asyncpg.Connection, keys: Sequence[tuple[int, str, int]], since_id: int
) -> list[asyncpg.Record]:
    """Which part of which message an SMSC speaks of.

    Keys: (link_id, smsc_message_id, position); the position is handed back.
    """
    records: list[asyncpg.Record] = await connection.fetch(
        _FIND_BY_SMSC_ID, [key[1] for key in keys], [key[0] for key in keys], since_id, [key[2] for key in keys]
    )
    return records


_OF_MESSAGES = """
SELECT s.message_id, s.part, s.link_id, s.smsc_message_id, s.attempt, r.state, r.error, r.at AS final_at
  FROM submit s LEFT JOIN part_receipt r ON r.message_id = s.message_id AND r.part = s.part
       AND r.message_id BETWEEN $2 AND $3
 WHERE s.message_id = ANY ($1) AND s.message_id BETWEEN $2 AND $3
 ORDER BY s.message_id, s.part, s.at
"""


async def of_messages(connection: asyncpg.Connection, message_ids: Sequence[int]) -> list[asyncpg.Record]:
    """Every submit of these messages with its part's receipt, if it has come."""
    if not message_ids:
        return []
    records: list[asyncpg.Record] = await connection.fetch(
        _OF_MESSAGES, message_ids, min(message_ids), max(message_ids)
    )
    return records
