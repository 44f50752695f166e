"""Removes usage and data sessions that are too old to be asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from motet.domain.ids import first_id_at
from motet.domain.usage import Granularity
from motet.storage import data_session, usage
from motet.storage.database import Database

HOURS_KEPT = timedelta(days=92)
"""A quarter: after that the days tell enough."""

DAYS_KEPT = timedelta(days=800)
"""Two years to compare, and some."""

SESSIONS_KEPT = timedelta(days=92)
BATCH = 5_000
"""Rows that one statement removes: it is over in a blink."""

PAUSE_S = 3_600.0

_log = structlog.get_logger()


class UsageRetention:
    """Removes what is too old; any number of nodes may."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def keep_purging(self) -> None:
        """Purge every hour until cancelled."""
        while True:
            await asyncio.sleep(PAUSE_S)
            try:
                await self.purge()
            except Exception as error:  # noqa: BLE001 - the task lives on
                _log.warning("removing old usage failed", error=repr(error)[:200])

    async def purge(self) -> int:
        """Remove all that is too old now: how many rows there were."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        pool, removed = self._database.pool, 0
        for granularity, kept in ((Granularity.HOUR, HOURS_KEPT), (Granularity.DAY, DAYS_KEPT)):
            while count := await usage.purge(pool, granularity, now - kept, BATCH):
                removed += count
        before_id = first_id_at(int((now - SESSIONS_KEPT).timestamp() * 1_000))
        while count := await data_session.purge(pool, before_id, BATCH):
            removed += count
        return removed
