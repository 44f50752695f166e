"""What any node commits to `event`, heard by this one: a NOTIFY per statement, one LISTEN per node."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from motet.domain.ids import first_id_at
from motet.events.bus import Bus
from motet.events.listening import keep_listening
from motet.storage import event
from motet.storage.database import Connection, Database

CHANNEL = "motet_event"
"""What the trigger of `event` notifies."""

LOOK_BACK_MS = 60_000
"""How far before the loss of a connection events are read again: an id is made before its transaction commits."""

CATCH_UP_EVENTS = 10_000
"""Events of one workspace that are read again after a loss; older ones of a longer loss are not told."""


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
        self._stood_at: float | None = None
        """When the connection was last known to stand; None before the first."""
        self.listening = asyncio.Event()
        """Set while the connection stands."""

    async def run(self) -> None:
        """Listen until cancelled."""
        await keep_listening(
            self._database,
            "event feed",
            CHANNEL,
            heard=self._notified,
            connected=self._catch_up,
            alive=self._alive,
            lost=self.listening.clear,
        )

    def _alive(self) -> None:
        self._stood_at = self._clock()
        self.listening.set()

    def _notified(self, payload: str) -> None:
        workspace_id, *event_ids = map(int, payload.split())
        self._bus.publish(workspace_id, event_ids)
        for follower in self._followers:
            follower.heard(workspace_id, event_ids)

    async def _catch_up(self, connection: Connection) -> None:
        if self._stood_at is None:
            return
        since = first_id_at(int(self._stood_at * 1_000) - LOOK_BACK_MS)
        for workspace_id in self._bus.listened:
            found = await event.ids_since(connection, workspace_id, since, CATCH_UP_EVENTS)
            self._bus.publish(workspace_id, found)
        for follower in self._followers:
            follower.missed()
