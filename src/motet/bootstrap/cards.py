"""What changes on the cards themselves: eUICC operations, IMSIs, eSIMs; and who looks after them in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from motet.bootstrap.node import Node
from motet.fleet.activation_code import ActivationCodeService
from motet.fleet.euicc import EuiccService
from motet.fleet.euicc_results import EuiccResults
from motet.fleet.imsi import ImsiService
from motet.fleet.imsi_watch import ImsiWatch, NoOutages
from motet.fleet.journal import Journal
from motet.fleet.orders import OrderQueue
from motet.fleet.roaming_partner import RoamingPartnerService

SWEEP_S = 2.0
"""How late an expiry or a rollback may be noticed."""


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
    """Keeps cards as they should be while it runs. Needs the messaging component before it."""
    messaging = node.messaging
    assert messaging is not None  # noqa: S101 - components start in order
    hub, database = messaging.hub, node.database
    woken = asyncio.Event()

    async def fleet_changed() -> None:
        hub.fleet_changed()

    journal, orders = Journal(hub.ids, messaging.webhooks.outbox), OrderQueue(hub.ids)
    euiccs = EuiccService(database, hub.ids, journal, orders)
    imsis = ImsiService(database, hub.ids, journal, orders, NoOutages(), on_change=fleet_changed)
    node.cards = Cards(
        euiccs,
        EuiccResults(euiccs, on_change=fleet_changed),
        imsis,
        ImsiWatch(imsis, wake=woken.set),
        RoamingPartnerService(database, hub.ids),
        ActivationCodeService(database, hub.ids, journal),
    )
    made = node.cards

    async def sweep() -> None:
        while True:
            woken.clear()
            await made.watch.work()
            await made.codes.sweep()
            await made.results.sweep(None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_S):
                    await woken.wait()

    node.supervisor.start("cards", sweep)
    try:
        yield
    finally:
        await node.supervisor.stop("cards")
