"""Runs jobs: takes the one that has waited longest, goes through a chunk of it, and looks again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import structlog

from motet.domain.errors import NotFoundError
from motet.domain.jobs import ItemOutcome, JobKind, JobState, JobStep, after, is_over
from motet.fleet.jobs.jobs import Item, Result, Work, Worker
from motet.storage import job
from motet.storage.acting import act_of_job, system_act
from motet.storage.database import Database, PooledConnection
from motet.storage.job import PATH_SEPARATOR, StoredItem, TakenJob
from motet.storage.transaction import audited, transaction

RUNNERS = 2
"""Chunks that one node goes through at a time: each holds one of the pool's connections."""

POLL_S = 2.0
"""How late a job is taken up whose node has died, or one that another node was asked for."""

MAX_BREAKDOWNS = 5
"""Times in a row that a chunk may break before its job is given up."""

AGAIN_AFTER_S = 5.0
"""A chunk that broke is tried again after this."""

KEPT_DAYS = 30
KEPT_JOBS = 200
"""Of one workspace, besides those that are not over."""

KEEP_HOUSE_EVERY_S = 600.0

_LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
)
"""The database is away: nobody's fault, and no reason to give a job up. A statement that takes too long is one."""

_log = structlog.get_logger(__name__)


class JobRunner:
    """One node's runner of jobs. `run` is a task of the node's; any number of them may run on one database."""

    def __init__(
        self,
        database: Database,
        workers: Mapping[JobKind, Worker],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives Unix seconds."""
        self.workers = workers
        self._database = database
        self._clock = clock
        self._woken = asyncio.Event()
        self._house_kept_at = 0.0

    def wake(self) -> None:
        """There is a new job."""
        self._woken.set()

    async def run(self) -> None:
        """Goes through jobs until it is cancelled, which rolls the chunk under way back."""
        async with asyncio.TaskGroup() as group:
            for _ in range(RUNNERS):
                group.create_task(self._loop())

    async def run_all(self) -> None:
        """Goes through all that is due, and returns."""
        while await self.run_chunk():
            pass

    async def _loop(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.run_all()
                await self.keep_house()
            except _LOST as error:
                _log.warning("jobs wait for the database", error=repr(error)[:200])
            try:
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def run_chunk(self) -> bool:
        """Goes through one chunk of the job that has waited longest; false if nothing is due."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        taken: TakenJob | None = None
        changed = 0
        try:
            async with self._database.pool.acquire() as connection, connection.transaction():
                taken = await job.take(connection, now, [kind.value for kind in self.workers])
                if taken is None:
                    return False
                changed = await self._chunk(connection, taken, now)
        except _LOST:
            raise
        except Exception:
            if taken is None:
                raise
            _log.exception("a chunk of a job broke", job=taken.id, kind=taken.kind)
            await self._broke(taken, now)
            return True
        if changed and not taken.dry_run:
            await self.workers[JobKind(taken.kind)].committed()
        return True

    async def _chunk(self, connection: PooledConnection, taken: TakenJob, now: datetime) -> int:
        """How many items were changed."""
        worker = self.workers[JobKind(taken.kind)]
        items = await job.next_items(connection, taken.workspace_id, taken.id, taken.position, worker.chunk_items)
        results: dict[int, Result] = {}
        if items:
            act = act_of_job(taken.asked_by, taken.workspace_id, taken.actor, taken.kind, taken.id)
            gone: set[int] = set()
            if taken.tags is not None:
                gone = await job.outside(connection, taken.workspace_id, items, taken.tags)
            there = [item for item in items if item.id not in gone]
            results = dict.fromkeys(gone, _GONE)
            if there:
                async with audited(connection, act):
                    results |= await _done(connection, worker, _work_of(taken, there, now))
            rows = [_row(item, results[item.id]) for item in items]
            await job.settle(connection, taken.workspace_id, taken.id, rows)
        step = JobStep.END if taken.done + len(items) >= taken.total or not items else JobStep.WORK
        state = after(JobState(taken.state), step)
        outcomes = [result.outcome for result in results.values()]
        changed = outcomes.count(ItemOutcome.CHANGED)
        await job.advance(
            connection,
            taken.workspace_id,
            taken.id,
            state=state,
            done=len(items),
            changed=changed,
            failed=outcomes.count(ItemOutcome.FAILED),
            position=items[-1].id if items else taken.position,
            now=now,
            due_at=None if is_over(state) else now + timedelta(seconds=worker.pause_s),
        )
        return changed

    async def _broke(self, taken: TakenJob, now: datetime) -> None:
        await job.break_down(
            self._database.pool,
            taken.workspace_id,
            taken.id,
            taken.position,
            error="Something went wrong on our side.",
            at_most=MAX_BREAKDOWNS,
            failed_state=JobState.FAILED,
            now=now,
            again_at=now + timedelta(seconds=AGAIN_AFTER_S),
        )

    async def keep_house(self) -> None:
        """Remove jobs that are kept no longer, now and then."""
        now = self._clock()
        if now - self._house_kept_at < KEEP_HOUSE_EVERY_S:
            return
        self._house_kept_at = now
        before = datetime.fromtimestamp(now, UTC) - timedelta(days=KEPT_DAYS)
        more = True
        while more:
            async with transaction(self._database, act=system_act("jobRetention", "retention")) as connection:
                more = await job.remove_stale(connection, before, KEPT_JOBS)


_GONE = Result.of_error(NotFoundError("There is no such device or SIM.", path=("id",)))
"""What became of an item that has left the scope of who asked for the job."""


class _Undone(Exception):  # noqa: N818 - no error: a dry run is over
    pass


async def _done(connection: PooledConnection, worker: Worker, work: Work) -> Mapping[int, Result]:
    """The results of a chunk. A dry run does the same, and is rolled back to where it began."""
    results: Mapping[int, Result] = {}
    try:
        async with connection.transaction():
            results = await worker.work(connection, work)
            if work.dry_run:
                raise _Undone
    except _Undone:
        pass
    return results


def _work_of(taken: TakenJob, items: list[StoredItem], now: datetime) -> Work:
    return Work(
        taken.workspace_id,
        taken.id,
        taken.actor,
        taken.input,
        [Item(*item) for item in items],
        now,
        undoes=taken.undoes_id is not None,
        dry_run=taken.dry_run,
        within=None if taken.tags is None else frozenset(taken.tags),
    )


def _row(item: StoredItem, result: Result) -> tuple[Any, ...]:
    """A row of `job.settle`."""
    error = result.error
    path = None if error is None or not error.path else PATH_SEPARATOR.join(map(str, error.path))
    detail = {"before": dict(result.before), "after": dict(result.after)} if result.before or result.after else None
    return (
        item.id,
        int(result.outcome),
        None if error is None else error.code,
        None if error is None else error.message,
        path,
        detail,
        result.device_id,
        result.sim_id,
    )
