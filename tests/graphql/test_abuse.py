"""What a hostile caller may try, one test for each, by name: it is refused, and cheaply.

No database is behind these: whatever would reach one is refused before. How long refusing takes, and what others feel
of it, is measured by `python -m bench.abuse`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import orjson
import pytest
from graphql import get_introspection_query
from graphql_client import Client, Reply

from motet.access.principals import Principal, Role
from motet.access.tokens import TokenAuthority, generate_key
from motet.events.bus import Bus
from motet.graphql.app import Dependencies, build_graphql_app
from motet.graphql.context import Services
from motet.graphql.limits import Limits
from motet.identity.authenticator import Authenticator
from motet.reading.reader import Reader

AUTHORITY = TokenAuthority([generate_key()])
TOO_COMPLEX = ["QUERY_TOO_COMPLEX"]
POST = {"content-type": "application/json"}
LISTEN = "subscription { smsMessages { id } }"


class _NoPool:
    """Fails as a database does that is away, with what must not be told."""

    def acquire(self, **_: object) -> None:
        raise OSError("postgresql://motet:s3cret@db.internal:5432/motet is away")


class _ByToken:
    """Stands in for the authenticator, which asks the database whether a token was taken back."""

    async def authenticate(self, authorization: str | None, address: str | None = None) -> Principal:
        return AUTHORITY.verify((authorization or "").removeprefix("Bearer "), int(time.time()))

    def watch(
        self, principal: Principal, ended: Callable[[str], None], address: str | None = None
    ) -> Callable[[], None]:
        return lambda: None


def client_of(*, production: bool = True, **limits: Any) -> Client:
    """A caller of an edge without a database, as `serve` sets it up, or the demo."""
    services = cast(Services, SimpleNamespace(bus=Bus(), reader=Reader(cast(asyncpg.Pool, _NoPool()))))
    authenticator = cast(Authenticator, _ByToken())
    app = build_graphql_app(
        Dependencies(
            services,
            authenticator,
            graphiql=not production,
            introspection=not production,
            limits=replace(Limits(), **limits),
        )
    )
    token = AUTHORITY.issue(
        "mallory", now=int(time.time()), ttl_s=600, workspace_id=1, workspace="demo", role=Role.ADMINISTRATOR
    )
    return Client(app, token)


async def over_socket(client: Client, query: str, variables: Any = None) -> Any:
    async with client.socket() as socket:
        await socket.init(client.token)
        assert await socket.receive() == {"type": "connection_ack"}
        payload = {"query": query, "variables": variables}
        await socket.send({"id": "1", "type": "subscribe", "payload": payload})
        told = await socket.receive()
        assert (told["id"], told["type"]) == ("1", "error")
        return [error["extensions"]["code"] for error in told["payload"]]


async def posted(client: Client, body: bytes, **headers: str) -> Reply:
    return await client.http("POST", headers={**POST, **headers}, body=body)


ALIASES = "{" + " ".join(f"a{n}:__typename" for n in range(10_000)) + "}"
FEWER_ALIASES = "{" + " ".join(f"a{n}: viewer {{ subject }}" for n in range(101)) + "}"


@pytest.mark.parametrize("query", [ALIASES, FEWER_ALIASES, ALIASES[:60_000] + "}"])
async def test_10_000_aliases(query: str) -> None:
    assert (await client_of().query(query)).codes == TOO_COMPLEX


@pytest.mark.parametrize("query", [ALIASES, FEWER_ALIASES])
async def test_10_000_aliases_over_websocket(query: str) -> None:
    assert await over_socket(client_of(), query) == TOO_COMPLEX


@pytest.mark.parametrize("count", [50_000, 5_000, 500])
async def test_50_000_duplicated_fields(count: int) -> None:
    assert (await client_of().query("{" + "__typename " * count + "}")).codes == TOO_COMPLEX
    assert (await client_of().query("{" + "viewer{subject} " * count + "}")).codes == TOO_COMPLEX


async def test_300_000_tokens() -> None:
    client = client_of()
    assert (await client.query("{a}" * 100_000)).codes == TOO_COMPLEX
    assert (await client.query("{a(b:[" + "1 " * 25_000 + "])}")).codes == TOO_COMPLEX
    assert await over_socket(client, "{a}" * 100_000) == TOO_COMPLEX


@pytest.mark.parametrize("levels", [13, 60])
async def test_fragments_that_double_13_times(levels: int) -> None:
    fragments = "".join(
        f" fragment F{n} on Query {{ a{n}: __typename ...F{n + 1} ...F{n + 1} }}" for n in range(levels)
    )
    query = "{ ...F0 }" + fragments + f" fragment F{levels} on Query {{ viewer {{ subject }} }}"
    assert (await client_of().query(query)).codes == TOO_COMPLEX


async def test_lists_nested_5_deep() -> None:
    nested = "id"
    for _ in range(4):
        nested = f"smppAccount {{ shortCodes(first: 10) {{ nodes {{ {nested} }} }} }}"
    query = f"{{ shortCodes(first: 10) {{ nodes {{ {nested} }} }} }}"
    reply = await client_of().query(query)
    assert reply.codes == TOO_COMPLEX
    assert "costs up to 122220" in reply.json["errors"][0]["message"]
    assert (await client_of().query(query.replace("(first: 10)", ""))).codes == TOO_COMPLEX


async def test_a_page_of_100_000() -> None:
    reply = await client_of().query("{ devices(first: 100000) { nodes { id } } }")
    assert (reply.codes, reply.json["data"]) == (["INVALID"], {"devices": None})
    nested = "{ devices(first: 100000) { nodes { smsMessages(first: 100000) { nodes { id } } } } }"
    assert (await client_of().query(nested)).codes == TOO_COMPLEX


async def test_a_variable_of_2_million_elements() -> None:
    query = "query ($s: [SimStatus!]) { sims(filter: {status: $s}) { totalCount } }"
    client = client_of()
    reply = await client.query(query, {"s": [1] * 2_000_000})
    assert reply.status == 413
    assert (await client.query(query, {"s": [1] * 400_000})).codes == TOO_COMPLEX
    assert await over_socket(client, query, {"s": [1] * 400_000}) == TOO_COMPLEX
    assert (await client.query(query, {"s": {str(n): n for n in range(20_000)}})).codes == TOO_COMPLEX


async def test_a_body_of_20_mb_announced_or_not() -> None:
    client, body = client_of(), b'{"query":"{ __typename }"}' + b" " * 20_000_000
    assert (await posted(client, body)).status == 413
    assert (await posted(client, b"{}", **{"content-length": str(len(body))})).status == 413


@pytest.mark.parametrize("body", [b"5", b'"x"', b"null", b"true", b"[]", b'[{"query":"{ __typename }"}]', b"\xff", b""])
async def test_a_json_body_that_is_no_object(body: bytes) -> None:
    reply = await posted(client_of(), body)
    assert (reply.status, reply.codes) == (400, ["INVALID"])


@pytest.mark.parametrize("depth", [21, 900, 100_000])
async def test_deep_json(depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        deep = opening * depth + b"1" + closing * depth
        reply = await posted(client_of(), b'{"query":"{ __typename }","variables":{"a":' + deep + b"}}")
        assert (reply.status, reply.codes) in ((200, TOO_COMPLEX), (400, ["INVALID"]))
        reply = await posted(client_of(), deep)
        assert (reply.status, reply.codes) == (400, ["INVALID"])


async def test_a_deep_document() -> None:
    for query in ("{a" * 3_000 + "}" * 3_000, "{a(b:" + "[" * 1_400 + "]" * 1_400 + ")}", "{ a" * 190 + "}" * 190):
        assert (await client_of().query(query)).codes in (TOO_COMPLEX, ["INVALID"])


async def test_exceptions_do_not_leak_a_dsn() -> None:
    for query in ("{ devices { nodes { id } } }", '{ node(id: "RGV2aWNlOjE") { id } }'):
        reply = await client_of().query(query)
        assert reply.codes == ["INTERNAL"]
        assert b"s3cret" not in reply.body
        assert b"postgresql" not in reply.body
        assert len(reply.json["errors"][0]["extensions"]["requestId"]) == 16


async def test_validation_errors_are_told_and_not_masked() -> None:
    for query, words in (
        ("{ nothing }", "Cannot query field 'nothing' on type 'Query'."),
        ("{", "Syntax Error: Expected Name, found <EOF>."),
        ("{ device(id: 5.5) { id } }", "ID cannot represent a non-string and non-integer value: 5.5"),
    ):
        reply = await client_of().query(query)
        assert reply.codes == ["INVALID"]
        assert reply.json["errors"][0]["message"] == words


async def test_introspection_in_production() -> None:
    for query in (
        get_introspection_query(),
        '{ __type(name: "Sim") { name } }',
        "{ ...F } fragment F on Query { __schema { description } }",
    ):
        reply = await client_of().query(query)
        assert set(reply.codes) == {"INVALID"}
        assert "introspection has been disabled" in reply.json["errors"][0]["message"]
    assert (await client_of().query("{ __typename }")).data == {"__typename": "Query"}
    assert "Did you mean" not in (await client_of().query("{ viewr { subject } }")).json["errors"][0]["message"]
    assert (await client_of(production=False).query(get_introspection_query())).data["__schema"]


async def test_graphiql_in_production() -> None:
    reply = await client_of().http("GET", headers={"accept": "text/html"})
    assert (reply.status, reply.codes) == (406, ["INVALID"])


async def test_a_socket_without_connection_init() -> None:
    assert Limits().connection_init_s == 3.0
    async with client_of(connection_init_s=0.01).socket() as socket:
        assert await socket.closed() == 4408


async def test_200_sockets_of_one_client() -> None:
    client = client_of(sockets=3)
    async with client.socket(), client.socket(), client.socket(), client.socket() as fourth:
        assert await fourth.closed() == 4429
    assert Limits().sockets == 100


async def test_150_event_streams_of_one_client() -> None:
    client = client_of(sockets=3)
    async with client.stream(LISTEN), client.stream(LISTEN), client.stream(LISTEN):
        async with client.stream(LISTEN) as fourth:
            assert fourth.start["status"] == 429
        assert (await client.http("PUT", headers={"accept": "*/*"})).status == 429


async def test_a_frame_of_15_mb() -> None:
    client = client_of()
    async with client.socket() as socket:
        await socket.init(client.token)
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.send_text("x" * 15_000_000)
        assert await socket.closed() == 1009


async def test_the_legacy_subprotocol() -> None:
    for offered in (("graphql-ws",), ("subscriptions-transport-ws",), ()):
        async with client_of().socket(offered) as socket:
            assert socket.accepted["subprotocol"] is None
            assert await socket.closed() == 4406


async def test_a_cross_site_get() -> None:
    client = client_of()
    asked = {"query": "{ viewer { subject } }"}
    reply = await client.http("GET", parameters=asked, headers={"sec-fetch-site": "cross-site"})
    assert (reply.status, reply.codes) == (403, ["INVALID"])
    for site in ("same-origin", "same-site", "none"):
        assert (await client.http("GET", parameters=asked, headers={"sec-fetch-site": site})).status == 200
    answer = await client.http("GET", parameters=asked)
    assert "access-control-allow-origin" not in answer.headers
    mutation = {"query": 'mutation { smsSend(input: {msisdn: "1"}) { __typename } }'}
    assert (await client.http("GET", parameters=mutation)).status == 405


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_a_cross_site_post_as_text_plain(content_type: str) -> None:
    body = orjson.dumps({"query": "{ __typename }"})
    reply = await posted(client_of(), body, **{"content-type": content_type})
    assert (reply.status, reply.codes) == (415, ["INVALID"])


async def test_one_caller_that_asks_for_all_there_is() -> None:
    client = client_of(bucket=1_000, restore_per_s=1)
    codes = [(await client.query("{ nothing" + str(n) + " }")).codes for n in range(400)]
    assert codes[0] == ["INVALID"]
    assert codes[-1] == ["THROTTLED"]
