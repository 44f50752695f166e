"""The keys that sign access tokens: one signs, the others check until the last that they signed has expired."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from motet.storage.database import PooledConnection


class SigningKeyRow(NamedTuple):
    """A key as it is kept."""

    kid: str
    public_key: bytes
    sealed_key: bytes | None
    """None: it signs no more."""
    created_at: datetime
    last_expiry: datetime


_HELD = """
SELECT kid, public_key, sealed_key, created_at, last_expiry
  FROM signing_key
 WHERE retired_at IS NULL OR last_expiry > $1
 ORDER BY retired_at DESC NULLS FIRST
 LIMIT $2
"""


async def held(connection: PooledConnection, now: datetime, limit: int) -> list[SigningKeyRow]:
    """The keys that are good at `now`, the one that signs first."""
    return [SigningKeyRow(*record) for record in await connection.fetch(_HELD, now, limit)]


_ADD = """
INSERT INTO signing_key (kid, public_key, sealed_key, created_at, last_expiry) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT DO NOTHING
"""


async def add(connection: PooledConnection, kid: str, public_key: bytes, sealed_key: bytes, now: datetime) -> None:
    """A key that signs from now on, unless there is one: of several nodes at once, the first wins."""
    await connection.execute(_ADD, kid, public_key, sealed_key, now)


_RETIRE = """
UPDATE signing_key SET retired_at = $1, sealed_key = NULL, last_expiry = greatest(last_expiry, $2)
 WHERE retired_at IS NULL AND created_at <= $3
RETURNING kid
"""


async def retire(connection: PooledConnection, now: datetime, last_expiry: datetime, made_by: datetime) -> str | None:
    """Lets the signing key, if it was made by then, sign no more; it checks until `last_expiry` at least. Its name."""
    kid: str | None = await connection.fetchval(_RETIRE, now, last_expiry, made_by)
    return kid


_NOTE_EXPIRY = "UPDATE signing_key SET last_expiry = greatest(last_expiry, $2) WHERE kid = $1 RETURNING kid"


async def note_expiry(connection: PooledConnection, kid: str, expires_at: datetime) -> bool:
    """The key signs a token that lasts until then, and has to be kept as long; False if there is no such key."""
    return await connection.fetchval(_NOTE_EXPIRY, kid, expires_at) is not None


_DROP_RETIRED = "DELETE FROM signing_key WHERE retired_at IS NOT NULL"


async def drop_retired(connection: PooledConnection) -> None:
    """Forgets all keys but the one that signs: what they signed is good no more."""
    await connection.execute(_DROP_RETIRED)


_PURGE = "DELETE FROM signing_key WHERE retired_at IS NOT NULL AND last_expiry <= $1"


async def purge(connection: PooledConnection, now: datetime) -> None:
    """Forgets keys of which no token is left."""
    await connection.execute(_PURGE, now)
