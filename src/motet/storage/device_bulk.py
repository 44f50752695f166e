"""Many devices by one statement each: found by what they are called, locked, changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from motet.storage.database import Executor, PooledConnection
from motet.storage.device import DeviceSettings

_KNOWN = "SELECT id FROM device WHERE workspace_id = $1 AND id = ANY ($2::bigint[]) AND status <> 2"


async def known(connection: Executor, workspace_id: int, device_ids: Sequence[int]) -> set[int]:
    """Those of the ids that are live devices of the workspace."""
    return {record["id"] for record in await connection.fetch(_KNOWN, workspace_id, device_ids)}


_WITHIN = "SELECT id FROM device WHERE workspace_id = $1 AND id = ANY ($2::bigint[]) AND tags && $3::text[]"


async def within(connection: Executor, workspace_id: int, device_ids: Sequence[int], tags: Collection[str]) -> set[int]:
    """Those of the devices that have one of the tags."""
    return {record["id"] for record in await connection.fetch(_WITHIN, workspace_id, device_ids, list(tags))}


_BY_NAME = "SELECT name AS key, id FROM device WHERE workspace_id = $1 AND name = ANY ($2::text[]) AND status <> 2"
_BY_IMEI = "SELECT imei AS key, id FROM device WHERE workspace_id = $1 AND imei = ANY ($2::text[]) AND status <> 2"
_BY_ICCID = """
SELECT s.iccid AS key, v.id
  FROM sim s JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
 WHERE s.workspace_id = $1 AND s.iccid = ANY ($2::text[]) AND s.status <> 4
"""
_BY_MSISDN = """
SELECT s.msisdn AS key, v.id
  FROM sim s JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
 WHERE s.workspace_id = $1 AND s.msisdn = ANY ($2::text[]) AND s.status <> 4
"""

BY_COLUMN: Final = {"name": _BY_NAME, "imei": _BY_IMEI, "iccid": _BY_ICCID, "msisdn": _BY_MSISDN}


async def find(connection: Executor, workspace_id: int, column: str, values: Sequence[str]) -> list[tuple[str, int]]:
    """(value, device id) for the devices that are called by one of the values in a column of `BY_COLUMN`."""
    records = await connection.fetch(BY_COLUMN[column], workspace_id, values)
    return [(record["key"], record["id"]) for record in records]


_WITH_TAG = """
SELECT id FROM device
 WHERE workspace_id = $1 AND status <> 2
   AND motet_device_terms(workspace_id, tags, attributes) @> ARRAY[$1::bigint || ':tag:' || $2::text]
 ORDER BY id LIMIT $3
"""


async def with_tag(connection: Executor, workspace_id: int, tag: str, limit: int) -> list[int]:
    """The live devices that have a tag, oldest first."""
    return [record["id"] for record in await connection.fetch(_WITH_TAG, workspace_id, tag, limit)]


_TAGS = """
SELECT tag, count(*) AS devices
  FROM device, unnest(tags) AS t (tag)
 WHERE workspace_id = $1 AND status <> 2
 GROUP BY tag ORDER BY devices DESC, tag LIMIT $2
"""


async def tags(connection: Executor, workspace_id: int, limit: int) -> list[tuple[str, int]]:
    """The tags of live devices and how many have each, the commonest first."""
    return [(record["tag"], record["devices"]) for record in await connection.fetch(_TAGS, workspace_id, limit)]


_TAGS_WITHIN = """
SELECT tag, count(*) AS devices
  FROM device, unnest(tags) AS t (tag)
 WHERE workspace_id = $1 AND status <> 2 AND tags && $3::text[]
 GROUP BY tag ORDER BY devices DESC, tag LIMIT $2
"""


async def tags_within(
    connection: Executor, workspace_id: int, limit: int, within: Collection[str]
) -> list[tuple[str, int]]:
    """The same of the live devices that have one of the tags."""
    records = await connection.fetch(_TAGS_WITHIN, workspace_id, limit, list(within))
    return [(record["tag"], record["devices"]) for record in records]


class DeviceState(NamedTuple):
    """All that a job may change of a device."""

    status: int
    sim_id: int | None
    settings: DeviceSettings


_LOCK = """
SELECT id, status, sim_id, name, tags, imei, imei_lock, service_policy_id, coverage_policy_id, attributes, imei_allowed
  FROM device
 WHERE workspace_id = $1 AND id = ANY ($2::bigint[]) AND status <> 2
 ORDER BY id
   FOR NO KEY UPDATE
"""


async def lock(connection: PooledConnection, workspace_id: int, device_ids: Sequence[int]) -> dict[int, DeviceState]:
    """Lock live devices in the order of their ids, by id."""
    found: dict[int, DeviceState] = {}
    for device_id, status, sim_id, *settings in await connection.fetch(_LOCK, workspace_id, device_ids):
        found[device_id] = DeviceState(status, sim_id, DeviceSettings(*settings))
    return found


_UPDATE = """
UPDATE device d
   SET status = u.status, sim_id = u.sim_id, name = u.name, tags = u.tags, imei = u.imei, imei_lock = u.imei_lock,
       service_policy_id = u.service_policy_id, coverage_policy_id = u.coverage_policy_id, attributes = u.attributes,
       imei_allowed = u.imei_allowed
  FROM jsonb_to_recordset($2::jsonb) AS u (
           id bigint, status smallint, sim_id bigint, name text, tags text[], imei text, imei_lock boolean,
           service_policy_id bigint, coverage_policy_id bigint, attributes jsonb, imei_allowed text[]
       )
 WHERE d.workspace_id = $1 AND d.id = u.id
"""


async def update(connection: PooledConnection, workspace_id: int, states: Mapping[int, DeviceState]) -> None:
    """Write the states of devices that this transaction has locked; their policies are there, and stay."""
    rows: list[dict[str, Any]] = [
        {"id": device_id, "status": int(state.status), "sim_id": state.sim_id, **state.settings._asdict()}
        for device_id, state in states.items()
    ]
    await connection.execute(_UPDATE, workspace_id, rows)


_WITH_ADDRESS = """
SELECT id FROM device
 WHERE workspace_id = $1 AND id = ANY ($2::bigint[]) AND ip_address_space_id IS NOT NULL
 ORDER BY id
"""


async def with_address(connection: PooledConnection, workspace_id: int, device_ids: Sequence[int]) -> list[int]:
    """Those of the devices that have an address of a space."""
    return [record["id"] for record in await connection.fetch(_WITH_ADDRESS, workspace_id, device_ids)]


# Devices that are gone keep no policy from being deleted.
_DELETE = """
UPDATE device SET status = 2, sim_id = NULL, service_policy_id = NULL, coverage_policy_id = NULL
 WHERE workspace_id = $1 AND id = ANY ($2::bigint[])
"""


async def delete(connection: PooledConnection, workspace_id: int, device_ids: Sequence[int]) -> None:
    """Mark locked devices as deleted; they let go of their SIMs and policies."""
    await connection.execute(_DELETE, workspace_id, device_ids)


# Held until the transaction ends: nobody deletes them meanwhile.
_SERVICE_POLICIES = """
SELECT id FROM service_policy WHERE workspace_id = $1 AND id = ANY ($2::bigint[]) ORDER BY id FOR KEY SHARE
"""
_COVERAGE_POLICIES = """
SELECT id FROM coverage_policy WHERE workspace_id = $1 AND id = ANY ($2::bigint[]) ORDER BY id FOR KEY SHARE
"""


async def hold_policies(
    connection: Executor, workspace_id: int, service: Sequence[int], coverage: Sequence[int]
) -> tuple[set[int], set[int]]:
    """Those of the (service, coverage) policies that the workspace has."""
    there: list[set[int]] = []
    for statement, ids in ((_SERVICE_POLICIES, service), (_COVERAGE_POLICIES, coverage)):
        found = await connection.fetch(statement, workspace_id, ids) if ids else []
        there.append({record["id"] for record in found})
    return there[0], there[1]
