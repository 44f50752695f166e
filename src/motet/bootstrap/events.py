"""Events of a node: the feed from the database, the alerts that it raises, and the removal of old events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from motet.bootstrap.node import Node
from motet.events.bus import Bus
from motet.events.feed import EventFeed
from motet.fleet.alerting import Alerting
from motet.fleet.event_retention import EventRetention
from motet.fleet.journal import Journal


@asynccontextmanager
async def events(node: Node) -> AsyncIterator[None]:
    """Hears events while it runs; `node.event_bus` is there for who subscribes. Needs the messaging component."""
    messaging = node.messaging
    assert messaging is not None  # noqa: S101 - components start in order
    bus = node.event_bus = Bus()
    alerting = Alerting(node.database, messaging.hub.ids, Journal(messaging.hub.ids, messaging.webhooks.outbox))
    feed = EventFeed(node.database, bus, [alerting])
    tasks = {
        "event feed": feed.run,
        "alerting": alerting.run,
        "event retention": EventRetention(node.database).keep_purging,
    }
    for name, run in tasks.items():
        node.supervisor.start(name, run)
    try:
        yield
    finally:
        bus.close()
        for name in tasks:
            await node.supervisor.stop(name)
