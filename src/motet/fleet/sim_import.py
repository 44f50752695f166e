"""SIMs of a carrier's list: CSV as it comes, columns by name, and what is wrong with which line."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from motet.domain.errors import ConflictError, InvalidError, LimitReachedError
from motet.domain.event_types import SIM_REGISTERED
from motet.domain.states import SimStatus
from motet.fleet.journal import Change
from motet.fleet.sim import NewSim, SimService
from motet.fleet.sim_step import told
from motet.storage import sim
from motet.storage.database import PooledConnection

MAX_ROWS = 10_000
"""Of one import: one transaction of a second or two."""

BATCH_ROWS = 1_000
"""Rows that are written together."""

MAX_ROW_ERRORS = 1_000
"""Row errors that are told; all are counted."""

REQUIRED = ("iccid", "imsi", "msisdn")
OPTIONAL = ("eid", "form_factor", "quality_grade", "package")
FIELDS = (*REQUIRED, *OPTIONAL)
IDENTITIES = ("iccid", "imsi", "msisdn", "eid")

DELIMITERS = (",", ";", "\t", "|")


class RowError(NamedTuple):
    """Why a line was not imported. `field` is one of `FIELDS`, `code` that of a domain error."""

    line: int
    field: str | None
    code: str
    message: str


class Row(NamedTuple):
    """A line that can be imported; the first line of the text is 1."""

    line: int
    new: NewSim


class Sheet(NamedTuple):
    """What a text holds: rows in their order, errors, and how many lines of data there were."""

    rows: list[Row]
    errors: list[RowError]
    row_count: int


class Imported(NamedTuple):
    """What came of an import; `errors` in the order of their lines."""

    row_count: int
    imported_count: int
    errors: list[RowError]


async def import_sims(
    service: SimService,
    workspace_id: int,
    actor: str,
    text: str,
    columns: Mapping[str, str],
    *,
    delimiter: str | None = None,
    dry_run: bool = False,
) -> Imported:
    """Register the SIMs of a CSV text with a header line, all good lines in one transaction; a dry run undoes it.

    `columns` gives the header of a field where it has another name. Raises InvalidError (path `csv`, `delimiter` or
    `columns` and the field) for a text that cannot be read at all, LimitReachedError for one of over `MAX_ROWS` lines.
    """
    sheet = await asyncio.to_thread(read_sheet, text, columns, delimiter)
    errors = list(sheet.errors)
    imported = await _Import(service, workspace_id, actor, dry_run).run(sheet.rows, errors) if sheet.rows else 0
    return Imported(sheet.row_count, imported, sorted(errors, key=lambda error: error.line))


class _Import:
    def __init__(self, service: SimService, workspace_id: int, actor: str, dry_run: bool) -> None:
        self._service = service
        self._workspace_id = workspace_id
        self._actor = actor
        self._dry_run = dry_run

    async def run(self, rows: Sequence[Row], errors: list[RowError]) -> int:
        """How many were imported, or would be; adds those that were taken to the errors."""
        service = self._service
        made = [(service.next_id(), row) for row in rows]
        async with service.database.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                good = await self._claim(connection, made, errors)
                if not self._dry_run:
                    for start in range(0, len(good), BATCH_ROWS):
                        await self._write(connection, good[start : start + BATCH_ROWS])
            except BaseException:
                await transaction.rollback()
                raise
            if self._dry_run:
                await transaction.rollback()
                return len(good)
            await transaction.commit()
        if good:
            await service.changed()
        return len(good)

    async def _claim(
        self, connection: PooledConnection, made: Sequence[tuple[int, Row]], errors: list[RowError]
    ) -> list[tuple[int, Row]]:
        """Those whose identities were all free. Claimed by one statement, which keeps to one order: two imports that
        meet wait for each other at most once."""
        wanted = [(kind, value, sim_id) for sim_id, row in made for kind, value in identities_of(row.new)]
        free = await sim.claim(connection, self._workspace_id, wanted)
        good: list[tuple[int, Row]] = []
        lost: list[int] = []
        for sim_id, row in made:
            taken = [kind for kind, value in identities_of(row.new) if (kind, value) not in free]
            if taken:
                lost.append(sim_id)
                errors.append(RowError(row.line, taken[0], ConflictError.code, "This is taken."))
            else:
                good.append((sim_id, row))
        if lost:
            await sim.free_identities_of(connection, self._workspace_id, lost)
        return good

    async def _write(self, connection: PooledConnection, batch: Sequence[tuple[int, Row]]) -> None:
        service, space = self._service, self._workspace_id
        at = datetime.fromtimestamp(service.clock(), UTC)
        status = int(SimStatus.ISSUED)
        await sim.copy_registered(
            connection,
            [
                (space, i, n.iccid, n.eid, n.imsi, n.msisdn, status, n.form_factor, n.quality_grade, n.package, at)
                for i, (_, n) in batch
            ],
        )
        steps = [service.first_step(space, self._actor, sim_id, at) for sim_id, _ in batch]
        await sim.copy_history(connection, steps)
        changes = [Change(SIM_REGISTERED, None, i, told(n.iccid, n.imsi, n.msisdn)) for i, (_, n) in batch]
        await service.journal.write(connection, space, self._actor, changes)


def read_sheet(text: str, columns: Mapping[str, str], delimiter: str | None) -> Sheet:
    """Read and check a text; see `import_sims`. Of lines with the same identity the first counts."""
    text = text.removeprefix("\ufeff")
    if delimiter is None:
        delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    elif delimiter not in DELIMITERS:
        raise InvalidError("A delimiter is a comma, a semicolon, a tab or a bar.", path=("delimiter",))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    errors: list[RowError] = []
    seen: dict[tuple[str, str], int] = {}
    count = 0
    try:
        places = _places(next(reader, []), columns)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            count += 1
            if count > MAX_ROWS:
                raise LimitReachedError(f"One import takes at most {MAX_ROWS} lines.", path=("csv",))
            try:
                new = _new_sim(cells, places)
                _check_seen(new, seen, reader.line_num)
            except (InvalidError, ConflictError) as error:
                field = str(error.path[0]) if error.path else None
                errors.append(RowError(reader.line_num, field, error.code, error.message))
            else:
                rows.append(Row(reader.line_num, new))
    except csv.Error as error:
        raise InvalidError(f"This is no CSV: line {reader.line_num}: {error}.", path=("csv",)) from None
    return Sheet(rows, errors, count)


def _places(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Where each field stands in a line. Names are compared without regard to case, blanks, `_` and `-`."""
    names = [_plain(cell) for cell in header]
    places: dict[str, int] = {}
    for field in FIELDS:
        name = columns.get(field, field)
        if _plain(name) in names:
            places[field] = names.index(_plain(name))
        elif field in columns:
            raise InvalidError("The header has no column of this name.", path=("columns", field))
        elif field in REQUIRED:
            raise InvalidError(f"The header has no column {field}: name it in `columns`.", path=("csv",))
    return places


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character not in " _-\t")


def _new_sim(cells: Sequence[str], places: Mapping[str, int]) -> NewSim:
    values = {field: cells[place].strip() if place < len(cells) else "" for field, place in places.items()}
    given: dict[str, Any] = {field: value or None if field in OPTIONAL else value for field, value in values.items()}
    return NewSim(**given).checked()


def _check_seen(new: NewSim, seen: dict[tuple[str, str], int], line: int) -> None:
    for identity in identities_of(new):
        if identity in seen:
            raise ConflictError(f"Line {seen[identity]} has this, too.", path=(identity[0],))
    seen.update(dict.fromkeys(identities_of(new), line))


def identities_of(new: NewSim) -> list[tuple[str, str]]:
    """The (kind, value) that are claimed for a SIM."""
    values = [(kind, getattr(new, kind)) for kind in IDENTITIES]
    return [(kind, value) for kind, value in values if value is not None]
