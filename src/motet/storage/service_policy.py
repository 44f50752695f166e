"""Service policies and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg

from motet.domain.errors import ConflictError, LimitReachedError, NotFoundError
from motet.domain.service_policy import SERVICE_POLICY_FIELDS, ServicePolicy
from motet.storage.database import PooledConnection


class Locked(NamedTuple):
    """A policy that stays as it is until the transaction ends."""

    version: int
    content: ServicePolicy


_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO service_policy
       (workspace_id, id, name, description, data_enabled, sms_mt_enabled, sms_mo_enabled, p2p_inside, p2p_outside,
        p2p_limit_per_day, allowed_rats, breakout_region, dns_config_id, apn, internet_breakout, inter_device,
        imei_lock_mode, imei_lock_applies_to_sms, apply_sms_quota, apply_data_quota, sms_mt_limit_per_month,
        sms_mo_limit_per_month, data_limit_per_month_octets, limit_warning_percent, sms_on_nb_iot_refused)
SELECT $1, $2, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
       $26
 WHERE (SELECT count(*) FROM service_policy WHERE workspace_id = $1) < $3
RETURNING id
"""


async def insert(
    connection: PooledConnection, workspace_id: int, policy_id: int, content: ServicePolicy, *, limit: int
) -> None:
    """Add a policy at version 1. The workspace is locked, so that two callers cannot pass the limit.

    Raises ConflictError for a name that the workspace has, NotFoundError for a DNS configuration that it has not,
    LimitReachedError at `limit` policies.
    """
    await connection.execute(_LOCK_WORKSPACE, workspace_id)
    try:
        added = await connection.fetchval(_INSERT, workspace_id, policy_id, limit, *_row(content))
    except asyncpg.UniqueViolationError as error:
        raise _conflict(error) from None
    except asyncpg.ForeignKeyViolationError as error:
        raise _no_dns_config(error) from None
    if added is None:
        raise LimitReachedError("A workspace has at most {most} service policies.", most=limit)


_LOCK = """
SELECT version, name, description, data_enabled, sms_mt_enabled, sms_mo_enabled, p2p_inside, p2p_outside,
       p2p_limit_per_day, allowed_rats, breakout_region, dns_config_id, apn, internet_breakout, inter_device,
       imei_lock_mode, imei_lock_applies_to_sms, apply_sms_quota, apply_data_quota, sms_mt_limit_per_month,
       sms_mo_limit_per_month, data_limit_per_month_octets, limit_warning_percent, sms_on_nb_iot_refused
  FROM service_policy
 WHERE workspace_id = $1 AND id = $2
   FOR NO KEY UPDATE
"""


async def lock(connection: PooledConnection, workspace_id: int, policy_id: int) -> Locked | None:
    """Lock a policy; None for one that is unknown."""
    record = await connection.fetchrow(_LOCK, workspace_id, policy_id)
    return None if record is None else Locked(record["version"], ServicePolicy.of(dict(record)))


_UPDATE = """
UPDATE service_policy
   SET version = version + 1, updated_at = now(), name = $3, description = $4, data_enabled = $5, sms_mt_enabled = $6,
       sms_mo_enabled = $7, p2p_inside = $8, p2p_outside = $9, p2p_limit_per_day = $10, allowed_rats = $11,
       breakout_region = $12, dns_config_id = $13, apn = $14, internet_breakout = $15, inter_device = $16,
       imei_lock_mode = $17, imei_lock_applies_to_sms = $18, apply_sms_quota = $19, apply_data_quota = $20,
       sms_mt_limit_per_month = $21, sms_mo_limit_per_month = $22, data_limit_per_month_octets = $23,
       limit_warning_percent = $24, sms_on_nb_iot_refused = $25
 WHERE workspace_id = $1 AND id = $2
"""


async def update(connection: PooledConnection, workspace_id: int, policy_id: int, content: ServicePolicy) -> None:
    """Write the locked policy, which is at its next version then. Raises ConflictError for a name that is taken,
    NotFoundError for a DNS configuration that there is not."""
    try:
        await connection.execute(_UPDATE, workspace_id, policy_id, *_row(content))
    except asyncpg.UniqueViolationError as error:
        raise _conflict(error) from None
    except asyncpg.ForeignKeyViolationError as error:
        raise _no_dns_config(error) from None


_DELETE = "DELETE FROM service_policy WHERE workspace_id = $1 AND id = $2"


async def delete(connection: PooledConnection, workspace_id: int, policy_id: int) -> None:
    """Remove a policy; its versions stay. Raises ConflictError if devices have it."""
    try:
        await connection.execute(_DELETE, workspace_id, policy_id)
    except asyncpg.ForeignKeyViolationError:
        raise ConflictError("Devices have this policy: give them another first.", path=("id",)) from None


_INSERT_VERSION = """
INSERT INTO service_policy_version (workspace_id, id, policy_id, number, actor, restored_from, content, changes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert_version(
    connection: PooledConnection,
    workspace_id: int,
    version_id: int,
    policy_id: int,
    number: int,
    actor: str,
    restored_from: int | None,
    content: ServicePolicy,
    changes: Sequence[dict[str, Any]],
) -> None:
    """Keep what the policy is from now on, and its `changes` against the version before."""
    await connection.execute(
        _INSERT_VERSION, workspace_id, version_id, policy_id, number, actor, restored_from, content.as_json(), changes
    )


_VERSION = "SELECT content FROM service_policy_version WHERE workspace_id = $1 AND policy_id = $2 AND number = $3"


async def version(connection: PooledConnection, workspace_id: int, policy_id: int, number: int) -> ServicePolicy | None:
    """What the policy was at a version; None if it never had it."""
    content = await connection.fetchval(_VERSION, workspace_id, policy_id, number)
    return None if content is None else ServicePolicy.of(content)


def _row(content: ServicePolicy) -> tuple[Any, ...]:
    return tuple(getattr(content, name) for name in SERVICE_POLICY_FIELDS)


def _no_dns_config(error: asyncpg.ForeignKeyViolationError) -> Exception:
    if error.constraint_name != "service_policy_dns_config":
        return error
    return NotFoundError("No such DNS configuration.", path=("dns_config_id",))


def _conflict(error: asyncpg.UniqueViolationError) -> Exception:
    if error.constraint_name != "service_policy_name_taken":
        return error
    return ConflictError("The workspace has a service policy of this name.", path=("name",))
