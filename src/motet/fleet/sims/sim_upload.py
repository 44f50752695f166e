"""Large lists of SIMs: read from a file into a job's items, and registered chunk by chunk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO, Final

from motet.domain.errors import ConflictError, DomainError, InvalidError, LimitReachedError
from motet.domain.event_types import SIM_REGISTERED
from motet.domain.jobs import ItemOutcome, JobKind
from motet.domain.states import SimStatus
from motet.fleet.jobs.jobs import MAX_OPEN_JOBS, Item, Result, Work
from motet.fleet.journal import Change
from motet.fleet.sims.sim import NewSim, SimService
from motet.fleet.sims.sim_sheet import Layout, Row, RowError, decoded_lines, identities_of, read_rows
from motet.fleet.sims.sim_step import told
from motet.storage import job, sim
from motet.storage.database import PooledConnection
from motet.storage.transaction import transaction

MAX_ROWS: Final = 500_000
"""Of one list: as many ICCIDs fit into 60 MB while we look for those that stand in it twice."""

MAX_OCTETS: Final = 128 << 20
"""Of one file: half a million lines of 250 octets, in UTF-8."""

READ_TOGETHER = 5_000
"""Lines parsed in a thread and written at once."""

_FIELDS = ("iccid", "imsi", "msisdn", "eid", "form_factor", "quality_grade", "package")
_TAKEN = "This is taken."


class SimUploadService:
    """Takes files in. Each becomes a job of kind SIM_IMPORT, whose items are the file's lines."""

    def __init__(
        self, sims: SimService, *, wake: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.time
    ) -> None:
        """`wake` is called when there is a new job."""
        self._sims = sims
        self._wake = wake
        self._clock = clock

    async def upload(
        self, workspace_id: int, actor: str, file: BinaryIO, layout: Layout, *, dry_run: bool = False
    ) -> tuple[int, int]:
        """Read a file to its end: (the job's id, how many lines it has). The job is there once all is read, or not at
        all.

        Raises InvalidError for a file that cannot be read (see `sim_sheet`), LimitReachedError for too many lines or
        too many jobs.
        """
        now = self._clock()
        job_id = self._sims.next_id()
        lines = _items(file, layout)
        total = 0
        async with transaction(self._sims.database, makes=job_id) as connection:
            await job.insert(
                connection,
                workspace_id,
                job_id,
                kind=JobKind.SIM_IMPORT.value,
                dry_run=dry_run,
                input_={"columns": dict(layout.columns), "preset": layout.preset, "delimiter": layout.delimiter},
                undoes_id=None,
                total=0,
                actor=actor,
                at=datetime.fromtimestamp(now, UTC),
            )
            while batch := await asyncio.to_thread(lambda: list(islice(lines, READ_TOGETHER))):
                total += len(batch)
                if total > MAX_ROWS:
                    raise LimitReachedError("One file takes at most {most:,} lines.", path=("csv",), most=MAX_ROWS)
                next_id = self._sims.next_id
                rows = [(workspace_id, job_id, next_id(), number, None, None, data) for number, data in batch]
                await job.copy_items(connection, rows)
            if not total:
                raise InvalidError("The list has no line of data.", path=("csv",))
            if await job.count_open(connection, workspace_id) > MAX_OPEN_JOBS:  # last, since it holds others up
                raise LimitReachedError(
                    "A workspace has at most {most} jobs at a time: wait for one to end.", most=MAX_OPEN_JOBS
                )
            await job.set_total(connection, workspace_id, job_id, total)
        self._wake()
        return job_id, total


def _items(file: BinaryIO, layout: Layout) -> Iterator[tuple[int, Any]]:
    """(line, data) of each line: a list of the fields' values, or a dict that says what is wrong."""
    seen: dict[str, int] = {}
    for found in read_rows(decoded_lines(file), layout):
        if isinstance(found, Row):
            earlier = seen.setdefault(found.new.iccid, found.line)
            if earlier == found.line:
                yield found.line, [getattr(found.new, field) for field in _FIELDS]
                continue
            message = f"Line {earlier} has this, too."
            found = RowError(found.line, "iccid", ConflictError.code, message)
        yield found.line, {"field": found.field, "code": found.code, "message": found.message}


class SimImportWorker:
    """Registers the lines of an uploaded list. A line whose identities are taken is its item's error."""

    chunk_items = 1_000
    can_undo = False
    pause_s = 0.0

    def __init__(self, sims: SimService) -> None:
        self._sims = sims

    async def work(self, connection: PooledConnection, work: Work) -> Mapping[int, Result]:
        """See `jobs.Worker`."""
        results: dict[int, Result] = {}
        wanted: list[tuple[Item, int, NewSim]] = []
        for item in work.items:
            if isinstance(item.data, list):
                new = NewSim(**dict(zip(_FIELDS, item.data, strict=True)))
                wanted.append((item, self._sims.next_id(), new))
            else:
                results[item.id] = Result.of_error(_error_of(item.data))
        good = await self._claim(connection, work.workspace_id, wanted, results)
        if good:
            await self._write(connection, work, good)
        for item, sim_id, _ in good:
            results[item.id] = Result(ItemOutcome.CHANGED, sim_id=None if work.dry_run else sim_id)
        return results

    async def committed(self) -> None:
        """See `jobs.Worker`."""
        await self._sims.changed()

    async def _claim(
        self,
        connection: PooledConnection,
        workspace_id: int,
        wanted: Sequence[tuple[Item, int, NewSim]],
        results: dict[int, Result],
    ) -> list[tuple[Item, int, NewSim]]:
        """Those whose identities were free, and are theirs now; the others get their results."""
        first: dict[tuple[str, str], int] = {}
        for _, sim_id, new in wanted:
            for identity in identities_of(new):
                first.setdefault(identity, sim_id)
        rows = [(kind, value, sim_id) for (kind, value), sim_id in first.items()]
        free = await sim.claim(connection, workspace_id, rows) if rows else set()
        good: list[tuple[Item, int, NewSim]] = []
        lost: list[int] = []
        for item, sim_id, new in wanted:
            taken = [one for one in identities_of(new) if one not in free or first[one] != sim_id]
            if taken:
                lost.append(sim_id)
                results[item.id] = Result.of_error(ConflictError(_TAKEN, path=(taken[0][0],)))
            else:
                good.append((item, sim_id, new))
        if lost:
            await sim.free_identities_of(connection, workspace_id, lost)
        return good

    async def _write(self, connection: PooledConnection, work: Work, good: Sequence[tuple[Item, int, NewSim]]) -> None:
        space, actor, at, status = work.workspace_id, work.actor, work.now, int(SimStatus.ISSUED)
        await sim.copy_registered(
            connection,
            [
                (space, i, n.iccid, n.eid, n.imsi, n.msisdn, status, n.form_factor, n.quality_grade, n.package, at)
                for _, i, n in good
            ],
        )
        steps = [self._sims.first_step(space, actor, sim_id, at) for _, sim_id, _ in good]
        await sim.copy_history(connection, steps)
        changes = [Change(SIM_REGISTERED, None, i, told(n.iccid, n.imsi, n.msisdn)) for _, i, n in good]
        await self._sims.journal.write(connection, space, actor, changes)


_ERRORS: Final[Mapping[str, type[DomainError]]] = {one.code: one for one in (InvalidError, ConflictError)}


def _error_of(data: Mapping[str, Any]) -> DomainError:
    kind = _ERRORS.get(data["code"], InvalidError)
    return kind(data["message"], path=() if data["field"] is None else (data["field"],))
