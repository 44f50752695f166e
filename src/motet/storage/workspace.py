"""Workspaces and the organisations above them. The organisation without a parent is the operator."""

from __future__ import annotations

import asyncpg

from motet.domain.errors import ConflictError
from motet.domain.service_policy import DEFAULT_DESCRIPTION, DEFAULT_NAME
from motet.storage.database import PooledConnection

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
            raise ConflictError(f"there is a workspace named {name} already", path=("name",)) from None
        raise


_BY_NAME = "SELECT id FROM workspace WHERE name = $1"


async def find_workspace(connection: PooledConnection, name: str) -> int | None:
    """The id of the workspace of this name."""
    found: int | None = await connection.fetchval(_BY_NAME, name)
    return found


_ORGANISATION = "SELECT organisation_id FROM workspace WHERE id = $1"


async def organisation_of(connection: PooledConnection, workspace_id: int) -> int:
    """The organisation that the workspace belongs to; the workspace must be there."""
    found: int = await connection.fetchval(_ORGANISATION, workspace_id)
    return found
