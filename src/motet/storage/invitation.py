"""Invitations to a workspace."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection


class InvitationRow(NamedTuple):
    """What someone who follows the link is told and becomes."""

    workspace_id: int
    id: int
    email: str
    email_key: str
    name: str
    locale: str | None
    role: str
    role_id: int | None
    workspace: str
    organisation_id: int


# An invitation that is over makes room for a new one; one that is not is replaced: only the newest link is good.
_PUT = """
INSERT INTO invitation AS i (workspace_id, id, email, email_key, name, locale, role, role_id, invited_by, token_hash,
                             created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT ON CONSTRAINT invitation_taken DO UPDATE
   SET id = excluded.id, email = excluded.email, name = excluded.name, locale = excluded.locale, role = excluded.role,
       role_id = excluded.role_id, invited_by = excluded.invited_by, token_hash = excluded.token_hash,
       created_at = excluded.created_at, expires_at = excluded.expires_at
"""


async def put_invitation(
    connection: PooledConnection,
    workspace_id: int,
    invitation_id: int,
    email: str,
    email_key: str,
    name: str,
    locale: str | None,
    role: str,
    role_id: int | None,
    invited_by: str,
    token_hash: bytes,
    at: datetime,
    expires_at: datetime,
) -> None:
    """Add it, in place of an earlier one of the same address."""
    await connection.execute(
        _PUT, workspace_id, invitation_id, email, email_key, name, locale, role, role_id, invited_by, token_hash, at,
        expires_at,
    )  # fmt: skip


_COUNT = "SELECT count(*) FROM (SELECT FROM invitation WHERE workspace_id = $1 LIMIT $2) x"


async def count_invitations(connection: PooledConnection, workspace_id: int, most: int) -> int:
    """How many are open, at most `most`."""
    found: int = await connection.fetchval(_COUNT, workspace_id, most)
    return found


_OF_LINK = """
SELECT i.workspace_id, i.id, i.email, i.email_key, i.name, i.locale, i.role, i.role_id, w.name AS workspace,
       w.organisation_id
  FROM invitation i JOIN workspace w ON w.id = i.workspace_id
 WHERE i.token_hash = $1 AND i.expires_at > $2 AND motet_open_workspace(w.id)
"""


async def find_invitation(connection: Executor, token_hash: bytes, now: datetime) -> InvitationRow | None:
    record = await connection.fetchrow(_OF_LINK, token_hash, now)
    return None if record is None else InvitationRow(*record)


_TAKE = "DELETE FROM invitation WHERE workspace_id = $1 AND id = $2 RETURNING true"


async def take_invitation(connection: PooledConnection, workspace_id: int, invitation_id: int) -> bool:
    """Remove it; False if it is gone already: two that follow the same link at once are not both let in by it."""
    return bool(await connection.fetchval(_TAKE, workspace_id, invitation_id))


_PURGE = """
DELETE FROM invitation WHERE (workspace_id, id) IN (
    SELECT workspace_id, id FROM invitation WHERE expires_at < $1 LIMIT 1000)
"""


async def purge_invitations(connection: Executor, before: datetime) -> None:
    """Forget at most 1,000 invitations that were over before then."""
    await connection.execute(_PURGE, before)
