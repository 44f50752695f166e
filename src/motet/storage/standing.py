"""What a user's token stands on: the session, the user, and their role in the workspace it names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from motet.storage.database import Executor


class StandingRow(NamedTuple):
    """All that decides what a user may do in a workspace, as it is now."""

    email: str
    organisation_id: int
    role: str | None
    """Of the membership; None if there is none."""
    role_id: int | None
    is_super_admin: bool
    """Of the workspace's organisation or one above it; without a workspace, of the root."""
    workspace: str | None
    must_enrol: bool
    """Whether a second factor is asked for that the session has not shown."""
    role_name: str | None
    """Of the custom role, where it is one, as are the two below."""
    permissions: list[str] | None
    tags: list[str] | None
    locale: str | None
    organisation_locale: str | None


# `path` holds the ids from the root down to the workspace's organisation.
_STANDING = """
SELECT u.email, u.organisation_id, m.role, m.role_id,
       u.is_super_admin AND CASE WHEN $3::bigint IS NULL THEN home.parent_id IS NULL
                                 ELSE u.organisation_id = ANY (o.path) END AS is_super_admin, w.name AS workspace,
       NOT s.methods && '{mfa,fed}' AND motet_must_have_mfa(u.id, $4) AS must_enrol,
       r.name, r.permissions, r.tags, u.locale, home.locale AS organisation_locale
  FROM login_session s
  JOIN user_account u ON u.id = s.user_id
  JOIN organisation home ON home.id = u.organisation_id
  LEFT JOIN workspace w ON w.id = $3 AND motet_open_workspace(w.id)
  LEFT JOIN organisation o ON o.id = w.organisation_id
  LEFT JOIN membership m ON m.workspace_id = w.id AND m.user_id = u.id
  LEFT JOIN custom_role r ON r.workspace_id = m.workspace_id AND r.id = m.role_id
 WHERE s.id = $2 AND s.user_id = $1 AND s.ended_at IS NULL AND s.expires_at > now() AND u.status = 1
   AND ($3::bigint IS NULL OR w.id IS NOT NULL) AND motet_open_organisation(u.organisation_id)
"""


async def find_standing(
    connection: Executor, user_id: int, session_id: int, workspace_id: int | None, administrative: Sequence[str]
) -> StandingRow | None:
    """None when the session or the user is not what lets anyone in any more. `administrative`: the permissions that
    make an administrator of who has a role of a workspace's own."""
    record = await connection.fetchrow(_STANDING, user_id, session_id, workspace_id, administrative)
    return None if record is None else StandingRow(*record)


_HOME = """
SELECT workspace_id FROM (
    SELECT m.workspace_id, m.workspace_id = u.default_workspace_id AS is_default
      FROM membership m JOIN user_account u ON u.id = m.user_id WHERE u.id = $1
    UNION ALL
    SELECT w.id, w.id = u.default_workspace_id
      FROM user_account u
      JOIN organisation o ON o.path @> ARRAY[u.organisation_id]
      JOIN workspace w ON w.organisation_id = o.id
     WHERE u.id = $1 AND u.is_super_admin
) x WHERE motet_open_workspace(workspace_id) ORDER BY is_default DESC NULLS LAST, workspace_id LIMIT 1
"""


async def home_of(connection: Executor, user_id: int) -> int | None:
    """The workspace that a user is in after signing in: their default, or the oldest that they are in."""
    found: int | None = await connection.fetchval(_HOME, user_id)
    return found


_IS_OPERATOR = """
SELECT u.is_super_admin AND o.parent_id IS NULL
  FROM user_account u JOIN organisation o ON o.id = u.organisation_id WHERE u.id = $1
"""


async def is_operator(connection: Executor, user_id: int) -> bool:
    """Whether the user is a super administrator of the root."""
    return bool(await connection.fetchval(_IS_OPERATOR, user_id))
