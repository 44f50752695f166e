"""What a sign-in by a provider makes of a user: active, and a member where the provider's rules say so."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from motet.domain.errors import ConflictError
from motet.storage.database import Executor, PooledConnection

_ACTIVATE = """
UPDATE user_account
   SET status = 1, activated_at = COALESCE(activated_at, $2), name = CASE WHEN name = '' THEN $3 ELSE name END
 WHERE id = $1 AND (status = 0 OR name = '')
"""


async def activate(connection: PooledConnection, user_id: int, at: datetime, name: str) -> None:
    """An invited user has come; one without a name gets theirs. The caller has locked the user, who is not
    suspended."""
    await connection.execute(_ACTIVATE, user_id, at, name)


_MEMBERSHIPS = "SELECT workspace_id, role, role_id FROM membership WHERE user_id = $1"


async def memberships_of(connection: Executor, user_id: int) -> dict[int, tuple[str, int | None]]:
    """The user's role by workspace, with the id of one of the workspace's own."""
    return {
        record["workspace_id"]: (record["role"], record["role_id"])
        for record in await connection.fetch(_MEMBERSHIPS, user_id)
    }


_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 AND organisation_id = $2 AND ended_at IS NULL FOR NO KEY UPDATE"


async def lock_workspace_of(connection: PooledConnection, organisation_id: int, workspace_id: int) -> bool:
    """Whether it is a workspace of the organisation; it then stays locked until the transaction ends."""
    return await connection.fetchrow(_LOCK_WORKSPACE, workspace_id, organisation_id) is not None


_SET_ROLE = """
INSERT INTO membership (workspace_id, user_id, role, role_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (workspace_id, user_id) DO UPDATE SET role = $3, role_id = $4
"""


async def set_role(
    connection: PooledConnection, workspace_id: int, user_id: int, role: str, role_id: int | None
) -> None:
    """Raises ConflictError for a role of the workspace's own that has gone just now."""
    try:
        await connection.execute(_SET_ROLE, workspace_id, user_id, role, role_id)
    except asyncpg.ForeignKeyViolationError:
        raise ConflictError("The role was removed just now.") from None
