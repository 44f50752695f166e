"""Name servers for data sessions."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from motet.domain.dns_config import NameServers
from motet.domain.errors import ConflictError, LimitReachedError
from motet.storage.database import PooledConnection

_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO dns_config (workspace_id, id, name, first, second, created_at)
SELECT $1, $2, $3, $4, $5, $6
 WHERE (SELECT count(*) FROM dns_config WHERE workspace_id = $1) < $7
RETURNING id
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    dns_config_id: int,
    name: str,
    servers: NameServers,
    at: datetime,
    *,
    limit: int,
) -> None:
    """Add a configuration. Needs a transaction: the workspace is locked, so that two callers cannot pass the limit.

    Raises ConflictError for a name that is taken, LimitReachedError at `limit`.
    """
    await connection.execute(_LOCK_WORKSPACE, workspace_id)
    try:
        added = await connection.fetchval(
            _INSERT, workspace_id, dns_config_id, name, servers.primary, servers.secondary, at, limit
        )
    except asyncpg.UniqueViolationError as error:
        raise _conflict(error) from None
    if added is None:
        raise LimitReachedError("A workspace has at most {most} DNS configurations.", most=limit)


_LOCK = "SELECT name, first, second FROM dns_config WHERE workspace_id = $1 AND id = $2 FOR UPDATE"


async def lock(
    connection: PooledConnection, workspace_id: int, dns_config_id: int
) -> tuple[str, str, str | None] | None:
    """The name and servers of a configuration, which stays as it is; None if there is none."""
    record = await connection.fetchrow(_LOCK, workspace_id, dns_config_id)
    if record is None:
        return None
    second = record["second"]
    return record["name"], str(record["first"]), None if second is None else str(second)


_UPDATE = "UPDATE dns_config SET name = $3, first = $4, second = $5 WHERE workspace_id = $1 AND id = $2"


async def update(
    connection: PooledConnection, workspace_id: int, dns_config_id: int, name: str, servers: NameServers
) -> None:
    """Write a locked configuration. Raises ConflictError for a name that is taken."""
    try:
        await connection.execute(_UPDATE, workspace_id, dns_config_id, name, servers.primary, servers.secondary)
    except asyncpg.UniqueViolationError as error:
        raise _conflict(error) from None


_DELETE = "DELETE FROM dns_config WHERE workspace_id = $1 AND id = $2 RETURNING true"


async def delete(connection: PooledConnection, workspace_id: int, dns_config_id: int) -> bool:
    """Remove a configuration. False if there is none; raises ConflictError if a service policy names it."""
    try:
        return bool(await connection.fetchval(_DELETE, workspace_id, dns_config_id))
    except asyncpg.ForeignKeyViolationError:
        raise ConflictError("Service policies use this: give them another first.", path=("id",)) from None


def _conflict(error: asyncpg.UniqueViolationError) -> Exception:
    if error.constraint_name != "dns_config_name_taken":
        return error
    return ConflictError("The workspace has a DNS configuration of this name.", path=("name",))
