"""A reader on a real database with two tenants."""

from __future__ import annotations

import pytest_asyncio
from reading_room import Room

from motet.reading.reader import Reader
from motet.storage.database import Database
from tenants import two_tenants


@pytest_asyncio.fixture
async def room(database: Database) -> Room:
    tenants, demo, other = await two_tenants(database)
    return Room(Reader(database.pool), tenants, demo, other)
