"""The operator's links to SMSCs."""

from typing import NamedTuple

import asyncpg

from motet.domain.errors import ConflictError, LimitReachedError
from motet.storage.database import PooledConnection


class SmscLinkSettings(NamedTuple):
    """What can be changed of a link, in the order of the statements below."""

    name: str
    host: str
    port: int
    system_id: str
    password_encrypted: bytes
    binds: int
    window_size: int
    enabled: bool
    tls: bool
    tls_name: str | None


_LOCK_LINKS = "LOCK TABLE smsc_link IN SHARE ROW EXCLUSIVE MODE"

# Every submit names its link by this small id, so an id is not given twice, not even after its link was deleted: ids
# are the seconds since 2025, or the next free number after them.
_INSERT = """
INSERT INTO smsc_link (id, name, host, port, system_id, password_encrypted, binds, window_size, enabled, tls,
                       tls_name)
SELECT greatest((SELECT coalesce(max(id), 0) + 1 FROM smsc_link),
                extract(epoch FROM clock_timestamp())::bigint - 1735689600)::integer,
       $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
 WHERE (SELECT count(*) FROM smsc_link) < $1
RETURNING id
"""


async def insert(connection: PooledConnection, settings: SmscLinkSettings, *, limit: int) -> int:
    """Add a link: its id. Needs a transaction. Raises ConflictError for a taken name, LimitReachedError at `limit`."""
    await connection.execute(_LOCK_LINKS)
    try:
        link_id: int | None = await connection.fetchval(_INSERT, limit, *settings)
    except asyncpg.UniqueViolationError as error:
        raise _conflict(error) from None
    if link_id is None:
        raise LimitReachedError("There are at most {most} links.", most=limit)
    return link_id


_SETTINGS = """
SELECT name, host, port, system_id, password_encrypted, binds, window_size, enabled, tls, tls_name
  FROM smsc_link
 WHERE id = $1
   FOR UPDATE
"""


async def lock_settings(connection: PooledConnection, link_id: int) -> SmscLinkSettings | None:
    """The settings of a link, which stay as they are until the transaction ends; None for an unknown one."""
    record = await connection.fetchrow(_SETTINGS, link_id)
    return None if record is None else SmscLinkSettings(*record)


_UPDATE = """
UPDATE smsc_link
   SET name = $2, host = $3, port = $4, system_id = $5, password_encrypted = $6, binds = $7, window_size = $8,
       enabled = $9, tls = $10, tls_name = $11
 WHERE id = $1
"""


async def update(connection: PooledConnection, link_id: int, settings: SmscLinkSettings) -> None:
    """Write the settings of a link that this transaction has locked. Raises ConflictError for a taken name."""
    try:
        await connection.execute(_UPDATE, link_id, *settings)
    except asyncpg.UniqueViolationError as error:
        raise _conflict(error) from None


_DELETE = "DELETE FROM smsc_link WHERE id = $1 RETURNING id"


async def delete(connection: PooledConnection, link_id: int) -> bool:
    """Remove a link; False for an unknown one."""
    return await connection.fetchval(_DELETE, link_id) is not None


def _conflict(error: asyncpg.UniqueViolationError) -> Exception:
    if error.constraint_name != "smsc_link_name_taken":
        return error
    return ConflictError("Another link has this name.", path=("name",))


_ENABLED = """
SELECT id, name, host, port, system_id, password_encrypted, binds, window_size, tls, tls_name
  FROM smsc_link
 WHERE enabled
 ORDER BY id
"""


async def list_enabled(connection: PooledConnection) -> list[asyncpg.Record]:
    """The links that are to be connected."""
    records: list[asyncpg.Record] = await connection.fetch(_ENABLED)
    return records
