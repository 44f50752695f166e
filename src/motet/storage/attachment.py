"""Where SIMs are, as their networks say: the state, the places before it, and what was told already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from motet.storage.database import Executor, PooledConnection

# Across workspaces: a network names a SIM before it is known whose it is.
_OWNER = """
SELECT workspace_id, sim_id, kind FROM directory WHERE value = $1 AND kind IN ('iccid', 'imsi', 'msisdn')
 ORDER BY kind LIMIT 1
"""


async def owner(connection: Executor, number: str) -> tuple[int, int, str] | None:
    """(workspace, SIM, kind) of the live SIM with this ICCID, IMSI or MSISDN, looked at in this order."""
    record = await connection.fetchrow(_OWNER, number)
    return None if record is None else (record["workspace_id"], record["sim_id"], record["kind"])


class LockedAttachment(NamedTuple):
    """What is known of a SIM's whereabouts and equipment, locked until the transaction ends, and its device."""

    iccid: str
    imsi: str
    msisdn: str
    attached: bool
    since: datetime | None
    operator: str | None
    country: str | None
    rat: str | None
    cell: str | None
    node: str | None
    location_id: int | None
    imei: str | None
    refused: str | None
    told_at: datetime | None
    device_id: int | None
    device_name: str | None
    imei_lock: bool
    locked_imei: str | None
    imei_allowed: list[str]
    imei_matches: bool | None
    """Of the equipment seen before."""


_ENSURE = "INSERT INTO attachment (workspace_id, sim_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_LOCK = """
SELECT s.iccid, s.imsi, s.msisdn, a.attached, a.since, a.operator, a.country, a.rat, a.cell, a.node, a.location_id,
       a.imei, a.refused, a.told_at, v.id AS device_id, v.name AS device_name,
       coalesce(v.imei_lock, false) AS imei_lock, v.imei AS locked_imei, coalesce(v.imei_allowed, '{}') AS imei_allowed,
       motet_imei_matches(v.imei_lock, v.imei, v.imei_allowed, a.imei) AS imei_matches
  FROM attachment a
  JOIN sim s ON s.workspace_id = a.workspace_id AND s.id = a.sim_id
  LEFT JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
 WHERE a.workspace_id = $1 AND a.sim_id = $2
   FOR UPDATE OF a
"""


async def lock(connection: PooledConnection, workspace_id: int, sim_id: int) -> LockedAttachment:
    """Lock what is known of a SIM. Needs a transaction, which then locks no device unless it has locked it before."""
    await connection.execute(_ENSURE, workspace_id, sim_id)
    record = await connection.fetchrow(_LOCK, workspace_id, sim_id)
    assert record is not None  # noqa: S101 - it was made sure of
    return LockedAttachment(*record)


_ATTACH = """
UPDATE attachment
   SET attached = true, since = CASE WHEN attached THEN since ELSE $3 END, told_at = $3, operator = $4, country = $5,
       rat = $6, cell = $7, node = $8, location_id = $9, refused = NULL, refused_at = NULL
 WHERE workspace_id = $1 AND sim_id = $2
"""


async def attach(
    connection: PooledConnection,
    workspace_id: int,
    sim_id: int,
    at: datetime,
    place: tuple[str, str | None, str | None, str | None, str | None],
    location_id: int,
) -> None:
    """The locked SIM is attached at the place (operator, country, RAT, cell, node)."""
    await connection.execute(_ATTACH, workspace_id, sim_id, at, *place, location_id)


_DETACH = """
UPDATE attachment
   SET attached = false, since = CASE WHEN attached OR since IS NULL THEN $3 ELSE since END, told_at = $3,
       refused = coalesce($4, refused), refused_at = CASE WHEN $4::text IS NULL THEN refused_at ELSE $3 END
 WHERE workspace_id = $1 AND sim_id = $2
"""


async def detach(
    connection: PooledConnection, workspace_id: int, sim_id: int, at: datetime, refused: str | None = None
) -> None:
    """The locked SIM is in no network; `refused` is the rule that kept it out."""
    await connection.execute(_DETACH, workspace_id, sim_id, at, refused)


_ADD_LOCATION = """
INSERT INTO location (workspace_id, id, sim_id, device_id, at, updated_at, operator, country, rat, cell, node)
VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10)
"""
_TRIM_LOCATIONS = """
DELETE FROM location WHERE workspace_id = $1 AND sim_id = $2 AND id <= (
    SELECT id FROM location WHERE workspace_id = $1 AND sim_id = $2 ORDER BY id DESC OFFSET $3 LIMIT 1)
"""


async def add_location(
    connection: PooledConnection,
    workspace_id: int,
    location_id: int,
    sim_id: int,
    device_id: int | None,
    at: datetime,
    place: tuple[str, str | None, str | None, str | None, str | None],
    keep: int,
) -> None:
    """Add a place, and forget all but the `keep` newest of the SIM."""
    await connection.execute(_ADD_LOCATION, workspace_id, location_id, sim_id, device_id or 0, at, *place)
    await connection.execute(_TRIM_LOCATIONS, workspace_id, sim_id, keep)


_CONFIRM_LOCATION = "UPDATE location SET updated_at = $3 WHERE workspace_id = $1 AND id = $2"


async def confirm_location(connection: PooledConnection, workspace_id: int, location_id: int, at: datetime) -> None:
    """The SIM is still there."""
    await connection.execute(_CONFIRM_LOCATION, workspace_id, location_id, at)


_SET_IMEI = """
UPDATE attachment a SET imei = $3, imei_seen_at = $4
  FROM sim s LEFT JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
 WHERE a.workspace_id = $1 AND a.sim_id = $2 AND s.workspace_id = $1 AND s.id = $2
RETURNING motet_imei_matches(v.imei_lock, v.imei, v.imei_allowed, a.imei)
"""


async def set_imei(
    connection: PooledConnection, workspace_id: int, sim_id: int, imei: str, at: datetime
) -> bool | None:
    """Note the equipment of the locked SIM: whether its lock lets it be, None without a lock."""
    matches: bool | None = await connection.fetchval(_SET_IMEI, workspace_id, sim_id, imei, at)
    return matches


_BIND_IMEI = """
UPDATE device SET imei = $3
 WHERE workspace_id = $1 AND id = $2 AND imei_lock AND imei IS NULL AND imei_allowed = '{}' AND status <> 2
RETURNING id
"""


async def bind_imei(connection: PooledConnection, workspace_id: int, device_id: int, imei: str) -> bool:
    """Lock a device that is to be locked to whatever it is first seen in; whether it was such a one."""
    return await connection.fetchval(_BIND_IMEI, workspace_id, device_id, imei) is not None


_REATTACHED = """
UPDATE connectivity_reset SET reattached_at = $3
 WHERE workspace_id = $1 AND id = (
       SELECT id FROM connectivity_reset
        WHERE workspace_id = $1 AND device_id = $2 AND location ORDER BY id DESC LIMIT 1)
   AND reattached_at IS NULL AND at < $3
RETURNING id
"""


async def reattached(connection: PooledConnection, workspace_id: int, device_id: int, at: datetime) -> int | None:
    """The device's newest reset is proven by its being back: that reset's id, if it was not before."""
    reset_id: int | None = await connection.fetchval(_REATTACHED, workspace_id, device_id, at)
    return reset_id


# What networks told: by the networks' own ids, over all workspaces.
_NOTE = """
INSERT INTO network_notification (source, id, result) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true
"""
_NOTED = "SELECT result FROM network_notification WHERE source = $1 AND id = $2"
_NOTE_RESULT = "UPDATE network_notification SET result = $3 WHERE source = $1 AND id = $2"


async def note(
    connection: PooledConnection, source: str, notification_id: str, result: dict[str, Any]
) -> dict[str, Any] | None:
    """Note that this was told, with what will be answered: None, or what was answered when it was told before."""
    if await connection.fetchval(_NOTE, source, notification_id, result):
        return None
    noted: dict[str, Any] | None = await connection.fetchval(_NOTED, source, notification_id)
    return result if noted is None else noted


async def note_result(connection: PooledConnection, source: str, notification_id: str, result: dict[str, Any]) -> None:
    """What is answered is something else."""
    await connection.execute(_NOTE_RESULT, source, notification_id, result)


_PRUNE = """
DELETE FROM network_notification n USING (SELECT source, id FROM network_notification WHERE at < $1 LIMIT $2) old
 WHERE n.source = old.source AND n.id = old.id
"""


async def prune_notifications(connection: Executor, before: datetime, limit: int) -> int:
    """Forget what was told before then: how much."""
    return int((await connection.execute(_PRUNE, before, limit)).split()[-1])


_OUTAGE = """
INSERT INTO operator_outage (operator, since) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true
"""
_OUTAGE_OVER = "DELETE FROM operator_outage WHERE operator = $1 AND since <= $2 RETURNING true"


async def set_outage(connection: PooledConnection, operator: str, at: datetime, *, out: bool) -> bool:
    """Note that a visited network fails or works again; whether that is news."""
    return bool(await connection.fetchval(_OUTAGE if out else _OUTAGE_OVER, operator, at))


_OUTAGES = "SELECT operator FROM operator_outage ORDER BY operator"


async def outages(connection: Executor) -> list[str]:
    """The visited networks that do not work now."""
    return [record["operator"] for record in await connection.fetch(_OUTAGES)]


COLUMNS = (
    "workspace_id", "sim_id", "attached", "since", "operator", "country", "rat", "cell", "node", "location_id", "imei",
    "imei_seen_at", "told_at",
)  # fmt: skip
LOCATION_COLUMNS = (
    "workspace_id", "id", "sim_id", "device_id", "at", "updated_at", "operator", "country", "rat", "cell", "node",
)  # fmt: skip


async def copy_attachments(
    connection: PooledConnection, rows: Sequence[tuple[Any, ...]], locations: Sequence[tuple[Any, ...]]
) -> None:
    """Rows in the order of COLUMNS and of LOCATION_COLUMNS."""
    await connection.copy_records_to_table("attachment", records=rows, columns=COLUMNS)
    await connection.copy_records_to_table("location", records=locations, columns=LOCATION_COLUMNS)
