"""What a sign-in by a provider makes of a user: active, and a member where the provider's rules say so."""

from __future__ import annotations

from datetime import datetime

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


_MEMBERSHIPS = "SELECT workspace_id, role FROM membership WHERE user_id = $1"


async def memberships_of(connection: Executor, user_id: int) -> dict[int, str]:
    """The user's role by workspace."""
    return {record["workspace_id"]: record["role"] for record in await connection.fetch(_MEMBERSHIPS, user_id)}


_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 AND organisation_id = $2 AND ended_at IS NULL FOR NO KEY UPDATE"
_OTHER_ADMINISTRATORS = """
SELECT count(*) FROM membership m JOIN user_account u ON u.id = m.user_id
 WHERE m.workspace_id = $1 AND m.user_id <> $2 AND m.role = 'ADMINISTRATOR' AND u.status = 1
"""


async def other_administrators(
    connection: PooledConnection, organisation_id: int, workspace_id: int, user_id: int
) -> int | None:
    """How many active administrators the workspace has beside the user; None if it is no workspace of the
    organisation. The workspace stays locked until the transaction ends."""
    if await connection.fetchrow(_LOCK_WORKSPACE, workspace_id, organisation_id) is None:
        return None
    found: int = await connection.fetchval(_OTHER_ADMINISTRATORS, workspace_id, user_id)
    return found


_SET_ROLE = """
INSERT INTO membership (workspace_id, user_id, role) VALUES ($1, $2, $3)
ON CONFLICT (workspace_id, user_id) DO UPDATE SET role = $3, role_id = NULL
"""


async def set_role(connection: PooledConnection, workspace_id: int, user_id: int, role: str) -> None:
    await connection.execute(_SET_ROLE, workspace_id, user_id, role)


_LEAVE = "DELETE FROM membership WHERE workspace_id = $1 AND user_id = $2"


async def leave(connection: PooledConnection, workspace_id: int, user_id: int) -> None:
    await connection.execute(_LEAVE, workspace_id, user_id)


_SET_STATUS = "UPDATE user_account SET status = $2 WHERE id = $1 AND status <> $2"


async def set_status(connection: PooledConnection, user_id: int, status: int) -> None:
    await connection.execute(_SET_STATUS, user_id, status)


_ERASE = "DELETE FROM user_account WHERE id = $1"


async def erase(connection: PooledConnection, user_id: int) -> None:
    """Nothing is kept: memberships, sessions and links go with the row."""
    await connection.execute(_ERASE, user_id)


_LOCK_WORKSPACES = """
SELECT w.id FROM workspace w JOIN membership m ON m.workspace_id = w.id WHERE m.user_id = $1
 ORDER BY w.id FOR NO KEY UPDATE OF w
"""
_LEFT_ALONE = """
SELECT m.workspace_id FROM membership m
 WHERE m.user_id = $1 AND m.role = 'ADMINISTRATOR'
   AND NOT EXISTS (SELECT FROM membership o JOIN user_account u ON u.id = o.user_id
                    WHERE o.workspace_id = m.workspace_id AND o.user_id <> $1 AND o.role = 'ADMINISTRATOR'
                      AND u.status = 1)
 LIMIT 1
"""


async def rests_on(connection: PooledConnection, user_id: int) -> bool:
    """Whether the user is the last active administrator of a workspace; their workspaces stay locked until the
    transaction ends."""
    await connection.execute(_LOCK_WORKSPACES, user_id)
    return await connection.fetchval(_LEFT_ALONE, user_id) is not None
