"""Where people are signed in, and the refresh tokens of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection

_ADD = """
INSERT INTO login_session (id, user_id, methods, address, user_agent, created_at, last_used_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
"""


async def add_session(
    connection: PooledConnection,
    session_id: int,
    user_id: int,
    methods: Sequence[str],
    address: str | None,
    user_agent: str | None,
    at: datetime,
    expires_at: datetime,
) -> None:
    await connection.execute(_ADD, session_id, user_id, methods, address, user_agent, at, expires_at)


_END = """
UPDATE login_session SET ended_at = $4, end_reason = $3 WHERE id = $2 AND user_id = $1 AND ended_at IS NULL
RETURNING true
"""


async def end_session(connection: PooledConnection, user_id: int, session_id: int, reason: str, at: datetime) -> bool:
    """Whether it was open until now."""
    return bool(await connection.fetchval(_END, user_id, session_id, reason, at))


_END_ALL = """
UPDATE login_session SET ended_at = $3, end_reason = $2
 WHERE user_id = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $4
"""


async def end_sessions(
    connection: PooledConnection, user_id: int, reason: str, at: datetime, *, but: int | None = None
) -> None:
    """End all sessions of the user, `but` perhaps one."""
    await connection.execute(_END_ALL, user_id, reason, at, but)


class RefreshRow(NamedTuple):
    """A refresh token and what it belongs to."""

    session_id: int
    user_id: int
    workspace_id: int | None
    expires_at: datetime
    used_at: datetime | None
    session_expires_at: datetime
    ended_at: datetime | None
    replaced_by: bytes | None
    """The hash of the token that it was exchanged for."""
    successor_unused: bool
    """Whether that one is there and was not used."""


# The session's row is what two refreshes at once wait for; what the first one did is then read anew.
_LOCK_REFRESH = """
SELECT FROM refresh_token r JOIN login_session s ON s.id = r.session_id WHERE r.token_hash = $1 FOR UPDATE OF s
"""
_REFRESH = """
SELECT r.session_id, s.user_id, r.workspace_id, r.expires_at, r.used_at, s.expires_at AS session_expires_at, s.ended_at,
       r.replaced_by,
       EXISTS (SELECT FROM refresh_token n WHERE n.token_hash = r.replaced_by AND n.used_at IS NULL) AS successor_unused
  FROM refresh_token r JOIN login_session s ON s.id = r.session_id
 WHERE r.token_hash = $1
"""


async def lock_refresh_token(connection: PooledConnection, token_hash: bytes) -> RefreshRow | None:
    await connection.execute(_LOCK_REFRESH, token_hash)
    record = await connection.fetchrow(_REFRESH, token_hash)
    return None if record is None else RefreshRow(*record)


_USE = "UPDATE refresh_token SET used_at = $2, replaced_by = $3 WHERE token_hash = $1"


async def use_refresh_token(
    connection: PooledConnection, token_hash: bytes, at: datetime, replaced_by: bytes | None = None
) -> None:
    """It was exchanged for another, or is good no more."""
    await connection.execute(_USE, token_hash, at, replaced_by)


_ADD_REFRESH = """
INSERT INTO refresh_token (token_hash, session_id, workspace_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
"""


async def add_refresh_token(
    connection: PooledConnection,
    token_hash: bytes,
    session_id: int,
    workspace_id: int | None,
    at: datetime,
    expires_at: datetime,
) -> None:
    await connection.execute(_ADD_REFRESH, token_hash, session_id, workspace_id, at, expires_at)


_TOUCH = "UPDATE login_session SET last_used_at = $2, address = $3, user_agent = $4 WHERE id = $1"


async def touch_session(
    connection: PooledConnection, session_id: int, at: datetime, address: str | None, user_agent: str | None
) -> None:
    """It was used just now, from there."""
    await connection.execute(_TOUCH, session_id, at, address, user_agent)


class OpenSession(NamedTuple):
    """Where a user is signed in."""

    id: int
    methods: list[str]
    address: str | None
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


_OPEN = """
SELECT id, methods, address, user_agent, created_at, last_used_at, expires_at FROM login_session
 WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND last_used_at > $3 ORDER BY id DESC LIMIT 100
"""


async def open_sessions(connection: Executor, user_id: int, now: datetime, used_since: datetime) -> list[OpenSession]:
    """The user's sessions that can go on, newest first; at most 100."""
    return [OpenSession(*record) for record in await connection.fetch(_OPEN, user_id, now, used_since)]


_PURGE = "DELETE FROM login_session WHERE id IN (SELECT id FROM login_session WHERE expires_at < $1 LIMIT 1000)"


async def purge_sessions(connection: Executor, before: datetime) -> None:
    """Forget at most 1,000 sessions that were over before then."""
    await connection.execute(_PURGE, before)
