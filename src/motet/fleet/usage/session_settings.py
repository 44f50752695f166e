"""What a network is to give to a data session that it may open: address, name servers, region, access point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from motet.domain.dns_config import DEFAULT_SERVERS
from motet.domain.network import SessionRecord
from motet.radio.breakout import choose_region
from motet.radio.reference import country_of
from motet.storage import breakout, session_settings
from motet.storage.database import Database
from motet.storage.session_settings import SettingsRow


class SessionSettings:
    """Looks up what sessions are to have, whatever workspace their SIMs are in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, records: Sequence[SessionRecord]) -> Mapping[str, dict[str, object]]:
        """The settings by the SIM that a record names, for those that are in devices; one statement for all."""
        if not records:
            return {}
        async with self._database.pool.acquire() as connection:
            rows = await session_settings.of_sims(connection, [one.sim for one in records])
            out = await breakout.outages(connection)
        operators = {one.sim: one.operator for one in records}
        return {row.sim: _settings(row, operators.get(row.sim), out) for row in rows}


def _settings(row: SettingsRow, operator: str | None, out: Mapping[str, object]) -> dict[str, object]:
    there = None if operator is None else country_of(operator)
    choice = choose_region(row.region, row.country if there is None else there.code, out.keys())
    servers = (row.first_server, row.second_server) if row.first_server is not None else DEFAULT_SERVERS
    found: dict[str, object] = {"dns": [str(one) for one in servers if one is not None]}
    if choice.region is not None:
        found["region"] = choice.region.code
    if row.ip_address is not None:
        found["ip_address"] = str(row.ip_address)
    if row.apn is not None:
        found["apn"] = row.apn
    return found
