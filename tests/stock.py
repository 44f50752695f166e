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

# What a test may not leave changed: then its database is thrown away. A row of the catalogue that is changed is another
# one, of a later transaction.
_SHAPE = """
SELECT string_agg(line, ' ' ORDER BY line) FROM (
    SELECT concat_ws(' ', 1, count(*), max(xmin::text::bigint)) AS line FROM pg_attribute WHERE attrelid > 16383
    UNION ALL SELECT concat_ws(' ', 2, count(*), max(xmin::text::bigint)) FROM pg_constraint
    UNION ALL SELECT concat_ws(' ', 3, count(*), max(xmin::text::bigint)) FROM pg_trigger
    UNION ALL SELECT concat_ws(' ', 4, count(*), max(xmin::text::bigint)) FROM pg_proc
    UNION ALL SELECT concat_ws(' ', 5, relname, relkind, relhasindex) FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
) x
"""

# Whoever put a row in has left by now, and what each has put in is counted when they leave.
_INSERTED = """
SELECT relname, pg_stat_get_tuples_inserted(oid) FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
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
        self._cleaners: dict[str, asyncpg.Connection] = {}
        """One connection to each database, kept: a new one reads the catalogue of all tables anew."""
        self._inserted: dict[str, dict[str, int]] = {}
        """How many rows were ever put into each table of a database, when it was last emptied."""

    async def close(self) -> None:
        """Leaves the databases where they are."""
        for connection in self._cleaners.values():
            await connection.close()

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
                self._part(name)
                await self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _make(self) -> str:
        name = f"motet_stock_{self._prefix}_{next(_numbers)}"
        await self._execute(
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {self._template}"
        )
        if self._shape is None:
            connection = await asyncpg.connect(self._server.url_of(name))
            self._shape = await connection.fetchval(_SHAPE)
            for table, _ in await connection.fetch(_INSERTED):
                if rows := await connection.fetch(f"SELECT * FROM {table}"):  # noqa: S608 - a name of ours
                    self._kept[table] = rows
            await connection.close()
        return name

    async def _emptied(self, name: str) -> bool:
        """Whether the database is as it was made. Whoever is still connected is cut off."""
        try:
            connection = await self._cleaner(name)
            await connection.fetch(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            size = await connection.fetchval("SELECT pg_database_size(current_database())")
            if size > MAX_OCTETS or await connection.fetchval(_SHAPE) != self._shape:
                return False
            inserted = dict(await connection.fetch(_INSERTED))
            before = self._inserted.get(name, {})
            changed = {table for table, count in inserted.items() if count != before.get(table, 0)} | self._kept.keys()
            self._inserted[name] = inserted
            async with connection.transaction():
                await connection.execute("SET LOCAL session_replication_role = replica")  # no triggers, no references
                await connection.execute("; ".join(f"DELETE FROM {table}" for table in sorted(changed)))  # noqa: S608
                for table, rows in self._kept.items():
                    await connection.copy_records_to_table(table, records=[tuple(row) for row in rows])
                await connection.execute(_SEQUENCES)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            # Cut off by the test, or a server of someone's, where we are no superuser.
            self._part(name)
            return False
        return True

    def _part(self, name: str) -> None:
        if name in self._cleaners:
            self._cleaners.pop(name).terminate()
        self._inserted.pop(name, None)

    async def _cleaner(self, name: str) -> asyncpg.Connection:
        connection = self._cleaners.get(name)
        if connection is None or connection.is_closed():
            connection = self._cleaners[name] = await asyncpg.connect(self._server.url_of(name))
        return connection

    async def _execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self._server.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()
