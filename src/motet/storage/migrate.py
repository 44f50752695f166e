"""Brings a database to the newest schema: plain SQL files, each applied once and in order, with a checksum."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from motet.config.errors import StartError
from motet.storage.audit import cover_tables
from motet.storage.database import MINIMUM_SERVER_VERSION, PooledConnection

LOCK_KEY = 0x4D4F5445544D4947
"""`MOTETMIG`: the advisory lock that lets one process migrate at a time."""

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class Migration(NamedTuple):
    """One file of `migrations/`, such as `0001_initial.sql`. `checksum` is the SHA-256 of its octets in hex."""

    version: int
    name: str
    checksum: str
    sql: str


class SchemaError(StartError):
    """The database's schema is not the one that this Motet was made for."""


def find_migrations() -> Path:
    """Where the files are: inside the installed package, or in the checkout beside `src`."""
    inside = Path(__file__).parents[1] / "migrations"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "migrations"


def load_migrations(directory: Path | None = None) -> list[Migration]:
    """The migrations of the folder in their order. Raises SchemaError for a file without a number, or a number
    that two files have."""
    folder = directory or find_migrations()
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise SchemaError(f"{path} is not named like 0001_name.sql")
        data = path.read_bytes()
        found.append(Migration(int(match[1]), match[2], hashlib.sha256(data).hexdigest(), data.decode()))
    if len({one.version for one in found}) < len(found):
        raise SchemaError(f"two migrations in {folder} have the same number")
    if not found:
        raise SchemaError(f"there are no migrations in {folder}")
    return found


_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    version     integer PRIMARY KEY,
    name        text NOT NULL,
    checksum    text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
)
"""
_RECORD = "INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)"


async def migrate(connection: PooledConnection, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """Applies what is missing, each file in a transaction of its own, and returns it. Others who migrate wait.

    Raises SchemaError when an applied file has changed since, or the database is newer than this Motet.
    """
    wanted = load_migrations() if migrations is None else migrations
    await _check_server(connection)
    await connection.execute("SET lock_timeout = 0; SET statement_timeout = 0")
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    try:
        await connection.execute(_TABLE)
        missing = _missing(wanted, await _applied(connection))
        for one in missing:
            async with connection.transaction():
                await connection.execute(one.sql)
                await connection.execute(_RECORD, one.version, one.name, one.checksum)
        await cover_tables(connection)
        return missing
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)
        await connection.execute("RESET lock_timeout; RESET statement_timeout")


async def check_schema(connection: PooledConnection, migrations: Sequence[Migration] | None = None) -> None:
    """Raises SchemaError unless the database has exactly the schema of this Motet; says what to do about it."""
    await _check_server(connection)
    missing = _missing(load_migrations() if migrations is None else migrations, await _applied(connection))
    if missing:
        raise SchemaError(
            f"the database's schema is older than this motet: {len(missing)} migration(s) from "
            f"{missing[0].version:04}_{missing[0].name} on are missing; run `motet migrate`"
        )


def _missing(wanted: Sequence[Migration], applied: dict[int, tuple[str, str]]) -> list[Migration]:
    newer = sorted(set(applied) - {one.version for one in wanted})
    if newer:
        names = ", ".join(f"{version:04}_{applied[version][0]}" for version in newer)
        raise SchemaError(
            f"the database's schema is newer than this motet, which does not know {names}; run a newer motet"
        )
    for one in wanted:
        if one.version in applied and applied[one.version][1] != one.checksum:
            raise SchemaError(
                f"migration {one.version:04}_{one.name} was applied to this database with other content; "
                "applied migrations are never edited: restore the file, or restore the database"
            )
    return [one for one in wanted if one.version not in applied]


_EXISTS = "SELECT to_regclass('schema_migration') IS NOT NULL"
_APPLIED = "SELECT version, name, checksum FROM schema_migration ORDER BY version"


async def _applied(connection: PooledConnection) -> dict[int, tuple[str, str]]:
    if not await connection.fetchval(_EXISTS):
        return {}
    return {row["version"]: (row["name"], row["checksum"]) for row in await connection.fetch(_APPLIED)}


async def _check_server(connection: PooledConnection) -> None:
    major = connection.get_server_version().major
    if major < MINIMUM_SERVER_VERSION:
        raise SchemaError(f"PostgreSQL {MINIMUM_SERVER_VERSION} or newer is needed, this is {major}")
