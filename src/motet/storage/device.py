"""Devices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from motet.storage.database import PooledConnection

DEVICE_COLUMNS = (
    "workspace_id", "id", "name", "status", "tags", "imei", "imei_lock", "ip_address", "sim_id", "created_at",
)  # fmt: skip


async def copy_devices(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of DEVICE_COLUMNS; their SIMs are there already and name them as `device_id`."""
    await connection.copy_records_to_table("device", records=rows, columns=DEVICE_COLUMNS)
