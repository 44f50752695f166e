"""GraphQL over SSE in single connection mode: reservations, what runs in them, whose they are, and their bounds."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from graphql_client import Client, EventStream, Reply
from graphql_world import World

from motet.access.principals import Role
from motet.domain.states import MessageState
from motet.graphql.app import Dependencies, GraphQLApp, build_graphql_app
from motet.graphql.limits import Limits

TOKEN = "x-graphql-event-stream-token"
LISTEN = "subscription { smsMessages { status } }"
VIEWER = "{ viewer { subject } }"


def limited(world: World, **limits: Any) -> Client:
    authenticator = world.services.identity.authenticator
    app = build_graphql_app(Dependencies(world.services, authenticator, limits=replace(Limits(), **limits)))
    return Client(app, world.token(world.demo))


async def reserve(client: Client) -> str:
    reply = await client.http("PUT", headers={"accept": "*/*"})
    assert (reply.status, reply.headers["content-type"]) == (201, "text/plain; charset=utf-8")
    assert len(reply.body) >= 43
    return reply.body.decode()


async def start(client: Client, token: str, query: str, operation_id: Any = "1", **more: Any) -> Reply:
    body = json.dumps({"query": query, "extensions": {"operationId": operation_id}, **more}).encode()
    return await client.http("POST", headers={"content-type": "application/json", TOKEN: token}, body=body)


async def stop(client: Client, token: str, operation_id: str) -> Reply:
    return await client.http("DELETE", headers={TOKEN: token}, parameters={"operationId": operation_id})


def opened(client: Client, token: str) -> EventStream:
    return client.stream("", "GET", **{TOKEN: token})


async def listening(world: World, count: int) -> None:
    for _ in range(2000):
        if len(world.bus._listeners.get(world.demo.workspace_id, ())) == count:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("not as many listen")


async def test_one_stream_carries_the_answers_of_all_operations(world: World, client: Client) -> None:
    token = await reserve(client)
    async with opened(client, token) as stream:
        assert stream.start["status"] == 200
        assert (await start(client, token, LISTEN, "a")).status == 202
        await listening(world, 1)
        assert (await start(client, token, VIEWER, "b")).status == 202
        name, data = await stream.event()
        assert (name, data["id"]) == ("next", "b")
        assert data["payload"]["data"] == {"viewer": {"subject": "administrator@demo"}}
        assert await stream.event() == ("complete", {"id": "b"})
        message = await world.tenants.message(world.demo, world.demo.devices[0], state=MessageState.OPEN)
        world.bus.publish(world.demo.workspace_id, [message])
        payload = {"data": {"smsMessages": {"status": "PENDING"}}}
        assert await stream.event() == ("next", {"id": "a", "payload": payload})
        assert (await stop(client, token, "a")).status == 200
        await listening(world, 0)
        assert (await start(client, token, LISTEN, "a")).status == 202, "the id is free again"
        await listening(world, 1)
    await listening(world, 0)
    assert (await start(client, token, VIEWER)).status == 404, "the stream has ended with its connection"


async def test_operations_may_start_before_the_stream_is_opened(client: Client) -> None:
    token = await reserve(client)
    assert (await start(client, token, VIEWER)).status == 202
    async with opened(client, token) as stream:
        assert (await stream.event())[1]["id"] == "1"
        assert (await stream.event())[0] == "complete"


async def test_a_stream_is_opened_once(client: Client) -> None:
    token = await reserve(client)
    async with opened(client, token):
        again = await client.http("GET", headers={"accept": "text/event-stream", TOKEN: token})
        assert (again.status, again.codes) == (409, ["INVALID"])


async def test_an_event_source_opens_a_stream_by_its_token_alone(world: World, client: Client) -> None:
    token = await reserve(client)
    browser = Client(client.app, None)
    async with opened(browser, token) as stream:
        assert (await start(client, token, VIEWER)).status == 202
        assert (await stream.event())[0] == "next"
        second = await browser.http("GET", headers={"accept": "text/event-stream"}, parameters={"token": token})
        assert second.status == 401
    for nothing in ("nonsense", token):
        reply = await browser.http("GET", headers={"accept": "text/event-stream"}, parameters={"token": nothing})
        assert reply.status == 401
    assert (await start(browser, token, VIEWER)).status == 401


async def test_a_reservation_is_its_owners(world: World, client: Client) -> None:
    token = await reserve(client)
    for other in (world.client(world.other), world.client(world.demo, Role.USER)):
        assert (await start(other, token, VIEWER)).status == 404
        assert (await stop(other, token, "1")).status == 404
        assert (await other.http("GET", headers={"accept": "text/event-stream", TOKEN: token})).status == 404
    assert (await start(client, token, VIEWER)).status == 202


async def test_what_is_no_operation_is_answered_at_once(client: Client) -> None:
    token = await reserve(client)
    for query, operation_id, status in (
        ("{ nothing }", "1", 200),
        (VIEWER, "", 400),
        (VIEWER, "x" * 129, 400),
        (VIEWER, None, 400),
        (VIEWER, 5, 400),
    ):
        reply = await start(client, token, query, operation_id)
        assert (reply.status, reply.codes) == (status, ["INVALID"])
    assert (await client.http("DELETE", headers={TOKEN: token})).status == 400
    assert (await stop(client, token, "unknown")).status == 200
    assert (await start(client, token, LISTEN)).status == 202
    assert (await start(client, token, LISTEN)).status == 409
    assert (await client.http("PUT", headers={"accept": "*/*", TOKEN: token})).status == 405


async def test_streams_of_a_caller_and_operations_of_a_stream_are_bounded(world: World) -> None:
    client = limited(world, sockets=2, subscriptions=1)
    token = await reserve(client)
    await reserve(client)
    assert (await client.http("PUT", headers={"accept": "*/*"})).status == 429
    assert (await start(client, token, LISTEN, "1")).status == 202
    assert (await start(client, token, LISTEN, "2")).status == 429
    async with opened(client, token):
        pass
    await reserve(client)
    assert isinstance(client.app, GraphQLApp)
    await client.app.close()
    assert not client.app._open


async def test_a_stream_that_nobody_opens_ends(world: World, client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("motet.graphql.single_stream.RESERVED_S", 0.0)
    token = await reserve(client)
    await start(client, token, LISTEN, "0")
    for n in range(1, 90):
        if (await start(client, token, VIEWER, str(n))).status == 404:
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("it lives")
    await listening(world, 0)


async def test_the_end_of_the_token_ends_a_stream(world: World) -> None:
    client = Client(world.app, world.token(world.demo, ttl_s=2))
    token = await reserve(client)
    async with opened(client, token) as stream:
        assert (await start(client, token, LISTEN)).status == 202
        while (await stream._next()).get("more_body"):
            pass
    await listening(world, 0)


async def test_what_another_token_listens_to_ends_with_that_token(world: World, client: Client) -> None:
    token = await reserve(client)
    async with opened(client, token) as stream:
        short = Client(world.app, world.token(world.demo, ttl_s=2))
        assert (await start(short, token, LISTEN, "short")).status == 202
        assert (await start(client, token, LISTEN, "long")).status == 202
        await listening(world, 2)
        assert await stream.event() == ("complete", {"id": "short"})
        await listening(world, 1)
        assert (await start(client, token, LISTEN, "short")).status == 202, "the id is free again"


async def test_what_a_revoked_token_listens_to_ends(world: World, client: Client) -> None:
    authenticator = world.services.identity.authenticator
    running = asyncio.create_task(authenticator.run())
    await asyncio.wait_for(authenticator.listening.wait(), 10)
    token, other = await reserve(client), world.token(world.demo)
    async with opened(client, token) as stream:
        assert (await start(Client(world.app, other), token, LISTEN)).status == 202
        await listening(world, 1)
        await world.services.identity.tokens.revoke(world.demo.workspace_id, token=other)
        assert await stream.event() == ("complete", {"id": "1"})
        await listening(world, 0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
