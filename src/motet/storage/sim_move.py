"""SIMs on their way from one workspace to another: what goes with them, and what stays where it happened.

The SIM, its identities, IMSIs, eUICC and profiles go, and the code of a profile that a phone has. What it did stays:
messages, usage, sessions, events, places, the steps of its life, what was planned for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from motet.storage.database import PooledConnection, Row

# Shared, so that moves do not wait for each other, while none of the workspaces can end meanwhile.
_HOLD = "SELECT id FROM workspace WHERE id = ANY ($1::bigint[]) AND ended_at IS NULL ORDER BY id FOR SHARE"


async def hold_workspaces(connection: PooledConnection, workspace_ids: Sequence[int]) -> set[int]:
    """Those of the workspaces that live, and will until the transaction ends."""
    return {record["id"] for record in await connection.fetch(_HOLD, workspace_ids)}


_DEVICES = "SELECT id, device_id FROM sim WHERE workspace_id = $1 AND id = ANY ($2::bigint[])"


async def devices_of(connection: PooledConnection, workspace_id: int, sim_ids: Sequence[int]) -> dict[int, int | None]:
    """The devices that SIMs of the workspace are in, by SIM; nothing is locked yet."""
    return {record["id"]: record["device_id"] for record in await connection.fetch(_DEVICES, workspace_id, sim_ids)}


class MovingSim(NamedTuple):
    """A SIM that stays as it is until the transaction ends."""

    id: int
    status: int
    device_id: int | None
    iccid: str
    imsi: str
    msisdn: str
    has_open_operation: bool
    has_unused_code: bool
    is_attached: bool


# In the order of their ids, for all changes, their keys' included: two moves that cross wait for each other here.
_LOCK = """
SELECT s.id, s.status, s.device_id, s.iccid, s.imsi, s.msisdn,
       EXISTS (SELECT FROM euicc_operation o
                WHERE o.workspace_id = s.workspace_id AND o.euicc_id = s.id
                  AND (o.state IN (0, 1) OR o.attach_by IS NOT NULL))
       OR EXISTS (SELECT FROM network_order n
                   WHERE n.workspace_id = s.workspace_id AND n.sim_id = s.id AND n.state < 2
                     AND n.kind IN ('switch_imsi', 'euicc')) AS has_open_operation,
       EXISTS (SELECT FROM activation_code c
                WHERE c.workspace_id = s.workspace_id AND c.sim_id = s.id AND c.state = 0) AS has_unused_code,
       EXISTS (SELECT FROM attachment a
                WHERE a.workspace_id = s.workspace_id AND a.sim_id = s.id AND a.attached) AS is_attached
  FROM sim s
 WHERE s.workspace_id = $1 AND s.id = ANY ($2::bigint[])
 ORDER BY s.id
   FOR UPDATE OF s
"""


async def lock(connection: PooledConnection, workspace_id: int, sim_ids: Sequence[int]) -> dict[int, MovingSim]:
    """Lock SIMs, by id. Their devices are locked before them."""
    return {record["id"]: MovingSim(*record) for record in await connection.fetch(_LOCK, workspace_id, sim_ids)}


_CALL_OFF = """
UPDATE sim_schedule SET status = 3, done_at = $3, reason = 'The SIM moved to another workspace'
 WHERE workspace_id = $1 AND sim_id = ANY ($2::bigint[]) AND status = 0
"""
_CLOSE_SESSIONS = """
UPDATE data_session SET status = 1, closed_at = $3, reason = 'SIM_NOT_ACTIVE', cause = 'The SIM moved'
 WHERE workspace_id = $1 AND sim_id = ANY ($2::bigint[]) AND status = 0
RETURNING id, sim_id, device_id, session_id
"""
_FORGET_PLACE = "DELETE FROM attachment WHERE workspace_id = $1 AND sim_id = ANY ($2::bigint[])"
_OUT_OF_DEVICES = "UPDATE device SET sim_id = NULL WHERE workspace_id = $1 AND sim_id = ANY ($2::bigint[])"


async def leave(connection: PooledConnection, workspace_id: int, sim_ids: Sequence[int], now: datetime) -> list[Row]:
    """End what locked SIMs do in their workspace: plans, sessions, where they are, devices, which are locked, too.
    Gives the sessions that were open."""
    await connection.execute(_OUT_OF_DEVICES, workspace_id, sim_ids)
    await connection.execute(_CALL_OFF, workspace_id, sim_ids, now)
    await connection.execute(_FORGET_PLACE, workspace_id, sim_ids)
    closed: list[Row] = await connection.fetch(_CLOSE_SESSIONS, workspace_id, sim_ids, now)
    return closed


_SIMS = """
UPDATE sim s SET workspace_id = $2, status = u.status, device_id = NULL
  FROM unnest($3::bigint[], $4::smallint[]) AS u (id, status)
 WHERE s.workspace_id = $1 AND s.id = u.id
"""
_DIRECTORY = "UPDATE directory SET workspace_id = $2 WHERE workspace_id = $1 AND sim_id = ANY ($3::bigint[])"
# Roaming partners are the workspace's own, and so is what was learned of its IMSIs' stays.
_IMSIS = """
UPDATE imsi SET workspace_id = $2, partner_id = NULL, attach_failures = 0, stay_country = NULL, stay_since = NULL
 WHERE workspace_id = $1 AND sim_id = ANY ($3::bigint[])
"""
_EUICCS = "UPDATE euicc SET workspace_id = $2 WHERE workspace_id = $1 AND id = ANY ($3::bigint[])"
_PROFILES = "UPDATE euicc_profile SET workspace_id = $2 WHERE workspace_id = $1 AND euicc_id = ANY ($3::bigint[])"
_CODES = """
UPDATE activation_code SET workspace_id = $2
 WHERE workspace_id = $1 AND sim_id = ANY ($3::bigint[]) AND state IN (1, 2, 3)
"""
# What the network is to know of the SIM is read when it is told: by then it is in its new workspace.
_ORDERS = """
UPDATE network_order SET workspace_id = $2
 WHERE workspace_id = $1 AND sim_id = ANY ($3::bigint[]) AND kind = 'subscriber' AND state = 0
"""


async def move(connection: PooledConnection, workspace_id: int, target_id: int, statuses: dict[int, int]) -> None:
    """Move locked SIMs that are in no device, with what is theirs, and give each the status named."""
    sim_ids = list(statuses)
    await connection.execute(_SIMS, workspace_id, target_id, sim_ids, list(statuses.values()))
    for statement in (_DIRECTORY, _IMSIS, _EUICCS, _PROFILES, _CODES, _ORDERS):
        await connection.execute(statement, workspace_id, target_id, sim_ids)


_INSERT = """
INSERT INTO sim_move (workspace_id, id, target_id, dry_run, moved, refused, results, actor, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_FORGET_TRIED = "DELETE FROM sim_move WHERE workspace_id = $1 AND dry_run AND id < $2"


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    move_id: int,
    target_id: int,
    results: Sequence[dict[str, Any]],
    *,
    dry_run: bool,
    actor: str,
    at: datetime,
    tried_before_id: int,
) -> None:
    """Note a move and how it went for each SIM; dry runs that are older than an id are forgotten."""
    refused = sum(1 for result in results if "code" in result)
    await connection.execute(_FORGET_TRIED, workspace_id, tried_before_id)
    await connection.execute(
        _INSERT, workspace_id, move_id, target_id, dry_run, len(results) - refused, refused, list(results), actor, at
    )
