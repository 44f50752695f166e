"""What operations cost, whose bucket it is taken from, and what happens when that is empty."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from graphql_client import Client
from graphql_world import World

from motet.access.principals import Role, member
from motet.graphql.app import Dependencies, build_graphql_app
from motet.graphql.cost import price_of
from motet.graphql.engine import CHARACTERS_A_COST, OVERSIZED_PART, READING_COST, REFUSED_TIMES
from motet.graphql.limits import Limits
from motet.graphql.meter import Meter
from motet.graphql.schema import SCHEMA
from motet.graphql.throttle import BUCKETS, Throttle, key_of
from motet.storage.shares import Turns

GRAPHQL_JSON = "application/graphql-response+json"
DEVICES = "{ devices(first: 2) { nodes { name sim { iccid } } } }"


def limited(world: World, **limits: Any) -> Client:
    app = build_graphql_app(
        Dependencies(world.services, world.services.identity.authenticator, limits=replace(Limits(), **limits))
    )
    return Client(app, world.token(world.demo))


def requested(query: str, variables: dict[str, Any] | None = None) -> int:
    document = parse(query)
    (operation,) = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return price_of(SCHEMA, document, operation).requested(variables or {})


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ __typename }", 0),
        ("{ viewer { subject role } }", 1),
        ("{ viewer { subject workspace { name } } }", 2),
        ("{ devices { totalCount } }", 1),
        ("{ devices(first: 10) { nodes { id } } }", 10),
        ("{ devices(last: 10) { edges { cursor node { id } } pageInfo { hasNextPage } } }", 10),
        ("{ devices { nodes { id } } }", 50),
        ("{ devices(first: 0) { nodes { id } } }", 1),
        ("{ devices(first: 100000) { nodes { id } } }", 200),
        ("{ devices(first: 10) { nodes { id sim { iccid } } } }", 20),
        ("{ devices(first: 10) { nodes { smsMessages(first: 5) { nodes { text } } } } }", 60),
        ("{ devices(first: 10) { nodes { ...F } } } fragment F on Device { sim { iccid } }", 20),
        ("{ devices(first: 10) { ...F } } fragment F on DeviceConnection { nodes { id } }", 10),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 3),
        ('{ node(id: "a") { ... on Device { sim { iccid } servicePolicy { id } } ... on Sim { device { id } } } }', 3),
        ('{ node(id: "a") { ... { ... on Node { id } ... on Device { sim { iccid } } } } }', 2),
        ('mutation { smsSend(input: {msisdn: "1"}) { sms { id } userErrors { code } } }', 12),
        ("subscription { smsMessages { id device { id } } }", 11),
        ("{ __schema { types { name } } }", 100),
    ],
)
def test_objects_cost_1_and_connections_what_their_page_can_hold(query: str, cost: int) -> None:
    assert requested(query) == cost


def test_sizes_come_from_variables_and_from_their_defaults() -> None:
    query = "query ($n: Int = 100, $m: Int) { devices(first: $n) { nodes { smsMessages(last: $m) { nodes { id } } } } }"
    assert requested(query, {"n": 2, "m": 3}) == 2 + 2 * 3
    assert requested(query, {"m": 3}) == 100 + 100 * 3
    assert requested(query, {"n": None, "m": 3}) == 50 + 50 * 3
    assert requested(query, {"n": 2}) == 2 + 2 * 50
    assert requested("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a"] * 7}) == 7
    assert (
        requested("query ($n: Int, $m: Int) { devices(first: $n, last: $m) { nodes { id } } }", {"n": 1, "m": 9}) == 9
    )


async def test_every_answer_says_what_it_cost_and_what_is_left(world: World) -> None:
    client = limited(world, bucket=1000, restore_per_s=1)
    known = reading(DEVICES)  # the first time its reading is paid for
    assert (await client.query(DEVICES)).headers["ratelimit"] == f'"cost";r={996 - known};t={4 + known}'
    reply = await client.query(DEVICES)
    assert reply.json["extensions"] == {
        "cost": {
            "requestedQueryCost": 4,
            "actualQueryCost": 4,
            "throttleStatus": {"maximumAvailable": 1000, "currentlyAvailable": 992 - known, "restoreRate": 1},
        }
    }
    assert reply.headers["ratelimit-policy"] == '"cost";q=1000;w=1000'
    assert reply.headers["ratelimit"] == f'"cost";r={992 - known};t={8 + known}'


def reading(document: str) -> int:
    """What a document costs that is not remembered."""
    return READING_COST + len(document) // CHARACTERS_A_COST


PAGE = "{ devices(first: 200) { nodes { name } } }"
TEN = "{ devices(first: 10) { nodes { name } } }"


async def test_what_was_not_used_is_given_back(world: World) -> None:
    client = limited(world, bucket=1000, restore_per_s=1)
    await client.query(PAGE)
    reply = await client.query(PAGE)
    cost = reply.json["extensions"]["cost"]
    count = len(reply.data["devices"]["nodes"])
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (200, count)
    assert cost["throttleStatus"]["currentlyAvailable"] == 1000 - 2 * count - reading(PAGE)


@pytest.mark.parametrize("accept", [GRAPHQL_JSON, "application/json"])
async def test_an_empty_bucket_is_429_with_the_time_to_wait(world: World, accept: str) -> None:
    client = limited(world, bucket=300, restore_per_s=1)
    assert (await client.query(TEN, accept=accept)).status == 200
    reply = await client.query(TEN.replace("10", "100"), accept=accept)
    assert (reply.status, reply.codes) == (429, ["THROTTLED"])
    assert reply.headers["content-type"].startswith(accept)
    assert 1 <= int(reply.headers["retry-after"]) <= 100
    cost = reply.json["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (100, None)
    assert "data" not in reply.json
    assert reply.headers["ratelimit"].startswith('"cost";r=')


async def test_refusals_documents_and_long_requests_cost_too(world: World) -> None:
    client = limited(world, bucket=8_300, restore_per_s=1)

    async def left(query: str, **variables: Any) -> int:
        reply = await client.query(query, variables)
        return int(reply.headers["ratelimit"].split(";")[1].removeprefix("r="))

    assert await left("{ nothing }") == 8_300 - 1 - REFUSED_TIMES * reading("{ nothing }")
    before = await left("{ nothing }")
    long = "{ viewer { subject } } #" + "x" * 6000
    assert await left(long) == before - 1 - reading(long)
    assert await left(long) == before - 2 - reading(long), "it is remembered"
    before = await left(long)
    large = "{" + "a " * 3_100 + "}"
    assert await left(large) == before - 1 - reading(large) // OVERSIZED_PART
    before = await left(long)
    assert before - 1_080 < await left(long, text="x" * 116_384) < before - 990
    assert (await client.query(long.replace("x", "y"))).codes == ["THROTTLED"]


async def test_each_caller_has_its_own_bucket(world: World) -> None:
    client = limited(world, bucket=15 + reading(TEN), restore_per_s=1)
    assert (await client.query(TEN)).status == 200
    assert (await client.query(TEN)).status == 200
    assert (await client.query(TEN)).status == 429
    assert (await Client(client.app, world.token(world.demo)).query(TEN)).status == 429, "one subject, two tokens"
    for token in (world.token(world.other), world.token(world.demo, Role.USER)):
        assert (await Client(client.app, token).query(TEN)).status == 200


def test_keys_users_and_subjects_are_told_apart() -> None:
    principal = member("administrator@demo", 1, "demo", Role.ADMINISTRATOR, expires_at=0)
    by_key = replace(principal, api_key_id=7)
    assert key_of(by_key) == key_of(replace(by_key, subject="renamed"))
    by_user = replace(principal, user_id=7)
    assert len({key_of(one) for one in (principal, by_key, by_user, replace(by_user, workspace_id=8))}) == 4


async def test_operations_over_sockets_and_streams_are_charged_too(world: World) -> None:
    listen, query = "subscription { smsMessages { id } }", "{ devices(first: 10) { nodes { id } } }"
    client = limited(world, bucket=20 + reading(listen) + reading(query), restore_per_s=1)
    async with client.socket() as socket:
        await socket.init(client.token)
        await socket.receive()
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": listen}})
        await socket.send({"id": "2", "type": "subscribe", "payload": {"query": query}})
        answer = await socket.receive()
        assert (answer["id"], answer["type"]) == ("2", "next")
        assert "cost" in answer["payload"]["extensions"]
        await socket.receive()
        await socket.send({"id": "3", "type": "subscribe", "payload": {"query": listen}})
        refused = await socket.receive()
        assert (refused["id"], refused["type"]) == ("3", "error")
        assert refused["payload"][0]["extensions"]["code"] == "THROTTLED"
        assert refused["payload"][0]["extensions"]["retryAfter"] > 0
    async with client.stream(listen) as stream:
        name, payload = await stream.event()
        assert (name, payload["errors"][0]["extensions"]["code"]) == ("next", "THROTTLED")


def test_a_bucket_fills_with_time_and_no_further_than_it_holds() -> None:
    now = [0.0]
    throttle = Throttle(100, 10, lambda: now[0])
    assert throttle.take(("a",), 100) == 0.0
    assert throttle.take(("a",), 30) == 3.0
    now[0] = 2.0
    assert throttle.take(("a",), 30) == 1.0
    now[0] = 3.0
    assert throttle.take(("a",), 30) == 0.0
    throttle.put(("a",), 1000)
    assert throttle.available(("a",)) == 100
    now[0] = 1000.0
    assert throttle.status(("a",)) == {"maximumAvailable": 100, "currentlyAvailable": 100, "restoreRate": 10}
    assert throttle.take(("a",), 250) == 0.0, "what costs more than the bucket holds takes all of it"
    assert throttle.take(("a",), 1) == 15.1


def test_what_was_done_already_may_leave_a_debt_that_a_fine_does_not_forgive() -> None:
    now = [0.0]
    throttle = Throttle(100, 10, lambda: now[0])
    throttle.charge(("a",), 130)
    throttle.fine(("a",), 5)
    assert (throttle.available(("a",)), throttle.wait_s(("a",), 1)) == (0, 3.1)
    throttle.charge(("a",), 1_000_000)
    now[0] = 10.1
    assert throttle.take(("a",), 1) == 0.0, "no more than the bucket holds is owed"


async def test_what_a_subscription_shows_is_charged_when_it_does_and_waits_for_the_bucket(world: World) -> None:
    now = [0.0]
    throttle, turns = Throttle(100, 10_000, lambda: now[0]), Turns(1)
    document = parse("subscription { smsMessages { id device { sim { iccid } events(first: 5) { nodes { id } } } } }")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    meter = Meter(throttle, ("a",), price_of(SCHEMA, document, operation), turns, "demo")
    async with meter.turn():
        meter.spend([{"id": "1", "device": {"sim": {"iccid": "2"}, "events": {"nodes": [{}, {}]}}}, {"device": None}])
    assert throttle.available(("a",)) == 100 - 1 - (1 + 1 + 1 + 2) - 1
    meter.spend([{}] * 200)

    async def turn() -> None:
        async with meter.turn():
            pass

    began = asyncio.create_task(turn())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not began.done()
    now[0] = 1.0
    await began


async def test_a_subscription_is_charged_for_what_it_tells(world: World) -> None:
    client = limited(world, bucket=10_000, restore_per_s=1)
    async with client.stream(
        "subscription { smsMessages { id device { sim { id } servicePolicy { id } } } }"
    ) as stream:
        while not world.bus.has_listeners(world.demo.workspace_id):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.005)
        before = (await client.query("{ __typename }")).json["extensions"]["cost"]["throttleStatus"]
        for _ in range(10):
            message = await world.tenants.message(world.demo, world.demo.devices[0])
            world.bus.publish(world.demo.workspace_id, [message])
            assert (await stream.event())[0] == "next"
        after = (await client.query("{ __typename }")).json["extensions"]["cost"]["throttleStatus"]
    assert before["currentlyAvailable"] - after["currentlyAvailable"] >= 30


def test_buckets_are_bounded_and_the_one_unused_for_longest_goes() -> None:
    throttle = Throttle(10, 1, lambda: 0.0)
    for n in range(BUCKETS):
        throttle.take((n,), 10)
    throttle.take((0,), 1)
    throttle.take(("new",), 1)
    assert len(throttle._buckets) == BUCKETS
    assert throttle.available((0,)) == 0
    assert throttle.available((1,)) == 10
