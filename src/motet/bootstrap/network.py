"""What faces mobile networks: the queue of orders and who sends them, and the path on which networks tell things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from motet.bootstrap.node import Node
from motet.domain.network import OrderKind
from motet.fleet.devices.connectivity import ConnectivityService
from motet.fleet.devices.connectivity_reset import ConnectivityResetService
from motet.fleet.devices.whereabouts import Whereabouts
from motet.fleet.journal import Journal
from motet.fleet.network_ports import EuiccPort
from motet.fleet.orders import OrderEnds, OrderQueue, SubscriberFollower
from motet.fleet.usage.session_answers import SessionAnswers
from motet.fleet.usage.session_settings import SessionSettings
from motet.network.app import PATH, NotificationsApp
from motet.network.carrier import HttpCarrier
from motet.network.dispatcher import Dispatcher
from motet.radio.reference import country_of

NAME = "network orders"


@dataclass(frozen=True, slots=True)
class NetworkSide:
    """What the other components need of it."""

    orders: OrderQueue
    ends: OrderEnds
    """Tells who waits for orders: register with `listen`."""
    follower: SubscriberFollower
    """For every journal: tells the network of SIMs that became usable or barred."""
    connectivity: ConnectivityService
    resets: ConnectivityResetService
    euiccs: EuiccPort | None
    """Who is asked about operations on eUICCs; None without a network."""


@asynccontextmanager
async def network(node: Node) -> AsyncIterator[None]:
    """Serves networks while it runs; `node.network` is there then. Needs messaging and metering before it."""
    messaging, metering, identity = node.messaging, node.metering, node.identity
    assert messaging is not None and metering is not None  # noqa: S101, PT018 - components start in order
    assert identity is not None  # noqa: S101
    hub = messaging.hub
    carrier = None if node.carrier is None else HttpCarrier(node.carrier.url, node.carrier.token)

    async def fleet_changed() -> None:
        hub.fleet_changed()

    def wake() -> None:
        dispatcher.wake()

    orders = OrderQueue(hub.ids, has_network=carrier is not None, wake=wake)
    follower = SubscriberFollower(orders)
    journal = Journal(hub.ids, messaging.webhooks.outbox, followers=(follower,))
    ends = OrderEnds(committed=journal.committed)
    dispatcher = Dispatcher(node.database, carrier, ends)
    resets = ConnectivityResetService(
        node.database, hub.ids, journal, orders, has_network=carrier is not None, on_change=fleet_changed
    )
    for kind in (OrderKind.CANCEL_LOCATION, OrderKind.CUT_DATA):
        ends.listen(kind, resets)
    if carrier is not None:
        metering.cutter.orders = orders

    connectivity = ConnectivityService(
        node.database,
        journal,
        Whereabouts(hub.ids, country_of=_country_code),
        SessionAnswers(metering.sessions, SessionSettings(node.database)),
        ends=ends,
        line_changed=hub.line_changed,
    )
    node.network = NetworkSide(orders, ends, follower, connectivity, resets, carrier)
    node.paths[PATH] = NotificationsApp(identity.authenticator, connectivity)
    node.supervisor.start(NAME, dispatcher.run)
    try:
        yield
    finally:
        await node.supervisor.stop(NAME)
        node.network = None
        if carrier is not None:
            await carrier.close()


def _country_code(operator: str) -> str | None:
    country = country_of(operator)
    return None if country is None else country.code
