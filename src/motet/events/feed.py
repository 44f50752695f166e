"""What any node commits to `event`, heard by this one: a NOTIFY per statement, one LISTEN per node."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import asyncpg
import structlog

from motet.domain.ids import first_id_at
from motet.events.bus import Bus
from motet.storage import event
from motet.storage.database import Database

log = structlog.get_logger(__name__)

CHANNEL = "motet_event"
"""What the trigger of `event` notifies."""

CHECK_S = 10.0
"""How often the connection is asked whether it is alive: TCP alone tells of a dead host after minutes."""

RECONNECT_S = 1.0
LOOK_BACK_MS = 60_000
"""How far before the loss of a connection events are read again: an id is made before its transaction commits."""

CATCH_UP_EVENTS = 10_000
"""Events of one workspace that are read again after a loss; older ones of a longer loss are not told."""

LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


class Follower(Protocol):
    """Someone else than subscriptions who wants to hear of every event, such as alert rules."""

    def heard(self, workspace_id: int, event_ids: Sequence[int]) -> None:
        """These were committed. Must not block."""

    def missed(self) -> None:
        """The connection was away: some may never be heard."""


class EventFeed:
    """Passes ids of events to the bus and to followers. At least once; after a lost connection it reads again what
    listeners may have missed, so that they hear it late, not never."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        followers: Sequence[Follower] = (),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives Unix seconds."""
        self._database = database
        self._bus = bus
        self._followers = followers
        self._clock = clock
        self.listening = asyncio.Event()
        """Set while the connection stands."""

    async def run(self) -> None:
        """Listen until cancelled."""
        heard_until: float | None = None
        while True:
            try:
                heard_until = await self._listen(heard_until)
            except LOST as error:
                log.warning("the feed of events was cut", error=repr(error)[:200])
            finally:
                self.listening.clear()
            await asyncio.sleep(RECONNECT_S)

    async def _listen(self, heard_until: float | None) -> float:
        """Listen until the connection is lost: when it was last known to stand."""
        connection = await self._database.connect("event feed")
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._notified)
            if heard_until is not None:
                await self._catch_up(connection, heard_until)
            heard_until = self._clock()
            self.listening.set()
            while not lost.is_set():
                try:
                    await asyncio.wait_for(lost.wait(), CHECK_S)
                except TimeoutError:
                    try:
                        await connection.execute("SELECT", timeout=CHECK_S)
                    except LOST:
                        break
                    heard_until = self._clock()
            return heard_until
        finally:
            connection.terminate()

    def _notified(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        workspace_id, *event_ids = map(int, str(payload).split())
        self._pass_on(workspace_id, event_ids)

    def _pass_on(self, workspace_id: int, event_ids: Sequence[int]) -> None:
        self._bus.publish(workspace_id, event_ids)
        for follower in self._followers:
            follower.heard(workspace_id, event_ids)

    async def _catch_up(self, connection: asyncpg.Connection, heard_until: float) -> None:
        since = first_id_at(int(heard_until * 1_000) - LOOK_BACK_MS)
        for workspace_id in self._bus.listened:
            found = await event.ids_since(connection, workspace_id, since, CATCH_UP_EVENTS)
            self._bus.publish(workspace_id, found)
        for follower in self._followers:
            follower.missed()
