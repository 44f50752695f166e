"""Subscriptions over graphql-transport-ws and server-sent events: protocol, tokens, limits, and what is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from graphql_client import ASocket, Client
from graphql_world import World

from motet.domain.global_ids import encode_global_id
from motet.domain.states import MessageState
from motet.graphql.app import Dependencies, build_graphql_app
from motet.graphql.limits import Limits
from motet.reading import sql

SUBSCRIBE = "subscription { smsMessages { id status text device { name } } }"


async def ready(world: World, socket: ASocket) -> None:
    await socket.init(world.token(world.demo))
    assert await socket.receive() == {"type": "connection_ack"}


async def listening(world: World, count: int = 1) -> None:
    """Until so many subscriptions of `demo` listen."""
    for _ in range(1000):
        if len(world.bus._listeners.get(world.demo.workspace_id, ())) == count:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("nobody listens")


def limited(world: World, **limits: Any) -> Client:
    app = build_graphql_app(
        Dependencies(world.services, world.services.identity.authenticator, limits=replace(Limits(), **limits))
    )
    return Client(app, world.token(world.demo))


async def test_each_change_of_status_is_told_once(world: World, client: Client) -> None:
    async with client.socket() as socket:
        assert socket.accepted["subprotocol"] == "graphql-transport-ws"
        await ready(world, socket)
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIBE}})
        await listening(world)
        message = await world.tenants.message(world.demo, world.demo.devices[0], state=MessageState.OPEN)
        theirs = await world.tenants.message(world.other, world.other.devices[0])
        statuses = []
        for step in ("accepted", "again", "submitted", "delivered"):
            if step == "submitted":
                await world.tenants.submit(world.demo, message)
            if step == "delivered":
                await world.tenants.execute("UPDATE message SET state = 1 WHERE id = $1", message)
            world.bus.publish(world.demo.workspace_id, [message])
            world.bus.publish(world.other.workspace_id, [theirs])
            if step == "again":
                continue
            told = await socket.receive()
            assert (told["id"], told["type"]) == ("1", "next")
            shown = told["payload"]["data"]["smsMessages"]
            statuses.append(shown.pop("status"))
            assert shown == {
                "id": encode_global_id("SmsMessage", message),
                "text": "hello",
                "device": {"name": "demo 0"},
            }
        assert statuses == ["PENDING", "IN_PROGRESS", "DELIVERED"]
        await socket.send({"id": "1", "type": "complete"})
        await listening(world, 0)
    assert not world.bus.has_listeners(world.demo.workspace_id)


async def test_a_filter_is_about_the_message_after_the_change(world: World, client: Client) -> None:
    query = "subscription ($f: SmsMessageFilter) { smsMessages(filter: $f) { status } }"
    device = encode_global_id("Device", world.demo.devices[1])
    variables = {"f": {"status": ["DELIVERED"], "deviceId": device}}
    async with client.socket() as socket:
        await ready(world, socket)
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query, "variables": variables}})
        await listening(world)
        ids = [
            await world.tenants.message(world.demo, world.demo.devices[1], state=MessageState.OPEN),
            await world.tenants.message(world.demo, world.demo.devices[0]),
            await world.tenants.message(world.demo, world.demo.devices[1]),
        ]
        world.bus.publish(world.demo.workspace_id, ids)
        assert (await socket.receive())["payload"] == {"data": {"smsMessages": {"status": "DELIVERED"}}}
        world.bus.publish(world.demo.workspace_id, ids)
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}


async def test_a_subscriber_that_falls_behind_is_told(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motet.events.bus.PENDING_LIMIT", 3)
    async with client.socket() as socket:
        await ready(world, socket)
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIBE}})
        await listening(world)
        world.bus.publish(world.demo.workspace_id, [1, 2, 3, 4])
        told = await socket.receive()
        assert told["payload"]["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"
        assert await socket.receive() == {"id": "1", "type": "complete"}


async def test_a_database_that_is_away_for_a_moment_does_not_end_a_subscription(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motet.graphql.subscription.READ_AGAIN_AFTER_S", 0)
    broken = [OSError("the server is gone")] * 2
    real = sql.objects_by_id

    def failing(*arguments: Any) -> Any:
        if broken:
            raise broken.pop()
        return real(*arguments)

    async with client.socket() as socket:
        await ready(world, socket)
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIBE}})
        await listening(world)
        monkeypatch.setattr("motet.reading.sql.objects_by_id", failing)
        world.bus.publish(world.demo.workspace_id, [world.demo.messages[0]])
        assert (await socket.receive())["payload"]["data"]["smsMessages"]["status"] == "DELIVERED"
        broken += [OSError("secret")] * 15
        world.bus.publish(world.demo.workspace_id, [world.demo.messages[1]])
        (error,) = (await socket.receive())["payload"]["errors"]
        assert error["extensions"]["code"] == "INTERNAL"
        assert "secret" not in error["message"]
        assert await socket.receive() == {"id": "1", "type": "complete"}


async def test_a_change_that_takes_too_long_to_read_is_read_again(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motet.graphql.subscription.READ_WITHIN_S", 0.1)
    monkeypatch.setattr("motet.graphql.subscription.READ_AGAIN_AFTER_S", 0)
    attempts = asyncio.Semaphore(0)
    real = sql.objects_by_id

    def counted(*arguments: Any) -> Any:
        attempts.release()
        return real(*arguments)

    async with client.socket() as socket:
        await ready(world, socket)
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIBE}})
        await listening(world)
        monkeypatch.setattr("motet.reading.sql.objects_by_id", counted)
        async with world.tenants.database.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
            world.bus.publish(world.demo.workspace_id, [world.demo.messages[0]])
            for _ in range(2):
                await attempts.acquire()
        assert (await socket.receive())["payload"]["data"]["smsMessages"]["status"] == "DELIVERED"


async def test_queries_mutations_and_refusals_over_the_socket(world: World, client: Client) -> None:
    async with client.socket() as socket:
        await ready(world, socket)
        for query in ("{ viewer { subject } }", 'mutation { smsSend(input: {msisdn: "1", text: "x"}) { __typename } }'):
            await socket.send({"id": "q", "type": "subscribe", "payload": {"query": query}})
            assert (await socket.receive())["type"] == "next"
            assert await socket.receive() == {"id": "q", "type": "complete"}
        for payload, code in (
            ({"query": "{ nothing }"}, "INVALID"),
            ({"query": 5}, "INVALID"),
            ({}, "INVALID"),
            ({"query": "{" + "a: __typename " * 4000 + "}"}, "QUERY_TOO_COMPLEX"),
            ({"query": "subscription { smsMessages { id } again: smsMessages { id } }"}, "INVALID"),
        ):
            await socket.send({"id": "q", "type": "subscribe", "payload": payload})
            told = await socket.receive()
            assert (told["id"], told["type"]) == ("q", "error")
            assert told["payload"][0]["extensions"]["code"] == code


async def test_the_operator_may_not_listen_to_messages(world: World) -> None:
    operator = world.operator()
    async with operator.socket() as socket:
        await socket.init(operator.token)
        await socket.receive()
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIBE}})
        told = await socket.receive()
        assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")


@pytest.mark.parametrize("token", [None, "", "x", "expired"])
async def test_a_bad_or_missing_token_closes_with_4403(world: World, token: str | None) -> None:
    sent = world.token(world.demo, ttl_s=-1) if token == "expired" else token
    async with Client(world.app, None).socket() as socket:
        await socket.init(sent)
        assert await socket.closed() == 4403


async def test_the_token_may_come_as_a_header_at_the_upgrade(world: World) -> None:
    token = world.token(world.demo)
    async with Client(world.app, None).socket(header=f"Bearer {token}") as socket:
        await socket.init(None)
        assert await socket.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (['{"type":"subscribe","id":"1","payload":{"query":"{ __typename }"}}'], 4401),
        (["nonsense"], 4400),
        (["5"], 4400),
        (["{}"], 4400),
        (['{"type":"nonsense"}'], 4400),
        (['{"type":"connection_init","payload":5}'], 4400),
        (["x" * ((1 << 20) + 1)], 1009),
        (["INIT", '{"type":"connection_init"}'], 4429),
        (["INIT", '{"type":"subscribe","payload":{"query":"{ __typename }"}}'], 4400),
        (["INIT", '{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}'], 4400),
        (["INIT", '{"type":"subscribe","id":"1"}'], 4400),
        (["INIT", '{"type":"complete"}'], 4400),
        (["INIT", '{"type":"next"}'], 4400),
        (["INIT", "LISTEN", "LISTEN"], 4409),
    ],
)
async def test_what_breaks_the_protocol_closes_with_its_code(world: World, texts: list[str], code: int) -> None:
    listen = f'{{"type":"subscribe","id":"1","payload":{{"query":"{SUBSCRIBE}"}}}}'
    async with world.client(world.demo).socket() as socket:
        for text in texts:
            if text == "INIT":
                await ready(world, socket)
            else:
                await socket.send_text(listen if text == "LISTEN" else text)
        assert await socket.closed() == code
    assert not world.bus.has_listeners(world.demo.workspace_id)


@pytest.mark.parametrize("subprotocols", [(), ("graphql-ws",), ("something",)])
async def test_only_graphql_transport_ws_is_spoken(client: Client, subprotocols: tuple[str, ...]) -> None:
    async with client.socket(subprotocols) as socket:
        assert socket.accepted["subprotocol"] is None
        assert await socket.closed() == 4406


async def test_without_connection_init_the_socket_closes_with_4408(world: World) -> None:
    async with limited(world, connection_init_s=0.01).socket() as socket:
        assert await socket.closed() == 4408


async def test_pings_before_the_init_do_not_keep_the_socket_open(world: World) -> None:
    async with limited(world, connection_init_s=0.05).socket() as socket:
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}
        assert await socket.closed() == 4408


async def test_the_end_of_the_token_closes_an_open_socket(world: World) -> None:
    async with world.client(world.demo).socket() as socket:
        await socket.init(world.token(world.demo, ttl_s=1))
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIBE}})
        assert await socket.closed() == 4403
    assert not world.bus.has_listeners(world.demo.workspace_id)


async def test_sockets_of_a_subject_and_operations_of_a_socket_are_bounded(world: World) -> None:
    client = limited(world, sockets=2, subscriptions=1)
    async with client.socket() as first, client.socket() as second, client.socket() as third:
        assert await third.closed() == 4429  # of one address, and not authenticated yet
        for socket in (first, second):
            await ready(world, socket)
        async with client.socket() as fourth:
            await fourth.init(client.token)
            assert await fourth.closed() == 4429
        assert (await client.stream(SUBSCRIBE).__aenter__()).start["status"] == 429
        await first.send({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIBE}})
        await listening(world)
        await first.send({"id": "2", "type": "subscribe", "payload": {"query": SUBSCRIBE}})
        told = await first.receive()
        assert (told["id"], told["type"]) == ("2", "error")
    async with client.socket() as socket:
        await ready(world, socket)


async def test_closing_the_application_closes_its_sockets(world: World, client: Client) -> None:
    async with client.socket() as socket:
        await ready(world, socket)
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIBE}})
        await listening(world)
        await world.app.close()
        assert await socket.closed() == 1001
    assert not world.bus.has_listeners(world.demo.workspace_id)


async def test_an_event_stream_tells_changes_until_the_client_goes(world: World, client: Client) -> None:
    async with client.stream(SUBSCRIBE) as stream:
        assert stream.start["status"] == 200
        assert dict(stream.start["headers"])[b"content-type"].startswith(b"text/event-stream")
        await listening(world)
        message = await world.tenants.message(world.demo, world.demo.devices[0])
        world.bus.publish(world.demo.workspace_id, [message])
        name, payload = await stream.event()
        assert name == "next"
        assert payload["data"]["smsMessages"]["status"] == "DELIVERED"
        world.bus.close()
        assert await stream.event() == ("complete", None)
    assert not world.bus.has_listeners(world.demo.workspace_id)


async def test_leaving_an_event_stream_ends_the_subscription(world: World, client: Client) -> None:
    async with client.stream(SUBSCRIBE):
        await listening(world)
    await listening(world, 0)


async def test_queries_and_refusals_are_streamed_too(world: World, client: Client) -> None:
    async with client.stream("{ viewer { subject } }") as stream:
        name, payload = await stream.event()
        assert (name, payload["data"]) == ("next", {"viewer": {"subject": "administrator@demo"}})
        assert await stream.event() == ("complete", None)
    async with client.stream("{ nothing }") as stream:
        name, payload = await stream.event()
        assert (name, payload["errors"][0]["extensions"]["code"]) == ("next", "INVALID")
        assert await stream.event() == ("complete", None)


async def test_the_end_of_the_token_ends_an_event_stream(world: World) -> None:
    async with Client(world.app, world.token(world.demo, ttl_s=1)).stream(SUBSCRIBE) as stream:
        assert await stream.event() == ("complete", None)
    assert not world.bus.has_listeners(world.demo.workspace_id)
