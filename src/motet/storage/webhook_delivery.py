"""Deliveries of events to webhooks: a queue by webhook, and a log of what became of each. Times are aware datetimes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from motet.storage.database import PooledConnection
from motet.storage.webhook import WEBHOOK_DELIVERY_COLUMNS


async def copy_deliveries(connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add deliveries in the caller's transaction, by a lane's connection.

    Rows in the order of WEBHOOK_DELIVERY_COLUMNS, times int microseconds since 1970.
    """
    await connection.copy_records_to_table("webhook_delivery", records=rows, columns=WEBHOOK_DELIVERY_COLUMNS)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def copy_deliveries_from_edge(connection: PooledConnection, rows: Sequence[tuple[Any, ...]]) -> None:
    """The same rows by a connection of the pool, which takes moments, not microseconds."""
    moments = [(*row[:5], *(_EPOCH + timedelta(microseconds=us) for us in row[5:])) for row in rows]
    await connection.copy_records_to_table("webhook_delivery", records=moments, columns=WEBHOOK_DELIVERY_COLUMNS)


_INSERT = """
INSERT INTO webhook_delivery (workspace_id, id, webhook_id, event_type, body, next_attempt_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    delivery_id: int,
    *,
    webhook_id: int,
    event_type: str,
    body: bytes,
    created_at: datetime,
) -> None:
    """Add one delivery that is due at once."""
    await connection.execute(_INSERT, workspace_id, delivery_id, webhook_id, event_type, body, created_at)


# A loose index scan over webhook_delivery_due: one step per webhook, however many deliveries each has.
_AGENDA = """
WITH RECURSIVE agenda AS (
    (SELECT workspace_id, webhook_id, next_attempt_at
       FROM webhook_delivery
      WHERE status = 0 AND (workspace_id, webhook_id) > ($1, $2)
      ORDER BY workspace_id, webhook_id, next_attempt_at
      LIMIT 1)
    UNION ALL
    SELECT following.workspace_id, following.webhook_id, following.next_attempt_at
      FROM agenda
     CROSS JOIN LATERAL (
        SELECT d.workspace_id, d.webhook_id, d.next_attempt_at
          FROM webhook_delivery d
         WHERE d.status = 0 AND (d.workspace_id, d.webhook_id) > (agenda.workspace_id, agenda.webhook_id)
         ORDER BY d.workspace_id, d.webhook_id, d.next_attempt_at
         LIMIT 1) following
)
SELECT workspace_id, webhook_id, next_attempt_at FROM agenda LIMIT $3
"""


async def agenda(
    connection: PooledConnection, after: tuple[int, int], limit: int
) -> list[tuple[tuple[int, int], datetime]]:
    """For each webhook after the given (workspace id, webhook id) with pending deliveries: when the first is due."""
    records = await connection.fetch(_AGENDA, *after, limit)
    return [((record[0], record[1]), record[2]) for record in records]


# The claim is a lease: whoever dies holding it, or cannot write the result, leaves the delivery due again at its end.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT picked.workspace_id, picked.id, room.webhook_id
      FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) AS room (workspace_id, webhook_id, places)
     CROSS JOIN LATERAL (
        SELECT d.workspace_id, d.id
          FROM webhook_delivery d
         WHERE d.workspace_id = room.workspace_id AND d.webhook_id = room.webhook_id
           AND d.status = 0 AND d.next_attempt_at <= $4
         ORDER BY d.next_attempt_at
         LIMIT room.places
           FOR UPDATE SKIP LOCKED) picked
)
UPDATE webhook_delivery d
   SET attempts = d.attempts + 1, last_attempt_at = $4, next_attempt_at = $5
  FROM due
 WHERE d.workspace_id = due.workspace_id AND d.id = due.id AND d.webhook_id = due.webhook_id
RETURNING d.workspace_id, d.id, d.webhook_id, d.body, d.attempts
"""


async def claim(
    connection: PooledConnection, room: Sequence[tuple[int, int, int]], *, now: datetime, lease_until: datetime
) -> list[asyncpg.Record]:
    """Take due deliveries, per (workspace id, webhook id, at most so many), and count the attempt that follows."""
    records: list[asyncpg.Record] = await connection.fetch(_CLAIM, *zip(*room, strict=True), now, lease_until)
    return records


# A success always counts. A failure only if nothing has happened since: the lease may have run out meanwhile.
_SETTLE = """
UPDATE webhook_delivery d
   SET status = s.status,
       next_attempt_at = s.next_attempt_at,
       last_status = s.last_status,
       last_error = s.last_error
  FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[], $5::timestamptz[], $6::integer[], $7::text[])
       AS s (workspace_id, id, attempts, status, next_attempt_at, last_status, last_error)
 WHERE d.workspace_id = s.workspace_id AND d.id = s.id
   AND (s.status = 1 OR d.status = 0 AND d.attempts = s.attempts)
"""


async def settle(connection: PooledConnection, results: Sequence[tuple[Any, ...]]) -> None:
    """Write what became of attempts: (workspace id, id, attempts as claimed, DeliveryStatus, next attempt at, HTTP
    status or None, error or None) each."""
    await connection.execute(_SETTLE, *zip(*results, strict=True))


# ARRAY, here and below: it is evaluated once. A row-locking subquery under IN may run again and again, past its LIMIT.
_KILL_PENDING = """
UPDATE webhook_delivery SET status = 2, last_error = coalesce(last_error, $3)
 WHERE workspace_id = $1
   AND id = ANY (ARRAY(SELECT id FROM webhook_delivery
                        WHERE workspace_id = $1 AND webhook_id = $2 AND status = 0 LIMIT $4 FOR UPDATE SKIP LOCKED))
   AND EXISTS (SELECT FROM webhook WHERE workspace_id = $1 AND id = $2 AND status = 1)
"""


async def kill_pending(
    connection: PooledConnection, workspace_id: int, webhook_id: int, reason: str, limit: int
) -> int:
    """Make up to `limit` pending deliveries of a disabled webhook dead; how many there were."""
    return _count(await connection.execute(_KILL_PENDING, workspace_id, webhook_id, reason, limit))


_DELETE_ORPHANS = """
DELETE FROM webhook_delivery
 WHERE workspace_id = $1
   AND id = ANY (ARRAY(SELECT id FROM webhook_delivery
                        WHERE workspace_id = $1 AND webhook_id = $2 AND status = 0 LIMIT $3))
   AND NOT EXISTS (SELECT FROM webhook WHERE workspace_id = $1 AND id = $2)
"""


async def delete_orphans(connection: PooledConnection, workspace_id: int, webhook_id: int, limit: int) -> int:
    """Remove up to `limit` pending deliveries of a webhook that is no more; how many there were."""
    return _count(await connection.execute(_DELETE_ORPHANS, workspace_id, webhook_id, limit))


# A replay begins the ladder anew, under the same id and with the same body.
_REPLAY = """
UPDATE webhook_delivery SET status = 0, attempts = 0, next_attempt_at = $3
 WHERE workspace_id = $1
   AND id = ANY (ARRAY(SELECT id FROM webhook_delivery
                        WHERE workspace_id = $1 AND webhook_id = $2 AND status = 2
                        ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED))
   AND status = 2
"""


async def replay_dead(
    connection: PooledConnection, workspace_id: int, webhook_id: int, now: datetime, limit: int
) -> int:
    """Make up to `limit` dead deliveries of the webhook due again, oldest first; how many there were."""
    return _count(await connection.execute(_REPLAY, workspace_id, webhook_id, now, limit))


_REPLAY_ONE = """
UPDATE webhook_delivery SET status = 0, attempts = 0, next_attempt_at = $4
 WHERE workspace_id = $1 AND webhook_id = $2 AND id = $3 AND status = 2
RETURNING id
"""


async def replay_one(
    connection: PooledConnection, workspace_id: int, webhook_id: int, delivery_id: int, now: datetime
) -> bool:
    """Make one dead delivery due again; False if it is not dead or not there."""
    return await connection.fetchval(_REPLAY_ONE, workspace_id, webhook_id, delivery_id, now) is not None


_FIND = "SELECT webhook_id, status FROM webhook_delivery WHERE workspace_id = $1 AND id = $2"


async def find(connection: PooledConnection, workspace_id: int, delivery_id: int) -> asyncpg.Record | None:
    """The webhook id and DeliveryStatus of a delivery, None if the workspace has no such delivery."""
    return await connection.fetchrow(_FIND, workspace_id, delivery_id)


# A loose scan over the primary key: one step per workspace.
_WORKSPACES = """
WITH RECURSIVE owner AS (
    (SELECT workspace_id FROM webhook_delivery ORDER BY workspace_id LIMIT 1)
    UNION ALL
    SELECT following.workspace_id
      FROM owner
     CROSS JOIN LATERAL (
        SELECT d.workspace_id FROM webhook_delivery d
         WHERE d.workspace_id > owner.workspace_id ORDER BY d.workspace_id LIMIT 1) following
)
SELECT workspace_id FROM owner
"""


async def workspaces(connection: PooledConnection) -> list[int]:
    """The workspaces that have deliveries at all."""
    return [record[0] for record in await connection.fetch(_WORKSPACES)]


_PURGE = """
DELETE FROM webhook_delivery
 WHERE workspace_id = $1
   AND id = ANY (ARRAY(SELECT id FROM webhook_delivery
                        WHERE workspace_id = $1 AND id < $2 AND status = $3 ORDER BY id LIMIT $4))
   AND status = $3
"""


async def purge(connection: PooledConnection, workspace_id: int, before_id: int, status: int, limit: int) -> int:
    """Remove up to `limit` deliveries in this status made before the id; how many there were."""
    return _count(await connection.execute(_PURGE, workspace_id, before_id, status, limit))


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
