"""SIMs, and the directory rows that make their identities unique over the platform."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import asyncpg

from motet.storage.database import PooledConnection

SIM_COLUMNS = (
    "workspace_id", "id", "iccid", "imsi", "msisdn", "status", "form_factor", "quality_grade", "device_id",
    "created_at", "activated_at",
)  # fmt: skip

DIRECTORY_COLUMNS = ("kind", "value", "workspace_id", "sim_id")


async def copy_sims(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of SIM_COLUMNS. The caller adds their directory rows in the same transaction."""
    await connection.copy_records_to_table("sim", records=rows, columns=SIM_COLUMNS)


async def copy_directory(connection: PooledConnection, rows: Iterable[tuple[str, str, int, int]]) -> None:
    """Rows in the order of DIRECTORY_COLUMNS."""
    await connection.copy_records_to_table("directory", records=rows, columns=DIRECTORY_COLUMNS)


# Across workspaces: the simulated network stands outside of them, as a carrier does.
_IDENTITIES = """
SELECT s.msisdn, s.imsi, s.iccid
  FROM sim s JOIN directory d ON d.kind = 'msisdn' AND d.value = s.msisdn AND d.sim_id = s.id
 ORDER BY s.id LIMIT $1
"""


async def live_identities(connection: PooledConnection, limit: int) -> list[asyncpg.Record]:
    """(msisdn, imsi, iccid) of every live SIM of the platform, oldest first: what the network behind us knows."""
    records: list[asyncpg.Record] = await connection.fetch(_IDENTITIES, limit)
    return records
