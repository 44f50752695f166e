"""How devices save power, and when they were heard last."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from motet.storage.database import PooledConnection


class StoredProfile(NamedTuple):
    """The columns of a device, in the order of the statement."""

    rat: str | None = None
    tau_s: int | None = None
    active_s: int | None = None
    cycle_ms: int | None = None
    window_ms: int | None = None
    learned: bool | None = None
    at: datetime | None = None


_READ = """
SELECT power_rat, psm_tau_s, psm_active_s, edrx_cycle_ms, edrx_window_ms, power_learned, power_at
  FROM device
 WHERE workspace_id = $1 AND id = $2
"""


async def read(connection: PooledConnection, workspace_id: int, device_id: int) -> StoredProfile:
    """The profile of a locked device."""
    record = await connection.fetchrow(_READ, workspace_id, device_id)
    return StoredProfile() if record is None else StoredProfile(*record)


_WRITE = """
UPDATE device
   SET power_rat = $3, psm_tau_s = $4, psm_active_s = $5, edrx_cycle_ms = $6, edrx_window_ms = $7, power_learned = $8,
       power_at = $9
 WHERE workspace_id = $1 AND id = $2
"""


async def write(connection: PooledConnection, workspace_id: int, device_id: int, profile: StoredProfile) -> None:
    """Write the profile of a locked device."""
    await connection.execute(_WRITE, workspace_id, device_id, *profile)


_ENDING = """
SELECT w.operator, w.rat, found.devices
  FROM unnest($2::text[], $3::text[]) AS w (operator, rat),
       LATERAL (SELECT count(*) AS devices
                  FROM (SELECT
                          FROM attachment a
                          JOIN sim s ON s.workspace_id = a.workspace_id AND s.id = a.sim_id
                         WHERE a.workspace_id = $1 AND a.operator = w.operator AND a.rat = w.rat
                           AND s.device_id IS NOT NULL
                         LIMIT $4) few) found
"""


_ENDING_WITHIN = """
SELECT w.operator, w.rat, found.devices
  FROM unnest($2::text[], $3::text[]) AS w (operator, rat),
       LATERAL (SELECT count(*) AS devices
                  FROM (SELECT
                          FROM attachment a
                          JOIN sim s ON s.workspace_id = a.workspace_id AND s.id = a.sim_id
                          JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
                         WHERE a.workspace_id = $1 AND a.operator = w.operator AND a.rat = w.rat
                           AND v.tags && $5::text[]
                         LIMIT $4) few) found
"""


async def devices_on(
    connection: PooledConnection,
    workspace_id: int,
    operators: list[str],
    rats: list[str],
    limit: int,
    within: Collection[str] | None = None,
) -> dict[tuple[str, str], int]:
    """How many devices, or of those with one of the tags `within`, were last seen on each of these networks, up to
    `limit`, by operator and RAT."""
    if within is None:
        records = await connection.fetch(_ENDING, workspace_id, operators, rats, limit)
    else:
        records = await connection.fetch(_ENDING_WITHIN, workspace_id, operators, rats, limit, list(within))
    return {(record["operator"], record["rat"]): record["devices"] for record in records}
