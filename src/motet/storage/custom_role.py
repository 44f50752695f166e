"""Roles that workspaces make themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from motet.domain.errors import ConflictError, LimitReachedError
from motet.storage.database import Executor, PooledConnection


class RoleSettings(NamedTuple):
    """What can be set of a role."""

    name: str
    description: str
    permissions: Sequence[str]
    tags: Sequence[str] | None


_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO custom_role (workspace_id, id, name, description, permissions, tags)
SELECT $1, $2, $3, $4, $5, $6
 WHERE (SELECT count(*) FROM custom_role WHERE workspace_id = $1) < $7
RETURNING id
"""


async def insert(
    connection: PooledConnection, workspace_id: int, role_id: int, settings: RoleSettings, *, limit: int
) -> None:
    """Add a role. Needs a transaction: the workspace is locked, so that two callers cannot pass the limit.

    Raises ConflictError for a name that the workspace has, LimitReachedError at `limit` roles.
    """
    await connection.execute(_LOCK_WORKSPACE, workspace_id)
    try:
        added = await connection.fetchval(_INSERT, workspace_id, role_id, *settings, limit)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error) from None
    if added is None:
        raise LimitReachedError("A workspace has at most {most} roles of its own.", most=limit)


_LOCK = """
SELECT name, description, permissions, tags FROM custom_role WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE
"""


async def lock(connection: PooledConnection, workspace_id: int, role_id: int) -> RoleSettings | None:
    """The role, which nobody else changes or removes until the transaction ends; None for an unknown one."""
    record = await connection.fetchrow(_LOCK, workspace_id, role_id)
    return None if record is None else RoleSettings(*record)


_FIND = "SELECT name, description, permissions, tags FROM custom_role WHERE workspace_id = $1 AND id = $2"


async def find(connection: Executor, workspace_id: int, role_id: int) -> RoleSettings | None:
    """The role as it is; None for an unknown one."""
    record = await connection.fetchrow(_FIND, workspace_id, role_id)
    return None if record is None else RoleSettings(*record)


_NAMED = "SELECT id FROM custom_role WHERE workspace_id = $1 AND name = $2"


async def id_of(connection: Executor, workspace_id: int, name: str) -> int | None:
    """The id of the role that the workspace calls so."""
    found: int | None = await connection.fetchval(_NAMED, workspace_id, name)
    return found


_UPDATE = """
UPDATE custom_role
   SET name = $3, description = $4, permissions = $5, tags = $6, version = version + 1, updated_at = now()
 WHERE workspace_id = $1 AND id = $2
"""


async def update(connection: PooledConnection, workspace_id: int, role_id: int, settings: RoleSettings) -> None:
    """Write a locked role. Whoever has it is told on channel motet_access. Raises ConflictError for a taken name."""
    try:
        await connection.execute(_UPDATE, workspace_id, role_id, *settings)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error) from None


_END_KEYS = """
UPDATE api_key SET revoked_at = $3, previous_hash = NULL, previous_until = NULL
 WHERE workspace_id = $1 AND role_id = $2 AND revoked_at IS NULL
"""
_DELETE = "DELETE FROM custom_role WHERE workspace_id = $1 AND id = $2"


async def delete(connection: PooledConnection, workspace_id: int, role_id: int, now: datetime) -> None:
    """Remove a locked role, and revoke the API keys that have it. Raises ConflictError (path `id`) if someone, who is
    no key, has it."""
    await connection.execute(_END_KEYS, workspace_id, role_id, now)
    try:
        await connection.execute(_DELETE, workspace_id, role_id)
    except asyncpg.ForeignKeyViolationError:
        raise ConflictError("Someone has this role: give them another first.", path=("id",)) from None


def _taken(error: asyncpg.UniqueViolationError) -> Exception:
    if error.constraint_name != "custom_role_name_taken":
        return error
    return ConflictError("The workspace has a role of this name.", path=("name",))
