"""Seals the audit log's entries into their chains, a group at a time, by one node at a time."""

from __future__ import annotations

import asyncio

import structlog

from motet.domain.audit_chain import START, Link, next_link
from motet.storage import audit_chain
from motet.storage.database import LOST, Database

EVERY_S = 0.5
"""How late an entry is sealed."""

GROUP = 1_000
"""Entries of one commit: about 50 ms of work."""

_log = structlog.get_logger(__name__)


class Sealer:
    """One node's sealer. Any number may run on one database: one at a time works."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep_sealing(self) -> None:
        """Seals until cancelled; a group under way is then rolled back."""
        while True:
            try:
                await self.seal()
            except LOST as error:
                _log.warning("audit entries are not sealed", error=repr(error)[:200])
            await asyncio.sleep(EVERY_S)

    async def seal(self) -> int:
        """Seal all that is waiting; how many that were. None are, if another node is at it."""
        total = 0
        while True:
            count = await self._seal_group()
            total += count
            if count < GROUP:
                return total

    async def _seal_group(self) -> int:
        async with self._database.pool.acquire() as connection, connection.transaction():
            if not await audit_chain.try_lock(connection):
                return 0
            entries = await audit_chain.pending(connection, GROUP)
            if not entries:
                return 0
            ends = await audit_chain.lock_ends(connection, sorted({entry["workspace_id"] for entry in entries}))
            seals: list[tuple[int, int, int, bytes]] = []
            for entry in entries:
                log = entry["workspace_id"]
                link: Link = next_link(ends.get(log, START), dict(entry))
                ends[log] = link
                seals.append((log, link.seq, entry["id"], link.hash))
            await audit_chain.seal(connection, seals, ends)
        return len(entries)
