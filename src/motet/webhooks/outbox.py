"""Events on their way into webhook_delivery: rows for whoever commits the event. Implements the hub's `EventOutbox`."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from motet.domain.ids import IdGenerator
from motet.webhooks.roster import Roster

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WebhookOutbox:
    """Turns an event into deliveries, in memory. One per node, used from its event loop only."""

    def __init__(self, roster: Roster, ids: IdGenerator, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        self._roster = roster
        self._ids = ids
        self._clock = clock
        self.woken = asyncio.Event()
        """Set when committed rows wait; the dispatcher clears it."""

    def wants(self, workspace_id: int, event_type: str) -> bool:
        """Whether any webhook of the workspace takes the type: ask before making `data`."""
        return bool(self._roster.wanting(workspace_id, event_type))

    def rows_for(
        self, workspace_id: int, event_type: str, at_us: int, data: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        """Rows in the order of WEBHOOK_DELIVERY_COLUMNS, one for each webhook that wants the event; times are int µs.

        `at_us` is the event's time in Unix microseconds, `data` the body's `data`: what orjson takes.
        """
        webhook_ids = self._roster.wanting(workspace_id, event_type)
        if not webhook_ids:
            return []
        body = event_body(event_type, at_us, data)
        now = self._clock()
        now_ms, now_us = int(now * 1_000), int(now * 1_000_000)
        return [
            (workspace_id, self._ids.next(now_ms), webhook_id, event_type, body, now_us, now_us)
            for webhook_id in webhook_ids
        ]

    def wake(self) -> None:
        """Says that rows were committed: the dispatcher looks at once, not at its next round."""
        self.woken.set()


def event_body(event_type: str, at_us: int, data: Mapping[str, Any]) -> bytes:
    """The octets that are stored, signed and sent. `timestamp` is ISO 8601 in UTC with microseconds."""
    timestamp = (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return orjson.dumps({"type": event_type, "timestamp": timestamp, "data": dict(data)})
