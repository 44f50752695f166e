"""Steps in the lives of many SIMs at once, as a job."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from motet.domain.errors import ConflictError, DeniedError, DomainError, NotFoundError
from motet.domain.jobs import ItemOutcome, JobKind
from motet.domain.sim_lifecycle import SimActor, SimTransition, SimTrigger, transition
from motet.domain.states import SimStatus
from motet.fleet.jobs.jobs import MAX_ITEMS, UNTOUCHED, JobService, NewItem, NewJob, Result, Work
from motet.fleet.jobs.selections import SIMS, check_ids, failure_of, items_of, items_of_lines, read_lines
from motet.fleet.rules import check_range
from motet.fleet.sims.sim_many_steps import SimManySteps
from motet.storage import sim_bulk, sim_idle
from motet.storage.database import Database, PooledConnection
from motet.storage.sim_bulk import LockedSim

STEPS: Final[Mapping[str, SimTrigger]] = {
    "ACTIVATE": SimTrigger.ACTIVATE,
    "SUSPEND": SimTrigger.SUSPEND,
    "DELETE": SimTrigger.DELETE,
}
"""What a job can do to SIMs, by its name in the job's input."""

MAX_IDLE_DAYS: Final = 730

_BACK: Final[Mapping[tuple[SimStatus, SimStatus], SimTrigger]] = {
    (SimStatus.SUSPENDED, SimStatus.ACTIVATED): SimTrigger.ACTIVATE,
    (SimStatus.ACTIVATED, SimStatus.SUSPENDED): SimTrigger.SUSPEND,
}
"""How a step is taken back: (status now, status before) -> trigger. Other steps have no way back."""


class SimBulkService:
    """Asks for jobs on SIMs. Errors are domain errors; paths name input fields."""

    def __init__(self, database: Database, jobs: JobService, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._jobs = jobs
        self._clock = clock

    async def by_ids(
        self,
        workspace_id: int,
        actor: str,
        step: str,
        sim_ids: Sequence[int],
        *,
        dry_run: bool = False,
        is_checked: bool = False,
        within: Set[str] | None = None,
    ) -> int:
        """A job on these SIMs: its id. Raises NotFoundError (path `ids`) if one is unknown, unless the caller has just
        found them; then there is no job. `within` are the tags that the actor is bound to."""
        if not is_checked:
            check_ids(SIMS, sim_ids, await sim_bulk.known(self._database.pool, workspace_id, sim_ids))
        return await self._ask(workspace_id, actor, step, items_of(SIMS, sim_ids), dry_run, within)

    async def by_list(
        self,
        workspace_id: int,
        actor: str,
        step: str,
        text: str,
        *,
        dry_run: bool = False,
        within: Set[str] | None = None,
    ) -> int:
        """A job on the SIMs that a CSV text names by id, ICCID, IMSI or MSISDN: its id. One that is in no device with
        one of the tags `within` is one that there is not."""
        column, lines = read_lines(SIMS, text)
        pool = self._database.pool

        async def find(column: str, values: Sequence[str]) -> list[tuple[str, int]]:
            found = await sim_bulk.find(pool, workspace_id, column, values)
            if within is None:
                return found
            there = await sim_bulk.within(pool, workspace_id, [row_id for _, row_id in found], within)
            return [(value, row_id) for value, row_id in found if row_id in there]

        async def known(sim_ids: list[int]) -> set[int]:
            if within is not None:
                return await sim_bulk.within(pool, workspace_id, sim_ids, within)
            return await sim_bulk.known(pool, workspace_id, sim_ids)

        items = await items_of_lines(SIMS, column, lines, find, known)
        return await self._ask(workspace_id, actor, step, items, dry_run, within)

    async def suspend_idle(
        self, workspace_id: int, actor: str, idle_days: int, *, dry_run: bool = False
    ) -> tuple[int | None, int]:
        """A job that suspends the SIMs that have been ACTIVATED for so long and used nothing, and how many they are; no
        job without any. Raises InvalidError (path `idle_days`)."""
        check_range(idle_days, "idle_days", 1, MAX_IDLE_DAYS)
        since = datetime.fromtimestamp(self._clock(), UTC) - timedelta(days=idle_days)
        found = await sim_idle.idle_since(self._database.pool, workspace_id, since, MAX_ITEMS)
        if not found:
            return None, 0
        items = items_of(SIMS, found)
        return await self._ask(workspace_id, actor, "SUSPEND", items, dry_run), len(found)

    async def _ask(
        self,
        workspace_id: int,
        actor: str,
        step: str,
        items: Sequence[NewItem],
        dry_run: bool,
        within: Set[str] | None = None,
    ) -> int:
        new = NewJob(JobKind.SIM_UPDATE, items, {"step": step}, dry_run=dry_run, within=within)
        return await self._jobs.create(workspace_id, actor, new)


class SimWorker:
    """Takes the steps: the same for each SIM as `SimService` takes for one."""

    chunk_items = 500
    can_undo = True
    pause_s = 0.0

    def __init__(self, steps: SimManySteps, on_change: Callable[[], Awaitable[None]]) -> None:
        """`on_change` is called after each commit, so that whoever keeps SIMs in memory reads them again."""
        self._steps = steps
        self._on_change = on_change

    async def work(self, connection: PooledConnection, work: Work) -> Mapping[int, Result]:
        ids = sorted({item.sim_id for item in work.items if item.sim_id is not None})
        locked = await sim_bulk.lock(connection, work.workspace_id, ids)
        results: dict[int, Result] = {}
        moves: dict[int, SimTransition] = {}
        for item in work.items:
            found = None if item.sim_id is None else locked.get(item.sim_id)
            try:
                move = _move(found, work, item.data)
            except DomainError as error:
                results[item.id] = Result.of_error(error)
                continue
            if move is None or found is None:
                results[item.id] = UNTOUCHED
                continue
            moves[found.id] = move
            results[item.id] = Result(
                ItemOutcome.CHANGED, before={"status": move.from_status.name}, after={"status": move.to_status.name}
            )
        await self._steps.take(connection, work.workspace_id, work.actor, locked, moves)
        return results

    async def committed(self) -> None:
        self._steps.committed()
        await self._on_change()


def _move(found: LockedSim | None, work: Work, data: Any) -> SimTransition | None:
    """The step to take; None if the SIM is where it is to be. Raises a domain error if it cannot be taken."""
    failure = failure_of(data)
    if failure is not None:
        raise failure
    if found is None:
        raise NotFoundError("No such SIM.", path=("id",))
    status = SimStatus(found.status)
    trigger = _way_back(status, data) if work.undoes else STEPS[work.input["step"]]
    return transition(status, trigger, SimActor.USER, has_device=found.device_id is not None, path=("id",))


def _way_back(status: SimStatus, data: Any) -> SimTrigger:
    before, after = SimStatus[data["before"]["status"]], SimStatus[data["after"]["status"]]
    if status is not after:
        raise ConflictError("The SIM is {status} by now.", path=("id",), status=status.name)
    if (after, before) not in _BACK:
        raise DeniedError(
            "There is no way back from {after} to {before}.", path=("id",), after=after.name, before=before.name
        )
    return _BACK[after, before]
