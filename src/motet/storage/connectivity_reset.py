"""Resets of devices' connectivity: who asked, what the network did, and when the SIM was back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from motet.storage.database import PooledConnection

# Of deleted devices nothing is reset. The device is locked, so that two at once are counted.
_LOCK_DEVICE = """
SELECT v.name, v.sim_id, s.iccid, s.imsi, s.msisdn, s.status AS sim_status
  FROM device v LEFT JOIN sim s ON s.workspace_id = v.workspace_id AND s.id = v.sim_id
 WHERE v.workspace_id = $1 AND v.id = $2 AND v.status <> 2
   FOR NO KEY UPDATE OF v
"""


async def lock_device(connection: PooledConnection, workspace_id: int, device_id: int) -> asyncpg.Record | None:
    """The device and its SIM; None for an unknown one."""
    record: asyncpg.Record | None = await connection.fetchrow(_LOCK_DEVICE, workspace_id, device_id)
    return record


_OPEN = """
SELECT id FROM connectivity_reset
 WHERE workspace_id = $1 AND device_id = $2 AND sim_id = $3 AND location = $4 AND data = $5 AND open_orders > 0
 ORDER BY id DESC LIMIT 1
"""


async def open_reset(
    connection: PooledConnection, workspace_id: int, device_id: int, sim_id: int, *, location: bool, data: bool
) -> int | None:
    """The reset of the same kind that the network has not answered yet."""
    reset_id: int | None = await connection.fetchval(_OPEN, workspace_id, device_id, sim_id, location, data)
    return reset_id


_SINCE = "SELECT count(*) FROM connectivity_reset WHERE workspace_id = $1 AND device_id = $2 AND at > $3"


async def count_since(connection: PooledConnection, workspace_id: int, device_id: int, since: datetime) -> int:
    """How often the device was reset since then."""
    return int(await connection.fetchval(_SINCE, workspace_id, device_id, since))


_INSERT = """
INSERT INTO connectivity_reset (workspace_id, id, device_id, sim_id, at, actor, location, data, orders, open_orders)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, cardinality($9::bigint[]))
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    reset_id: int,
    device_id: int,
    sim_id: int,
    at: datetime,
    actor: str,
    orders: Sequence[int],
    *,
    location: bool,
    data: bool,
) -> None:
    """Note a reset whose orders are in the queue."""
    await connection.execute(
        _INSERT, workspace_id, reset_id, device_id, sim_id, at, actor, location, data, list(orders)
    )


_ORDER_ENDED = """
UPDATE connectivity_reset r
   SET open_orders = r.open_orders - 1, failed = coalesce(r.failed, $4::text),
       done_at = CASE WHEN r.open_orders = 1 AND coalesce(r.failed, $4) IS NULL THEN $5::timestamptz END
  FROM device v, sim s
 WHERE r.workspace_id = $1 AND r.sim_id = $2 AND $3 = ANY (r.orders)
   AND v.workspace_id = r.workspace_id AND v.id = r.device_id
   AND s.workspace_id = r.workspace_id AND s.id = r.sim_id
RETURNING r.id, r.device_id, r.open_orders, r.failed, v.name, s.iccid, s.imsi, s.msisdn
"""


async def order_ended(
    connection: PooledConnection, workspace_id: int, sim_id: int, order_id: int, failed: str | None, at: datetime
) -> asyncpg.Record | None:
    """One of a reset's orders has ended, well or with the reason of its failure; None if it is no reset's order."""
    record: asyncpg.Record | None = await connection.fetchrow(_ORDER_ENDED, workspace_id, sim_id, order_id, failed, at)
    return record
