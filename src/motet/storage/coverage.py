"""Versions of what is known of networks. Shared by all workspaces."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from motet.storage.database import PooledConnection

COVERAGE_NETWORK_COLUMNS = (
    "version", "plmn", "rat", "bands", "possible_bands", "psm", "edrx", "sms", "roaming", "sunset_on",
    "sunset_source", "as_of",
)  # fmt: skip


class StoredVersion(NamedTuple):
    """A version without its networks, whose number is `networks`."""

    number: int
    name: str
    source: str
    as_of: date
    networks: int
    actor: str
    created_at: datetime


_NEWEST = "SELECT coalesce(max(number), 0) FROM coverage_version"


async def newest_number(connection: PooledConnection) -> int:
    """The number of the version that counts; 0 if none was imported."""
    number: int = await connection.fetchval(_NEWEST)
    return number


_VERSIONS = """
SELECT number, name, source, as_of, networks, actor, created_at
  FROM coverage_version
 ORDER BY number DESC
"""


async def versions(connection: PooledConnection) -> list[StoredVersion]:
    """All imported versions, the newest first."""
    return [StoredVersion(*record) for record in await connection.fetch(_VERSIONS)]


_VERSION = """
SELECT number, name, source, as_of, networks, actor, created_at
  FROM coverage_version
 WHERE number = $1
"""


async def version(connection: PooledConnection, number: int) -> StoredVersion | None:
    """One version, or None."""
    record = await connection.fetchrow(_VERSION, number)
    return None if record is None else StoredVersion(*record)


_NETWORKS = """
SELECT plmn, rat, bands, possible_bands, psm, edrx, sms, roaming, sunset_on, sunset_source, as_of
  FROM coverage_network
 WHERE version = $1
"""


async def networks(connection: PooledConnection, number: int) -> list[tuple[Any, ...]]:
    """The rows of a version, in no order."""
    return [tuple(record) for record in await connection.fetch(_NETWORKS, number)]


_INSERT = """
INSERT INTO coverage_version (number, name, source, as_of, networks, actor, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def insert(connection: PooledConnection, stored: StoredVersion, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add a version with its rows, in the order of COVERAGE_NETWORK_COLUMNS."""
    await connection.execute(_INSERT, *stored)
    await connection.copy_records_to_table("coverage_network", records=rows, columns=COVERAGE_NETWORK_COLUMNS)


_DELETE_BEFORE = "DELETE FROM coverage_version WHERE number < $1"


async def delete_before(connection: PooledConnection, number: int) -> None:
    """Remove the versions before this one."""
    await connection.execute(_DELETE_BEFORE, number)
