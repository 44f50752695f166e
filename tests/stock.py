"""Databases for tests, used again and again: to empty one takes a tenth of the time that making one does."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import asyncpg

MAX_OCTETS = 40_000_000
"""A database that has grown beyond that is better made anew."""

_numbers = itertools.count(1)

# What a test may not leave changed: then its database is thrown away.
_SHAPE = """
SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
    SELECT concat_ws(' ', oid, relname, relkind, relhasindex) AS line FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', attrelid, attnum, attname, atttypid, attnotnull, atthasdef) FROM pg_attribute
     WHERE attrelid > 16383
    UNION ALL SELECT concat_ws(' ', oid, conname) FROM pg_constraint
    UNION ALL SELECT concat_ws(' ', oid, tgenabled) FROM pg_trigger
    UNION ALL SELECT concat_ws(' ', oid, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) x
"""

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""

_SEQUENCES = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
 WHERE schemaname = 'public'
"""


class Server(Protocol):
    """Where the databases are."""

    @property
    def url(self) -> str: ...

    def url_of(self, database: str) -> str: ...


class Stock:
    """Databases made from one template, each lent to one test at a time."""

    def __init__(self, server: Server, prefix: str, template: str) -> None:
        self._server = server
        self._prefix = prefix
        self._template = template
        self._clean: list[str] = []
        self._shape: str | None = None
        self._kept: dict[str, list[asyncpg.Record]] = {}
        """Rows that the migrations have made, by table."""

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """The URL of a database as the template is."""
        name = self._clean.pop() if self._clean else await self._make()
        try:
            yield self._server.url_of(name)
        finally:
            if await self._emptied(name):
                self._clean.append(name)
            else:
                await self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _make(self) -> str:
        name = f"motet_stock_{self._prefix}_{next(_numbers)}"
        await self._execute(
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {self._template}"
        )
        if self._shape is None:
            connection = await asyncpg.connect(self._server.url_of(name))
            self._shape = await connection.fetchval(_SHAPE)
            for table in await self._filled(connection):
                self._kept[table] = await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608 - a name of ours
            await connection.close()
        return name

    async def _emptied(self, name: str) -> bool:
        """Whether the database is as it was made. Whoever is still connected is cut off."""
        try:
            connection = await asyncpg.connect(self._server.url_of(name))
        except (OSError, asyncpg.PostgresError):
            return False
        try:
            await connection.fetch(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            size = await connection.fetchval("SELECT pg_database_size(current_database())")
            if size > MAX_OCTETS or await connection.fetchval(_SHAPE) != self._shape:
                return False
            async with connection.transaction():
                await connection.execute("SET LOCAL session_replication_role = replica")  # no triggers, no references
                filled = await self._filled(connection)
                if filled:
                    await connection.execute("; ".join(f"DELETE FROM {table}" for table in filled))  # noqa: S608
                for table, rows in self._kept.items():
                    await connection.copy_records_to_table(table, records=[tuple(row) for row in rows])
                await connection.execute(_SEQUENCES)
        except asyncpg.InsufficientPrivilegeError:  # a server of someone's, where we are no superuser
            return False
        finally:
            await connection.close()
        return True

    @staticmethod
    async def _filled(connection: asyncpg.Connection) -> list[str]:
        """The tables that have rows."""
        tables = [row[0] for row in await connection.fetch(_TABLES)]
        query = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)  # noqa: S608
        return [row[0] for row in await connection.fetch(query)]

    async def _execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self._server.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()
