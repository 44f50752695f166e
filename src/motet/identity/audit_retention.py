"""How long the audit log is kept, and the removal of what is older: told in the log itself, so that its chain holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from motet.domain.audit_chain import GENESIS
from motet.domain.errors import InvalidError
from motet.domain.ids import first_id_at
from motet.storage import audit, audit_chain
from motet.storage.acting import INSTALLATION, Act, Actor, ActorKind, Edge
from motet.storage.database import LOST, Database
from motet.storage.transaction import transaction

REMOVAL = "auditRemoval"
"""The action of the entry that tells of a removal: `seq` and `hash` of the last entry that is gone."""

SHORTEST_DAYS, LONGEST_DAYS = 30, 36_500
BATCH = 5_000
EVERY_S = 3_600.0
PAUSE_S = 0.05
"""Between two batches, so that a large removal leaves room for everything else."""

_log = structlog.get_logger(__name__)


class AuditRetention:
    """The retention of all logs. Any number of nodes may run it at once."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def set_days(self, log: int, days: int | None) -> None:
        """Keep a log for so many days, 30 to 36,500. None: as long as the installation's, and that for ever.

        Raises InvalidError. A command's alone: who can be told of in a log does not say how long it is kept.
        """
        if days is not None and not SHORTEST_DAYS <= days <= LONGEST_DAYS:
            raise InvalidError(
                "This must be {least} to {most}.", path=("days",), least=SHORTEST_DAYS, most=LONGEST_DAYS
            )
        async with transaction(self._database) as connection:
            await audit_chain.set_retention(connection, log, GENESIS, days)

    async def purge(self) -> int:
        """Remove what is older than its log keeps it: how many entries."""
        chains = await audit_chain.chains(self._database.pool, GENESIS)
        usual = next((chain.retention_days for chain in chains if chain.log == INSTALLATION), None)
        removed = 0
        for chain in chains:
            days = chain.retention_days or usual
            if days is None or chain.end.seq == chain.removed.seq:
                continue
            before = self._now() - timedelta(days=days)
            while count := await self._remove(chain.log, before):
                removed += count
                if count < BATCH:
                    break
                await asyncio.sleep(PAUSE_S)
        return removed

    async def keep_purging(self) -> None:
        """Purge every hour until cancelled."""
        while True:
            try:
                await self.purge()
            except LOST as error:
                _log.warning("old audit entries were not removed", error=repr(error)[:200])
            await asyncio.sleep(EVERY_S)

    async def _remove(self, log: int, before: datetime) -> int:
        async with transaction(self._database) as connection:
            found = await audit_chain.remove_old(connection, log, first_id_at(int(before.timestamp() * 1_000)), BATCH)
            if found is None:
                return 0
            last, count = found
            told = {"seq": str(last.seq), "hash": last.hash.hex(), "count": count, "before": before.isoformat()}
            act = Act(Actor(ActorKind.SYSTEM, "retention", log or None), Edge.SYSTEM, REMOVAL, told)
            await audit.write(connection, act.row(), always=True)
        return count
