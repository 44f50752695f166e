"""People in two workspaces."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from motet.storage.database import Database
from people_world import People, people_world


@pytest_asyncio.fixture
async def people(database: Database) -> AsyncIterator[People]:
    async with people_world(database) as made:
        yield made
