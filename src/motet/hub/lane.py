"""Group commit: a lane is one connection that writes one kind of fact, all that is pending as one group.

There is no timer and no future per fact. While a group commits the next one gathers; what follows a commit runs in one
call for the whole group. A lost connection is opened again and the group written again, unless it turns out that the
commit whose answer was lost did happen. A fact that PostgreSQL refuses is found by halving and handed back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import asyncpg
import structlog

from motet.storage.node import FENCED_SQLSTATE

Fact = TypeVar("Fact")
log = structlog.get_logger(__name__)

_RETRY_S = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Waits between attempts while the database is away; the last one repeats."""

_LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was cut between two messages
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # lock_timeout
    asyncpg.ReadOnlySQLTransactionError,  # a standby, in the middle of a failover
    asyncio.TimeoutError,
)
"""Faults of the moment, not of a fact: the group is tried again as it is."""


class FencedError(Exception):
    """Another node has taken over what this incarnation owned: it must not write any more."""


class _Place:
    """One worker's connection, while it has one."""

    __slots__ = ("connection",)

    def __init__(self) -> None:
        self.connection: asyncpg.Connection | None = None

    def drop(self) -> None:
        if self.connection is not None:
            self.connection.terminate()
            self.connection = None


class Lane(Generic[Fact]):
    """Writes the facts added to it, group after group, until stopped.

    `write` writes a group inside an open transaction, `done` runs after its commit, `probe` says whether a group whose
    answer was lost did commit, `refused` gets a single fact that cannot be written. `prepare` sees each group once,
    before it is written; a fact that `follows` the one before it stays in one group with it; `room` says how many of
    so many may be written now; `settled` gets back each group that was prepared, once all of it is written or refused.
    With several `workers` one group is committed while what follows another one's commit runs: groups of such a lane
    must not depend on each other's order.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        incarnation: Callable[[], int],
        *,
        write: Callable[[asyncpg.Connection, list[Fact]], Awaitable[None]],
        done: Callable[[list[Fact]], None],
        probe: Callable[[asyncpg.Connection, list[Fact]], Awaitable[bool]],
        refused: Callable[[Fact, Exception], None],
        limit: int,
        prepare: Callable[[list[Fact]], None] | None = None,
        follows: Callable[[Fact], bool] | None = None,
        room: Callable[[int], int] | None = None,
        room_wait_s: float = 0.5,
        settled: Callable[[list[Fact]], None] | None = None,
        workers: int = 1,
    ) -> None:
        self.name = name
        self._connect = connect
        self._incarnation = incarnation
        self._write = write
        self._done = done
        self._probe = probe
        self._refused = refused
        self._limit = limit
        self._prepare = prepare
        self._follows = follows
        self._room = room
        self._room_wait_s = room_wait_s
        self._settled = settled
        self._workers = workers
        self._busy = 0
        self._wakeup = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.pending: list[Fact] = []
        self.groups = 0
        self.facts = 0

    def add(self, fact: Fact) -> None:
        self.pending.append(fact)
        if not self._wakeup.is_set():
            self._wakeup.set()

    def extend(self, facts: list[Fact]) -> None:
        self.pending.extend(facts)
        if facts:
            self._wakeup.set()

    def wake(self) -> None:
        """There may be room now."""
        self._wakeup.set()

    async def drained(self) -> None:
        """Return once nothing is pending nor being written."""
        while self.pending or not self._idle.is_set():
            await self._idle.wait()
            await asyncio.sleep(0)

    async def run(self) -> None:
        """Write until cancelled. Raises FencedError when succeeded by another node."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._workers):
                workers.create_task(self._work(_Place()))

    async def _work(self, place: _Place) -> None:
        try:
            while True:
                if not self.pending:
                    if not self._busy:
                        self._idle.set()
                    self._wakeup.clear()
                    await self._wakeup.wait()
                    continue
                self._idle.clear()
                self._busy += 1
                try:
                    group = await self._next_group()
                    await self._commit(group, place)
                    if self._settled is not None:
                        self._settled(group)
                finally:
                    self._busy -= 1
                self.groups += 1
                self.facts += len(group)
        finally:
            place.drop()

    async def _next_group(self) -> list[Fact]:
        count = min(len(self.pending), self._limit)
        if self._room is not None:
            count = await self._wait_for_room(count)
        if self._follows is not None:
            while count < len(self.pending) and self._follows(self.pending[count]):
                count += 1
        if count == len(self.pending):
            group, self.pending = self.pending, []
        else:
            group, self.pending = self.pending[:count], self.pending[count:]
        if self._prepare is not None:
            self._prepare(group)
        return group

    async def _wait_for_room(self, count: int) -> int:
        """How many of `count` may go on: at least one; after the wait all, and what follows must find its own place."""
        assert self._room is not None  # noqa: S101 - for the type checker
        room = self._room(count)
        if room > 0:
            return room
        deadline = asyncio.get_running_loop().time() + self._room_wait_s
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            self._wakeup.clear()
            try:
                async with asyncio.timeout(left):  # not wait_for, which may swallow the cancellation in Python 3.11
                    await self._wakeup.wait()
            except TimeoutError:
                break
            if (room := self._room(count)) > 0:
                return room
        return count

    async def _commit(self, group: list[Fact], place: _Place) -> None:
        attempt = 0
        asked_again = False
        while True:
            try:
                connection = place.connection
                if connection is None:
                    connection = place.connection = await self._connect()
                    if attempt and await self._probe(connection, group):
                        break
                await connection.execute(f"BEGIN; SELECT motet_fence({self._incarnation()})")
                await self._write(connection, group)
                await connection.execute("COMMIT")
                break
            except Exception as error:  # a row that the driver cannot encode is the fact's fault too
                connected = place.connection is not None
                place.drop()  # the state of the transaction is not known
                if isinstance(error, asyncpg.PostgresError) and error.sqlstate == FENCED_SQLSTATE:
                    raise FencedError(str(error)) from error
                if attempt and not asked_again and isinstance(error, asyncpg.UniqueViolationError):
                    asked_again = True  # the commit whose answer was lost came after the probe
                elif connected and not isinstance(error, _LOST):
                    await self._halve(group, error, place)
                    return
                log.warning("database is away", lane=self.name, error=type(error).__name__, detail=str(error)[:200])
                await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
                attempt += 1
        self._done(group)

    async def _halve(self, group: list[Fact], error: Exception, place: _Place) -> None:
        """Write what can be written of a group that was refused as a whole."""
        if len(group) == 1:
            log.error("a fact was refused", lane=self.name, error=repr(error))
            self._refused(group[0], error)
            return
        middle = len(group) // 2
        await self._commit(group[:middle], place)
        await self._commit(group[middle:], place)
