"""The demo's delivered order: a box of cards whose code waits to be registered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from motet.domain.sim_ordering import BatchStatus, OrderStatus, make_bic
from motet.storage import sim_batch, sim_purchase_order
from motet.storage.database import PooledConnection
from motet.storage.sim import copy_directory
from motet.storage.sim_purchase_order import Delivery

CARDS = 10
"""Cards in the box: half of them to be soldered, half to be plugged in."""

FIRST_CARD = 30_000_000
"""How far behind a tenant's first number its box begins: beyond any number of sample devices."""

KINDS = (("MFF2", "MFF2", "MFF2"), ("INDUSTRIAL_2FF", "2FF", "INDUSTRIAL"))
"""Package, form factor, grade."""


async def seed_batch(
    connection: PooledConnection,
    workspace_id: int,
    first_number: int,
    *,
    identity: Callable[[int], tuple[str, str, str]],
    new_id: Callable[[], int],
    now: datetime,
    actor: str,
) -> None:
    """Make the order and its box, whose code is the same after every first start."""
    order_id, batch_id = new_id(), new_id()
    address = Delivery("PO 4711", "Goods in", ["Dock 4"], "69001", "Lyon", "FR")
    await sim_purchase_order.insert(connection, workspace_id, order_id, now - timedelta(days=9), address)
    items = [(new_id(), package, CARDS // len(KINDS)) for package, _, _ in KINDS]
    await sim_purchase_order.set_items(connection, workspace_id, order_id, items)
    for days, status in ((9, OrderStatus.PLACED), (6, OrderStatus.PRODUCED), (5, OrderStatus.SHIPPED)):
        await sim_purchase_order.set_status(connection, workspace_id, order_id, status, now - timedelta(days=days))
    bic = make_bic(first_number + FIRST_CARD)
    await sim_batch.insert(connection, workspace_id, batch_id, order_id, bic, now - timedelta(days=6))
    await sim_purchase_order.set_batch(connection, workspace_id, order_id, batch_id)
    cards, directory = [], []
    for number in range(CARDS):
        card_id = new_id()
        iccid, imsi, msisdn = identity(first_number + FIRST_CARD + number)
        package, form, grade = KINDS[number % len(KINDS)]
        cards.append((workspace_id, card_id, batch_id, iccid, None, imsi, msisdn, form, grade, package))
        for kind, value in (("iccid", iccid), ("imsi", imsi), ("msisdn", msisdn)):
            directory.append((kind, value, workspace_id, card_id))
    await sim_batch.copy_cards(connection, cards)
    await copy_directory(connection, directory)
    await sim_batch.add_quantity(connection, workspace_id, batch_id, CARDS)
    delivered_at = now - timedelta(days=2)
    await sim_batch.set_status(connection, workspace_id, batch_id, BatchStatus.DELIVERED, delivered_at, actor)
    await sim_purchase_order.set_status(
        connection, workspace_id, order_id, OrderStatus.DELIVERED, delivered_at, carrier="Post", tracking="FR4711"
    )
