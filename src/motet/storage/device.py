"""Devices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg

from motet.domain.errors import NotFoundError
from motet.domain.messages import said
from motet.storage.database import PooledConnection

DEVICE_COLUMNS = (
    "workspace_id", "id", "name", "status", "tags", "imei", "imei_lock", "ip_address", "sim_id", "created_at",
    "service_policy_id", "attributes",
)  # fmt: skip


async def copy_devices(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of DEVICE_COLUMNS; their SIMs are there already and name them as `device_id`."""
    await connection.copy_records_to_table("device", records=rows, columns=DEVICE_COLUMNS)


class DeviceSettings(NamedTuple):
    """What can be changed of a device, in the order of the statements below."""

    name: str
    tags: list[str]
    imei: str | None
    imei_lock: bool
    service_policy_id: int
    coverage_policy_id: int | None
    attributes: dict[str, str]
    imei_allowed: list[str]


class LockedDevice(NamedTuple):
    """A device that stays as it is until the transaction ends."""

    status: int
    sim_id: int | None
    settings: DeviceSettings


_INSERT = """
INSERT INTO device (workspace_id, id, status, created_at, name, tags, imei, imei_lock, service_policy_id,
                    coverage_policy_id, attributes, imei_allowed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    device_id: int,
    status: int,
    created_at: datetime,
    settings: DeviceSettings,
) -> None:
    """Add a device without a SIM. Raises NotFoundError for a policy that the workspace has not."""
    with _unknown_policies():
        await connection.execute(_INSERT, workspace_id, device_id, status, created_at, *settings)


_LOCK = """
SELECT status, sim_id, name, tags, imei, imei_lock, service_policy_id, coverage_policy_id, attributes, imei_allowed
  FROM device
 WHERE workspace_id = $1 AND id = $2 AND status <> 2
   FOR NO KEY UPDATE
"""


async def lock(connection: PooledConnection, workspace_id: int, device_id: int) -> LockedDevice | None:
    """Lock a device; None for one that is unknown or deleted."""
    record = await connection.fetchrow(_LOCK, workspace_id, device_id)
    if record is None:
        return None
    status, sim_id, *settings = record
    return LockedDevice(status, sim_id, DeviceSettings(*settings))


_UPDATE = """
UPDATE device
   SET name = $3, tags = $4, imei = $5, imei_lock = $6, service_policy_id = $7, coverage_policy_id = $8,
       attributes = $9, imei_allowed = $10
 WHERE workspace_id = $1 AND id = $2
"""


async def update(connection: PooledConnection, workspace_id: int, device_id: int, settings: DeviceSettings) -> None:
    """Write the settings of a device that this transaction has locked. Raises NotFoundError for a policy that the
    workspace has not."""
    with _unknown_policies():
        await connection.execute(_UPDATE, workspace_id, device_id, *settings)


_SET_STATUS = "UPDATE device SET status = $3 WHERE workspace_id = $1 AND id = $2"


async def set_status(connection: PooledConnection, workspace_id: int, device_id: int, status: int) -> None:
    """Write the status of a device that this transaction has locked."""
    await connection.execute(_SET_STATUS, workspace_id, device_id, status)


# A device that is gone keeps no policy from being deleted.
_DELETE = """
UPDATE device SET status = 2, service_policy_id = NULL, coverage_policy_id = NULL WHERE workspace_id = $1 AND id = $2
"""


async def delete(connection: PooledConnection, workspace_id: int, device_id: int) -> None:
    """Mark the locked device as deleted; it lets go of its policies."""
    await connection.execute(_DELETE, workspace_id, device_id)


_SET_SIM = "UPDATE device SET sim_id = $3 WHERE workspace_id = $1 AND id = $2"


async def set_sim(connection: PooledConnection, workspace_id: int, device_id: int, sim_id: int | None) -> None:
    """Say which SIM is in the locked device. The SIM's own row says it, too."""
    await connection.execute(_SET_SIM, workspace_id, device_id, sim_id)


_POLICY_OF: Final = {
    "device_service_policy": (said("No such service policy."), "service_policy_id"),
    "device_coverage_policy": (said("No such coverage policy."), "coverage_policy_id"),
}
"""By the name of the constraint that misses it."""


@contextmanager
def _unknown_policies() -> Iterator[None]:
    try:
        yield
    except asyncpg.ForeignKeyViolationError as error:
        unknown = _POLICY_OF.get(error.constraint_name or "")
        if unknown is None:
            raise
        raise NotFoundError(unknown[0], path=(unknown[1],)) from None
