"""Jobs: each item once whatever is killed and when, progress, cancelling, bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
import pytest_asyncio

from cut_database import CutDatabase, CutError
from motet.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidError,
    LimitReachedError,
    NotFoundError,
)
from motet.domain.ids import IdGenerator
from motet.domain.jobs import TRANSITIONS, ItemOutcome, JobKind, JobState, JobStep, after, is_over
from motet.fleet.jobs import jobs as jobs_module
from motet.fleet.jobs.jobs import UNTOUCHED, JobService, NewItem, NewJob, Result, Work
from motet.fleet.jobs.runner import KEPT_DAYS, MAX_BREAKDOWNS, JobRunner
from motet.storage.database import Database, PooledConnection
from tenants import NOW, Tenant, two_tenants


class Marker:
    """Adds a mark to each device's name, so that what is done twice can be seen."""

    chunk_items = 3
    can_undo = True
    pause_s = 0.0

    def __init__(self) -> None:
        self.told = 0
        self.breaks = 0

    async def work(self, connection: PooledConnection, work: Work) -> Mapping[int, Result]:
        results: dict[int, Result] = {}
        for item in work.items:
            if item.data == "skip":
                results[item.id] = UNTOUCHED
            elif item.data == "fail":
                results[item.id] = Result.of_error(DeniedError("No.", path=("name", "x")))
            else:
                mark = "-" if work.undoes else "+"
                await connection.execute(
                    "UPDATE device SET name = name || $3 WHERE workspace_id = $1 AND id = $2",
                    work.workspace_id, item.device_id, mark,
                )  # fmt: skip
                results[item.id] = Result(ItemOutcome.CHANGED, before={"n": item.number}, after={"mark": mark})
        if self.breaks:
            self.breaks -= 1
            raise ZeroDivisionError
        return results

    async def committed(self) -> None:
        self.told += 1


class Jobs:
    def __init__(self, database: Database, demo: Tenant) -> None:
        self.database, self.demo, self.space = database, demo, demo.workspace_id
        self.marker = Marker()
        self.now = NOW.timestamp()
        self.workers = {JobKind.DEVICE_UPDATE: self.marker}
        self.service = JobService(database, IdGenerator(7), self.workers, clock=lambda: self.now)
        self.runner = self.another_runner(database)

    def another_runner(self, database: Any) -> JobRunner:
        return JobRunner(database, self.workers, clock=lambda: self.now)

    async def create(self, items: int = 5, data: Mapping[int, Any] | None = None, **more: Any) -> int:
        devices = self.demo.devices
        made = [NewItem(n + 1, devices[n % len(devices)], data=(data or {}).get(n)) for n in range(items)]
        return await self.service.create(self.space, "me", NewJob(JobKind.DEVICE_UPDATE, made, **more))

    async def state(self, job_id: int) -> tuple[str, int, int, int]:
        """(state, done, changed, failed)."""
        row = await self.database.pool.fetchrow("SELECT state, done, changed, failed FROM job WHERE id = $1", job_id)
        return (JobState(row["state"]).name, row["done"], row["changed"], row["failed"])

    async def names(self) -> list[str]:
        rows = await self.database.pool.fetch("SELECT name FROM device WHERE workspace_id = $1 ORDER BY id", self.space)
        return [row["name"] for row in rows]

    async def items(self, job_id: int) -> list[tuple[Any, ...]]:
        """(number, outcome, code, message, path)."""
        rows = await self.database.pool.fetch("SELECT * FROM job_item WHERE job_id = $1 ORDER BY id", job_id)
        return [
            (row["number"], ItemOutcome(row["outcome"]).name, row["code"], row["message"], row["path"]) for row in rows
        ]


@pytest_asyncio.fixture
async def jobs(database: Database) -> Jobs:
    _, demo, _ = await two_tenants(database)
    return Jobs(database, demo)


MARKED = [f"demo {number}+" for number in range(5)]


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("step", list(JobStep))
def test_only_what_is_not_over_goes_on(state: JobState, step: JobStep) -> None:
    if (state, step) == (JobState.CANCELLED, JobStep.CANCEL):
        assert after(state, step) is state
    elif is_over(state):
        with pytest.raises(ConflictError):
            after(state, step)
    else:
        assert is_over(after(state, step)) is (step is not JobStep.WORK)
    assert len(TRANSITIONS) == 9


async def test_a_job_goes_through_its_items_in_chunks(jobs: Jobs) -> None:
    job_id = await jobs.create()
    assert await jobs.state(job_id) == ("QUEUED", 0, 0, 0)
    assert await jobs.runner.run_chunk()
    assert await jobs.state(job_id) == ("RUNNING", 3, 3, 0)
    assert await jobs.runner.run_chunk()
    assert await jobs.state(job_id) == ("SUCCEEDED", 5, 5, 0)
    assert not await jobs.runner.run_chunk()
    assert (await jobs.names(), jobs.marker.told) == (MARKED, 2)


async def test_what_fails_and_what_stays_is_told_by_item(jobs: Jobs) -> None:
    job_id = await jobs.create(4, {1: "fail", 3: "skip"})
    await jobs.runner.run_all()
    assert await jobs.state(job_id) == ("SUCCEEDED", 4, 2, 1)
    assert await jobs.items(job_id) == [
        (1, "CHANGED", None, None, None),
        (2, "FAILED", "DENIED", "No.", ["name", "x"]),
        (3, "CHANGED", None, None, None),
        (4, "UNCHANGED", None, None, None),
    ]


async def test_a_dry_run_tells_the_same_and_changes_nothing(jobs: Jobs) -> None:
    job_id = await jobs.create(4, {1: "fail"}, dry_run=True)
    before = await jobs.names()
    await jobs.runner.run_all()
    assert await jobs.state(job_id) == ("SUCCEEDED", 4, 3, 1)
    assert [item[1] for item in await jobs.items(job_id)] == ["CHANGED", "FAILED", "CHANGED", "CHANGED"]
    assert (await jobs.names(), jobs.marker.told) == (before, 0)


async def test_killed_anywhere_each_item_is_done_once(jobs: Jobs) -> None:
    """A chunk of three: the job, its items, three marks, the outcomes, the progress, the audit log before and after,
    before the commit, after it."""
    for at in range(1, 15):
        job_id = await jobs.create()
        cut = jobs.another_runner(CutDatabase(jobs.database, at))
        with pytest.raises(CutError):
            await cut.run_all()
        assert (await jobs.state(job_id))[1] == (0 if at < 11 else 3)
        await jobs.runner.run_all()
        assert await jobs.state(job_id) == ("SUCCEEDED", 5, 5, 0)
        assert await jobs.names() == [f"demo {number}" + "+" * at for number in range(5)]


async def test_several_runners_share_the_work(jobs: Jobs) -> None:
    made = [await jobs.create(5) for _ in range(3)]
    await asyncio.gather(*(jobs.another_runner(jobs.database).run_all() for _ in range(4)))
    await jobs.runner.run_all()
    assert [await jobs.state(job_id) for job_id in made] == [("SUCCEEDED", 5, 5, 0)] * 3
    assert await jobs.names() == [f"demo {number}+++" for number in range(5)]


async def test_jobs_take_turns(jobs: Jobs) -> None:
    long, short = await jobs.create(9), None
    await jobs.runner.run_chunk()
    jobs.now += 1
    short = await jobs.create(3)
    await jobs.runner.run_chunk()
    jobs.now += 1
    await jobs.runner.run_chunk()
    assert (await jobs.state(short))[0] == "SUCCEEDED"
    assert (await jobs.state(long))[0] == "RUNNING"


async def test_a_chunk_that_broke_is_tried_again(jobs: Jobs) -> None:
    jobs.marker.breaks = 2
    job_id = await jobs.create()
    for _ in range(3):
        await jobs.runner.run_all()
        jobs.now += 60
    assert await jobs.state(job_id) == ("SUCCEEDED", 5, 5, 0)
    assert await jobs.names() == MARKED
    assert await jobs.database.pool.fetchval("SELECT error FROM job WHERE id = $1", job_id) is None


async def test_a_job_that_always_breaks_is_given_up(jobs: Jobs) -> None:
    jobs.marker.breaks = MAX_BREAKDOWNS
    job_id = await jobs.create()
    for _ in range(MAX_BREAKDOWNS + 1):
        await jobs.runner.run_all()
        jobs.now += 60
    assert await jobs.state(job_id) == ("FAILED", 0, 0, 0)
    assert not any(name.endswith("+") for name in await jobs.names())
    with pytest.raises(ConflictError):
        await jobs.service.cancel(jobs.space, job_id)


async def test_a_cancelled_job_does_no_more(jobs: Jobs) -> None:
    job_id = await jobs.create()
    await jobs.runner.run_chunk()
    await jobs.service.cancel(jobs.space, job_id)
    await jobs.service.cancel(jobs.space, job_id)
    await jobs.runner.run_all()
    assert await jobs.state(job_id) == ("CANCELLED", 3, 3, 0)
    assert [item[1] for item in await jobs.items(job_id)] == ["CHANGED"] * 3 + ["PENDING"] * 2


async def test_what_a_job_did_is_taken_back_by_another(jobs: Jobs) -> None:
    job_id = await jobs.create(3, {1: "skip"})
    with pytest.raises(ConflictError):
        await jobs.service.undo(jobs.space, "me", job_id)
    await jobs.runner.run_all()
    undo_id = await jobs.service.undo(jobs.space, "me", job_id)
    await jobs.runner.run_all()
    assert await jobs.state(undo_id) == ("SUCCEEDED", 2, 2, 0)
    assert (await jobs.names())[:3] == ["demo 0+-", "demo 1", "demo 2+-"]


async def test_what_cannot_be_taken_back_is_said(jobs: Jobs) -> None:
    dry = await jobs.create(dry_run=True)
    idle = await jobs.create(1, {0: "skip"})
    await jobs.runner.run_all()
    jobs.marker.can_undo = False
    other = await jobs.create()
    await jobs.runner.run_all()
    for job_id in (dry, other):
        with pytest.raises(DeniedError):
            await jobs.service.undo(jobs.space, "me", job_id)
    jobs.marker.can_undo = True
    with pytest.raises(ConflictError):
        await jobs.service.undo(jobs.space, "me", idle)


async def test_another_tenants_job_is_not_found(jobs: Jobs) -> None:
    job_id = await jobs.create()
    for call in (jobs.service.cancel(1, job_id), jobs.service.undo(1, "me", job_id)):
        with pytest.raises(NotFoundError):
            await call


async def test_jobs_have_bounds(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidError):
        await jobs.create(0)
    monkeypatch.setattr(jobs_module, "MAX_ITEMS", 4)
    with pytest.raises(LimitReachedError):
        await jobs.create(5)
    came = await asyncio.gather(*(jobs.create(1) for _ in range(12)), return_exceptions=True)
    assert [type(each) for each in came if isinstance(each, BaseException)] == [LimitReachedError] * 2


async def test_old_jobs_are_removed(jobs: Jobs) -> None:
    old = await jobs.create(1)
    await jobs.runner.run_all()
    jobs.now += (KEPT_DAYS + 1) * 86_400
    new = await jobs.create(1)
    await jobs.runner.run_all()
    await jobs.runner.keep_house()
    left = {row["id"] for row in await jobs.database.pool.fetch("SELECT id FROM job")}
    assert (old in left, new in left) == (False, True)
    assert await jobs.items(old) == []
    assert len(await jobs.items(new)) == 1


async def test_a_woken_runner_takes_up_a_new_job(jobs: Jobs) -> None:
    running = asyncio.create_task(jobs.runner.run())
    jobs.service._wake = jobs.runner.wake
    job_id = await jobs.create()
    async with asyncio.timeout(20):
        while (await jobs.state(job_id))[0] != "SUCCEEDED":  # noqa: ASYNC110 - the database has no event for it
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await jobs.names() == MARKED
