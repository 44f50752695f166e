"""How many of the pool's connections the changes of one workspace hold at once.

Changes of the same rows wait for each other, each with a connection in its hand. A caller that begins hundreds of them
would leave none to anybody else for as long as that takes; so beyond its share a workspace waits for itself alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from motet.domain.errors import LimitReachedError

CHANGES_OF_ONE = 5
"""A third of the pool. A change takes some milliseconds: this many at once are more than one process can work off."""

WAIT_S = 10.0
"""What a change waits for its turn, as long as a statement does for a lock; then nothing was begun."""

_HOLDS: ContextVar[bool] = ContextVar("motet_share", default=False)


class _Places(asyncio.Semaphore):
    """Those of one workspace."""

    users = 0
    """Changes that have one or wait for one."""


class Shares:
    """The shares of all workspaces. One per pool."""

    def __init__(self, most: int = CHANGES_OF_ONE, wait_s: float = WAIT_S) -> None:
        self._most = most
        self._wait_s = wait_s
        self._places: dict[int, _Places] = {}

    @asynccontextmanager
    async def of(self, workspace_id: int | None) -> AsyncIterator[None]:
        """A place among the workspace's own; None stands for whoever is in no workspace, and waits for nobody. Raises
        LimitReachedError."""
        if workspace_id is None or _HOLDS.get():
            yield
            return
        places = self._places.get(workspace_id)
        if places is None:
            places = self._places[workspace_id] = _Places(self._most)
        places.users += 1
        try:
            try:
                async with asyncio.timeout(self._wait_s):
                    await places.acquire()
            except TimeoutError:
                raise LimitReachedError("Too many changes of this workspace are under way: try again soon.") from None
            token = _HOLDS.set(True)
            try:
                yield
            finally:
                _HOLDS.reset(token)
                places.release()
        finally:
            places.users -= 1
            if not places.users:
                del self._places[workspace_id]
