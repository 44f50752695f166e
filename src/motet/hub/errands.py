"""What runs beside the lanes: tasks of their own, call-backs after a while, and one flush a turn of each reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from motet.hub.ports import Reply

log = structlog.get_logger(__name__)


class Errands:
    """The errands of one hub; `end` cancels what still runs."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self._flushes: dict[int, Reply] = {}

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something aside; a failure is logged and ends nothing."""
        task = asyncio.get_running_loop().create_task(self._guard(work))
        self.tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self.tasks.discard(done)
            work.close()  # it has not begun if its task was cancelled at once

        task.add_done_callback(ended)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            log.exception("a task failed", error=repr(error))

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, call)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def soon_flush(self, reply: Reply) -> None:
        """Flush once, after everything that came in the same read."""
        if not self._flushes:
            asyncio.get_running_loop().call_soon(self._flush_all)
        self._flushes[id(reply)] = reply

    def _flush_all(self) -> None:
        replies, self._flushes = self._flushes, {}
        for reply in replies.values():
            reply.flush()

    async def end(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
