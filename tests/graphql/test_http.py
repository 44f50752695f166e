"""GraphQL over HTTP: media types, statuses, tokens, sizes, and what is not taken."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World

from motet.domain.global_ids import encode_global_id
from motet.graphql.http import negotiate, prefers_html

GRAPHQL_JSON = "application/graphql-response+json"
POST = {"content-type": "application/json"}


def body(**parameters: Any) -> bytes:
    return json.dumps(parameters).encode()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/json", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.5, application/json", "application/json"),
        (f"application/json;q=0, {GRAPHQL_JSON}; charset=utf-8", GRAPHQL_JSON),
        ("text/event-stream", "text/event-stream"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/json;q=0, */*", GRAPHQL_JSON),
        ("*/*, application/*;q=0", "text/event-stream"),
        (f"{GRAPHQL_JSON}, */*;q=0.5", GRAPHQL_JSON),
        ("text/html", None),
        ("application/json;q=nonsense", None),
        (";;,,=", None),
    ],
)
def test_the_media_type_is_what_the_client_likes_best(accept: str | None, expected: str | None) -> None:
    assert negotiate(accept) == expected


async def test_accept_may_stand_on_several_lines(client: Client) -> None:
    lines = {"accept": "text/plain", "Accept": GRAPHQL_JSON}
    reply = await client.query("{ viewer { subject } }", **lines)
    assert (reply.status, reply.headers["content-type"]) == (200, f"{GRAPHQL_JSON}; charset=utf-8")


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/html", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("application/json, text/html;q=0.1", False),
        ("text/html;q=0", False),
        ("*/*", False),
        (None, False),
    ],
)
def test_the_page_is_for_who_likes_it_best(accept: str | None, wanted: bool) -> None:
    assert prefers_html(accept) is wanted


async def test_a_query_is_answered_by_post_and_get_in_the_media_type_asked_for(client: Client) -> None:
    for accept in ("application/json", GRAPHQL_JSON):
        posted = await client.query("{ viewer { subject } }", accept=accept)
        got = await client.http("GET", parameters={"query": "{ viewer { subject } }"}, headers={"accept": accept})
        for reply in (posted, got):
            assert reply.status == 200
            assert reply.headers["content-type"] == f"{accept}; charset=utf-8"
            assert reply.data == {"viewer": {"subject": "administrator@demo"}}


async def test_variables_and_operation_names_are_taken_by_get(client: Client) -> None:
    reply = await client.http(
        "GET",
        parameters={
            "query": "query A($n: Int) { devices(first: $n) { nodes { name } } } query B { viewer { subject } }",
            "operationName": "A",
            "variables": '{"n": 1}',
        },
    )
    assert reply.data == {"devices": {"nodes": [{"name": "demo 0"}]}}


async def test_mutations_are_not_taken_by_get(client: Client) -> None:
    mutation = 'mutation { smsSend(input: {msisdn: "1", text: "x"}) { userErrors { code } } }'
    reply = await client.http("GET", parameters={"query": mutation})
    assert (reply.status, reply.headers["allow"], reply.codes) == (405, "POST", ["INVALID"])


@pytest.mark.parametrize("query", ["{", "{ nothing }", "query A { __typename } query B { __typename }", ""])
async def test_what_cannot_be_executed_is_200_or_400_by_media_type(client: Client, query: str) -> None:
    plain = await client.query(query)
    assert (plain.status, plain.codes, "data" in plain.json) == (200, ["INVALID"], False)
    strict = await client.query(query, accept=GRAPHQL_JSON)
    assert (strict.status, strict.codes, "data" in strict.json) == (400, ["INVALID"], False)


async def test_variables_that_do_not_fit_are_invalid(client: Client) -> None:
    query = "query ($id: ID!) { node(id: $id) { id } }"
    for variables in ({}, {"id": None}, {"id": {}}):
        reply = await client.query(query, variables, accept=GRAPHQL_JSON)
        assert (reply.status, reply.codes, "data" in reply.json) == (400, ["INVALID"], False)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"5",
        b'"x"',
        b"null",
        b"[]",
        b'[{"query":"{ __typename }"}]',
        b"{",
        b"\xff",
        b"{}",
        body(query=None),
        body(query=5),
        body(query="{ __typename }", variables="x"),
        body(query="{ __typename }", variables=[]),
        body(query="{ __typename }", operationName=5),
        body(query="{ __typename }", extensions=[]),
        b'{"query":"{ __typename }","variables":' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
    ],
)
async def test_bodies_that_are_no_request_are_400(client: Client, sent: bytes) -> None:
    reply = await client.http("POST", headers=POST, body=sent)
    assert reply.status in ((400,) if len(sent) < 1000 else (200, 400))
    assert reply.codes in (["INVALID"], ["QUERY_TOO_COMPLEX"])


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql",
     "application/json; charset=utf-16"],
)  # fmt: skip
async def test_what_a_web_form_can_send_is_not_taken(client: Client, content_type: str) -> None:
    reply = await client.http("POST", headers={"content-type": content_type}, body=body(query="{ __typename }"))
    assert reply.status == 415


async def test_encoded_bodies_other_methods_and_other_answers_are_refused(client: Client) -> None:
    encoded = await client.http("POST", headers={**POST, "content-encoding": "gzip"}, body=b"x")
    assert encoded.status == 415
    for method in ("PUT", "DELETE", "PATCH"):  # PUT reserves a stream if its token, which is text, is accepted
        reply = await client.http(method, headers=POST, body=body(query="{ __typename }"))
        assert (reply.status, reply.headers["allow"]) == (405, "GET, POST")
    assert (await client.query("{ __typename }", accept="image/png")).status == 406
    subscription = await client.query("subscription { smsMessages { id } }")
    assert subscription.status == 406


async def test_bodies_over_a_mebibyte_are_413_whether_announced_or_not(client: Client) -> None:
    large = body(query="{ __typename }", variables={"x": "a" * (1 << 20)})
    assert (await client.http("POST", headers=POST, body=large)).status == 413
    announced = {**POST, "content-length": str(1 << 40)}
    assert (await client.http("POST", headers=announced, body=b"{}")).status == 413
    fits = body(query="{ __typename }", extensions={"x": "a" * ((1 << 20) - 100)})
    assert (await client.http("POST", headers=POST, body=fits)).status == 200


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer a.b.c", "Bearer " + "x" * 10_000]
)
async def test_without_a_valid_token_there_is_401_and_nothing_else(world: World, authorization: str) -> None:
    nobody = Client(world.app, None)
    for reply in (
        await nobody.http("POST", headers={**POST, "authorization": authorization}, body=body(query="{ __typename }")),
        await nobody.http("GET", headers={"authorization": authorization}, parameters={"query": "{ __typename }"}),
        await nobody.http("POST", headers={"authorization": authorization}, body=b"x" * 10),
    ):
        assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert reply.codes == ["UNAUTHENTICATED"]
        assert "data" not in reply.json


async def test_an_expired_token_is_401(world: World) -> None:
    reply = await Client(world.app, world.token(world.demo, ttl_s=-1)).query("{ __typename }")
    assert (reply.status, reply.codes) == (401, ["UNAUTHENTICATED"])


async def test_browsers_get_graphiql_and_its_files_without_a_token(world: World) -> None:
    nobody = Client(world.app, None)
    page = await nobody.http("GET", headers={"accept": "text/html,application/xhtml+xml"})
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    names = [part.split('"')[0] for part in page.body.decode().split("graphql?graphiql=")[1:]]
    assert len(names) == 7
    for name in names:
        file = await nobody.http("GET", parameters={"graphiql": name})
        assert file.status == 200
        assert file.headers["content-type"].startswith("text/javascript" if name.endswith(".js") else "text/css")
    for name in ("", "nothing.js", "../app.py", "explorer.html"):
        assert (await nobody.http("GET", parameters={"graphiql": name})).status == 404


async def test_our_own_faults_are_masked_and_leave_the_siblings(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise OSError("postgresql://user:secret@host refused")

    monkeypatch.setattr("motet.reading.sql.object_by_filter", broken)
    reply = await client.query('{ sim(iccid: "1") { id } viewer { subject } devices(first: 1) { nodes { name } } }')
    assert reply.json["data"] == {
        "sim": None,
        "viewer": {"subject": "administrator@demo"},
        "devices": {"nodes": [{"name": "demo 0"}]},
    }
    (error,) = reply.json["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("INTERNAL", ["sim"])
    assert len(error["extensions"]["requestId"]) == 16
    assert b"secret" not in reply.body


async def test_a_fault_outside_execution_is_500_without_detail(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("motet.graphql.engine.check_variables", broken)
    reply = await client.query("{ viewer { subject } }")
    assert (reply.status, reply.codes) == (500, ["INTERNAL"])
    assert b"secret" not in reply.body


async def test_a_list_that_cannot_be_read_leaves_its_parents_and_siblings(world: World, client: Client) -> None:
    reply = await client.query(
        """{
          devices(first: 2) { nodes {
            name
            bad: smsMessages(after: "nonsense") { nodes { id } }
            worse: smsMessages(first: 201) { nodes { id } }
            good: smsMessages(first: 1) { nodes { direction } }
          } }
          sims(first: 1) { nodes { iccid } }
        }"""
    )
    good = {"nodes": [{"direction": "MO"}]}
    assert reply.json["data"] == {
        "devices": {
            "nodes": [
                {"name": "demo 0", "bad": None, "worse": None, "good": good},
                {"name": "demo 1", "bad": None, "worse": None, "good": good},
            ]
        },
        "sims": {"nodes": [{"iccid": "8999900000000000001"}]},
    }
    assert sorted((error["path"], error["extensions"]["code"]) for error in reply.json["errors"]) == [
        (["devices", "nodes", 0, "bad"], "INVALID"),
        (["devices", "nodes", 0, "worse"], "INVALID"),
        (["devices", "nodes", 1, "bad"], "INVALID"),
        (["devices", "nodes", 1, "worse"], "INVALID"),
    ]


async def test_a_nested_list_whose_statement_fails_is_null_and_masked(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.tenants.execute("ALTER TABLE message RENAME COLUMN payload TO gone")
    query = "{ devices(first: 1) { nodes { name smsMessages { nodes { text } } } } viewer { subject } }"
    reply = await client.query(query)
    assert reply.json["data"] == {
        "devices": {"nodes": [{"name": "demo 0", "smsMessages": None}]},
        "viewer": {"subject": "administrator@demo"},
    }
    (error,) = reply.json["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["devices", "nodes", 0, "smsMessages"], "INTERNAL")
    assert b"payload" not in reply.body


async def test_text_that_postgresql_cannot_hold_is_the_callers_fault(client: Client) -> None:
    for value in ("a\0b", "\ud800"):
        sent = body(query="query ($x: String) { sim(iccid: $x) { id } }", variables={"x": value})
        reply = await client.http("POST", headers=POST, body=sent)
        assert reply.codes == ["INVALID"]


async def test_tokens_live_until_their_second(world: World) -> None:
    token = world.token(world.demo, ttl_s=100)
    assert world.authority.verify(token, int(time.time())).workspace == "demo"
    node = encode_global_id("Device", world.demo.devices[0])
    assert (await Client(world.app, token).query(f'{{ node(id: "{node}") {{ id }} }}')).data["node"]["id"] == node
