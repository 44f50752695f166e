"""Who is told when what they stand on changes: whoever keeps a connection open for a principal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from motet.access.principals import Principal
from motet.access.tokens import AuthenticationError
from motet.identity.credentials import Credentials
from motet.identity.marked import Marked
from motet.storage.database import LOST

log = structlog.get_logger(__name__)

WATCHED = 100_000
"""More connections than a node has."""

DEAF_S = 1.0
"""How often open connections are looked at while changes are not heard."""

LOOKS = 4
"""Looks at once, so that they leave the pool to requests."""

Ended = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Watch:
    principal: Principal
    address: str | None
    ended: Ended
    since: float
    """Unix seconds."""


class Watchers:
    """One per node. Told by what has changed which principals to look at again."""

    def __init__(self, credentials: Credentials, clock: Callable[[], float]) -> None:
        """`clock` gives Unix seconds."""
        self._credentials = credentials
        self._clock = clock
        self._watched: Marked[int, _Watch] = Marked(WATCHED)
        self._next = 0
        self._unsure: set[int] = set()
        """Watches whose principal could not be looked at."""
        self._due: set[int] = set()
        """Watches that wait for a look: however often they change until it begins, it is one."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._looks = asyncio.Semaphore(LOOKS)

    def add(self, principal: Principal, marks: Sequence[str], ended: Ended, address: str | None) -> Callable[[], None]:
        """`ended` is called, with words for the log, once the principal is not any more what it was. Gives what ends
        the watch."""
        self._next += 1
        key = self._next
        self._watched.put(key, _Watch(principal, address, ended, self._clock()), marks)
        self._look_soon([key])  # it may have changed since it was read

        def unwatch() -> None:
            self._watched.drop(key)

        return unwatch

    def look(self, mark: str | None = None) -> None:
        """Looks soon at those with the mark, or at all."""
        self._look_soon(self._watched.keys(mark))

    def end_tokens(self, why: str) -> None:
        """Ends the watches of all that have come by a token."""
        for key in self._watched.keys():  # noqa: SIM118 - no dict
            watch = self._watched.get(key)
            if watch is not None and watch.principal.token_id is not None:
                self._end(key, why)

    def start(self, task: Coroutine[Any, Any, None]) -> None:
        """Runs beside all others, until `close`."""
        started = asyncio.ensure_future(task)
        self._tasks.add(started)
        started.add_done_callback(self._tasks.discard)

    async def look_while_deaf(self, listening: asyncio.Event) -> None:
        """While changes are not heard, and where looking failed, looks again and again. Until cancelled."""
        while True:
            await asyncio.sleep(DEAF_S)
            if not listening.is_set():
                self.look()
            elif self._unsure:
                self._look_soon(list(self._unsure))

    async def close(self) -> None:
        """Ends the looks that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look_soon(self, keys: Sequence[int]) -> None:
        for key in keys:
            if key not in self._due:
                self._due.add(key)
                self.start(self._look(key))

    async def _look(self, key: int) -> None:
        """Whether a watched principal is still what it was."""
        async with self._looks:
            self._due.discard(key)  # what changes from here on may be missed by this look
            await self._look_now(key)

    async def _look_now(self, key: int) -> None:
        watch = self._watched.get(key)
        if watch is None:
            self._unsure.discard(key)
            return
        try:
            still_is = await self._credentials.still_stands(watch.principal, watch.address, watch.since)
        except AuthenticationError as error:
            self._end(key, str(error))
        except LOST as error:  # nothing can be read then either
            self._unsure.add(key)
            log.warning("who may go on could not be read", error=repr(error)[:200])
        else:
            self._unsure.discard(key)
            if not still_is:
                self._end(key, "the permissions have changed")

    def _end(self, key: int, why: str) -> None:
        self._unsure.discard(key)
        watch = self._watched.get(key)
        if watch is not None:
            self._watched.drop(key)
            watch.ended(why)
