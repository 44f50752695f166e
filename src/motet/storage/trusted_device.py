"""Devices on which a user need not show the second factor again, known by the hash of a token."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection


class TrustedDevice(NamedTuple):
    """One device, as its owner sees it."""

    id: int
    user_agent: str | None
    address: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


# The newest stay when there are too many.
_TRIM = """
DELETE FROM trusted_device
 WHERE user_id = $1
   AND (expires_at <= $2
        OR id <= (SELECT id FROM trusted_device WHERE user_id = $1 ORDER BY id DESC OFFSET $3 LIMIT 1))
"""
_INSERT = """
INSERT INTO trusted_device (id, user_id, token_hash, user_agent, address, created_at, last_used_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
"""


async def insert(
    connection: PooledConnection,
    device_id: int,
    user_id: int,
    token_hash: bytes,
    user_agent: str | None,
    address: str | None,
    now: datetime,
    expires_at: datetime,
    limit: int,
) -> None:
    """Trust a device; of more than `limit` the oldest go."""
    await connection.execute(_TRIM, user_id, now, limit - 1)
    await connection.execute(_INSERT, device_id, user_id, token_hash, user_agent, address, now, expires_at)


_USE = """
UPDATE trusted_device d SET last_used_at = $3
  FROM user_account u
 WHERE d.user_id = $1 AND d.token_hash = $2 AND d.expires_at > $3 AND u.id = d.user_id
   AND d.created_at > COALESCE(u.password_changed_at, '-infinity')
RETURNING d.id
"""


async def use(connection: Executor, user_id: int, token_hash: bytes, now: datetime) -> bool:
    """Whether the token is of a device that the user trusts, since their password was last changed."""
    return await connection.fetchval(_USE, user_id, token_hash, now) is not None


_OF_USER = """
SELECT d.id, d.user_agent, d.address, d.created_at, d.last_used_at, d.expires_at
  FROM trusted_device d JOIN user_account u ON u.id = d.user_id
 WHERE d.user_id = $1 AND d.expires_at > $2 AND d.created_at > COALESCE(u.password_changed_at, '-infinity')
 ORDER BY d.id
"""


async def of_user(connection: Executor, user_id: int, now: datetime) -> list[TrustedDevice]:
    """The devices that the user trusts now, the oldest first; they are few."""
    return [TrustedDevice(*record) for record in await connection.fetch(_OF_USER, user_id, now)]


_DELETE = "DELETE FROM trusted_device WHERE user_id = $1 AND id = $2 RETURNING id"


async def delete(connection: PooledConnection, user_id: int, device_id: int) -> bool:
    """False for a device that is not the user's."""
    return await connection.fetchval(_DELETE, user_id, device_id) is not None
