"""One LISTEN that lasts: connected again whenever it is lost, and never silently so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from motet.storage.database import LOST, Connection, Database

log = structlog.get_logger(__name__)

CHECK_S = 10.0
"""How often the connection is asked whether it is alive: TCP alone tells of a dead host after minutes."""

RECONNECT_S = 1.0


async def keep_listening(
    database: Database,
    name: str,
    channel: str,
    *,
    heard: Callable[[str], None],
    connected: Callable[[Connection], Awaitable[None]],
    alive: Callable[[], None] = lambda: None,
    lost: Callable[[], None] = lambda: None,
) -> None:
    """Listen on `channel` until cancelled, by a connection named `motet <name>`.

    `heard` gets each payload; `connected` runs at each new connection, once it listens, so that what was missed can be
    read; `alive` at each proof that it stands; `lost` once it does not.
    """
    while True:
        try:
            connection = await database.connect(name)
            try:
                await _listen(connection, channel, heard, connected, alive)
            finally:
                connection.terminate()
        except LOST as error:
            log.warning("a listening connection was cut", channel=channel, error=repr(error)[:200])
        finally:
            lost()
        await asyncio.sleep(RECONNECT_S)


async def _listen(
    connection: Connection,
    channel: str,
    heard: Callable[[str], None],
    connected: Callable[[Connection], Awaitable[None]],
    alive: Callable[[], None],
) -> None:
    """Listen until the connection is lost."""
    gone = asyncio.Event()
    connection.add_termination_listener(lambda _: gone.set())
    await connection.add_listener(channel, lambda _connection, _pid, _channel, payload: heard(str(payload)))
    await connected(connection)
    alive()
    while not gone.is_set():
        try:
            await asyncio.wait_for(gone.wait(), CHECK_S)
        except TimeoutError:
            await connection.execute("SELECT", timeout=CHECK_S)
            alive()
