"""Orders of SIM cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from motet.storage.database import PooledConnection


class Delivery(NamedTuple):
    """What an order says besides its items."""

    reference: str
    recipient: str
    address_lines: list[str]
    postal_code: str
    city: str
    country: str


class LockedOrder(NamedTuple):
    """An order that stays as it is until the transaction ends."""

    status: int
    batch_id: int | None
    reference: str


_INSERT = """
INSERT INTO sim_purchase_order (workspace_id, id, status, created_at, reference, recipient, address_lines, postal_code,
                                city, country)
VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9)
"""


async def insert(
    connection: PooledConnection, workspace_id: int, order_id: int, created_at: datetime, delivery: Delivery
) -> None:
    """Add an order that is a draft."""
    await connection.execute(_INSERT, workspace_id, order_id, created_at, *delivery)


_UPDATE = """
UPDATE sim_purchase_order
   SET reference = $3, recipient = $4, address_lines = $5, postal_code = $6, city = $7, country = $8
 WHERE workspace_id = $1 AND id = $2
"""


async def update(connection: PooledConnection, workspace_id: int, order_id: int, delivery: Delivery) -> None:
    """Write what a locked order says."""
    await connection.execute(_UPDATE, workspace_id, order_id, *delivery)


_LOCK = "SELECT status, batch_id, reference FROM sim_purchase_order WHERE workspace_id = $1 AND id = $2 FOR UPDATE"


async def lock(connection: PooledConnection, workspace_id: int, order_id: int) -> LockedOrder | None:
    """Lock an order; None for an unknown one. Its batch is locked after it."""
    record = await connection.fetchrow(_LOCK, workspace_id, order_id)
    return None if record is None else LockedOrder(*record)


_DELIVERY = """
SELECT reference, recipient, address_lines, postal_code, city, country
  FROM sim_purchase_order WHERE workspace_id = $1 AND id = $2
"""


async def delivery_of(connection: PooledConnection, workspace_id: int, order_id: int) -> Delivery:
    """What a locked order says."""
    record = await connection.fetchrow(_DELIVERY, workspace_id, order_id)
    assert record is not None  # noqa: S101 - its caller has locked it
    return Delivery(*record)


_SET_STATUS = """
UPDATE sim_purchase_order
   SET status = $3::smallint,
       placed_at = CASE WHEN $3::smallint = 1 THEN $4 ELSE placed_at END,
       produced_at = CASE WHEN $3::smallint = 2 THEN $4 ELSE produced_at END,
       shipped_at = CASE WHEN $3::smallint = 3 THEN $4 ELSE shipped_at END,
       delivered_at = CASE WHEN $3::smallint = 4 THEN $4 ELSE delivered_at END,
       cancelled_at = CASE WHEN $3::smallint = 5 THEN $4 ELSE cancelled_at END,
       carrier = coalesce($5, carrier), tracking = coalesce($6, tracking), reason = coalesce($7, reason)
 WHERE workspace_id = $1 AND id = $2
"""


async def set_status(
    connection: PooledConnection,
    workspace_id: int,
    order_id: int,
    status: int,
    at: datetime,
    *,
    carrier: str | None = None,
    tracking: str | None = None,
    reason: str | None = None,
) -> None:
    """Write the status of a locked order, when it came to it, and what is known with it."""
    await connection.execute(_SET_STATUS, workspace_id, order_id, status, at, carrier, tracking, reason)


_SET_BATCH = "UPDATE sim_purchase_order SET batch_id = $3 WHERE workspace_id = $1 AND id = $2"


async def set_batch(connection: PooledConnection, workspace_id: int, order_id: int, batch_id: int) -> None:
    """Say which batch a locked order's cards are."""
    await connection.execute(_SET_BATCH, workspace_id, order_id, batch_id)


_ITEMS = """
SELECT package, quantity FROM sim_purchase_order_item WHERE workspace_id = $1 AND order_id = $2 ORDER BY id
"""


async def items_of(connection: PooledConnection, workspace_id: int, order_id: int) -> dict[str, int]:
    """How many cards of each package the order is for."""
    return {row["package"]: row["quantity"] for row in await connection.fetch(_ITEMS, workspace_id, order_id)}


_DELETE_ITEMS = "DELETE FROM sim_purchase_order_item WHERE workspace_id = $1 AND order_id = $2"
_INSERT_ITEMS = """
INSERT INTO sim_purchase_order_item (workspace_id, order_id, id, package, quantity)
SELECT $1, $2, u.id, u.package, u.quantity
  FROM unnest($3::bigint[], $4::text[], $5::integer[]) AS u (id, package, quantity)
"""


async def set_items(
    connection: PooledConnection, workspace_id: int, order_id: int, items: Sequence[tuple[int, str, int]]
) -> None:
    """Write the items (id, package, quantity) of a locked order in place of those it had."""
    await connection.execute(_DELETE_ITEMS, workspace_id, order_id)
    await connection.execute(_INSERT_ITEMS, workspace_id, order_id, *zip(*items, strict=True))
