"""What changes on the cards themselves: eUICC operations, IMSIs, eSIMs; and who looks after them in time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from motet.bootstrap.node import Node
from motet.domain.network import OrderKind
from motet.fleet.cards.activation_code import ActivationCodeService
from motet.fleet.cards.euicc import EuiccService
from motet.fleet.cards.euicc_results import EuiccResults
from motet.fleet.cards.imsi import ImsiService
from motet.fleet.cards.imsi_watch import ImsiWatch
from motet.fleet.cards.roaming_partner import RoamingPartnerService
from motet.fleet.devices.connectivity import CurrentOutages
from motet.fleet.journal import Journal

SWEEP_S = 2.0
"""How late an expiry or a rollback may be noticed."""


STAYS_S = 600.0
"""How often is looked for stays that are over, which are counted in days, and again at outages that last."""


@dataclass(frozen=True, slots=True)
class Cards:
    """The services of cards, which the other components share."""

    euiccs: EuiccService
    results: EuiccResults
    imsis: ImsiService
    watch: ImsiWatch
    partners: RoamingPartnerService
    codes: ActivationCodeService


@asynccontextmanager
async def cards(node: Node) -> AsyncIterator[None]:
    """Keeps cards as they should be while it runs. Needs the messaging and network components before it."""
    messaging, network = node.messaging, node.network
    assert messaging is not None and network is not None  # noqa: S101, PT018 - components start in order
    hub, database = messaging.hub, node.database
    woken = asyncio.Event()

    async def fleet_changed() -> None:
        hub.fleet_changed()

    journal = Journal(hub.ids, messaging.webhooks.outbox, followers=(network.follower,))
    orders = network.orders
    euiccs = EuiccService(database, hub.ids, journal, orders)
    imsis = ImsiService(database, hub.ids, journal, orders, CurrentOutages(), on_change=fleet_changed)
    node.cards = Cards(
        euiccs,
        EuiccResults(euiccs, on_change=fleet_changed),
        imsis,
        ImsiWatch(imsis, wake=woken.set),
        RoamingPartnerService(database, hub.ids),
        ActivationCodeService(database, hub.ids, journal),
    )
    made = node.cards
    network.ends.listen(OrderKind.EUICC, made.results)
    network.ends.listen(OrderKind.SWITCH_IMSI, made.watch)
    network.connectivity.on_outage(made.watch)
    network.connectivity.on_attach(made.watch)
    network.connectivity.on_esim(made.codes)
    network.ends.on_accepted(OrderKind.EUICC, made.results.sent)

    async def sweep() -> None:
        stays_at = time.monotonic()
        while True:
            woken.clear()
            if time.monotonic() >= stays_at:
                await made.watch.again()
                await made.watch.stays()
                stays_at = time.monotonic() + STAYS_S
            await made.watch.work()
            await made.codes.sweep()
            await made.results.sweep(network.euiccs)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_S):
                    await woken.wait()

    node.supervisor.start("cards", sweep)
    try:
        yield
    finally:
        await node.supervisor.stop("cards")
