"""A workspace, a receiver on loopback, a clock to set, and the webhooks of a node."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from webhook_support import OTHER_WORKSPACE, SECRET_KEY, WORKSPACE, Clock, Receiver, make_webhooks

from motet.access.secrets import SecretBox
from motet.storage.database import Database
from motet.webhooks.node import Webhooks


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield receiver
    await runner.cleanup()


@pytest.fixture
def secret_box() -> SecretBox:
    return SecretBox(SECRET_KEY)


@pytest_asyncio.fixture
async def workspaces(database: Database) -> None:
    """Two workspaces, `WORKSPACE` and `OTHER_WORKSPACE`."""
    async with database.pool.acquire() as connection:
        await connection.execute("INSERT INTO organisation (id, name) VALUES (1, 'operator')")
        await connection.execute(
            "INSERT INTO workspace (id, organisation_id, name) VALUES ($1, 1, 'demo'), ($2, 1, 'other')",
            WORKSPACE,
            OTHER_WORKSPACE,
        )


@pytest_asyncio.fixture
async def webhooks(
    database: Database, workspaces: None, secret_box: SecretBox, clock: Clock
) -> AsyncIterator[Webhooks]:
    """Started, with loopback allowed and the test's clock."""
    webhooks = make_webhooks(database, secret_box, clock)
    await webhooks.start()
    yield webhooks
    await webhooks.stop(0.1)
