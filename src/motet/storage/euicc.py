"""eUICCs, their profiles, and operations on them. An eUICC has the id of its SIM; whoever changes one locks that."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from motet.storage.database import Executor, PooledConnection

_FIND = """
SELECT e.eid, e.max_profiles,
       EXISTS (SELECT FROM euicc_operation o
                WHERE o.workspace_id = e.workspace_id AND o.euicc_id = e.id AND o.state IN (0, 1)) AS is_busy
  FROM euicc e WHERE e.workspace_id = $1 AND e.id = $2
"""
_PROFILES = """
SELECT id, state, is_fallback, enabled_at, iccid, imsi, msisdn, plmn
  FROM euicc_profile WHERE workspace_id = $1 AND euicc_id = $2 ORDER BY id
"""


async def find(connection: Executor, workspace_id: int, euicc_id: int) -> asyncpg.Record | None:
    """(eid, max_profiles, is_busy), or None if there is no such eUICC."""
    record: asyncpg.Record | None = await connection.fetchrow(_FIND, workspace_id, euicc_id)
    return record


async def profiles(connection: Executor, workspace_id: int, euicc_id: int) -> list[asyncpg.Record]:
    """Its profiles, deleted ones too, oldest first."""
    records: list[asyncpg.Record] = await connection.fetch(_PROFILES, workspace_id, euicc_id)
    return records


# As the trigger on `sim` does it for a SIM that is added with its EID.
_MAKE = (
    "UPDATE sim SET eid = $3 WHERE workspace_id = $1 AND id = $2",
    "INSERT INTO euicc (workspace_id, id, eid) VALUES ($1, $2, $3)",
    "UPDATE imsi SET profile_id = $2 WHERE workspace_id = $1 AND sim_id = $2 AND $3::text IS NOT NULL",
    """
INSERT INTO euicc_profile (workspace_id, id, euicc_id, iccid, imsi, msisdn, state, is_fallback, created_at, enabled_at)
SELECT workspace_id, id, id, iccid, imsi, msisdn, 3, true, created_at, created_at
  FROM sim WHERE workspace_id = $1 AND id = $2 AND eid = $3
""",
)


async def make(connection: PooledConnection, workspace_id: int, sim_id: int, eid: str) -> None:
    """Make an eUICC of a SIM without an EID, whose one the transaction has claimed."""
    for statement in _MAKE:
        await connection.execute(statement, workspace_id, sim_id, eid)


_EUICC_OF_PROFILE = "SELECT euicc_id FROM euicc_profile WHERE workspace_id = $1 AND id = $2"


async def euicc_of_profile(connection: Executor, workspace_id: int, profile_id: int) -> int | None:
    """The eUICC of a profile; None for an unknown one."""
    euicc_id: int | None = await connection.fetchval(_EUICC_OF_PROFILE, workspace_id, profile_id)
    return euicc_id


_ADD_PROFILE = """
INSERT INTO euicc_profile (workspace_id, id, euicc_id, iccid, imsi, msisdn, plmn, state, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def add_profile(
    connection: PooledConnection,
    workspace_id: int,
    profile_id: int,
    euicc_id: int,
    *,
    iccid: str,
    imsi: str,
    msisdn: str,
    plmn: str | None,
    state: int,
    created_at: datetime,
) -> None:
    """Add a profile whose identities the transaction has claimed."""
    await connection.execute(
        _ADD_PROFILE, workspace_id, profile_id, euicc_id, iccid, imsi, msisdn, plmn, state, created_at
    )


_SET_PROFILE = """
UPDATE euicc_profile SET state = $3, is_fallback = $4, enabled_at = coalesce($5, enabled_at)
 WHERE workspace_id = $1 AND id = $2
"""


async def set_profile(
    connection: PooledConnection,
    workspace_id: int,
    profile_id: int,
    state: int,
    is_fallback: bool,
    enabled_at: datetime | None,
) -> None:
    """Write what became of a profile; without a time the last one is kept."""
    await connection.execute(_SET_PROFILE, workspace_id, profile_id, state, is_fallback, enabled_at)


# The IMSI that the profile used last, or begins with.
_USE = """
WITH chosen AS (
    SELECT p.iccid, p.msisdn, p.imsi FROM euicc_profile p WHERE p.workspace_id = $1 AND p.id = $3
)
UPDATE sim s SET iccid = chosen.iccid, imsi = chosen.imsi, msisdn = chosen.msisdn
  FROM chosen WHERE s.workspace_id = $1 AND s.id = $2
"""
_LEAVE_IMSI = "UPDATE imsi SET active = false WHERE workspace_id = $1 AND sim_id = $2 AND active"
_TAKE_IMSI = """
UPDATE imsi i SET active = true, attach_failures = 0
  FROM sim s
 WHERE s.workspace_id = $1 AND s.id = $2 AND i.workspace_id = $1 AND i.sim_id = $2 AND i.imsi = s.imsi
   AND i.profile_id = $3
"""


async def use_profile(connection: PooledConnection, workspace_id: int, sim_id: int, profile_id: int) -> None:
    """Make a profile's identities those of the SIM."""
    await connection.execute(_USE, workspace_id, sim_id, profile_id)
    await connection.execute(_LEAVE_IMSI, workspace_id, sim_id)
    await connection.execute(_TAKE_IMSI, workspace_id, sim_id, profile_id)


_FREE_PROFILE = """
WITH gone AS (DELETE FROM imsi WHERE workspace_id = $1 AND profile_id = $3 RETURNING imsi)
DELETE FROM directory d
 USING euicc_profile p
 WHERE p.workspace_id = $1 AND p.id = $3 AND d.workspace_id = $1 AND d.sim_id = $2
   AND ((d.kind = 'iccid' AND d.value = p.iccid) OR (d.kind = 'msisdn' AND d.value = p.msisdn)
        OR (d.kind = 'imsi' AND d.value IN (SELECT imsi FROM gone)))
"""


async def free_profile(connection: PooledConnection, workspace_id: int, sim_id: int, profile_id: int) -> None:
    """Leave the identities of a deleted profile to others."""
    await connection.execute(_FREE_PROFILE, workspace_id, sim_id, profile_id)


_ADD_OPERATION = """
INSERT INTO euicc_operation
    (workspace_id, id, euicc_id, profile_id, type, state, order_id, valid_until, rollback_after_s, origin_id, actor,
     created_at, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


async def add_operation(
    connection: PooledConnection,
    workspace_id: int,
    operation_id: int,
    euicc_id: int,
    profile_id: int,
    *,
    kind: int,
    state: int,
    order_id: int | None,
    valid_until: datetime,
    rollback_after_s: int | None,
    origin_id: int | None,
    actor: str | None,
    created_at: datetime,
    ended_at: datetime | None,
) -> None:
    """Add an operation to an eUICC that has no open one."""
    await connection.execute(
        _ADD_OPERATION, workspace_id, operation_id, euicc_id, profile_id, kind, state, order_id, valid_until,
        rollback_after_s, origin_id, actor, created_at, ended_at,
    )  # fmt: skip


_ADD_STEP = """
INSERT INTO euicc_operation_step (workspace_id, id, operation_id, state, words, at) VALUES ($1, $2, $3, $4, $5, $6)
"""


async def add_step(
    connection: PooledConnection,
    workspace_id: int,
    step_id: int,
    operation_id: int,
    state: int,
    words: str | None,
    at: datetime,
) -> None:
    await connection.execute(_ADD_STEP, workspace_id, step_id, operation_id, state, words, at)


OPERATION = """
SELECT workspace_id, id, euicc_id, profile_id, type, state, order_id, valid_until, rollback_after_s, attach_by, actor
  FROM euicc_operation
"""
_BY_ORDER = OPERATION + " WHERE order_id = $1"
_BY_ID = OPERATION + " WHERE workspace_id = $1 AND id = $2 FOR UPDATE"


async def operation_of_order(connection: Executor, order_id: int) -> asyncpg.Record | None:
    """The operation that the network knows by this number, which is unique over all workspaces."""
    record: asyncpg.Record | None = await connection.fetchrow(_BY_ORDER, order_id)
    return record


async def lock_operation(connection: PooledConnection, workspace_id: int, operation_id: int) -> asyncpg.Record | None:
    """The operation, as it stays until the transaction ends. The SIM is locked first."""
    record: asyncpg.Record | None = await connection.fetchrow(_BY_ID, workspace_id, operation_id)
    return record


_END = """
UPDATE euicc_operation SET state = $3, error = $4, ended_at = $5, attach_by = $6, ask_at = NULL
 WHERE workspace_id = $1 AND id = $2
"""


async def end_operation(
    connection: PooledConnection,
    workspace_id: int,
    operation_id: int,
    state: int,
    error: str | None,
    at: datetime,
    attach_by: datetime | None,
) -> None:
    await connection.execute(_END, workspace_id, operation_id, state, error, at, attach_by)


_SENT = """
UPDATE euicc_operation SET state = 1, sent_at = coalesce(sent_at, $2), ask_at = $3 WHERE order_id = $1 AND state = 0
RETURNING workspace_id, id
"""


async def mark_sent(
    connection: PooledConnection, order_id: int, at: datetime, ask_at: datetime
) -> asyncpg.Record | None:
    """The network has taken the operation; None if that was known, or it has ended."""
    record: asyncpg.Record | None = await connection.fetchrow(_SENT, order_id, at, ask_at)
    return record


_ATTACHED = """
UPDATE euicc_operation SET attach_by = NULL WHERE workspace_id = $1 AND euicc_id = $2 AND attach_by IS NOT NULL
"""


async def clear_attach(connection: Executor, workspace_id: int, euicc_id: int) -> None:
    """Nobody waits for the SIM to attach any longer."""
    await connection.execute(_ATTACHED, workspace_id, euicc_id)


# The sweeps work for all workspaces. They look without locks; each one found is then locked and looked at again.
_EXPIRED = OPERATION + " WHERE state IN (0, 1) AND valid_until <= $1 ORDER BY valid_until LIMIT $2"
_UNATTACHED = OPERATION + " WHERE attach_by <= $1 ORDER BY attach_by LIMIT $2"


async def expired(connection: Executor, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Open operations whose validity is over."""
    records: list[asyncpg.Record] = await connection.fetch(_EXPIRED, now, limit)
    return records


async def unattached(connection: Executor, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Operations after which the SIM has not attached in time."""
    records: list[asyncpg.Record] = await connection.fetch(_UNATTACHED, now, limit)
    return records


_POSTPONE = "UPDATE euicc_operation SET attach_by = $3 WHERE workspace_id = $1 AND id = $2 AND attach_by IS NOT NULL"


async def postpone_attach(
    connection: Executor, workspace_id: int, operation_id: int, attach_by: datetime | None
) -> None:
    """Look again then; None: no more."""
    await connection.execute(_POSTPONE, workspace_id, operation_id, attach_by)


_ASK = """
UPDATE euicc_operation o SET ask_at = $2
  FROM (SELECT workspace_id, id FROM euicc_operation WHERE state = 1 AND ask_at <= $1 ORDER BY ask_at LIMIT $3
           FOR UPDATE SKIP LOCKED) due
  JOIN euicc_operation u USING (workspace_id, id)
  JOIN euicc e ON e.workspace_id = u.workspace_id AND e.id = u.euicc_id
  JOIN euicc_profile p ON p.workspace_id = u.workspace_id AND p.id = u.profile_id
 WHERE o.workspace_id = due.workspace_id AND o.id = due.id
RETURNING o.workspace_id, o.id, o.euicc_id, o.order_id, o.type, o.valid_until, o.rollback_after_s, e.eid, p.iccid,
          p.imsi, p.msisdn
"""


async def claim_unanswered(connection: Executor, now: datetime, again_at: datetime, limit: int) -> list[asyncpg.Record]:
    """Operations that the network took and has said no more of: to be asked about, and again at `again_at`."""
    records: list[asyncpg.Record] = await connection.fetch(_ASK, now, again_at, limit)
    return records


_NEXT = """
SELECT least((SELECT min(valid_until) FROM euicc_operation WHERE state IN (0, 1)),
             (SELECT min(attach_by) FROM euicc_operation WHERE attach_by IS NOT NULL),
             (SELECT min(ask_at) FROM euicc_operation WHERE state = 1))
"""


async def next_due(connection: Executor) -> datetime | None:
    """When a sweep will find something."""
    due: datetime | None = await connection.fetchval(_NEXT)
    return due
