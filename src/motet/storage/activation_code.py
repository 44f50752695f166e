"""Activation codes of consumer eSIMs."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from motet.domain.errors import ConflictError
from motet.storage.database import Executor, PooledConnection

_INSERT = """
INSERT INTO activation_code
    (workspace_id, id, sim_id, smdp_address, matching_id, oid, confirmation_hash, state, qr_svg, qr_png, expires_at,
     created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $11)
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    code_id: int,
    sim_id: int,
    *,
    smdp_address: str,
    matching_id: str,
    oid: str | None,
    confirmation_hash: str | None,
    qr_svg: str,
    qr_png: bytes,
    expires_at: datetime,
    created_at: datetime,
) -> None:
    """Add a code that is ISSUED. Raises ConflictError if the SIM has one that is not over, or the matching id is taken
    at its SM-DP+."""
    try:
        async with connection.transaction():
            await connection.execute(
                _INSERT, workspace_id, code_id, sim_id, smdp_address, matching_id, oid, confirmation_hash, qr_svg,
                qr_png, expires_at, created_at,
            )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "activation_code_taken":
            raise ConflictError("This is taken.", path=("matching_id",)) from None
        raise ConflictError("The SIM has an activation code that is not over yet.", path=("sim_id",)) from None


CODE = """
SELECT workspace_id, id, sim_id, confirmation_hash, confirmation_tries, state, eid, expires_at FROM activation_code
"""
_LOCK = CODE + " WHERE workspace_id = $1 AND id = $2 FOR UPDATE"
_LOCK_BY_MATCHING_ID = CODE + " WHERE smdp_address = $1 AND matching_id = $2 FOR UPDATE"


async def lock(connection: PooledConnection, workspace_id: int, code_id: int) -> asyncpg.Record | None:
    record: asyncpg.Record | None = await connection.fetchrow(_LOCK, workspace_id, code_id)
    return record


# The SM-DP+ knows no workspace.
async def lock_by_matching_id(
    connection: PooledConnection, smdp_address: str, matching_id: str
) -> asyncpg.Record | None:
    """The code that the phone has shown to its SM-DP+."""
    record: asyncpg.Record | None = await connection.fetchrow(_LOCK_BY_MATCHING_ID, smdp_address, matching_id)
    return record


_SET_STATE = """
UPDATE activation_code SET state = $3, eid = coalesce($4, eid), changed_at = $5 WHERE workspace_id = $1 AND id = $2
"""
_ADD_STEP = """
INSERT INTO activation_code_step (workspace_id, id, code_id, state, eid, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def set_state(
    connection: PooledConnection,
    workspace_id: int,
    code_id: int,
    state: int,
    eid: str | None,
    at: datetime,
) -> None:
    """Write what became of a locked code; the EID is kept where none is told."""
    await connection.execute(_SET_STATE, workspace_id, code_id, state, eid, at)


async def add_step(
    connection: PooledConnection,
    workspace_id: int,
    step_id: int,
    code_id: int,
    state: int,
    eid: str | None,
    actor: str | None,
    at: datetime,
) -> None:
    await connection.execute(_ADD_STEP, workspace_id, step_id, code_id, state, eid, actor, at)


_COUNT_TRY = """
UPDATE activation_code SET confirmation_tries = confirmation_tries + 1 WHERE workspace_id = $1 AND id = $2
RETURNING confirmation_tries
"""


async def count_try(connection: PooledConnection, workspace_id: int, code_id: int) -> int:
    """One more wrong confirmation code: how many there were."""
    return int(await connection.fetchval(_COUNT_TRY, workspace_id, code_id))


# Across workspaces, for the sweep.
_EXPIRED = (
    "SELECT workspace_id, id FROM activation_code WHERE state = 0 AND expires_at <= $1 ORDER BY expires_at LIMIT $2"
)


async def expired(connection: Executor, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Codes that nobody used in time."""
    records: list[asyncpg.Record] = await connection.fetch(_EXPIRED, now, limit)
    return records
