"""Keeps a node's tasks alive: one that fails is logged and started again, one that keeps failing ends the node."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

MAX_FAILURES = 8
"""Failures in a row before the node gives up: with the pauses between them, about two minutes of trying."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
HEALTHY_S = 60.0
"""A task that ran so long has recovered: its failures are counted from the start again."""

_log = structlog.get_logger()


class Supervisor:
    """Tasks by name. `on_failure` is called once, with the name of the first task that could not be kept alive."""

    def __init__(self, on_failure: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._on_failure = on_failure
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, run: Callable[[], Awaitable[None]], *, restart: bool = True) -> None:
        """Runs `run()` until it returns or `stop`. An exception starts it again after a pause; with `restart=False` it
        counts as the failure of the node."""
        if name in self._tasks:
            raise ValueError(f"a task named {name} runs already")
        task = asyncio.create_task(self._keep(name, run, MAX_FAILURES if restart else 1), name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def stop(self, name: str | None = None) -> None:
        """Cancels the task, or every one, and returns when it has ended."""
        tasks = list(self._tasks.values()) if name is None else [task for task in (self._tasks.get(name),) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, name: str, run: Callable[[], Awaitable[None]], limit: int) -> None:
        failures = 0
        while True:
            started = self._clock()
            try:
                await run()
            except Exception:  # noqa: BLE001 - the top of a task
                failures = 1 if self._clock() - started >= HEALTHY_S else failures + 1
                _log.exception("task failed", task=name, failures=failures)
            else:
                return
            if failures >= limit:
                self._on_failure(name)
                return
            await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (failures - 1)))
