"""Who owns a number: asked before a workspace is known."""

from collections.abc import Sequence

import asyncpg

from motet.storage.database import Executor

# device_id 0: a SIM without a device. An eUICC holds the numbers of all its profiles, and answers to the enabled one's.
_OF_MSISDNS = """
SELECT d.value AS msisdn, d.workspace_id, d.sim_id, coalesce(v.id, 0) AS device_id, s.status AS sim_status,
       v.status AS device_status
  FROM directory d
  JOIN sim s ON s.workspace_id = d.workspace_id AND s.id = d.sim_id AND s.msisdn = d.value
  LEFT JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
 WHERE d.kind = 'msisdn' AND d.value = ANY ($1)
"""


async def of_msisdns(connection: Executor, msisdns: Sequence[str]) -> list[asyncpg.Record]:
    """The SIM and device behind each known MSISDN."""
    records: list[asyncpg.Record] = await connection.fetch(_OF_MSISDNS, msisdns)
    return records


_OF_DEVICE = """
SELECT s.msisdn FROM device v JOIN sim s ON s.workspace_id = v.workspace_id AND s.id = v.sim_id
 WHERE v.workspace_id = $1 AND v.id = $2
"""
_DEVICE_EXISTS = "SELECT EXISTS (SELECT FROM device WHERE workspace_id = $1 AND id = $2 AND status <> 2)"
_OF_ICCID = "SELECT msisdn FROM sim WHERE workspace_id = $1 AND iccid = $2 AND status <> 4"


async def msisdn_of_device(connection: Executor, workspace_id: int, device_id: int) -> str | None:
    """The MSISDN of the device's SIM; None for an unknown device or one without a SIM."""
    msisdn: str | None = await connection.fetchval(_OF_DEVICE, workspace_id, device_id)
    return msisdn


async def device_exists(connection: Executor, workspace_id: int, device_id: int) -> bool:
    return bool(await connection.fetchval(_DEVICE_EXISTS, workspace_id, device_id))


async def msisdn_of_iccid(connection: Executor, workspace_id: int, iccid: str) -> str | None:
    msisdn: str | None = await connection.fetchval(_OF_ICCID, workspace_id, iccid)
    return msisdn


_TRAFFIC_OF_DEVICE = """
SELECT s.id AS sim_id, s.status AS sim_status, v.id AS device_id, v.status AS device_status
  FROM device v LEFT JOIN sim s ON s.workspace_id = v.workspace_id AND s.id = v.sim_id
 WHERE v.workspace_id = $1 AND v.id = $2 AND v.status <> 2
"""
_TRAFFIC_OF_MSISDN = """
SELECT s.id AS sim_id, s.status AS sim_status, v.id AS device_id, v.status AS device_status
  FROM directory d
  JOIN sim s ON s.workspace_id = d.workspace_id AND s.id = d.sim_id AND s.msisdn = d.value
  LEFT JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
 WHERE d.kind = 'msisdn' AND d.value = $2 AND d.workspace_id = $1
"""
_TRAFFIC_OF_ICCID = """
SELECT s.id AS sim_id, s.status AS sim_status, v.id AS device_id, v.status AS device_status
  FROM sim s LEFT JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
 WHERE s.workspace_id = $1 AND s.iccid = $2 AND s.status <> 4
"""


async def traffic_of_device(connection: Executor, workspace_id: int, device_id: int) -> asyncpg.Record | None:
    """What decides over the traffic of a device: (sim_id, sim_status, device_id, device_status), nulls without a SIM;
    None for an unknown device."""
    record: asyncpg.Record | None = await connection.fetchrow(_TRAFFIC_OF_DEVICE, workspace_id, device_id)
    return record


async def traffic_of_msisdn(connection: Executor, workspace_id: int, msisdn: str) -> asyncpg.Record | None:
    """The same of the SIM with this MSISDN, nulls without a device."""
    record: asyncpg.Record | None = await connection.fetchrow(_TRAFFIC_OF_MSISDN, workspace_id, msisdn)
    return record


async def traffic_of_iccid(connection: Executor, workspace_id: int, iccid: str) -> asyncpg.Record | None:
    """The same of the SIM with this ICCID."""
    record: asyncpg.Record | None = await connection.fetchrow(_TRAFFIC_OF_ICCID, workspace_id, iccid)
    return record


_SHORT_CODES = """
SELECT code, id, account_id FROM short_code WHERE workspace_id = $1 ORDER BY id LIMIT 10000
"""


async def short_codes(connection: Executor, workspace_id: int) -> list[asyncpg.Record]:
    """The workspace's short codes, oldest first, and the account that each one's MO go to."""
    records: list[asyncpg.Record] = await connection.fetch(_SHORT_CODES, workspace_id)
    return records


_NAMES = """
SELECT v.id AS device_id, v.name, s.iccid, s.imsi, s.msisdn
  FROM sim s LEFT JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
 WHERE s.workspace_id = $1 AND s.id = $2
"""


async def names_of_sim(connection: Executor, workspace_id: int, sim_id: int) -> asyncpg.Record | None:
    """What a webhook tells about the SIM and its device."""
    record: asyncpg.Record | None = await connection.fetchrow(_NAMES, workspace_id, sim_id)
    return record
