"""What every test may ask for: a real PostgreSQL of this run, and a fresh migrated database in it."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from motet.storage.database import Database
from motet.storage.embedded import EmbeddedPostgres
from motet.storage.migrate import migrate
from motet.storage.partitions import ensure_partitions

_TEMPLATE = "motet_template"
_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """One server for each worker, started by the first test that needs it. It holds a migrated template database."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), {"shared_buffers": "64MB", "max_wal_size": "512MB"})
    await server.start()
    try:
        admin = await asyncpg.connect(server.url)
        await admin.execute(f"CREATE DATABASE {_TEMPLATE}")
        await admin.close()
        template = await asyncpg.connect(server.url_of(_TEMPLATE))
        await migrate(template)
        await ensure_partitions(template, time.time_ns() // 1_000_000)
        await template.close()
        yield server
    finally:
        await server.stop()


@pytest_asyncio.fixture
async def empty_database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database without any table, for this test alone."""
    async for url in _fresh_database(postgres, "template1"):
        yield url


@pytest_asyncio.fixture
async def database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A migrated database with this week's partitions and no rows, for this test alone."""
    async for url in _fresh_database(postgres, _TEMPLATE):
        yield url


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, opened."""
    async with await Database.open(database_url, pool_size=8) as opened:
        yield opened


async def _fresh_database(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(postgres.url)
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield postgres.url_of(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
