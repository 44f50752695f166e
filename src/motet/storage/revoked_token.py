"""Single access tokens that were taken back, by their `jti`."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from motet.domain.errors import LimitReachedError
from motet.storage.database import Executor, PooledConnection


class TokenStanding(NamedTuple):
    """What the database says of a token that stands on nothing but itself."""

    revoked: bool
    has_workspace: bool
    """Whether the workspace that it names is there and not suspended, if it names one."""


_STANDING = """
SELECT EXISTS (SELECT FROM revoked_token WHERE token_id = $1 AND workspace_id IS NOT DISTINCT FROM $2) AS revoked,
       $2::bigint IS NULL OR motet_open_workspace($2) AS has_workspace
"""


async def find_token_standing(connection: Executor, token_id: str, workspace_id: int | None) -> TokenStanding:
    record = await connection.fetchrow(_STANDING, token_id, workspace_id)
    assert record is not None  # noqa: S101 - it has no FROM
    return TokenStanding(record["revoked"], record["has_workspace"])


_ADD = """
INSERT INTO revoked_token (token_id, workspace_id, revoked_at, expires_at)
SELECT $1, $2, $3, $4
 WHERE (SELECT count(*) FROM revoked_token WHERE workspace_id IS NOT DISTINCT FROM $2) < $5
ON CONFLICT (token_id, workspace_id) DO UPDATE SET expires_at = greatest(revoked_token.expires_at, excluded.expires_at)
RETURNING true
"""


async def add_revoked_token(
    connection: PooledConnection,
    token_id: str,
    workspace_id: int | None,
    now: datetime,
    expires_at: datetime,
    *,
    limit: int,
) -> None:
    """Take a token back until it would have ended. Raises LimitReachedError at `limit` of a workspace."""
    if not await connection.fetchval(_ADD, token_id, workspace_id, now, expires_at, limit):
        raise LimitReachedError(
            "A workspace has at most {most} tokens that were taken back and have not ended yet.", most=limit
        )


_PURGE = """
DELETE FROM revoked_token
 WHERE ctid = ANY (ARRAY (SELECT ctid FROM revoked_token WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000))
"""


async def purge_revoked_tokens(connection: Executor, now: datetime) -> None:
    """Forget at most 1,000 tokens that would have ended by now."""
    await connection.execute(_PURGE, now)
