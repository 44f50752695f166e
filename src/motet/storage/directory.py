"""Who owns a number: asked before a workspace is known."""

import asyncpg

from motet.storage.database import Executor

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
