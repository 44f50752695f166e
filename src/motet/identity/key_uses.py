"""When and from where API keys were used last: noted in memory, written a minute at a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog

from motet.access.principals import Principal
from motet.domain.cidrs import address_of
from motet.storage.api_key import note_uses
from motet.storage.database import LOST, Database

WRITE_S = 60.0
"""A use is in the database at most so late; a node that is killed forgets the last minute's."""

MAX_KEYS = 100_000
"""Keys that were used since the last writing, at most: about 20 MB. Of more, the uses are not noted."""

log = structlog.get_logger(__name__)


class KeyUses:
    """One per node. `note` costs next to nothing."""

    __slots__ = ("_database", "_uses")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._uses: dict[int, tuple[Principal, float, str | None]] = {}

    def note(self, principal: Principal, now: float, address: str | None) -> None:
        """The principal of a key was here."""
        key = principal.api_key_id
        if key is not None and (key in self._uses or len(self._uses) < MAX_KEYS):
            self._uses[key] = (principal, now, address)

    async def flush(self) -> None:
        """Write down what was noted."""
        if not self._uses:
            return
        noted, self._uses = self._uses, {}
        rows = [
            (principal.workspace_id or 0, key, datetime.fromtimestamp(at, UTC), address_of(address or ""))
            for key, (principal, at, address) in noted.items()
        ]
        try:
            await note_uses(self._database.pool, rows)
        except LOST as error:
            log.warning("the last uses of API keys could not be written", error=repr(error)[:200])
            self._uses = noted | self._uses

    async def run(self) -> None:
        """Write now and then, until cancelled."""
        while True:
            await asyncio.sleep(WRITE_S)
            await self.flush()
