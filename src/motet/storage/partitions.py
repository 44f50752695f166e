"""Makes the weekly partitions ahead of time. A row's id says its time, so a range of ids is a week."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from motet.domain.ids import EPOCH_MS, first_id_at, unix_ms_of
from motet.storage.database import Connection, PooledConnection

WEEK_MS = 7 * 24 * 3600 * 1000
WEEKS_AHEAD = 2
"""This week's partitions and so many more: a node that makes them daily may be away for two weeks."""

LOCK_KEY = 0x4D4F54455450
"""`MOTETP`: nodes make partitions one at a time."""


class Partitioned(NamedTuple):
    """A table in weekly ranges of the id column `key`; `storage` are the parameters its partitions get."""

    table: str
    key: str
    storage: str = ""


PARTITIONED: tuple[Partitioned, ...] = (
    Partitioned("message", "id", "fillfactor = 50"),  # room for the one final update on the same page
    Partitioned("submit", "message_id"),
    Partitioned("part_receipt", "message_id"),
    Partitioned("outcome", "message_id"),
    Partitioned("esme_delivery", "id"),
    Partitioned("esme_answer", "id"),
    Partitioned("event", "id"),
    Partitioned("session_record", "data_session_id"),
)

_LOCK = "SELECT pg_advisory_xact_lock($1)"
_ATTACHED = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = ANY ($1::text[]::regclass[])"


async def ensure_partitions(connection: PooledConnection, now_ms: int) -> list[str]:
    """Makes the partitions of this week and the next `WEEKS_AHEAD` that are missing, and returns their names.

    Idempotent; several nodes may do it at once. Made beside the parent and then attached, since that lets writers and
    readers of the parent go on, where CREATE … PARTITION OF would wait for them and make others wait.
    """
    made: list[str] = []
    wanted = list(_wanted(now_ms))
    parents = [one.table for one in PARTITIONED]
    if {name for _, name, _, _ in wanted} <= {row[0] for row in await connection.fetch(_ATTACHED, parents)}:
        return made
    async with connection.transaction():
        await connection.execute(_LOCK, LOCK_KEY)
        attached = {row[0] for row in await connection.fetch(_ATTACHED, parents)}
        for one, name, first, end in wanted:
            if name in attached:
                continue
            # Names and numbers of our own: DDL takes no parameters.
            storage = f" WITH ({one.storage})" if one.storage else ""
            await connection.execute(
                f"DROP TABLE IF EXISTS {name};"
                f"CREATE TABLE {name} (LIKE {one.table} INCLUDING ALL){storage};"
                f"ALTER TABLE {one.table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end});"
            )
            made.append(name)
    return made


_ENDED = """
SELECT inhrelid::regclass::text AS name, inhdetachpending AS leaving FROM pg_inherits
 WHERE inhparent = $1::text::regclass AND inhrelid::regclass::text < $2 ORDER BY 1 LIMIT $3
"""


async def drop_empty_partitions(connection: Connection, table: str, before_id: int, *, limit: int = 10) -> list[str]:
    """Drops partitions of `table` whose rows would all be below the id, and that have none: the names, at most `limit`.

    Outside a transaction: writers and readers of the parent go on meanwhile. One that was interrupted is ended by the
    next call. Nodes do it one at a time; who comes second does nothing.
    """
    week = (unix_ms_of(before_id) - EPOCH_MS) // WEEK_MS
    dropped: list[str] = []
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
        return dropped
    try:
        for name, leaving in await connection.fetch(_ENDED, table, f"{table}_w{week:04}", limit):
            # Names of our own: DDL takes no parameters.
            if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name})"):  # noqa: S608
                continue
            how = "FINALIZE" if leaving else "CONCURRENTLY"
            await connection.execute(f"ALTER TABLE {table} DETACH PARTITION {name} {how}")
            await connection.execute(f"DROP TABLE {name}")
            dropped.append(name)
    finally:
        await connection.fetchval("SELECT pg_advisory_unlock($1)", LOCK_KEY)
    return dropped


def _wanted(now_ms: int) -> Iterator[tuple[Partitioned, str, int, int]]:
    this_week = max(0, now_ms - EPOCH_MS) // WEEK_MS
    for week in range(this_week, this_week + WEEKS_AHEAD + 1):
        start_ms = EPOCH_MS + week * WEEK_MS
        for one in PARTITIONED:
            yield one, f"{one.table}_w{week:04}", first_id_at(start_ms), first_id_at(start_ms + WEEK_MS)
