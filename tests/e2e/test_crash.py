"""kill -9 in the middle of 20,000 messages: what was acknowledged is delivered, and little is doubled."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from crash_load import CrashLoad

from running_demo import RunningDemo

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(240),
]

MESSAGES = 20_000
WINDOW = 1_000
UPSTREAM_WINDOWS = 2 * 1_000
"""Of the demo's two binds to its simulated network."""
ACCOUNT_WINDOW = 2_000
"""Of the account `demo`: the receipts that may be on their way to it."""


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path / "data")
    yield running
    assert running.end() == 0


def crash_at(*points: int, crash: Callable[[], None]) -> dict[int, Callable[[], None]]:
    return dict.fromkeys(points, crash)


def test_killing_the_demo_loses_nothing_that_was_acknowledged(demo: RunningDemo) -> None:
    def crash() -> None:
        demo.kill()
        demo.start()

    load = CrashLoad(demo, MESSAGES, WINDOW)
    load.run(crash_at(4_000, 12_000, crash=crash))
    load.check(2 * UPSTREAM_WINDOWS, 2 * ACCOUNT_WINDOW)


def test_killing_the_demo_and_its_postgres_loses_nothing_that_was_acknowledged(demo: RunningDemo) -> None:
    def crash() -> None:
        os.kill(demo.postgres_pid(), signal.SIGKILL)
        demo.kill()
        demo.start()

    load = CrashLoad(demo, MESSAGES, WINDOW)
    load.run(crash_at(8_000, crash=crash))
    load.check(UPSTREAM_WINDOWS, ACCOUNT_WINDOW)


def test_killing_only_the_simulator_or_only_postgres_loses_nothing(demo: RunningDemo) -> None:
    def kill_simulator() -> None:
        os.kill(demo.simulator_pid(), signal.SIGKILL)

    def kill_postgres() -> None:
        os.kill(demo.postgres_pid(), signal.SIGKILL)

    load = CrashLoad(demo, MESSAGES, WINDOW)
    load.run({4_000: kill_simulator, 9_000: kill_postgres, 14_000: kill_simulator, 19_000: kill_postgres})
    load.check(2 * UPSTREAM_WINDOWS, 0)


def test_sigterm_in_the_middle_drains_and_doubles_nothing(demo: RunningDemo) -> None:
    load = CrashLoad(demo, MESSAGES, WINDOW)
    statuses = []

    def restart() -> None:
        statuses.append(demo.end())
        demo.start()

    def stop() -> None:  # the client goes on answering, and submitting, while the demo ends
        load.restarting = Thread(target=restart)
        load.restarting.start()

    load.run(crash_at(6_000, 15_000, crash=stop))
    load.check(0, 0)
    assert statuses == [0, 0]
