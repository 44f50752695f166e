"""Removes old deliveries, a bounded batch at a time."""

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from motet.domain.ids import first_id_at
from motet.domain.states import DeliveryStatus
from motet.storage import webhook_delivery
from motet.storage.database import LOST, Database

log = structlog.get_logger(__name__)

DAY_S = 86_400
KEPT_S: Mapping[DeliveryStatus, int] = {DeliveryStatus.DELIVERED: 7 * DAY_S, DeliveryStatus.DEAD: 30 * DAY_S}
"""How long a delivery is kept after its event. Pending ones are never purged: the retry ladder ends them."""

BATCH_ROWS = 1_000
INTERVAL_S = 600.0
PAUSE_S = 0.05
"""Between two batches, so that a large purge leaves room for everything else."""


class Retention:
    """Purges webhook_delivery. Any number of nodes may run it at once."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.purged = 0
        self._database = database
        self._clock = clock

    async def purge(self) -> int:
        """Remove all that is older than it is kept; how many deliveries that were."""
        purged = 0
        async with self._database.pool.acquire() as connection:
            workspaces = await webhook_delivery.workspaces(connection)
        for workspace_id in workspaces:
            for status, kept_s in KEPT_S.items():
                before_id = first_id_at(int((self._clock() - kept_s) * 1_000))
                while True:
                    async with self._database.pool.acquire() as connection:
                        removed = await webhook_delivery.purge(connection, workspace_id, before_id, status, BATCH_ROWS)
                    purged += removed
                    self.purged += removed
                    if removed < BATCH_ROWS:
                        break
                    await asyncio.sleep(PAUSE_S)
        return purged

    async def keep_purging(self) -> None:
        """Purge every `INTERVAL_S` until cancelled."""
        while True:
            try:
                await self.purge()
            except LOST as error:
                log.warning("webhook_deliveries_not_purged", error=str(error))
            except Exception:
                log.exception("webhook_deliveries_not_purged")
            await asyncio.sleep(INTERVAL_S)
