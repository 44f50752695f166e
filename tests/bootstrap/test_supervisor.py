"""Tasks that fail are started again; one that keeps failing is told."""

from __future__ import annotations

import asyncio

import pytest

from motet.bootstrap import supervisor as module
from motet.bootstrap.supervisor import Supervisor


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.0)


async def test_a_failing_task_is_started_again_until_it_succeeds() -> None:
    failed: list[str] = []
    runs = 0
    done = asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs < 4:
            raise OSError("no")
        done.set()

    supervisor = Supervisor(failed.append)
    supervisor.start("work", work)
    await asyncio.wait_for(done.wait(), 5)
    assert (runs, failed) == (4, [])
    await supervisor.stop()


async def test_a_task_that_keeps_failing_ends_the_node() -> None:
    failed: list[str] = []
    told = asyncio.Event()
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        raise OSError("no")

    supervisor = Supervisor(lambda name: (failed.append(name), told.set()))  # type: ignore[arg-type, return-value]
    supervisor.start("work", work)
    await asyncio.wait_for(told.wait(), 5)
    assert (runs, failed) == (module.MAX_FAILURES, ["work"])


async def test_a_task_that_recovered_starts_with_a_clean_sheet() -> None:
    failed: list[str] = []
    now, runs = 0.0, 0
    enough = asyncio.Event()

    async def work() -> None:
        nonlocal now, runs
        runs += 1
        if runs == 3 * module.MAX_FAILURES:
            enough.set()
            return
        now += module.HEALTHY_S
        raise OSError("after a long while")

    supervisor = Supervisor(failed.append, clock=lambda: now)
    supervisor.start("work", work)
    await asyncio.wait_for(enough.wait(), 5)
    assert failed == []


async def test_without_restart_one_failure_is_enough() -> None:
    failed: list[str] = []
    told = asyncio.Event()

    async def work() -> None:
        raise OSError("no")

    supervisor = Supervisor(lambda name: (failed.append(name), told.set()))  # type: ignore[arg-type, return-value]
    supervisor.start("work", work, restart=False)
    await asyncio.wait_for(told.wait(), 5)
    assert failed == ["work"]


async def test_stop_cancels_one_or_all_and_waits() -> None:
    ended: list[str] = []
    started = [asyncio.Event(), asyncio.Event()]
    supervisor = Supervisor(lambda _: None)

    def forever(number: int) -> None:
        async def work() -> None:
            try:
                started[number].set()
                await asyncio.Event().wait()
            finally:
                ended.append(f"task {number}")

        supervisor.start(f"task {number}", work)

    forever(0)
    forever(1)
    await asyncio.gather(*(one.wait() for one in started))
    with pytest.raises(ValueError, match="runs already"):
        supervisor.start("task 0", asyncio.Event().wait)  # type: ignore[arg-type]
    await supervisor.stop("task 1")
    assert ended == ["task 1"]
    await supervisor.stop()
    assert ended == ["task 1", "task 0"]
