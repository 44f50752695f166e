"""Breakout regions that are out, and what decides over a device's region."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from motet.storage.database import PooledConnection


class DevicePlace(NamedTuple):
    """The region that a device's service policy says, and the country that its SIM is in, if any."""

    wanted: str
    country: str | None


_OUTAGES = "SELECT region, since FROM breakout_outage"


async def outages(connection: PooledConnection) -> dict[str, datetime]:
    """Since when which regions are out."""
    return {record["region"]: record["since"] for record in await connection.fetch(_OUTAGES)}


_BEGIN = """
INSERT INTO breakout_outage (region, since, actor) VALUES ($1, $2, $3) ON CONFLICT (region) DO NOTHING
"""


async def begin_outage(connection: PooledConnection, region: str, since: datetime, actor: str) -> None:
    """Say that a region is out; one that is stays so since before."""
    await connection.execute(_BEGIN, region, since, actor)


_END = "DELETE FROM breakout_outage WHERE region = $1"


async def end_outage(connection: PooledConnection, region: str) -> None:
    """Say that a region works again."""
    await connection.execute(_END, region)


_PLACE = """
SELECT coalesce(p.breakout_region, 'auto') AS wanted, CASE WHEN a.attached THEN a.country END AS country
  FROM device d
  LEFT JOIN service_policy p ON p.workspace_id = d.workspace_id AND p.id = d.service_policy_id
  LEFT JOIN attachment a ON a.workspace_id = d.workspace_id AND a.sim_id = d.sim_id
 WHERE d.workspace_id = $1 AND d.id = $2 AND d.status <> 2
"""


async def place_of(connection: PooledConnection, workspace_id: int, device_id: int) -> DevicePlace | None:
    """What decides over a device's region; None if there is no such device."""
    record = await connection.fetchrow(_PLACE, workspace_id, device_id)
    return None if record is None else DevicePlace(record["wanted"], record["country"])
