"""What is known of the world's networks: the packaged list, and the operator's own in versions that can be compared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from motet.domain.errors import InvalidError
from motet.fleet.rules import check_text
from motet.radio.coverage import (
    PACKAGED,
    Coverage,
    Network,
    NetworkChange,
    Roaming,
    coverage_of,
    differences,
    packaged_coverage,
)
from motet.radio.coverage_csv import RowError, format_coverage, parse_coverage
from motet.radio.rats import Rat
from motet.storage import coverage, setting
from motet.storage.coverage import StoredVersion
from motet.storage.database import Database, PooledConnection
from motet.storage.transaction import transaction

MAX_VERSIONS = 50
"""Imported versions that are kept; the oldest goes when another comes."""
CACHED_VERSIONS = 4
"""Versions held in memory: the newest, and two that are being compared."""
MAX_NAME_CHARACTERS = 100
MAX_SOURCE_CHARACTERS = 300


class CoverageImport(NamedTuple):
    """What came of an import: the version, None if there were errors or it was a dry run, and how many networks it
    added, removed and changed, or would."""

    version: int | None
    row_count: int
    errors: Sequence[RowError]
    added: int
    removed: int
    changed: int


class CoverageBook:
    """The versions of coverage, the newest of which counts. Reads are the same for everyone."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._cached: dict[int, Coverage] = {}

    def today(self) -> date:
        """The day in UTC."""
        return datetime.fromtimestamp(self._clock(), UTC).date()

    async def current(self) -> Coverage:
        """The version that counts."""
        async with self._database.pool.acquire() as connection:
            return await self._read(connection, await coverage.newest_number(connection)) or packaged_coverage()

    async def version(self, number: int) -> Coverage | None:
        """A version by its number, 0 for the packaged one; None if there is none, or no longer."""
        async with self._database.pool.acquire() as connection:
            return await self._read(connection, number)

    async def versions(self) -> list[StoredVersion]:
        """The imported versions, the newest first."""
        async with self._database.pool.acquire() as connection:
            return await coverage.versions(connection)

    async def compare(self, before: int, after: int) -> list[NetworkChange] | None:
        """What is different in version `after`; None if there is no such version."""
        old, new = await self.version(before), await self.version(after)
        if old is None or new is None:
            return None
        return await asyncio.to_thread(differences, old, new)

    async def export_csv(self, number: int | None = None) -> str | None:
        """A version, the current one if none is named, as CSV; None if there is no such version."""
        found = await self.current() if number is None else await self.version(number)
        return None if found is None else await asyncio.to_thread(format_coverage, found.networks.values())

    async def import_csv(
        self,
        actor: str,
        text: str,
        *,
        name: str,
        source: str,
        as_of: date | None = None,
        replace: bool = False,
        dry_run: bool = False,
    ) -> CoverageImport:
        """Make a new version of a CSV text: its lines over the current version's, or, to `replace`, its lines alone.

        Nothing is made if a line is wrong. Raises InvalidError (path `csv`, `name` or `source`).
        """
        check_text(name, "name", at_least=1, at_most=MAX_NAME_CHARACTERS)
        check_text(source, "source", at_least=1, at_most=MAX_SOURCE_CHARACTERS)
        day = as_of or self.today()
        try:
            sheet = await asyncio.to_thread(parse_coverage, text, day)
        except ValueError as error:
            raise InvalidError(str(error), path=("csv",)) from None
        row_count = len(sheet.networks) + len(sheet.errors)
        async with transaction(self._database) as connection:
            await setting.lock_by_name(connection, "coverage")
            newest = await coverage.newest_number(connection)
            before = await self._read(connection, newest) or packaged_coverage()
            kept = () if replace else tuple(before.networks.values())
            made = coverage_of(newest + 1, name, source, day, (*kept, *sheet.networks))
            changes = await asyncio.to_thread(differences, before, made)
            added = sum(change.before is None for change in changes)
            removed = sum(change.after is None for change in changes)
            counts = (added, removed, len(changes) - added - removed)
            if sheet.errors or dry_run:
                return CoverageImport(None, row_count, sheet.errors, *counts)
            at = datetime.fromtimestamp(self._clock(), UTC)
            stored = StoredVersion(made.version, name, source, day, len(made.networks), actor, at)
            await coverage.insert(connection, stored, (_row(made.version, one) for one in made.networks.values()))
            await coverage.delete_before(connection, made.version - MAX_VERSIONS + 1)
        return CoverageImport(made.version, row_count, (), *counts)

    async def _read(self, connection: PooledConnection, number: int) -> Coverage | None:
        if number == PACKAGED:
            return packaged_coverage()
        if number not in self._cached:
            stored = await coverage.version(connection, number)
            if stored is None:
                return None
            rows = [_network(row) for row in await coverage.networks(connection, number)]
            read = coverage_of(stored.number, stored.name, stored.source, stored.as_of, rows)
            while len(self._cached) >= CACHED_VERSIONS:
                del self._cached[min(self._cached)]
            self._cached[number] = read
        return self._cached[number]


def _row(version: int, one: Network) -> tuple[Any, ...]:
    return (
        version, one.plmn, int(one.rat), one.bands, one.possible_bands, one.psm, one.edrx, one.sms, one.roaming,
        one.sunset_on, one.sunset_source, one.as_of,
    )  # fmt: skip


def _network(row: Sequence[Any]) -> Network:
    plmn, rat, bands, possible, psm, edrx, sms, roaming, *rest = row
    state = None if roaming is None else Roaming(roaming)
    return Network(plmn, Rat(rat), tuple(bands), tuple(possible), psm, edrx, sms, state, *rest)
