"""Wrong passwords and codes: in a row by user, over time by address. Counted before they are judged."""

from __future__ import annotations

from datetime import datetime, timedelta

from motet.storage.database import Executor, PooledConnection

# Once the lock is over one counts anew.
_CLAIM = """
INSERT INTO sign_in_attempt AS a (key, failures, locked_until, updated_at)
VALUES ($1, 1, NULL, $2)
ON CONFLICT (key) DO UPDATE
   SET failures = CASE WHEN a.locked_until IS NOT NULL OR a.updated_at < $2 - $4::interval THEN 1
                       ELSE a.failures + 1 END,
       locked_until = CASE WHEN a.locked_until IS NULL AND a.updated_at >= $2 - $4::interval AND a.failures + 1 >= $3
                           THEN $2 + $4::interval END,
       updated_at = $2, told = false
 WHERE a.locked_until IS NULL OR a.locked_until <= $2
RETURNING true
"""


async def claim_attempt(connection: Executor, key: str, at: datetime, most: int, lock: timedelta) -> bool:
    """Count one more attempt; False while the key is locked. The `most`th in a row is the last before the lock."""
    return bool(await connection.fetchval(_CLAIM, key, at, most, lock))


# At most 1,000 at once; those of nobody are not looked at again either.
_TAKE_LOCKED = """
WITH locked AS (
    UPDATE sign_in_attempt SET told = true
     WHERE key IN (SELECT key FROM sign_in_attempt
                    WHERE NOT told AND locked_until > $1 AND key LIKE 'user %' LIMIT 1000 FOR UPDATE SKIP LOCKED)
    RETURNING key
)
UPDATE user_account u SET lock_told_at = $1
  FROM locked l
 WHERE u.email_key = substr(l.key, 6) AND u.status = 1
   AND (u.lock_told_at IS NULL OR u.lock_told_at <= $1 - $2::interval)
RETURNING u.id
"""


async def take_locked(connection: PooledConnection, now: datetime, quiet: timedelta) -> list[int]:
    """The active users who are locked out and are to be told: not those who were told within `quiet`. From now on all
    of them have been."""
    return [row["id"] for row in await connection.fetch(_TAKE_LOCKED, now, quiet)]


_CLEAR = "DELETE FROM sign_in_attempt WHERE key = $1"


async def clear_attempts(connection: Executor, key: str) -> None:
    """The last attempt was right."""
    await connection.execute(_CLEAR, key)


# `updated_at` is when all turns that were taken are given back: one is every $4, and `most` fit between now and then.
_TAKE_TURN = """
INSERT INTO sign_in_attempt AS a (key, failures, locked_until, updated_at)
VALUES ($1, 1, NULL, $2::timestamptz + $4::interval)
ON CONFLICT (key) DO UPDATE SET updated_at = greatest(a.updated_at, $2) + $4::interval
 WHERE greatest(a.updated_at, $2) + $4::interval <= $2 + $3::int * $4::interval
RETURNING true
"""


async def take_turn(connection: Executor, key: str, at: datetime, most: int, every: timedelta) -> bool:
    """Take one of `most` turns, of which one comes back each `every`; False if none is left."""
    return bool(await connection.fetchval(_TAKE_TURN, key, at, most, every))


_GIVE_BACK = "UPDATE sign_in_attempt SET updated_at = updated_at - $2::interval WHERE key = $1"


async def give_turn_back(connection: Executor, key: str, every: timedelta) -> None:
    """It was no guess."""
    await connection.execute(_GIVE_BACK, key, every)


_PURGE = """
DELETE FROM sign_in_attempt WHERE key IN (SELECT key FROM sign_in_attempt WHERE updated_at < $1 LIMIT 1000)
"""


async def purge_attempts(connection: Executor, before: datetime) -> None:
    """Forget at most 1,000 keys that were not tried since then."""
    await connection.execute(_PURGE, before)
