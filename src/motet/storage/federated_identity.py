"""Whom identity providers know, what came from them once, and the sessions that they began."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection

_FIND = "SELECT user_id FROM federated_identity WHERE provider_id = $1 AND issuer = $2 AND subject = $3"


async def find_link(connection: Executor, provider_id: int, issuer: str, subject: str) -> int | None:
    """The user that the provider's subject is."""
    found: int | None = await connection.fetchval(_FIND, provider_id, issuer, subject)
    return found


_IS_LINKED = "SELECT EXISTS (SELECT FROM federated_identity WHERE provider_id = $1 AND user_id = $2)"


async def is_linked(connection: Executor, provider_id: int, user_id: int) -> bool:
    """Whether the provider knows the user by some subject."""
    return bool(await connection.fetchval(_IS_LINKED, provider_id, user_id))


_LINK = """
INSERT INTO federated_identity (provider_id, issuer, subject, user_id, linked_at, last_used_at)
VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT (provider_id, issuer, subject) DO UPDATE SET last_used_at = $5
"""


async def link(
    connection: PooledConnection, provider_id: int, issuer: str, subject: str, user_id: int, at: datetime
) -> None:
    """Note that the subject is the user, or that it was used again."""
    await connection.execute(_LINK, provider_id, issuer, subject, user_id, at)


_UNLINK = """
DELETE FROM federated_identity f USING user_account u
 WHERE f.user_id = $2 AND u.id = f.user_id AND u.organisation_id = $1
RETURNING f.provider_id
"""


async def unlink(connection: PooledConnection, organisation_id: int, user_id: int) -> bool:
    """Forget by which subjects the organisation's providers know the user; False if by none."""
    return bool(await connection.fetch(_UNLINK, organisation_id, user_id))


_FORGET_OTHERS = "DELETE FROM federated_identity WHERE provider_id = $1 AND issuer <> $2"


async def forget_other_issuers(connection: PooledConnection, provider_id: int, issuer: str) -> None:
    """A provider is another one from now on: whom the one before knew by its subjects is found by address again."""
    await connection.execute(_FORGET_OTHERS, provider_id, issuer)


_PURGE = "DELETE FROM sso_once WHERE key_hash IN (SELECT key_hash FROM sso_once WHERE expires_at <= $1 LIMIT 100)"
_CLAIM = "INSERT INTO sso_once (key_hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"


async def claim_once(connection: Executor, key_hash: bytes, now: datetime, expires_at: datetime) -> bool:
    """Whether this comes for the first time. It is remembered until it would be refused for its age anyway."""
    await connection.execute(_PURGE, now)
    return await connection.fetchval(_CLAIM, key_hash, expires_at) is not None


class CodeRow(NamedTuple):
    """Who signed in, and at which provider."""

    user_id: int
    provider_id: int
    provider_sid: str | None
    id_token_encrypted: bytes | None = None


_PURGE_CODES = "DELETE FROM sso_code WHERE expires_at <= $1"
_ADD_CODE = """
INSERT INTO sso_code (code_hash, browser_hash, user_id, provider_id, provider_sid, id_token_encrypted, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def add_code(
    connection: PooledConnection, code_hash: bytes, browser_hash: bytes, code: CodeRow, now: datetime, until: datetime
) -> None:
    """Keep a code that the browser exchanges for a session."""
    await connection.execute(_PURGE_CODES, now)
    await connection.execute(_ADD_CODE, code_hash, browser_hash, *code, until)


_TAKE_CODE = """
DELETE FROM sso_code WHERE code_hash = $1
RETURNING user_id, provider_id, provider_sid, id_token_encrypted, browser_hash = $2 AND expires_at > $3
"""


async def take_code(connection: Executor, code_hash: bytes, browser_hash: bytes, now: datetime) -> CodeRow | None:
    """What the code stands for, which is good once and in one browser. A wrong browser uses it up."""
    record = await connection.fetchrow(_TAKE_CODE, code_hash, browser_hash, now)
    return CodeRow(*record[:4]) if record is not None and record[4] else None


_ADD_SESSION = """
INSERT INTO sso_session (session_id, user_id, provider_id, provider_sid, id_token_encrypted)
VALUES ($1, $2, $3, $4, $5)
"""


async def add_session(connection: Executor, session_id: int, code: CodeRow) -> None:
    """Note by which provider a session began."""
    await connection.execute(_ADD_SESSION, session_id, *code)


_SESSIONS = """
SELECT s.session_id, s.user_id FROM sso_session s
 WHERE s.provider_id = $1 AND ($2::text IS NULL OR s.provider_sid = $2)
   AND ($3::text IS NULL OR EXISTS (SELECT FROM federated_identity f
        WHERE f.provider_id = s.provider_id AND f.user_id = s.user_id AND f.subject = $3))
 LIMIT 1000
"""


async def sessions_of(
    connection: Executor, provider_id: int, provider_sid: str | None, subject: str | None
) -> list[tuple[int, int]]:
    """(session, user) of sessions that a provider began, by its own session, its subject, or both."""
    return [
        (r["session_id"], r["user_id"]) for r in await connection.fetch(_SESSIONS, provider_id, provider_sid, subject)
    ]


_LEAVE = """
UPDATE sso_session s SET id_token_encrypted = NULL FROM sso_session was
 WHERE s.session_id = $1 AND was.session_id = s.session_id
RETURNING s.provider_id, was.id_token_encrypted
"""


async def leave(connection: Executor, session_id: int) -> tuple[int, bytes | None] | None:
    """The provider by which a session began, if by one, and the sealed ID token, which is then forgotten."""
    record = await connection.fetchrow(_LEAVE, session_id)
    return None if record is None else (record[0], record[1])
