"""Small facts of this installation, by name, that must survive a restart."""

from __future__ import annotations

from motet.storage.database import PooledConnection

_READ = "SELECT value FROM setting WHERE name = $1"


async def read_setting(connection: PooledConnection, name: str) -> bytes | None:
    """The value, or None if it was never written."""
    value: bytes | None = await connection.fetchval(_READ, name)
    return value


_ADD = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"


async def add_setting(connection: PooledConnection, name: str, value: bytes) -> bytes:
    """Writes the value unless there is one, and gives the one that holds: of several nodes at once, the first wins."""
    await connection.execute(_ADD, name, value)
    kept: bytes | None = await connection.fetchval(_READ, name)
    return value if kept is None else kept


_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('motet.' || $1, 0))"


async def lock_by_name(connection: PooledConnection, name: str) -> None:
    """Waits until no other node does what `name` stands for; held to the end of the caller's transaction."""
    await connection.execute(_LOCK, name)


_WRITE = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


async def write_setting(connection: PooledConnection, name: str, value: bytes) -> None:
    """Writes the value over any earlier one."""
    await connection.execute(_WRITE, name, value)
