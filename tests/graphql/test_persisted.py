"""Documents that clients name instead of sending: automatic persisted queries, trusted documents, and only those."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from graphql_client import Client, Reply
from graphql_world import World

from motet.access.principals import Role
from motet.graphql.app import Dependencies, build_graphql_app
from motet.graphql.persisted import PersistedQueries, PersistedQueryNotFoundError, Sources

VIEWER = "{ viewer { subject } }"
DEVICES = "query Devices($n: Int) { devices(first: $n) { nodes { name } } }"
ADD = """mutation ($documents: [TrustedDocumentInput!]!) {
  trustedDocumentAdd(input: {documents: $documents}) { addedCount userErrors { code message path } } }"""


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def named(hash_: Any, version: Any = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": hash_}}


async def post(client: Client, **parameters: Any) -> Reply:
    return await client.http("POST", headers={"content-type": "application/json"}, body=json.dumps(parameters).encode())


async def get(client: Client, **parameters: Any) -> Reply:
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}
    return await client.http("GET", parameters=texts)


async def add(client: Client, *documents: tuple[str, str]) -> Any:
    given = [{"documentId": name, "text": text} for name, text in documents]
    return (await client.query(ADD, {"documents": given})).data["trustedDocumentAdd"]


async def test_a_persisted_query_is_sent_once_and_then_named_by_its_hash(client: Client) -> None:
    for ask, text in ((post, VIEWER), (get, VIEWER + " ")):
        unknown = await ask(client, extensions=named(sha256(text)))
        assert (unknown.status, unknown.codes) == (200, ["PERSISTED_QUERY_NOT_FOUND"])
        assert unknown.json["errors"][0]["message"] == "PersistedQueryNotFound"
        sent = await ask(client, query=text, extensions=named(sha256(text)))
        assert sent.data == {"viewer": {"subject": "administrator@demo"}}
        for again in (post, get):
            assert (await again(client, extensions=named(sha256(text).upper()))).data == sent.data


async def test_variables_and_permissions_are_those_of_each_request(world: World, client: Client) -> None:
    extensions = named(sha256(DEVICES))
    await post(client, query=DEVICES, variables={"n": 1}, extensions=extensions)
    assert len((await post(client, variables={"n": 2}, extensions=extensions)).data["devices"]["nodes"]) == 2
    theirs = await post(world.client(world.other), variables={"n": 1}, extensions=extensions)
    assert theirs.data["devices"]["nodes"] == [{"name": "other 0"}]


async def test_a_hash_that_is_not_the_querys_is_refused(client: Client) -> None:
    refused = await post(client, query=VIEWER, extensions=named(sha256(DEVICES)))
    assert refused.codes == ["INVALID"]
    assert refused.json["errors"][0]["message"] == "provided sha does not match query"
    assert (await post(client, extensions=named(sha256(DEVICES)))).codes == ["PERSISTED_QUERY_NOT_FOUND"]


@pytest.mark.parametrize(
    "extensions",
    [named("x"), named(5), named(None), named("0" * 64, version=2), {"persistedQuery": 5}, {"persistedQuery": {}}],
)
async def test_what_is_no_persisted_query_is_400(client: Client, extensions: Any) -> None:
    for parameters in ({"extensions": extensions}, {"extensions": extensions, "query": VIEWER}):
        reply = await post(client, **parameters)
        assert (reply.status, reply.codes) == (400, ["INVALID"])


async def test_a_query_that_is_not_valid_is_not_kept(client: Client) -> None:
    wrong = "{ nothing }"
    assert (await post(client, query=wrong, extensions=named(sha256(wrong)))).codes == ["INVALID"]
    assert (await post(client, extensions=named(sha256(wrong)))).codes == ["PERSISTED_QUERY_NOT_FOUND"]


async def test_mutations_by_hash_are_not_taken_by_get(client: Client) -> None:
    mutation = 'mutation { smsSend(input: {msisdn: "1", text: "x"}) { userErrors { code } } }'
    assert (await post(client, query=mutation, extensions=named(sha256(mutation)))).status == 200
    assert (await get(client, extensions=named(sha256(mutation)))).status == 405


def test_persisted_queries_are_bounded_and_the_oldest_goes() -> None:
    queries = PersistedQueries(kept_characters=100)
    for n in range(10):
        queries.keep(str(n), "x" * 30)
        queries.keep(str(n), "x" * 30)
    assert list(queries._texts) == ["7", "8", "9"]
    assert queries._characters == 90
    with pytest.raises(PersistedQueryNotFoundError):
        queries.get("0")


async def test_trusted_documents_are_named_by_id_or_by_hash(world: World, client: Client) -> None:
    assert await add(client, ("devices-1", DEVICES), (sha256(VIEWER), VIEWER)) == {"addedCount": 2, "userErrors": []}
    assert await add(client, ("devices-1", DEVICES)) == {"addedCount": 0, "userErrors": []}
    for ask in (post, get):
        by_id = await ask(client, documentId="devices-1", variables={"n": 1})
        assert by_id.data == {"devices": {"nodes": [{"name": "demo 0"}]}}
        assert (await ask(client, documentId=f"sha256:{sha256(DEVICES)}", variables={"n": 1})).data == by_id.data
        assert (await ask(client, extensions=named(sha256(VIEWER)))).data["viewer"]
    async with client.socket() as socket:
        await socket.init(client.token)
        await socket.receive()
        payload = {"documentId": "devices-1", "variables": {"n": 1}}
        await socket.send({"id": "1", "type": "subscribe", "payload": payload})
        assert (await socket.receive())["payload"]["data"] == by_id.data


async def test_documents_are_a_workspaces_own_unless_they_are_the_installations(world: World, client: Client) -> None:
    await add(client, ("ours", VIEWER))
    other = world.client(world.other)
    assert (await post(other, documentId="ours")).codes == ["UNTRUSTED_DOCUMENT"]
    assert await add(other, ("ours", DEVICES)) == {"addedCount": 1, "userErrors": []}
    assert await add(world.operator(), ("everyones", VIEWER), ("ours", VIEWER)) == {"addedCount": 2, "userErrors": []}
    assert (await post(other, documentId="everyones")).data["viewer"]["subject"] == "administrator@other"
    assert (await post(other, documentId="ours")).data["devices"], "its own goes before the installation's"
    assert (await post(world.operator(), documentId="everyones")).data["viewer"]["subject"] == "operator"


async def test_what_is_no_good_document_is_not_added(world: World, client: Client) -> None:
    await add(client, ("taken", VIEWER))
    for documents, code, path in (
        ([], "INVALID", ["documents"]),
        ([("x", "{ nothing }")], "INVALID", ["documents", "0", "text"]),
        ([("good", VIEWER), ("x", "{")], "INVALID", ["documents", "1", "text"]),
        ([("", VIEWER)], "INVALID", ["documents", "0", "documentId"]),
        ([("a b", VIEWER)], "INVALID", ["documents", "0", "documentId"]),
        ([("x" * 257, VIEWER)], "INVALID", ["documents", "0", "documentId"]),
        ([("taken", DEVICES)], "CONFLICT", ["documents"]),
        ([(str(n), VIEWER) for n in range(201)], "LIMIT_REACHED", ["documents"]),
    ):
        payload = await add(client, *documents)
        (error,) = payload["userErrors"]
        assert (payload["addedCount"], error["code"], error["path"]) == (None, code, ["input", *path])
    assert (await post(client, documentId="good")).codes == ["UNTRUSTED_DOCUMENT"], "all or none"
    for caller in (world.client(world.demo, Role.USER), world.client(world.demo, Role.OBSERVER)):
        reply = await caller.query(ADD, {"documents": [{"documentId": "x", "text": VIEWER}]})
        assert reply.codes == ["FORBIDDEN"]


async def test_a_removed_document_is_not_run(world: World, client: Client) -> None:
    await add(client, ("ours", DEVICES))
    nodes = (await client.query("{ trustedDocuments { nodes { id documentId sha256 text workspaceId } } }")).data
    mine = next(node for node in nodes["trustedDocuments"]["nodes"] if node["documentId"] == "ours")
    assert (mine["sha256"], mine["text"]) == (sha256(DEVICES), DEVICES)
    remove = "mutation ($id: ID!) { trustedDocumentDelete(input: {id: $id}) { deletedId userErrors { code } } }"
    operators = (await world.operator().query(remove, {"id": mine["id"]})).data["trustedDocumentDelete"]
    assert operators["userErrors"] == [{"code": "NOT_FOUND"}], "the operator removes the installation's"
    removed = (await client.query(remove, {"id": mine["id"]})).data["trustedDocumentDelete"]
    assert removed == {"deletedId": mine["id"], "userErrors": []}
    assert (await post(client, documentId="ours")).codes == ["UNTRUSTED_DOCUMENT"]


@pytest.mark.parametrize("document_id", [5, "", "x" * 257, [], "a\0"])
async def test_what_is_no_document_id_is_400(client: Client, document_id: Any) -> None:
    assert (await post(client, documentId=document_id)).status == 400


async def test_with_the_switch_only_registered_documents_are_run(world: World) -> None:
    await add(world.client(world.demo), ("ours", VIEWER))
    sources = Sources(world.services.trusted_documents, trusted_only=True)
    app = build_graphql_app(Dependencies(world.services, world.services.identity.authenticator, sources=sources))
    client = Client(app, world.token(world.demo))
    assert (await post(client, documentId="ours")).data["viewer"]
    assert (await post(client, extensions=named(sha256(VIEWER)))).data["viewer"]
    for parameters in (
        {"query": VIEWER},
        {"query": DEVICES, "extensions": named(sha256(DEVICES))},
        {"documentId": "theirs"},
    ):
        assert (await post(client, **parameters)).codes == ["UNTRUSTED_DOCUMENT"]
    assert (await post(client, extensions=named(sha256(DEVICES)))).codes == ["PERSISTED_QUERY_NOT_FOUND"]
    async with client.socket() as socket:
        await socket.init(client.token)
        await socket.receive()
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": VIEWER}})
        refused = await socket.receive()
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "UNTRUSTED_DOCUMENT")
