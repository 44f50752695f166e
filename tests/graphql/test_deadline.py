"""Deadlines: a query is ended with its statements, a mutation is not cut half-way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from graphql_client import Client
from graphql_world import World

from motet.graphql.app import Dependencies, GraphQLApp, build_graphql_app
from motet.graphql.limits import Limits

GRAPHQL_JSON = "application/graphql-response+json"

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def limited(world: World, **limits: Any) -> Client:
    authenticator = world.services.identity.authenticator
    app = build_graphql_app(Dependencies(world.services, authenticator, limits=replace(Limits(), **limits)))
    return Client(app, world.token(world.demo))


@asynccontextmanager
async def locked(world: World, table: str) -> AsyncIterator[None]:
    """Nobody else reads or writes the table."""
    async with world.tenants.database.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


async def waiting(world: World, count: int) -> None:
    """Until so many statements wait for a lock."""
    for _ in range(2000):
        if await world.tenants.database.pool.fetchval(_WAITING) == count:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("not as many wait")


def made(code: str) -> str:
    return f'shortCodeCreate(input: {{code: "{code}"}}) {{ shortCode {{ code }} userErrors {{ code }} }}'


async def test_a_query_that_takes_too_long_is_ended_with_its_statements(world: World) -> None:
    client = limited(world, deadline_s=0.1)
    query = "{ viewer { subject } shortCodes { nodes { code } } devices { nodes { name } } }"
    async with locked(world, "short_code"):
        for accept in (GRAPHQL_JSON, "application/json"):
            reply = await client.query(query, accept=accept)
            assert (reply.status, reply.codes) == (504, ["TIMEOUT"])
            assert "data" not in reply.json
            assert reply.json["extensions"]["cost"]["actualQueryCost"] == 1
        async with client.socket() as socket:
            await socket.init(client.token)
            await socket.receive()
            await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query}})
            told = await socket.receive()
            assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "TIMEOUT")
        await waiting(world, 0)
    assert world.tenants.database.pool.get_idle_size() == world.tenants.database.pool.get_size()
    patient = world.client(world.demo)
    assert (await patient.query("{ shortCodes { nodes { code } } }")).data["shortCodes"]["nodes"] == [{"code": "12345"}]


async def test_a_mutation_is_finished_though_its_time_is_up_and_further_ones_are_not_begun(world: World) -> None:
    client = limited(world, deadline_s=0.05)
    async with locked(world, "short_code"):
        asked = asyncio.create_task(client.query(f"mutation {{ a: {made('777')} b: {made('778')} }}"))
        await waiting(world, 1)
        await asyncio.sleep(0.1)
    reply = await asked
    assert reply.status == 200
    assert reply.json["data"] == {"a": {"shortCode": {"code": "777"}, "userErrors": []}, "b": None}
    (error,) = reply.json["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("TIMEOUT", ["b"])
    assert world.changes == ["short_code"]


async def test_a_mutation_whose_caller_goes_away_is_finished(world: World) -> None:
    client = limited(world)
    async with locked(world, "short_code"):
        asked = asyncio.create_task(client.query(f"mutation {{ {made('777')} }}"))
        await waiting(world, 1)
        asked.cancel()
        async with client.socket() as socket:
            await socket.init(client.token)
            await socket.receive()
            payload = {"query": f"mutation {{ {made('778')} }}"}
            await socket.send({"id": "1", "type": "subscribe", "payload": payload})
            await waiting(world, 2)
            await socket.send({"id": "1", "type": "complete"})
    assert isinstance(client.app, GraphQLApp)
    await client.app.close()
    found = await world.tenants.database.pool.fetch(
        "SELECT code FROM short_code WHERE workspace_id = $1 ORDER BY code", world.demo.workspace_id
    )
    assert [row["code"] for row in found] == ["12345", "777", "778"]
    assert world.changes == ["short_code", "short_code"], "who keeps short codes in memory was told"
