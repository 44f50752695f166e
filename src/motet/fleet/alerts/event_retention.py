"""How long events are kept: a workspace's own setting, and the removal of older ones, a bounded batch at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from motet.domain.ids import first_id_at
from motet.fleet.rules import check_range
from motet.storage import event
from motet.storage.database import LOST, Database
from motet.storage.partitions import drop_empty_partitions
from motet.storage.transaction import transaction

log = structlog.get_logger(__name__)

DAY_MS = 86_400_000
SHORTEST_DAYS, LONGEST_DAYS = 1, 3_650

BATCH_EVENTS = 5_000
INTERVAL_S = 3_600.0
PAUSE_S = 0.05
"""Between two batches, so that a large purge leaves room for everything else."""


class EventRetention:
    """The retention of all workspaces. Any number of nodes may run it at once."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        self._database = database
        self._clock = clock

    async def set_days(self, workspace_id: int, days: int) -> None:
        """Keep the workspace's events for so many days, 1 to 3,650; older ones go within the next hour or so.

        Raises InvalidError.
        """
        check_range(days, "days", SHORTEST_DAYS, LONGEST_DAYS)
        async with transaction(self._database) as connection:
            await event.set_retention(connection, workspace_id, days)

    async def purge(self) -> int:
        """Remove what is older than its workspace keeps it, and partitions that are empty then: how many events."""
        now_ms = int(self._clock() * 1_000)
        removed = 0
        async with self._database.pool.acquire() as connection:
            retentions = await event.retentions(connection)
        for workspace_id, days in retentions:
            before_id = first_id_at(now_ms - days * DAY_MS)
            while True:
                async with self._database.pool.acquire() as connection:
                    batch = await event.purge(connection, workspace_id, before_id, BATCH_EVENTS)
                removed += batch
                if batch < BATCH_EVENTS:
                    break
                await asyncio.sleep(PAUSE_S)
        shortest = min((days for _, days in retentions), default=LONGEST_DAYS)
        single = await self._database.connect("event retention")
        try:
            await drop_empty_partitions(single, "event", first_id_at(now_ms - shortest * DAY_MS))
        finally:
            await single.close()
        return removed

    async def keep_purging(self) -> None:
        """Purge every hour until cancelled."""
        while True:
            try:
                await self.purge()
            except LOST as error:
                log.warning("old events were not removed", error=repr(error)[:200])
            await asyncio.sleep(INTERVAL_S)
