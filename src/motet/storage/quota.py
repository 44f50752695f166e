"""Quotas, the pools that share them, and their top-ups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from motet.domain.errors import ConflictError
from motet.domain.quota import ExhaustionAction, Quota, QuotaService, QuotaStatus, Refill
from motet.storage.database import Executor, PooledConnection


class StoredQuota(NamedTuple):
    """A quota and whose it is: one device's or a pool's."""

    workspace_id: int
    id: int
    device_id: int | None
    pool_id: int | None
    quota: Quota


_COLUMNS = (
    "workspace_id, id, device_id, pool_id, service, status, volume, used, refill_volume, refill, time_zone, rollover,"
    " thresholds, told, action, throttle_rate, period_started_at, next_refill_at, expires_at"
)


def _stored(record: asyncpg.Record) -> StoredQuota:
    return StoredQuota(
        record["workspace_id"],
        record["id"],
        record["device_id"],
        record["pool_id"],
        Quota(
            QuotaService(record["service"]),
            QuotaStatus(record["status"]),
            record["volume"],
            record["used"],
            record["refill_volume"],
            Refill(record["refill"]),
            record["time_zone"],
            record["rollover"],
            tuple(record["thresholds"]),
            tuple(record["told"]),
            ExhaustionAction(record["action"]),
            record["throttle_rate"],
            record["period_started_at"],
            record["next_refill_at"],
            record["expires_at"],
        ),
    )


_INSERT = """
INSERT INTO quota (workspace_id, id, device_id, pool_id, service, status, volume, used, refill_volume, refill,
                   time_zone, rollover, thresholds, told, action, throttle_rate, period_started_at, next_refill_at,
                   expires_at, due_at, status_changed_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $17, $17)
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    quota_id: int,
    device_id: int | None,
    pool_id: int | None,
    quota: Quota,
) -> None:
    """Add a quota, made when its period starts. Raises ConflictError if the device or pool has one of the service."""
    try:
        await connection.execute(
            _INSERT, workspace_id, quota_id, device_id, pool_id, quota.service, *_changing(quota), quota.due_at
        )
    except asyncpg.UniqueViolationError as error:
        field = "device_id" if error.constraint_name == "quota_device_taken" else "pool_id"
        raise ConflictError(
            "There is a quota of {service} already.", path=(field,), service=quota.service.name
        ) from error


def _changing(quota: Quota) -> tuple[Any, ...]:
    return (
        quota.status, quota.volume, quota.used, quota.refill_volume, quota.refill, quota.time_zone, quota.rollover,
        list(quota.thresholds), list(quota.told), quota.action, quota.throttle_rate, quota.period_started_at,
        quota.next_refill_at, quota.expires_at,
    )  # fmt: skip


_LOCK = f"SELECT {_COLUMNS} FROM quota WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE"  # noqa: S608


async def lock(connection: PooledConnection, workspace_id: int, quota_id: int) -> StoredQuota | None:
    """Lock a quota; None for an unknown one."""
    record = await connection.fetchrow(_LOCK, workspace_id, quota_id)
    return None if record is None else _stored(record)


_LOCK_MANY = f"""
SELECT {_COLUMNS} FROM quota q
 WHERE (q.workspace_id, q.id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
 ORDER BY q.workspace_id, q.id
   FOR NO KEY UPDATE
"""  # noqa: S608 - a constant of this module


async def lock_many(connection: PooledConnection, keys: Iterable[tuple[int, int]]) -> list[StoredQuota]:
    """Lock quotas by (workspace_id, id), in the order of their keys."""
    wanted = sorted(set(keys))
    if not wanted:
        return []
    workspaces, ids = zip(*wanted, strict=True)
    return [_stored(record) for record in await connection.fetch(_LOCK_MANY, list(workspaces), list(ids))]


_LOCK_DUE = f"""
SELECT {_COLUMNS} FROM quota WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608


async def lock_due(connection: PooledConnection, now: datetime, limit: int) -> list[StoredQuota]:
    """Quotas of all workspaces that have to be refilled, or have expired."""
    return [_stored(record) for record in await connection.fetch(_LOCK_DUE, now, limit)]


_LOAD = f"""
SELECT {_COLUMNS} FROM quota q WHERE (q.workspace_id, q.id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
"""  # noqa: S608


async def load(connection: Executor, keys: Iterable[tuple[int, int]]) -> list[StoredQuota]:
    """Quotas by (workspace_id, id), as they are now."""
    wanted = list(set(keys))
    if not wanted:
        return []
    workspaces, ids = zip(*wanted, strict=True)
    return [_stored(record) for record in await connection.fetch(_LOAD, list(workspaces), list(ids))]


_UPDATE = """
UPDATE quota
   SET status_changed_at = CASE WHEN status = $3 THEN status_changed_at ELSE $18 END,
       status = $3, volume = $4, used = $5, refill_volume = $6, refill = $7, time_zone = $8, rollover = $9,
       thresholds = $10, told = $11, action = $12, throttle_rate = $13, period_started_at = $14, next_refill_at = $15,
       expires_at = $16, due_at = $17
 WHERE workspace_id = $1 AND id = $2
"""


async def update(connection: PooledConnection, rows: Sequence[StoredQuota], now: datetime) -> None:
    """Write quotas that this transaction has locked."""
    if rows:
        await connection.executemany(
            _UPDATE,
            [(one.workspace_id, one.id, *_changing(one.quota), one.quota.due_at, now) for one in rows],
        )


_DELETE = "DELETE FROM quota WHERE workspace_id = $1 AND id = $2"


async def delete(connection: PooledConnection, workspace_id: int, quota_id: int) -> None:
    """Remove a quota that this transaction has locked."""
    await connection.execute(_DELETE, workspace_id, quota_id)


# A device's own quota comes before a pool's; of several pools' the oldest pool's. One that is disabled is not there.
_IN_FORCE = """
SELECT k.workspace_id, k.device_id, coalesce(own.id, pooled.id) AS quota_id
  FROM unnest($1::bigint[], $2::bigint[]) AS k (workspace_id, device_id)
  JOIN device d ON d.workspace_id = k.workspace_id AND d.id = k.device_id
  LEFT JOIN quota own ON own.workspace_id = k.workspace_id AND own.device_id = k.device_id AND own.service = $3
                     AND own.status <> 3
  LEFT JOIN LATERAL (
    SELECT q.id
      FROM quota_pool p
      JOIN quota q ON q.workspace_id = p.workspace_id AND q.pool_id = p.id AND q.service = $3 AND q.status <> 3
     WHERE p.workspace_id = d.workspace_id AND p.tag = ANY(d.tags)
     ORDER BY p.id LIMIT 1
  ) pooled ON own.id IS NULL
 WHERE coalesce(own.id, pooled.id) IS NOT NULL
"""


async def in_force(
    connection: Executor, devices: Sequence[tuple[int, int]], service: QuotaService
) -> dict[int, tuple[int, int]]:
    """The key of the quota that each of these devices, (workspace_id, device_id), uses up; devices without are left
    out."""
    if not devices:
        return {}
    workspaces, ids = zip(*devices, strict=True)
    return {
        record["device_id"]: (record["workspace_id"], record["quota_id"])
        for record in await connection.fetch(_IN_FORCE, list(workspaces), list(ids), int(service))
    }


# Top-ups ------------------------------------------------------------------------------------------------------------

_TOP_UP = "INSERT INTO quota_top_up (workspace_id, id, quota_id, amount, actor, at) VALUES ($1, $2, $3, $4, $5, $6)"


async def note_top_up(
    connection: PooledConnection,
    workspace_id: int,
    top_up_id: int,
    quota_id: int,
    amount: int,
    actor: str,
    now: datetime,
) -> None:
    """Remember who added how much to a quota."""
    await connection.execute(_TOP_UP, workspace_id, top_up_id, quota_id, amount, actor, now)


# Pools --------------------------------------------------------------------------------------------------------------


class Pool(NamedTuple):
    """A pool that stays as it is until the transaction ends."""

    name: str
    tag: str


_INSERT_POOL = "INSERT INTO quota_pool (workspace_id, id, name, tag, created_at) VALUES ($1, $2, $3, $4, $5)"


async def insert_pool(
    connection: PooledConnection, workspace_id: int, pool_id: int, pool: Pool, created_at: datetime
) -> None:
    """Add a pool. Raises ConflictError (path `name` or `tag`)."""
    try:
        await connection.execute(_INSERT_POOL, workspace_id, pool_id, pool.name, pool.tag, created_at)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error) from error


_LOCK_POOL = "SELECT name, tag FROM quota_pool WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE"


async def lock_pool(connection: PooledConnection, workspace_id: int, pool_id: int) -> Pool | None:
    """Lock a pool; None for an unknown one."""
    record = await connection.fetchrow(_LOCK_POOL, workspace_id, pool_id)
    return None if record is None else Pool(*record)


_UPDATE_POOL = "UPDATE quota_pool SET name = $3, tag = $4 WHERE workspace_id = $1 AND id = $2"


async def update_pool(connection: PooledConnection, workspace_id: int, pool_id: int, pool: Pool) -> None:
    """Write a pool that this transaction has locked. Raises ConflictError (path `name` or `tag`)."""
    try:
        await connection.execute(_UPDATE_POOL, workspace_id, pool_id, pool.name, pool.tag)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error) from error


_COUNT_POOLS = "SELECT count(*) FROM quota_pool WHERE workspace_id = $1"


async def count_pools(connection: PooledConnection, workspace_id: int) -> int:
    return int(await connection.fetchval(_COUNT_POOLS, workspace_id))


_POOL_IN_USE = "SELECT EXISTS (SELECT FROM quota WHERE workspace_id = $1 AND pool_id = $2)"
_DELETE_POOL = "DELETE FROM quota_pool WHERE workspace_id = $1 AND id = $2"


async def pool_has_quotas(connection: PooledConnection, workspace_id: int, pool_id: int) -> bool:
    return bool(await connection.fetchval(_POOL_IN_USE, workspace_id, pool_id))


async def delete_pool(connection: PooledConnection, workspace_id: int, pool_id: int) -> None:
    """Remove a pool without quotas that this transaction has locked."""
    await connection.execute(_DELETE_POOL, workspace_id, pool_id)


def _taken(error: asyncpg.UniqueViolationError) -> ConflictError:
    field = "tag" if error.constraint_name == "quota_pool_tag_taken" else "name"
    return ConflictError("Another pool has this {field}.", path=(field,), field=field)
