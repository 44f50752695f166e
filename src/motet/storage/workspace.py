"""Workspaces and the organisations above them. The organisation without a parent is the operator."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import asyncpg

from motet.domain.errors import ConflictError
from motet.domain.service_policy import DEFAULT_DESCRIPTION, DEFAULT_NAME
from motet.storage.database import Executor, PooledConnection

# The one root is whoever comes first's; the second row of the union is there when it was there before.
_ROOT = """
WITH made AS (
    INSERT INTO organisation (id, parent_id, name) VALUES ($1, NULL, $2)
    ON CONFLICT ((true)) WHERE parent_id IS NULL DO NOTHING
    RETURNING id
)
SELECT id FROM made UNION ALL SELECT id FROM organisation WHERE parent_id IS NULL LIMIT 1
"""


async def ensure_operator(connection: PooledConnection, new_id: int, name: str) -> int:
    """The id of the operator's organisation, made as `new_id` if there is none."""
    found: int = await connection.fetchval(_ROOT, new_id, name)
    return found


_ADD_ORGANISATION = "INSERT INTO organisation (id, parent_id, name) VALUES ($1, $2, $3)"


async def add_organisation(connection: PooledConnection, organisation_id: int, parent_id: int, name: str) -> None:
    await connection.execute(_ADD_ORGANISATION, organisation_id, parent_id, name)


# With its service policy "Default", which has the workspace's id.
_ADD = """
WITH workspace AS (INSERT INTO workspace (id, organisation_id, name) VALUES ($1, $2, $3) RETURNING id),
     made AS (
    INSERT INTO service_policy (workspace_id, id, name, description, p2p_limit_per_day)
    SELECT id, id, $4, $5, NULL FROM workspace
    RETURNING *
)
INSERT INTO service_policy_version (workspace_id, id, policy_id, number, content)
SELECT workspace_id, id, id, 1, to_jsonb(made) - '{workspace_id,id,version,created_at,updated_at}'::text[] FROM made
"""


async def add_workspace(connection: PooledConnection, workspace_id: int, organisation_id: int, name: str) -> None:
    """Add a workspace with the service policy that its devices have by default. Raises ConflictError when the name is
    taken."""
    try:
        await connection.execute(_ADD, workspace_id, organisation_id, name, DEFAULT_NAME, DEFAULT_DESCRIPTION)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "workspace_name_taken":
            raise ConflictError("there is a workspace named {name} already", path=("name",), name=name) from None
        raise


_BY_NAME = "SELECT id FROM workspace WHERE name = $1 AND ended_at IS NULL"


async def find_workspace(connection: PooledConnection, name: str) -> int | None:
    """The id of the live workspace of this name."""
    found: int | None = await connection.fetchval(_BY_NAME, name)
    return found


_ORGANISATION = "SELECT organisation_id FROM workspace WHERE id = $1"


async def organisation_of(connection: PooledConnection, workspace_id: int) -> int:
    """The organisation that the workspace belongs to; the workspace must be there."""
    found: int = await connection.fetchval(_ORGANISATION, workspace_id)
    return found


class LockedWorkspace(NamedTuple):
    """A live workspace that stays as it is until the transaction ends."""

    organisation_id: int
    name: str


_LOCK = """
SELECT organisation_id, name FROM workspace WHERE id = $1 AND ended_at IS NULL FOR NO KEY UPDATE
"""


async def lock(connection: PooledConnection, workspace_id: int) -> LockedWorkspace | None:
    """Lock a live workspace; None for one that is unknown or has ended."""
    record = await connection.fetchrow(_LOCK, workspace_id)
    return None if record is None else LockedWorkspace(*record)


_SUSPEND = "UPDATE workspace SET suspended_at = $2 WHERE id = $1 AND suspended_at IS NULL RETURNING true"
_RESTORE = "UPDATE workspace SET suspended_at = NULL WHERE id = $1 AND suspended_at IS NOT NULL RETURNING true"


async def suspend(connection: PooledConnection, workspace_id: int, at: datetime) -> bool:
    """Let nobody into a locked workspace; False for one that is suspended, which stays so since then."""
    return bool(await connection.fetchval(_SUSPEND, workspace_id, at))


async def restore(connection: PooledConnection, workspace_id: int) -> bool:
    """Let people into a locked workspace again; False for one that is not suspended."""
    return bool(await connection.fetchval(_RESTORE, workspace_id))


_COUNT = "SELECT count(*) FROM workspace WHERE organisation_id = $1 AND ended_at IS NULL"


async def count(connection: Executor, organisation_id: int) -> int:
    """How many live workspaces an organisation has."""
    return int(await connection.fetchval(_COUNT, organisation_id))


_UPDATE = "UPDATE workspace SET name = $2, organisation_id = $3 WHERE id = $1"


async def update(connection: PooledConnection, workspace_id: int, name: str, organisation_id: int) -> None:
    """Write a locked workspace. Raises ConflictError when the name is taken."""
    try:
        await connection.execute(_UPDATE, workspace_id, name, organisation_id)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "workspace_name_taken":
            raise ConflictError("there is a workspace named {name} already", path=("name",), name=name) from None
        raise


# What a workspace must have let go of before it ends: what carries traffic, costs money or lets somebody in.
_LIVE = """
SELECT (SELECT count(*) FROM sim WHERE workspace_id = $1 AND status <> 4) AS sims,
       (SELECT count(*) FROM device WHERE workspace_id = $1 AND status <> 2) AS devices,
       (SELECT count(*) FROM smpp_account WHERE workspace_id = $1) AS smpp_accounts,
       (SELECT count(*) FROM webhook WHERE workspace_id = $1) AS webhooks,
       (SELECT count(*) FROM waiting WHERE workspace_id = $1) AS open_messages,
       (SELECT count(*) FROM sim_purchase_order WHERE workspace_id = $1 AND status NOT IN (4, 5)) AS orders
"""


async def live(connection: Executor, workspace_id: int) -> dict[str, int]:
    """How much of each kind the workspace holds that must be gone before it ends."""
    record = await connection.fetchrow(_LIVE, workspace_id)
    return {} if record is None else dict(record)


_END = "UPDATE workspace SET ended_at = $2 WHERE id = $1"
_END_MEMBERSHIPS = "DELETE FROM membership WHERE workspace_id = $1"
_END_DEFAULTS = "UPDATE user_account SET default_workspace_id = NULL WHERE default_workspace_id = $1"


async def end(connection: PooledConnection, workspace_id: int, at: datetime) -> None:
    """End a locked workspace for good: nobody is a member of it any more."""
    await connection.execute(_END_MEMBERSHIPS, workspace_id)
    await connection.execute(_END_DEFAULTS, workspace_id)
    await connection.execute(_END, workspace_id, at)


_ADD_MEMBER = "INSERT INTO membership (workspace_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)"


async def add_member(connection: PooledConnection, workspace_id: int, user_id: int, role: str, at: datetime) -> None:
    """Make a user a member of a workspace that was just made."""
    await connection.execute(_ADD_MEMBER, workspace_id, user_id, role, at)
