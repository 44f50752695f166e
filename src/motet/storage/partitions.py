"""Makes the weekly partitions ahead of time. A row's id says its time, so a range of ids is a week."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from motet.domain.ids import EPOCH_MS, first_id_at
from motet.storage.database import PooledConnection

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


def _wanted(now_ms: int) -> Iterator[tuple[Partitioned, str, int, int]]:
    this_week = max(0, now_ms - EPOCH_MS) // WEEK_MS
    for week in range(this_week, this_week + WEEKS_AHEAD + 1):
        start_ms = EPOCH_MS + week * WEEK_MS
        for one in PARTITIONED:
            yield one, f"{one.table}_w{week:04}", first_id_at(start_ms), first_id_at(start_ms + WEEK_MS)
