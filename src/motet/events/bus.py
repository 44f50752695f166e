"""Tells subscriptions on this node what changed. Carries ids only, of rows of one kind: readers read the row again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

PENDING_LIMIT = 50_000
"""Distinct ids that wait for one listener (about 5 MB). One that falls further behind is ended, not thinned:
a subscriber then knows that it missed something and subscribes again."""

BATCH_LIMIT = 500
"""Most ids handed over at once: the reader's next statement reads that many rows."""


class Bus:
    """Passes ids to the listeners of a workspace. One per node and kind of row, used from its event loop only."""

    __slots__ = ("_closed", "_listeners")

    def __init__(self) -> None:
        self._listeners: dict[int, set[Listener]] = {}
        self._closed = False

    def has_listeners(self, workspace_id: int) -> bool:
        """Whether publishing for the workspace reaches anyone. Costs one look-up: made for the hot path."""
        return workspace_id in self._listeners

    @property
    def is_silent(self) -> bool:
        """Whether nobody listens at all."""
        return not self._listeners

    @property
    def listened(self) -> list[int]:
        """The workspaces that someone listens to."""
        return list(self._listeners)

    def publish(self, workspace_id: int, row_ids: Sequence[int]) -> None:
        """Says that these rows were committed or changed. Never blocks, never raises."""
        listeners = self._listeners.get(workspace_id)
        if listeners is None:
            return
        for listener in tuple(listeners):  # an overflowing one leaves the set
            listener._put(row_ids)

    def listen(self, workspace_id: int) -> Listener:
        """A listener that hears everything published from now on, until its `close`. The caller must close it."""
        listener = Listener(self, workspace_id)
        if self._closed:
            listener.close()
        else:
            self._listeners.setdefault(workspace_id, set()).add(listener)
        return listener

    def close(self) -> None:
        """Ends every listener, and any to come."""
        self._closed = True
        for listeners in list(self._listeners.values()):
            for listener in tuple(listeners):
                listener.close()

    def _remove(self, listener: Listener) -> None:
        listeners = self._listeners.get(listener.workspace_id)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._listeners[listener.workspace_id]


class Listener:
    """An async iterator of lists of ids, at most `BATCH_LIMIT` each, oldest first.

    Steps of one row that were not yet taken are merged into one: whoever takes the id reads the row's present
    state, so the final state is never missed. Iteration ends on `close`, and after an overflow (`overflowed`).
    """

    __slots__ = ("_bus", "_closed", "_pending", "_wake", "overflowed", "workspace_id")

    def __init__(self, bus: Bus, workspace_id: int) -> None:
        self.workspace_id = workspace_id
        self.overflowed = False
        self._bus = bus
        self._pending: dict[int, None] = {}  # an ordered set
        self._wake = asyncio.Event()
        self._closed = False

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> list[int]:
        while not self._pending:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        pending = self._pending
        if len(pending) <= BATCH_LIMIT:
            self._pending = {}
            return list(pending)
        batch = [row_id for row_id, _ in zip(pending, range(BATCH_LIMIT), strict=False)]
        for row_id in batch:
            del pending[row_id]
        return batch

    def remind(self, row_ids: Sequence[int]) -> None:
        """Hand these over, too, though nothing was published of them: what a listener begins with."""
        self._put(row_ids)

    def close(self) -> None:
        """Stops listening. What is pending is dropped; a waiting iteration ends. May be called again."""
        self._closed = True
        self._pending = {}
        self._wake.set()
        self._bus._remove(self)

    def _put(self, row_ids: Sequence[int]) -> None:
        pending = self._pending
        pending.update(dict.fromkeys(row_ids))
        if len(pending) > PENDING_LIMIT:
            self.overflowed = True
            self.close()
        else:
            self._wake.set()
