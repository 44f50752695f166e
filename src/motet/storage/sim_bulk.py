"""Many SIMs by one statement each: found by what they are called, locked, moved on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection

_KNOWN = "SELECT id FROM sim WHERE workspace_id = $1 AND id = ANY ($2::bigint[])"


async def known(connection: Executor, workspace_id: int, sim_ids: Sequence[int]) -> set[int]:
    """Those of the ids that the workspace has."""
    return {record["id"] for record in await connection.fetch(_KNOWN, workspace_id, sim_ids)}


_WITHIN = """
SELECT s.id FROM sim s JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
 WHERE s.workspace_id = $1 AND s.id = ANY ($2::bigint[]) AND v.tags && $3::text[]
"""


async def within(connection: Executor, workspace_id: int, sim_ids: Sequence[int], tags: Collection[str]) -> set[int]:
    """Those of the SIMs that are in a device with one of the tags."""
    return {record["id"] for record in await connection.fetch(_WITHIN, workspace_id, sim_ids, list(tags))}


# A deleted SIM has left its numbers to others.
_BY_ICCID = "SELECT iccid AS key, id FROM sim WHERE workspace_id = $1 AND iccid = ANY ($2::text[]) AND status <> 4"
_BY_IMSI = "SELECT imsi AS key, id FROM sim WHERE workspace_id = $1 AND imsi = ANY ($2::text[]) AND status <> 4"
_BY_MSISDN = "SELECT msisdn AS key, id FROM sim WHERE workspace_id = $1 AND msisdn = ANY ($2::text[]) AND status <> 4"

BY_COLUMN = {"iccid": _BY_ICCID, "imsi": _BY_IMSI, "msisdn": _BY_MSISDN}


async def find(connection: Executor, workspace_id: int, column: str, values: Sequence[str]) -> list[tuple[str, int]]:
    """(value, SIM id) for the SIMs that have one of the values in a column of `BY_COLUMN`."""
    return [tuple(record) for record in await connection.fetch(BY_COLUMN[column], workspace_id, values)]


class LockedSim(NamedTuple):
    """A SIM that stays as it is until the transaction ends."""

    id: int
    status: int
    device_id: int | None
    iccid: str
    imsi: str
    msisdn: str


_LOCK = """
SELECT id, status, device_id, iccid, imsi, msisdn
  FROM sim
 WHERE workspace_id = $1 AND id = ANY ($2::bigint[])
 ORDER BY id
   FOR NO KEY UPDATE
"""


async def lock(connection: PooledConnection, workspace_id: int, sim_ids: Sequence[int]) -> dict[int, LockedSim]:
    """Lock SIMs in the order of their ids, by id. Whoever locks devices, too, locks those first."""
    return {record["id"]: LockedSim(*record) for record in await connection.fetch(_LOCK, workspace_id, sim_ids)}


_SET_STATUSES = """
UPDATE sim s
   SET status = u.status,
       activated_at = CASE WHEN u.status = 2 THEN coalesce(s.activated_at, $4) ELSE s.activated_at END
  FROM unnest($2::bigint[], $3::smallint[]) AS u (id, status)
 WHERE s.workspace_id = $1 AND s.id = u.id
"""


async def set_statuses(
    connection: PooledConnection, workspace_id: int, statuses: dict[int, int], now: datetime
) -> None:
    """Write the status of each SIM, which this transaction has locked; the first time of activation is kept."""
    await connection.execute(_SET_STATUSES, workspace_id, list(statuses), list(statuses.values()), now)


_SET_DEVICES = """
UPDATE sim s SET device_id = u.device_id
  FROM unnest($2::bigint[], $3::bigint[]) AS u (id, device_id)
 WHERE s.workspace_id = $1 AND s.id = u.id
"""


async def set_devices(connection: PooledConnection, workspace_id: int, devices: dict[int, int | None]) -> None:
    """Say for each SIM, which this transaction has locked, which device it is in."""
    await connection.execute(_SET_DEVICES, workspace_id, list(devices), list(devices.values()))
