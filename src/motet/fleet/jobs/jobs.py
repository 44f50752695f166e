"""Jobs: work on many things at once, asked for in one call and gone through in chunks by whichever node is free.

A kind of job is a `Worker`. What it does to a chunk of items, what became of them and how far the job is are one
transaction, which also holds the job's row: killed at any moment, a node leaves behind a job that another takes up at
the first item whose effects were not committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from motet.domain.errors import ConflictError, DeniedError, DomainError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.domain.jobs import ItemOutcome, JobKind, JobState, JobStep, after
from motet.storage import job
from motet.storage.database import Database, PooledConnection
from motet.storage.transaction import transaction

MAX_ITEMS = 100_000
"""Of one job: the largest list of SIMs that an import takes."""

MAX_OPEN_JOBS = 10
"""Jobs of one workspace that are not over: more would only wait for each other."""


class Item(NamedTuple):
    """One thing to work on. `number` is its place in what was handed in; `data` what the kind put there."""

    id: int
    number: int
    device_id: int | None = None
    sim_id: int | None = None
    data: Any = None


class NewItem(NamedTuple):
    """An item as it is handed in."""

    number: int
    device_id: int | None = None
    sim_id: int | None = None
    data: Any = None
    """What JSON takes."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an item. `before` and `after` name what was changed, as JSON takes it: from them it can be undone.
    Ids that were not known before are told here."""

    outcome: ItemOutcome
    error: DomainError | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    device_id: int | None = None
    sim_id: int | None = None

    @classmethod
    def of_error(cls, error: DomainError) -> Result:
        return cls(ItemOutcome.FAILED, error)


UNTOUCHED = Result(ItemOutcome.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Work:
    """A chunk of a job. `actor` is who asked for it, `undoes` whether it takes back what another job did: then the
    items' data are {"before": …, "after": …} of what that one did to them."""

    workspace_id: int
    job_id: int
    actor: str
    input: Mapping[str, Any]
    items: Sequence[Item]
    now: datetime
    undoes: bool
    dry_run: bool
    """A dry run is rolled back by whoever runs it: this is for what does not hang on the transaction."""
    within: Set[str] | None = None
    """As `NewJob.within`; the items are in the scope at the moment."""


class Worker(Protocol):
    """Does one kind of job."""

    chunk_items: int
    """Items of one transaction: at most a second's work, since others wait for the rows it holds."""
    can_undo: bool
    pause_s: float
    """From one chunk to the next: what spreads the load on others."""

    async def work(self, connection: PooledConnection, work: Work) -> Mapping[int, Result]:
        """Do the chunk in the caller's transaction: the result of each item, by its id. What goes wrong with one item
        is its result; an exception breaks the chunk, which is then tried again from the start."""
        ...

    async def committed(self) -> None:
        """A chunk that changed something is durable: tell whoever keeps these things in memory."""
        ...


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it is asked for."""

    kind: JobKind
    items: Sequence[NewItem]
    input: Mapping[str, Any] = field(default_factory=dict)
    """What is the same for all items, as JSON takes it."""
    dry_run: bool = False
    within: Set[str] | None = None
    """The tags that whoever asks for it is bound to. An item whose device has none of them when its turn comes is one
    that there is not."""


class JobService:
    """The jobs of all workspaces, each call scoped to one; `actor` is who asked for it. Errors are domain errors."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        workers: Mapping[JobKind, Worker],
        *,
        wake: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`wake` is called when there is a new job. `clock` gives Unix seconds."""
        self.workers = workers
        self._database = database
        self._ids = ids
        self._wake = wake
        self._clock = clock

    async def create(self, workspace_id: int, actor: str, new: NewJob) -> int:
        """Ask for a job: its id. Raises InvalidError without items, LimitReachedError for too many or too many jobs."""
        job_id = self._ids.next(int(self._clock() * 1_000))
        async with transaction(self._database, makes=job_id, after=self._wake) as connection:
            await self._add(connection, workspace_id, actor, job_id, new)
        return job_id

    async def _add(
        self,
        connection: PooledConnection,
        workspace_id: int,
        actor: str,
        job_id: int,
        new: NewJob,
        undoes_id: int | None = None,
    ) -> None:
        if not new.items:
            raise InvalidError("There is nothing that this is about.")
        if len(new.items) > MAX_ITEMS:
            raise LimitReachedError("One job takes at most {most:,} items.", most=MAX_ITEMS)
        if await job.count_open(connection, workspace_id) >= MAX_OPEN_JOBS:
            raise LimitReachedError(
                "A workspace has at most {most} jobs at a time: wait for one to end.", most=MAX_OPEN_JOBS
            )
        now = self._clock()
        await job.insert(
            connection,
            workspace_id,
            job_id,
            kind=new.kind.value,
            dry_run=new.dry_run,
            input_=dict(new.input),
            undoes_id=undoes_id,
            total=len(new.items),
            actor=actor,
            at=datetime.fromtimestamp(now, UTC),
            tags=None if new.within is None else sorted(new.within),
        )
        next_id, now_ms = self._ids.next, int(now * 1_000)
        await job.copy_items(connection, [(workspace_id, job_id, next_id(now_ms), *item) for item in new.items])

    def added(self) -> None:
        """A job was added by whoever lists its items itself, and is committed."""
        self._wake()

    async def cancel(self, workspace_id: int, job_id: int) -> None:
        """End a job after the chunk that is under way; what it has done stays done. One that was cancelled stays so.

        Raises NotFoundError, ConflictError for a job that is over (path `id`).
        """
        async with transaction(self._database) as connection:
            locked = await job.lock(connection, workspace_id, job_id)
            if locked is None:
                raise NotFoundError("No such job.", path=("id",))
            state = after(JobState(locked.state), JobStep.CANCEL)
            if state != locked.state:
                await job.end(connection, workspace_id, job_id, state, datetime.fromtimestamp(self._clock(), UTC))

    async def undo(
        self,
        workspace_id: int,
        actor: str,
        job_id: int,
        *,
        check: Callable[[JobKind], None] = lambda kind: None,
        within: Set[str] | None = None,
    ) -> int:
        """Take back what a job that is over has changed, last change first, by another job: its id.

        What was changed again since is left alone, and told as the item's error; `within` is as in NewJob. `check`
        raises if the caller may not change what jobs of a kind change. Raises NotFoundError, ConflictError for a job
        that is not over or has changed nothing, DeniedError for one that cannot be taken back (path `id`).
        """
        undo_id = self._ids.next(int(self._clock() * 1_000))
        async with transaction(self._database, makes=undo_id, after=self._wake) as connection:
            locked = await job.lock(connection, workspace_id, job_id)
            if locked is None:
                raise NotFoundError("No such job.", path=("id",))
            if locked.state in (JobState.QUEUED, JobState.RUNNING):
                raise ConflictError("The job is not over: cancel it first.", path=("id",))
            kind = JobKind(locked.kind)
            check(kind)
            if locked.dry_run or not self.workers[kind].can_undo:
                raise DeniedError("What this job did cannot be taken back.", path=("id",))
            found = await job.changed_items(connection, workspace_id, job_id)
            if not found:
                raise ConflictError("The job has changed nothing that can be taken back.", path=("id",))
            items = [NewItem(item.number, item.device_id, item.sim_id, item.data) for item in found]
            new = NewJob(kind, items, locked.input, within=within)
            await self._add(connection, workspace_id, actor, undo_id, new, undoes_id=job_id)
        return undo_id
