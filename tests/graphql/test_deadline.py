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
from motet.storage.shares import CHANGES_OF_ONE

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


async def test_a_workspace_that_changes_much_at_once_leaves_connections_to_others(world: World) -> None:
    client = limited(world)
    async with locked(world, "short_code"):
        asked = [asyncio.create_task(client.query(f"mutation {{ {made(str(code))} }}")) for code in range(700, 730)]
        await waiting(world, CHANGES_OF_ONE)
        names = "{ devices(first: 1) { nodes { name } } }"
        for _ in range(3):
            assert (await world.client(world.other).query(names)).data["devices"]["nodes"]
        await waiting(world, CHANGES_OF_ONE)
    assert all(reply.data["shortCodeCreate"]["userErrors"] == [] for reply in await asyncio.gather(*asked))


async def test_queries_of_a_workspace_run_some_at_a_time_and_wait_within_their_deadline(world: World) -> None:
    client, other = limited(world, running=2), world.token(world.other)
    hasty = limited(world, running=1, deadline_s=0.1)
    query = "{ shortCodes { nodes { code } } }"
    async with locked(world, "short_code"):
        asked = [asyncio.create_task(client.query(query)) for _ in range(5)]
        await waiting(world, 2)
        names = await Client(client.app, other).query("{ devices(first: 1) { nodes { name } } }")
        assert names.data["devices"]["nodes"]
        late = await asyncio.gather(*[hasty.query(query, accept=GRAPHQL_JSON) for _ in range(3)])
        assert [reply.codes for reply in late] == [["TIMEOUT"]] * 3
    assert [reply.data["shortCodes"]["nodes"] for reply in await asyncio.gather(*asked)] == [[{"code": "12345"}]] * 5


async def test_mutations_whose_answers_were_given_up_count_until_they_are_done(world: World) -> None:
    client = limited(world, changes=2)
    async with locked(world, "short_code"), client.socket() as socket:
        await socket.init(client.token)
        await socket.receive()
        for count, code in enumerate(("777", "778"), 1):
            payload = {"query": f"mutation {{ {made(code)} }}"}
            await socket.send({"id": "1", "type": "subscribe", "payload": payload})
            await waiting(world, count)
            await socket.send({"id": "1", "type": "complete"})
        reply = await client.query(f"mutation {{ {made('779')} }}")
        assert (reply.status, reply.codes, reply.headers["retry-after"]) == (429, ["THROTTLED"], "1")
        assert (await client.query("{ viewer { subject } }")).status == 200
    assert isinstance(client.app, GraphQLApp)
    await client.app.close()
    assert (await client.query(f"mutation {{ {made('779')} }}")).data["shortCodeCreate"]["userErrors"] == []


async def test_a_change_is_not_made_whose_answer_would_find_no_stream(world: World) -> None:
    client = limited(world, sockets=1)
    make = f"mutation {{ {made('777')} }}"
    async with client.stream("subscription { smsMessages { id } }"), client.stream(make) as refused:
        headers = {name.decode(): value.decode() for name, value in refused.start["headers"]}
        assert (refused.start["status"], headers["retry-after"], "ratelimit" in headers) == (429, "1", True)
    assert (await client.query(make)).data["shortCodeCreate"]["userErrors"] == []
