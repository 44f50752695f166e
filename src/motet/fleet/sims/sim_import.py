"""SIMs of a carrier's list that is small enough for one transaction; larger ones are jobs: `fleet.sim_upload`."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from motet.domain.errors import ConflictError, LimitReachedError
from motet.domain.event_types import SIM_REGISTERED
from motet.domain.states import SimStatus
from motet.fleet.journal import Change
from motet.fleet.sims.sim import SimService
from motet.fleet.sims.sim_sheet import Layout, Row, RowError, Seen, identities_of, read_rows
from motet.fleet.sims.sim_step import told
from motet.storage import sim
from motet.storage.database import PooledConnection
from motet.storage.transaction import transaction

MAX_ROWS = 10_000
"""Of one import: one transaction of a second or two."""

BATCH_ROWS = 1_000
"""Rows that are written together."""

MAX_ROW_ERRORS = 1_000
"""Row errors that are told; all are counted."""


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
    layout: Layout,
    *,
    dry_run: bool = False,
) -> Imported:
    """Register the SIMs of a CSV text, all good lines in one transaction; a dry run undoes it.

    Raises InvalidError (path `csv`, `delimiter`, `preset` or `columns` and the field) for a text that cannot be read at
    all, LimitReachedError for one of over `MAX_ROWS` lines.
    """
    sheet = await asyncio.to_thread(read_sheet, text, layout)
    errors = list(sheet.errors)
    imported = await _Import(service, workspace_id, actor, dry_run).run(sheet.rows, errors) if sheet.rows else 0
    return Imported(sheet.row_count, imported, sorted(errors, key=lambda error: error.line))


class _Undone(Exception):  # noqa: N818 - no error: a dry run is over
    pass


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
        good: list[tuple[int, Row]] = []
        try:
            async with transaction(service.database) as connection:
                good = await self._claim(connection, made, errors)
                if self._dry_run:
                    raise _Undone
                for start in range(0, len(good), BATCH_ROWS):
                    await self._write(connection, good[start : start + BATCH_ROWS])
        except _Undone:
            return len(good)
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


def read_sheet(text: str, layout: Layout) -> Sheet:
    """Read and check a text; see `import_sims`. Of lines with the same identity the first counts."""
    rows: list[Row] = []
    errors: list[RowError] = []
    seen = Seen()
    count = 0
    for line in read_rows(io.StringIO(text, newline=""), layout):
        count += 1
        if count > MAX_ROWS:
            raise LimitReachedError("One import takes at most {most} lines.", path=("csv",), most=MAX_ROWS)
        found = seen.check(line) if isinstance(line, Row) else line
        if isinstance(found, Row):
            rows.append(found)
        else:
            errors.append(found)
    return Sheet(rows, errors, count)
