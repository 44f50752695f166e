"""What every test may ask for: a real PostgreSQL of this run, and a fresh migrated database in it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import AsyncIterator
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio
import structlog

from motet.storage.database import Database
from motet.storage.embedded import EmbeddedPostgres
from motet.storage.migrate import migrate
from motet.storage.partitions import ensure_partitions
from stock import Stock

OTHER_SERVER = "MOTET_TEST_DATABASE_URL"
"""Names a PostgreSQL to test against in place of the embedded one; its user must be allowed to make databases."""

POSTGRES = {"shared_buffers": "64MB", "max_wal_size": "512MB", "fsync": "off", "full_page_writes": "off"}
"""Nobody cuts the power of these servers. Tests of what is kept over a crash start their own, as a node does."""

_numbers = itertools.count(1)


def pytest_configure() -> None:
    """Tracebacks in logs are plain, as they are in a node: to show every local variable takes seconds of a test."""
    *others, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*others, plain])


class Server(Protocol):
    @property
    def url(self) -> str: ...

    def url_of(self, database: str) -> str: ...


class _NamedServer:
    def __init__(self, url: str) -> None:
        self.url = url

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))


@pytest_asyncio.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> AsyncIterator[Server]:
    """One server for each worker, started by the first test that needs it. It holds a migrated template database."""
    if os.environ.get(OTHER_SERVER):
        named = _NamedServer(os.environ[OTHER_SERVER])
        await _make_template(named, worker_id)
        yield named
        return
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), POSTGRES)
    await server.start()
    try:
        await _make_template(server, worker_id)
        yield server
    finally:
        await server.stop()


@pytest_asyncio.fixture
async def empty_database_url(postgres: Server, worker_id: str) -> AsyncIterator[str]:
    """A database without any table, for this test alone."""
    async for url in _fresh_database(postgres, worker_id, "template0"):
        yield url


@pytest_asyncio.fixture(scope="session")
async def stock(postgres: Server, worker_id: str) -> AsyncIterator[Stock]:
    """Databases without rows, for one test after the other."""
    made = Stock(postgres, worker_id, _template(worker_id))
    yield made
    await made.close()


@pytest_asyncio.fixture
async def database_url(stock: Stock) -> AsyncIterator[str]:
    """A migrated database with this week's partitions and no rows, for this test alone."""
    async with stock.database() as url:
        yield url


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, opened."""
    async with await Database.open(database_url, pool_size=8) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def shared_database(stock: Stock) -> AsyncIterator[Database]:
    """A migrated database for all tests of a module that leave its rows alone."""
    async with stock.database() as url, await Database.open(url, pool_size=8) as opened:
        yield opened


def _template(worker_id: str) -> str:
    return f"motet_template_{worker_id}"


async def _make_template(server: Server, worker_id: str) -> None:
    admin = await asyncpg.connect(server.url)
    await admin.execute(f"DROP DATABASE IF EXISTS {_template(worker_id)}")
    await admin.execute(f"CREATE DATABASE {_template(worker_id)} TEMPLATE template0")
    await admin.close()
    template = await asyncpg.connect(server.url_of(_template(worker_id)))
    await migrate(template)
    await ensure_partitions(template, time.time_ns() // 1_000_000)
    await template.close()


async def _fresh_database(server: Server, worker_id: str, template: str) -> AsyncIterator[str]:
    name = f"motet_test_{worker_id}_{next(_numbers)}"
    admin = await asyncpg.connect(server.url)
    try:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield server.url_of(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
