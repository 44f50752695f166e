"""Users: people with an e-mail address and what they prove themselves by."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from motet.domain.errors import ConflictError
from motet.domain.users import UserStatus
from motet.storage.database import Executor, PooledConnection


class UserRow(NamedTuple):
    """What signing in needs to know."""

    id: int
    organisation_id: int
    email: str
    email_key: str
    name: str
    locale: str | None
    status: UserStatus
    password_hash: str | None
    default_workspace_id: int | None
    is_super_admin: bool
    break_glass: bool


_COLUMNS = """
SELECT id, organisation_id, email, email_key, name, locale, status, password_hash, default_workspace_id, is_super_admin,
       break_glass
  FROM user_account
"""

_BY_EMAIL = f"{_COLUMNS} WHERE email_key = $1"


async def find_by_email(connection: Executor, email_key: str) -> UserRow | None:
    return _row(await connection.fetchrow(_BY_EMAIL, email_key))


_BY_ID = f"{_COLUMNS} WHERE id = $1"


async def find_user(connection: Executor, user_id: int) -> UserRow | None:
    return _row(await connection.fetchrow(_BY_ID, user_id))


_LOCK = f"{_COLUMNS} WHERE id = $1 FOR UPDATE"


async def lock_user(connection: PooledConnection, user_id: int) -> UserRow | None:
    """The user, until the caller's transaction ends nobody else's to change."""
    return _row(await connection.fetchrow(_LOCK, user_id))


_ADD = """
INSERT INTO user_account (id, organisation_id, email, email_key, name, locale, status, password_hash,
                          password_changed_at, activated_at, is_super_admin)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $8::text IS NOT NULL THEN now() END,
        CASE WHEN $7::smallint = 1 THEN now() END, $9)
"""


async def add_user(
    connection: PooledConnection,
    user_id: int,
    organisation_id: int,
    email: str,
    email_key: str,
    *,
    name: str = "",
    locale: str | None = None,
    status: UserStatus = UserStatus.ACTIVATION_PENDING,
    password_hash: str | None = None,
    is_super_admin: bool = False,
) -> None:
    """Raises ConflictError when someone has the address."""
    try:
        await connection.execute(
            _ADD, user_id, organisation_id, email, email_key, name, locale, int(status), password_hash, is_super_admin
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "user_account_email_taken":
            raise ConflictError("There is a user with this e-mail address already.", path=("email",)) from None
        raise


_CHANGE = """
UPDATE user_account
   SET password_hash = $2, password_changed_at = $3, status = CASE WHEN status = 0 THEN 1 ELSE status END,
       activated_at = COALESCE(activated_at, $3), name = COALESCE($4, name)
 WHERE id = $1
"""


async def set_password(
    connection: PooledConnection, user_id: int, password_hash: str, at: datetime, *, name: str | None = None
) -> None:
    """Give the user a password; one who was only invited is active from then on."""
    await connection.execute(_CHANGE, user_id, password_hash, at, name)


class Mailbox(NamedTuple):
    """Where a user is written to, and in which language."""

    email: str
    locale: str | None
    organisation_locale: str | None


_MAILBOX = """
SELECT u.email, u.locale, o.locale FROM user_account u JOIN organisation o ON o.id = u.organisation_id WHERE u.id = $1
"""


async def find_mailbox(connection: Executor, user_id: int) -> Mailbox | None:
    record = await connection.fetchrow(_MAILBOX, user_id)
    return None if record is None else Mailbox(*record)


_SIGNED_IN = "UPDATE user_account SET last_login_at = $2 WHERE id = $1"


async def note_sign_in(connection: PooledConnection, user_id: int, at: datetime) -> None:
    await connection.execute(_SIGNED_IN, user_id, at)


_SET_STATUS = "UPDATE user_account SET status = $2 WHERE id = $1"


async def set_status(connection: PooledConnection, user_id: int, status: UserStatus) -> None:
    await connection.execute(_SET_STATUS, user_id, int(status))


_DESCRIBE = """
UPDATE user_account SET name = COALESCE($2, name), locale = CASE WHEN $4 THEN $3 ELSE locale END WHERE id = $1
"""


async def describe(
    connection: PooledConnection, user_id: int, *, name: str | None, locale: str | None, sets_locale: bool
) -> None:
    """Another name, if given, and another language (null: the organisation's), if told so."""
    await connection.execute(_DESCRIBE, user_id, name, locale, sets_locale)


_ERASE = "DELETE FROM user_account WHERE id = $1"


async def erase_user(connection: PooledConnection, user_id: int) -> None:
    """Nothing is kept: memberships, sessions, tokens and second factors go with the row."""
    await connection.execute(_ERASE, user_id)


_EXPORT = """
SELECT u.email, u.name, u.locale, u.status, u.created_at, u.activated_at, u.last_login_at, u.password_changed_at,
       (SELECT COALESCE(jsonb_agg(jsonb_build_object('workspace', w.name, 'role', m.role, 'since', m.created_at)
                                  ORDER BY m.created_at), '[]')
          FROM membership m JOIN workspace w ON w.id = m.workspace_id WHERE m.user_id = u.id) AS memberships,
       (SELECT COALESCE(jsonb_agg(jsonb_build_object('address', s.address, 'user_agent', s.user_agent,
                                  'methods', s.methods, 'created_at', s.created_at, 'last_used_at', s.last_used_at,
                                  'ended_at', s.ended_at) ORDER BY s.id), '[]')
          FROM (SELECT * FROM login_session WHERE user_id = u.id ORDER BY id DESC LIMIT 1000) s) AS sessions
  FROM user_account u WHERE u.id = $1
"""


async def export_user(connection: Executor, user_id: int) -> dict[str, Any] | None:
    """What is kept about the user (of sessions the newest 1,000), by names that last; secrets are not."""
    record = await connection.fetchrow(_EXPORT, user_id)
    return None if record is None else dict(record)


def _row(record: asyncpg.Record | None) -> UserRow | None:
    return None if record is None else UserRow(**{**record, "status": UserStatus(record["status"])})
