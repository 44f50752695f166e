"""How many of the pool's connections the changes of one workspace hold at once.

Changes of the same rows wait for each other, each with a connection in its hand. A caller that begins hundreds of them
would leave none to anybody else for as long as that takes; so beyond its share a workspace waits for itself alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar

from motet.domain.errors import LimitReachedError

CHANGES_OF_ONE = 5
"""A third of the pool. A change takes some milliseconds: this many at once are more than one process can work off."""

WAIT_S = 10.0
"""What a change waits for its turn, as long as a statement does for a lock; then nothing was begun."""

_HOLDS: ContextVar[bool] = ContextVar("motet_share", default=False)


class Turns:
    """So many at a time for each key; others wait in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[Hashable, _Line] = {}

    @asynccontextmanager
    async def of(self, key: Hashable, wait_s: float | None = None) -> AsyncIterator[None]:
        """Inside it is the key's turn. Raises TimeoutError if that takes longer than `wait_s`."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(self._most)
        line.users += 1
        try:
            if line.locked() and wait_s is not None:
                async with asyncio.timeout(wait_s):
                    await line.acquire()
            else:
                await line.acquire()
            try:
                yield
            finally:
                line.release()
        finally:
            line.users -= 1
            if not line.users:
                del self._lines[key]

    def __len__(self) -> int:
        return len(self._lines)


class _Line(asyncio.Semaphore):
    """Those of one key."""

    users = 0
    """Who has a turn or waits for one."""


class Shares:
    """The shares of all workspaces. One per pool."""

    def __init__(self, most: int = CHANGES_OF_ONE, wait_s: float = WAIT_S) -> None:
        self._wait_s = wait_s
        self._turns = Turns(most)

    @asynccontextmanager
    async def of(self, workspace_id: int | None) -> AsyncIterator[None]:
        """A place among the workspace's own; None stands for whoever is in no workspace, and waits for nobody. Raises
        LimitReachedError."""
        if workspace_id is None or _HOLDS.get():
            yield
            return
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._turns.of(workspace_id, self._wait_s))
            except TimeoutError:
                raise LimitReachedError("Too many changes of this workspace are under way: try again soon.") from None
            token = _HOLDS.set(True)
            try:
                yield
            finally:
                _HOLDS.reset(token)

    def __len__(self) -> int:
        """How many workspaces have changes under way."""
        return len(self._turns)
