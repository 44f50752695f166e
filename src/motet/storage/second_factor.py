"""What second factors a user has, whether they must have one, and what their session has shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection


class Factors(NamedTuple):
    """A user and their second factors."""

    email: str
    email_key: str
    name: str
    password_hash: str | None
    totp: bool
    passkeys: int
    recovery_codes: int
    required: bool
    """Whether the organisation, or one above it, asks the user for a second factor."""

    @property
    def any(self) -> bool:
        """Whether there is one; recovery codes stand in for one, and are none themselves."""
        return self.totp or self.passkeys > 0


_FACTORS = """
SELECT u.email, u.email_key, u.name, u.password_hash,
       EXISTS (SELECT FROM totp WHERE user_id = u.id AND status = 1),
       (SELECT count(*) FROM passkey WHERE user_id = u.id),
       (SELECT count(*) FROM recovery_code WHERE user_id = u.id),
       motet_must_have_mfa(u.id, $2)
  FROM user_account u
 WHERE u.id = $1
"""


async def factors(connection: Executor, user_id: int, administrative: Sequence[str]) -> Factors | None:
    """The user's second factors; None for no user. `administrative`: the permissions that make an administrator."""
    record = await connection.fetchrow(_FACTORS, user_id, administrative)
    return None if record is None else Factors(*record)


_LOCKED_FACTORS = _FACTORS + "   FOR NO KEY UPDATE OF u\n"


async def lock_factors(connection: PooledConnection, user_id: int, administrative: Sequence[str]) -> Factors | None:
    """The same, for the transaction's length: nobody takes away the last one meanwhile."""
    record = await connection.fetchrow(_LOCKED_FACTORS, user_id, administrative)
    return None if record is None else Factors(*record)


class Session(NamedTuple):
    """The session that someone is in."""

    created_at: datetime
    methods: Sequence[str]


_SESSION = "SELECT created_at, methods FROM login_session WHERE id = $1 AND user_id = $2 AND ended_at IS NULL"


async def session(connection: Executor, session_id: int, user_id: int) -> Session | None:
    """The user's session, unless it has ended."""
    record = await connection.fetchrow(_SESSION, session_id, user_id)
    return None if record is None else Session(*record)


_SHOWN = """
UPDATE login_session SET methods = ARRAY(SELECT DISTINCT unnest(methods || $3::text[]) ORDER BY 1)
 WHERE id = $1 AND user_id = $2 AND NOT methods @> $3::text[]
"""


async def shown(connection: PooledConnection, session_id: int, user_id: int, methods: Sequence[str]) -> None:
    """Note what the session has shown. All nodes hear of it."""
    await connection.execute(_SHOWN, session_id, user_id, list(methods))


_FORGET_STAND_INS = """
WITH codes AS (DELETE FROM recovery_code WHERE user_id = $1)
DELETE FROM trusted_device WHERE user_id = $1
"""


async def forget_stand_ins(connection: PooledConnection, user_id: int) -> None:
    """With the last second factor goes what stood in for it: recovery codes and trusted devices."""
    await connection.execute(_FORGET_STAND_INS, user_id)


_SET_REQUIRED = "UPDATE organisation SET mfa_required = $2, mfa_of_administrators = $3 WHERE id = $1"


async def set_required(
    connection: PooledConnection, organisation_id: int, required: bool, of_administrators: bool
) -> None:
    """Whether the organisation asks its users, and those of all below it, for a second factor; `of_administrators`:
    those alone who are one."""
    await connection.execute(_SET_REQUIRED, organisation_id, required, of_administrators)
