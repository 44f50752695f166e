"""Users: people with an e-mail address and what they prove themselves by."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

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


def _row(record: asyncpg.Record | None) -> UserRow | None:
    return None if record is None else UserRow(**{**record, "status": UserStatus(record["status"])})
