"""What ESMEs are owed and what they answered. Append-only. Times are int microseconds since 1970."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from motet.storage.message import LOAD_COLUMNS

ESME_DELIVERY_COLUMNS = (
    "account_id", "id", "workspace_id", "message_id", "kind", "state", "error", "at", "expires_at",
)  # fmt: skip


async def copy_deliveries(connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows in the order of ESME_DELIVERY_COLUMNS."""
    await connection.copy_records_to_table("esme_delivery", records=rows, columns=ESME_DELIVERY_COLUMNS)


async def copy_answers(connection: asyncpg.Connection, rows: Sequence[tuple[int, int]]) -> None:
    """Rows: (account_id, id)."""
    await connection.copy_records_to_table("esme_answer", records=rows, columns=("account_id", "id"))


_ANSWERED = "SELECT EXISTS (SELECT FROM esme_answer WHERE account_id = $1 AND id = $2)"


async def answered(connection: asyncpg.Connection, account_id: int, delivery_id: int) -> bool:
    return bool(await connection.fetchval(_ANSWERED, account_id, delivery_id))


_DELIVERY_EXISTS = "SELECT EXISTS (SELECT FROM esme_delivery WHERE account_id = $1 AND id = $2)"


async def exists(connection: asyncpg.Connection, account_id: int, delivery_id: int) -> bool:
    return bool(await connection.fetchval(_DELIVERY_EXISTS, account_id, delivery_id))


# OFFSET 0 keeps the look-up of answers one index probe a row: as a join it was planned over all answers.
_OWED = f"""
SELECT d.id AS delivery_id, d.kind AS delivery_kind, d.state AS delivery_state, d.error AS delivery_error,
       d.at AS delivery_at, d.expires_at AS delivery_expires_at, {LOAD_COLUMNS}
  FROM (SELECT * FROM esme_delivery e
         WHERE e.account_id = $1 AND e.id > $2 AND e.expires_at > $3
           AND NOT EXISTS (SELECT FROM esme_answer a WHERE a.account_id = $1 AND a.id = e.id OFFSET 0)
         ORDER BY e.id LIMIT $4) d
  JOIN message m ON m.workspace_id = d.workspace_id AND m.id = d.message_id
 ORDER BY d.id
"""  # noqa: S608 - constants of the data layer


async def owed(
    connection: asyncpg.Connection, account_id: int, after_id: int, now_us: int, limit: int
) -> list[asyncpg.Record]:
    """The next deliveries that the account has not answered, with their messages, oldest first."""
    records: list[asyncpg.Record] = await connection.fetch(_OWED, account_id, after_id, now_us, limit)
    return records


_CURSOR = "SELECT answered_below FROM esme_cursor WHERE account_id = $1"


async def answered_below(connection: asyncpg.Connection, account_id: int) -> int:
    return int(await connection.fetchval(_CURSOR, account_id) or 0)


# Another node may have binds of the same account, and only it knows what they have not answered.
_ADVANCE = """
INSERT INTO esme_cursor (account_id, answered_below)
SELECT * FROM unnest($1::bigint[], $2::bigint[])
 WHERE (SELECT count(*) FROM node WHERE succeeded_by IS NULL AND ended_at IS NULL) = 1
ON CONFLICT (account_id) DO UPDATE SET answered_below = greatest(esme_cursor.answered_below, excluded.answered_below)
"""


async def advance(connection: asyncpg.Connection, cursors: dict[int, int]) -> None:
    """Note from where on each account may still have open deliveries. Does nothing while several nodes live."""
    await connection.execute(_ADVANCE, list(cursors), list(cursors.values()))
