"""Orders to mobile networks: a queue that holds each until its network has answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from motet.storage.database import Executor, PooledConnection

# An order that nobody has sent yet says what a new one of its kind would. Locked, so that it is not sent before the
# change that it now stands for is committed.
_UNSENT = """
SELECT sim_id, id FROM network_order
 WHERE workspace_id = $1 AND sim_id = ANY ($2::bigint[]) AND kind = $3 AND body = $4 AND state = 0 AND attempts = 0
 ORDER BY sim_id
   FOR UPDATE
"""


async def unsent(
    connection: PooledConnection, workspace_id: int, sim_ids: Sequence[int], kind: str, body: dict[str, Any]
) -> dict[int, int]:
    """By SIM, the order that says the same and was not sent yet."""
    records = await connection.fetch(_UNSENT, workspace_id, sim_ids, kind, body)
    return {record["sim_id"]: record["id"] for record in records}


_INSERT = """
INSERT INTO network_order (workspace_id, id, sim_id, kind, body, due, ordered_at)
SELECT $1, u.id, u.sim_id, $4, $5, $6, $6 FROM unnest($2::bigint[], $3::bigint[]) AS u (id, sim_id)
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    orders: Sequence[tuple[int, int]],
    kind: str,
    body: dict[str, Any],
    at: datetime,
) -> None:
    """Add orders, each (id, SIM id), that are due at once."""
    ids, sim_ids = zip(*orders, strict=True)
    await connection.execute(_INSERT, workspace_id, ids, sim_ids, kind, body, at)


# Across workspaces: the dispatcher works for all of them. A SIM's orders go out one after the other.
_CLAIM = """
UPDATE network_order o SET attempts = o.attempts + 1, due = $2
  FROM (SELECT workspace_id, id FROM network_order c
         WHERE c.state = 0 AND c.due <= $1 AND NOT EXISTS (
               SELECT FROM network_order e
                WHERE e.workspace_id = c.workspace_id AND e.sim_id = c.sim_id AND e.state = 0 AND e.id < c.id)
         ORDER BY c.due LIMIT $3
           FOR UPDATE SKIP LOCKED) due
  JOIN network_order d USING (workspace_id, id)
  LEFT JOIN sim s ON s.workspace_id = d.workspace_id AND s.id = d.sim_id
  LEFT JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
 WHERE o.workspace_id = due.workspace_id AND o.id = due.id
RETURNING o.workspace_id, o.id, o.sim_id, o.kind, o.body, o.attempts, o.ordered_at, s.iccid, s.imsi, s.msisdn,
          s.status AS sim_status, v.id AS device_id, v.status AS device_status
"""


async def claim(connection: Executor, now: datetime, again_at: datetime, limit: int) -> list[asyncpg.Record]:
    """Take what is due, with the SIM as it is now; it is due again at `again_at` unless it was settled by then."""
    records: list[asyncpg.Record] = await connection.fetch(_CLAIM, now, again_at, limit)
    return records


_SETTLE = """
UPDATE network_order SET state = $3, reason = $4, due = $5, ended_at = $6
 WHERE workspace_id = $1 AND id = $2 AND state < 2
RETURNING sim_id, kind
"""


async def settle(
    connection: Executor,
    workspace_id: int,
    order_id: int,
    state: int,
    reason: str | None,
    due: datetime,
    ended_at: datetime | None,
) -> asyncpg.Record | None:
    """Write what became of an open order; None for one that has ended already."""
    record: asyncpg.Record | None = await connection.fetchrow(
        _SETTLE, workspace_id, order_id, state, reason, due, ended_at
    )
    return record


# Those that wait for another of their SIM are not due before it.
_NEXT_DUE = """
SELECT min(c.due) FROM network_order c
 WHERE c.state < 2 AND NOT (c.state = 0 AND EXISTS (
       SELECT FROM network_order e
        WHERE e.workspace_id = c.workspace_id AND e.sim_id = c.sim_id AND e.state = 0 AND e.id < c.id))
"""


async def next_due(connection: Executor) -> datetime | None:
    """When there is something to send, or to give up."""
    due: datetime | None = await connection.fetchval(_NEXT_DUE)
    return due


# Across workspaces, as the dispatcher's claim.
_OVERDUE = """
SELECT workspace_id, id, sim_id, kind FROM network_order WHERE state = 1 AND due <= $1 ORDER BY due LIMIT $2
"""


async def overdue(connection: Executor, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Orders that a network accepted and never told the end of."""
    records: list[asyncpg.Record] = await connection.fetch(_OVERDUE, now, limit)
    return records


# A network names an order by its id, which is unique over all workspaces.
_WORKSPACE_OF = "SELECT workspace_id FROM network_order WHERE id = $1"


async def workspace_of(connection: Executor, order_id: int) -> int | None:
    """Whose order it is; None for an unknown one."""
    workspace_id: int | None = await connection.fetchval(_WORKSPACE_OF, order_id)
    return workspace_id


_PRUNE = """
DELETE FROM network_order o USING (
    SELECT workspace_id, id FROM network_order WHERE state >= 2 AND ended_at < $1 LIMIT $2) old
 WHERE o.workspace_id = old.workspace_id AND o.id = old.id
"""


async def prune(connection: Executor, before: datetime, limit: int) -> int:
    """Forget orders that ended before then: how many."""
    return int((await connection.execute(_PRUNE, before, limit)).split()[-1])
