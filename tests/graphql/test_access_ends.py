"""Open subscriptions end with what their token or key stands on: WebSockets with 4403, event streams with their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from graphql_client import Client
from graphql_world import World

from motet.identity.api_keys import KeyChanges

SUBSCRIBE = "subscription { events { id } }"
PATIENCE_S = 20.0

End = Callable[[World, int, str], Awaitable[object]]


@pytest_asyncio.fixture
async def hearing(world: World) -> AsyncIterator[World]:
    """A world whose node hears of what ends."""
    authenticator = world.services.identity.authenticator
    listening = asyncio.create_task(authenticator.run())
    await asyncio.wait_for(authenticator.listening.wait(), PATIENCE_S)
    yield world
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await authenticator.close()


async def key_of(world: World) -> tuple[int, str]:
    identity = world.services.identity
    maker = await identity.authenticator.authenticate(f"Bearer {world.token(world.demo)}")
    changes: KeyChanges = {"name": "a key", "role": "USER"}
    api_key_id, key = await identity.api_keys.create(world.demo.workspace_id, maker, changes)
    return api_key_id, key.text


async def revoke(world: World, api_key_id: int, _: str) -> None:
    await world.services.identity.api_keys.revoke(world.demo.workspace_id, api_key_id)


async def narrow(world: World, api_key_id: int, _: str) -> None:
    await world.tenants.execute("UPDATE api_key SET scopes = '{sim:read}' WHERE id = $1", api_key_id)


async def move(world: World, api_key_id: int, _: str) -> None:
    await world.tenants.execute("UPDATE api_key SET networks = '{192.0.2.0/24}' WHERE id = $1", api_key_id)


@pytest.mark.parametrize("end", [revoke, narrow, move])
async def test_a_sockets_end_is_that_of_its_key(hearing: World, end: End) -> None:
    api_key_id, key = await key_of(hearing)
    async with Client(hearing.app, key).socket() as socket:
        await socket.init(key)
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIBE}})
        await end(hearing, api_key_id, key)
        async with asyncio.timeout(PATIENCE_S):
            assert await socket.closed() == 4403


async def test_a_streams_end_is_that_of_its_token(hearing: World) -> None:
    client = Client(hearing.app, hearing.token(hearing.demo))
    async with client.stream(SUBSCRIBE) as stream:
        await hearing.services.identity.tokens.revoke(hearing.demo.workspace_id, token=client.token)
        await asyncio.wait_for(stream._task, PATIENCE_S)
    assert (await client.query("{ viewer { subject } }")).status == 401
