"""A GraphQL application on a real database with two tenants, and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from graphql_client import Client
from graphql_world import World, make_world

from motet.storage.database import Database


@pytest_asyncio.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with make_world(database) as made:
        yield made


@pytest_asyncio.fixture
async def client(world: World) -> Client:
    """An administrator of `demo`."""
    return world.client(world.demo)
