"""What someone whose role is bound to tags is held to while they change something: that what they named is still within
their tags when the change is made.

An edge looks at the ids that it was given before it calls a service; until the service has its transaction, a device
may have lost its tags. So the edge calls the service inside `held_to`, and `motet.storage.transaction.transaction` asks
again as its first statement, with locks that keep the answer true until the commit. What does its own commits, as the
hub does, is called inside `Scopes.held` besides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from motet.storage.database import Database, PooledConnection

HOLDERS = 4
"""Changes outside of `transaction` that hold a scope at once: each has one of the pool's connections, and may need
another one to go on."""

Hold = Callable[[PooledConnection], Awaitable[None]]
"""Locks what has to stay as it is until the connection's transaction ends. Raises NotFoundError if it is no more."""


@dataclass(slots=True)
class _Held:
    hold: Hold
    over: bool = False
    """A change was made; what it left behind may well be outside of the scope, such as a SIM that was released."""


_HELD: ContextVar[_Held | None] = ContextVar("motet_scope", default=None)


@contextmanager
def held_to(hold: Hold) -> Iterator[None]:
    """The first transaction inside that commits has begun with this."""
    held = _Held(hold)
    token = _HELD.set(held)
    try:
        yield
    finally:
        held.over = True
        _HELD.reset(token)


@asynccontextmanager
async def scoped(connection: PooledConnection) -> AsyncIterator[None]:
    """The body of a transaction, inside what the caller is held to."""
    held = _HELD.get()
    if held is None or held.over:
        yield
        return
    await held.hold(connection)
    yield
    held.over = True


class Scopes:
    """Holds scopes for changes that are made elsewhere than in a transaction of the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._holders = asyncio.Semaphore(HOLDERS)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """What the caller is held to stays as it is inside. Nothing, for one who is held to nothing."""
        held = _HELD.get()
        if held is None or held.over:
            yield
            return
        async with self._holders, self._database.pool.acquire() as connection, connection.transaction():
            await held.hold(connection)
            held.over = True
            yield
