"""Who is a member of which workspace, and as what."""

from __future__ import annotations

from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection


class MemberRow(NamedTuple):
    """A member, and what decides who may change them."""

    role: str
    role_id: int | None
    status: int
    is_super_admin: bool
    organisation_id: int
    workspace_organisation_id: int


_FIND = """
SELECT m.role, m.role_id, u.status, u.is_super_admin, u.organisation_id, w.organisation_id
  FROM membership m JOIN user_account u ON u.id = m.user_id JOIN workspace w ON w.id = m.workspace_id
 WHERE m.workspace_id = $1 AND m.user_id = $2
"""


async def find_member(connection: Executor, workspace_id: int, user_id: int) -> MemberRow | None:
    record = await connection.fetchrow(_FIND, workspace_id, user_id)
    return None if record is None else MemberRow(*record)


_LOCK = "SELECT id FROM workspace WHERE id = $1 FOR NO KEY UPDATE"


async def lock_members(connection: PooledConnection, workspace_id: int) -> None:
    """Nobody else changes who is a member of the workspace until the caller's transaction ends."""
    await connection.execute(_LOCK, workspace_id)


_ADD = """
INSERT INTO membership (workspace_id, user_id, role, role_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (workspace_id, user_id) DO NOTHING RETURNING true
"""


async def add_member(
    connection: PooledConnection, workspace_id: int, user_id: int, role: str, role_id: int | None
) -> bool:
    """False if they are a member already: they stay what they are."""
    return bool(await connection.fetchval(_ADD, workspace_id, user_id, role, role_id))


_SET_ROLE = "UPDATE membership SET role = $3, role_id = $4 WHERE workspace_id = $1 AND user_id = $2"


async def set_role(
    connection: PooledConnection, workspace_id: int, user_id: int, role: str, role_id: int | None
) -> None:
    await connection.execute(_SET_ROLE, workspace_id, user_id, role, role_id)


_REMOVE = "DELETE FROM membership WHERE workspace_id = $1 AND user_id = $2"


async def remove_member(connection: PooledConnection, workspace_id: int, user_id: int) -> None:
    await connection.execute(_REMOVE, workspace_id, user_id)


_OTHER_ADMINISTRATORS = """
SELECT count(*) FROM membership m JOIN user_account u ON u.id = m.user_id
 WHERE m.workspace_id = $1 AND m.user_id <> $2 AND m.role IN ('ADMINISTRATOR', 'SUPER_ADMIN') AND u.status = 1
"""


async def count_other_administrators(connection: PooledConnection, workspace_id: int, user_id: int) -> int:
    """The workspace's active administrators but for this user. Ask under `lock_members`."""
    found: int = await connection.fetchval(_OTHER_ADMINISTRATORS, workspace_id, user_id)
    return found


_LEFT_ALONE = """
SELECT m.workspace_id FROM membership m
 WHERE m.user_id = $1 AND m.role IN ('ADMINISTRATOR', 'SUPER_ADMIN')
   AND NOT EXISTS (SELECT FROM membership o JOIN user_account u ON u.id = o.user_id
                    WHERE o.workspace_id = m.workspace_id AND o.user_id <> $1 AND u.status = 1
                      AND o.role IN ('ADMINISTRATOR', 'SUPER_ADMIN'))
 LIMIT 1
"""


async def rests_on(connection: PooledConnection, user_id: int) -> bool:
    """Whether some workspace has no other active administrator."""
    return await connection.fetchval(_LEFT_ALONE, user_id) is not None


_LOCK_ALL = """
SELECT w.id FROM workspace w JOIN membership m ON m.workspace_id = w.id WHERE m.user_id = $1
 ORDER BY w.id FOR NO KEY UPDATE OF w
"""


async def lock_workspaces_of(connection: PooledConnection, user_id: int) -> None:
    """`lock_members` of every workspace that the user is in."""
    await connection.execute(_LOCK_ALL, user_id)


_AT_HOME = """
SELECT m.workspace_id, m.role, m.role_id FROM membership m JOIN workspace w ON w.id = m.workspace_id
 WHERE m.user_id = $1 AND w.organisation_id = $2 ORDER BY m.workspace_id
"""


async def memberships_at_home(
    connection: Executor, user_id: int, organisation_id: int
) -> list[tuple[int, str, int | None]]:
    """(workspace, role, custom role) of the user in the workspaces of an organisation."""
    return [tuple(record) for record in await connection.fetch(_AT_HOME, user_id, organisation_id)]


_ANY = "SELECT EXISTS (SELECT FROM membership WHERE user_id = $1)"


async def is_member_anywhere(connection: PooledConnection, user_id: int) -> bool:
    return bool(await connection.fetchval(_ANY, user_id))
