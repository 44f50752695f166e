"""Events of a node: the feeds from the database, the alerts that they raise, and the removal of old events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from motet.bootstrap.messaging import Messaging
from motet.bootstrap.node import Node
from motet.events.bus import Bus
from motet.events.changes import ChangeFeed
from motet.events.feed import EventFeed
from motet.fleet.alerts.alerting import Alerting
from motet.fleet.alerts.event_retention import EventRetention
from motet.fleet.journal import Journal


class _NodeMemory:
    """What this node keeps in memory of what any node may change."""

    def __init__(self, messaging: Messaging) -> None:
        self._hub, self._esmes = messaging.hub, messaging.esmes

    def forget_numbers(self, msisdns: Sequence[str]) -> None:
        self._hub.numbers.forget_these(msisdns)

    def forget_all_numbers(self) -> None:
        self._hub.numbers.forget()

    def forget_short_codes(self) -> None:
        self._hub.mobile.routes.forget_short_codes()

    def accounts_changed(self) -> None:
        self._hub.spawn(self._esmes.accounts_changed())

    def end_smpp_session(self, session_id: int) -> None:
        self._esmes.end_session(session_id)

    def binds_failed(self, incarnation: int, failures: Sequence[str]) -> None:
        self._esmes.binds_failed(incarnation, failures)

    def trust(self, trusted: bool) -> None:
        self._hub.numbers.trust(trusted)
        self._hub.mobile.routes.forget_short_codes()


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
        "change feed": ChangeFeed(node.database, _NodeMemory(messaging)).run,
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
