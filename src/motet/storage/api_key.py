"""Keys for programs. Of a key only a hash is kept; it is found by its prefix, which is unique over the platform."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from motet.domain.cidrs import Network
from motet.domain.errors import ConflictError, LimitReachedError
from motet.storage.database import Executor, PooledConnection


class KeyRow(NamedTuple):
    """All that decides what a key may do, as it is now."""

    workspace_id: int
    id: int
    workspace: str
    organisation_id: int
    prefix: str
    secret_hash: bytes
    previous_hash: bytes | None
    previous_until: datetime | None
    role: str
    role_id: int | None
    scopes: list[str] | None
    tags: list[str] | None
    networks: list[Network]
    expires_at: datetime | None
    revoked_at: datetime | None
    rotated_at: datetime | None
    organisation_locale: str | None
    role_name: str | None
    """Of the workspace's own role, where it is one, as are the two below."""
    role_permissions: list[str] | None
    role_tags: list[str] | None
    is_open: bool
    """Whether its workspace is: neither ended nor suspended, nor an organisation above it."""


_KEY = """
SELECT k.workspace_id, k.id, w.name, w.organisation_id, k.prefix, k.secret_hash, k.previous_hash, k.previous_until,
       k.role, k.role_id, k.scopes, k.tags, k.networks, k.expires_at, k.revoked_at,
       k.rotated_at, o.locale, r.name, r.permissions, r.tags, motet_open_workspace(w.id)
  FROM api_key k
  JOIN workspace w ON w.id = k.workspace_id
  JOIN organisation o ON o.id = w.organisation_id
  LEFT JOIN custom_role r ON r.workspace_id = k.workspace_id AND r.id = k.role_id
"""

# By the keys that are unique over the platform: whoever shows one names no workspace.
_BY_PREFIX = _KEY + " WHERE k.prefix = $1"
_BY_ID = _KEY + " WHERE k.id = $1 AND motet_open_workspace(w.id)"


async def find_by_prefix(connection: Executor, prefix: str) -> KeyRow | None:
    """Also where the workspace is closed: a key that is right is told from a wrong one there, too."""
    record = await connection.fetchrow(_BY_PREFIX, prefix)
    return None if record is None else KeyRow(*record)


async def find_by_id(connection: Executor, api_key_id: int) -> KeyRow | None:
    """None where the workspace is closed, too."""
    record = await connection.fetchrow(_BY_ID, api_key_id)
    return None if record is None else KeyRow(*record)


class KeySettings(NamedTuple):
    """What can be changed of a key, in the order of the statements below."""

    name: str
    role: str
    role_id: int | None
    scopes: list[str] | None
    tags: list[str] | None
    networks: list[Network]
    expires_at: datetime | None


# Revoked keys are kept for who reads the list, up to a number.
_TRIM = """
DELETE FROM api_key
 WHERE workspace_id = $1 AND id IN (
    SELECT id FROM api_key WHERE workspace_id = $1 AND revoked_at IS NOT NULL ORDER BY revoked_at DESC OFFSET $2)
"""
_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO api_key (workspace_id, id, prefix, secret_hash, created_at, created_by, created_by_name,
                     name, role, role_id, scopes, tags, networks, expires_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $9, $10, $11, $12, $13, $14, $15
 WHERE (SELECT count(*) FROM api_key WHERE workspace_id = $1 AND revoked_at IS NULL) < $8
RETURNING id
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    api_key_id: int,
    prefix: str,
    secret_hash: bytes,
    settings: KeySettings,
    *,
    now: datetime,
    made_by: tuple[int | None, str],
    limit: int,
    kept: int,
) -> None:
    """Add a key. Needs a transaction: the workspace is locked, so that two callers cannot pass the limit of live keys;
    of revoked ones `kept` stay. Raises ConflictError for a prefix that is taken, LimitReachedError at `limit`."""
    await connection.execute(_LOCK_WORKSPACE, workspace_id)
    await connection.execute(_TRIM, workspace_id, kept)
    try:
        added = await connection.fetchval(
            _INSERT, workspace_id, api_key_id, prefix, secret_hash, now, *made_by, limit, *settings
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "api_key_prefix_taken":
            raise
        raise ConflictError("This prefix is taken: try again.") from None
    if added is None:
        raise LimitReachedError("A workspace has at most {most} API keys that are not revoked.", most=limit)


_LOCK = """
SELECT name, role, role_id, scopes, tags, networks, expires_at
  FROM api_key
 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL
   FOR UPDATE
"""


async def lock_settings(connection: PooledConnection, workspace_id: int, api_key_id: int) -> KeySettings | None:
    """The settings of a key that is not revoked, which stay as they are until the transaction ends."""
    record = await connection.fetchrow(_LOCK, workspace_id, api_key_id)
    return None if record is None else KeySettings(*record)


_UPDATE = """
UPDATE api_key SET name = $3, role = $4, role_id = $5, scopes = $6, tags = $7, networks = $8, expires_at = $9
 WHERE workspace_id = $1 AND id = $2
"""


async def update(connection: PooledConnection, workspace_id: int, api_key_id: int, settings: KeySettings) -> None:
    """Write the settings of a key that this transaction has locked."""
    await connection.execute(_UPDATE, workspace_id, api_key_id, *settings)


_ROTATE = """
UPDATE api_key
   SET previous_hash = CASE WHEN $5::timestamptz IS NULL THEN NULL ELSE secret_hash END,
       previous_until = $5, secret_hash = $3, rotated_at = $4
 WHERE workspace_id = $1 AND id = $2
RETURNING prefix
"""


async def rotate(
    connection: PooledConnection,
    workspace_id: int,
    api_key_id: int,
    secret_hash: bytes,
    now: datetime,
    previous_until: datetime | None,
) -> None:
    """Give a key that this transaction has locked another secret; the one before is good until then, or no more."""
    await connection.execute(_ROTATE, workspace_id, api_key_id, secret_hash, now, previous_until)


_PREFIX = "SELECT prefix FROM api_key WHERE workspace_id = $1 AND id = $2"


async def prefix_of(connection: PooledConnection, workspace_id: int, api_key_id: int) -> str | None:
    found: str | None = await connection.fetchval(_PREFIX, workspace_id, api_key_id)
    return found


_REVOKE = """
UPDATE api_key SET revoked_at = $3, previous_hash = NULL, previous_until = NULL
 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL
RETURNING id
"""


async def revoke(connection: PooledConnection, workspace_id: int, api_key_id: int, now: datetime) -> bool:
    """End a key for good; False for one that is not there or revoked already."""
    return await connection.fetchval(_REVOKE, workspace_id, api_key_id, now) is not None


_USED = """
UPDATE api_key k SET last_used_at = u.at, last_used_address = u.address
  FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::inet[]) AS u (workspace_id, id, at, address)
 WHERE k.workspace_id = u.workspace_id AND k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < u.at)
"""


async def note_uses(connection: Executor, uses: Sequence[tuple[int, int, datetime, Any]]) -> None:
    """When and from where keys were used last: (workspace, key, time, address or None)."""
    await connection.execute(_USED, *map(list, zip(*uses, strict=True)))
