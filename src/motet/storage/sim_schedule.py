"""What SIMs are to do later."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection

_COUNT = "SELECT count(*) FROM sim_schedule WHERE workspace_id = $1 AND sim_id = $2 AND status = 0"
_INSERT = """
INSERT INTO sim_schedule (workspace_id, id, sim_id, trigger, due, actor, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def count_pending(connection: PooledConnection, workspace_id: int, sim_id: int) -> int:
    """How many plans of the locked SIM are still to come."""
    found: int = await connection.fetchval(_COUNT, workspace_id, sim_id)
    return found


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    schedule_id: int,
    sim_id: int,
    trigger: int,
    due: datetime,
    actor: str,
    created_at: datetime,
) -> None:
    """Add a plan for a SIM of the workspace."""
    await connection.execute(_INSERT, workspace_id, schedule_id, sim_id, trigger, due, actor, created_at)


_CANCEL = """
UPDATE sim_schedule SET status = 3, done_at = $3 WHERE workspace_id = $1 AND id = $2 AND status = 0 RETURNING id
"""
_EXISTS = "SELECT EXISTS (SELECT FROM sim_schedule WHERE workspace_id = $1 AND id = $2)"


async def cancel(connection: PooledConnection, workspace_id: int, schedule_id: int, at: datetime) -> bool:
    """Call a plan off; false if it is not pending."""
    return await connection.fetchval(_CANCEL, workspace_id, schedule_id, at) is not None


async def exists(connection: PooledConnection, workspace_id: int, schedule_id: int) -> bool:
    return bool(await connection.fetchval(_EXISTS, workspace_id, schedule_id))


class Due(NamedTuple):
    """A plan whose time has come. It stays locked until the transaction ends."""

    workspace_id: int
    id: int
    sim_id: int
    trigger: int
    due: datetime
    actor: str


# Over all workspaces: the node's own clockwork. What another node is at is skipped.
_CLAIM = """
SELECT workspace_id, id, sim_id, trigger, due, actor FROM sim_schedule
 WHERE status = 0 AND due <= $1 ORDER BY due, id LIMIT $2 FOR UPDATE SKIP LOCKED
"""


async def claim_due(connection: PooledConnection, now: datetime, limit: int) -> list[Due]:
    """Plans whose time has come, oldest first, which nobody else works on."""
    return [Due(*record) for record in await connection.fetch(_CLAIM, now, limit)]


_FINISH = "UPDATE sim_schedule SET status = $3, done_at = $4, reason = $5 WHERE workspace_id = $1 AND id = $2"


async def finish(connection: PooledConnection, plan: Due, status: int, at: datetime, reason: str | None = None) -> None:
    """Write what came of a claimed plan."""
    await connection.execute(_FINISH, plan.workspace_id, plan.id, status, at, reason)


# Over all workspaces, as above.
_TESTS_OVER = """
SELECT workspace_id, id FROM sim WHERE status = 1 AND test_ends_at <= $1
 ORDER BY test_ends_at, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
"""


async def claim_ended_tests(connection: PooledConnection, now: datetime, limit: int) -> list[tuple[int, int]]:
    """(workspace, SIM) of factory tests whose time is over, locked."""
    return [(row[0], row[1]) for row in await connection.fetch(_TESTS_OVER, now, limit)]


_TESTED = "SELECT workspace_id, id FROM sim WHERE status = 1"


async def sims_in_test(connection: Executor) -> list[tuple[int, int]]:
    """(workspace, SIM) of every SIM that is in factory test now."""
    return [(row[0], row[1]) for row in await connection.fetch(_TESTED)]
