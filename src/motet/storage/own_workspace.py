"""The workspaces that a user is a member of."""

from __future__ import annotations

from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection


class OwnWorkspace(NamedTuple):
    """A workspace and what the user is in it."""

    id: int
    name: str
    role: str | None
    """Of the four that every workspace has; None: a custom role."""
    is_default: bool


# By user: their memberships are theirs to see, whichever workspace they are in.
_OF_USER = """
SELECT w.id, w.name, CASE WHEN m.role <> 'CUSTOM' THEN m.role END AS role,
       w.id IS NOT DISTINCT FROM u.default_workspace_id AS is_default
  FROM membership m
  JOIN workspace w ON w.id = m.workspace_id AND motet_open_workspace(w.id)
  JOIN user_account u ON u.id = m.user_id
 WHERE m.user_id = $1
 ORDER BY w.name LIMIT $2
"""


async def of_user(connection: Executor, user_id: int, limit: int) -> list[OwnWorkspace]:
    """The workspaces of a user that are neither over nor suspended, by name."""
    return [OwnWorkspace(*record) for record in await connection.fetch(_OF_USER, user_id, limit)]


_SET_DEFAULT = "UPDATE user_account SET default_workspace_id = $2 WHERE id = $1"


async def set_default(connection: PooledConnection, user_id: int, workspace_id: int | None) -> None:
    """Say where a user begins."""
    await connection.execute(_SET_DEFAULT, user_id, workspace_id)
