"""Which breakout region a session takes, and which regions are out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from motet.domain.errors import InvalidError, NotFoundError
from motet.radio.breakout import AUTO, REGIONS, Choice, choose_region, is_breakout_region
from motet.storage import breakout
from motet.storage.database import Database, PooledConnection
from motet.storage.transaction import transaction


class Explained(NamedTuple):
    """A choice and what it was made of."""

    wanted: str
    country: str | None
    choice: Choice
    outages: Mapping[str, datetime]


class BreakoutService:
    """Chooses regions for the devices of workspaces; the operator says which regions are out."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def outages(self) -> Mapping[str, datetime]:
        """Since when which regions are out."""
        async with self._database.pool.acquire() as connection:
            return await breakout.outages(connection)

    async def explain(self, workspace_id: int, device_id: int) -> Explained | None:
        """The region that the device's next session takes; None if there is no such device."""
        async with self._database.pool.acquire() as connection:
            place = await breakout.place_of(connection, workspace_id, device_id)
            if place is None:
                return None
            return await _chosen(connection, place.wanted, place.country)

    async def explain_country(self, country: str | None, wanted: str | None) -> Explained:
        """The region that a session in a country would take. Raises InvalidError for a region that there is not."""
        if wanted is not None and not is_breakout_region(wanted):
            raise InvalidError("A region is {auto}, {known}.", path=("region",), auto=AUTO, known=REGIONS)
        async with self._database.pool.acquire() as connection:
            return await _chosen(connection, wanted or AUTO, None if country is None else country.upper())

    async def set_available(self, actor: str, code: str, available: bool) -> None:
        """Say whether a region works; sessions from then on follow. Raises NotFoundError (path `code`)."""
        if code not in REGIONS:
            raise NotFoundError("No such region.", path=("code",))
        async with transaction(self._database) as connection:
            if available:
                await breakout.end_outage(connection, code)
            else:
                since = datetime.fromtimestamp(self._clock(), UTC)
                await breakout.begin_outage(connection, code, since, actor)


async def _chosen(connection: PooledConnection, wanted: str, country: str | None) -> Explained:
    outages = await breakout.outages(connection)
    return Explained(wanted, country, choose_region(wanted, country, outages.keys()), outages)
