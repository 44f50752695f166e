"""What fails is null by itself: a root field, a list below an object, a part of a payload, each with its error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from graphql import GraphQLNonNull, get_named_type
from graphql_client import Client, Reply
from graphql_world import World, make_world
from schema_ways import CONNECTIONS, OPERATORS, along, asked

from motet.graphql.app import Dependencies, build_graphql_app
from motet.graphql.schema import SCHEMA
from motet.reading.entities import ENTITIES
from motet.reading.model import ToMany
from motet.reading.reader import Reader
from motet.storage.database import Database


@pytest_asyncio.fixture(scope="module")
async def world(shared_database: Database) -> AsyncIterator[World]:
    """One for all tests here, which change nothing in it."""
    async with make_world(shared_database) as made:
        yield made


class BrokenPool:
    """A pool whose connections fail at some statements."""

    def __init__(self, pool: Any, fails: Callable[[str], bool]) -> None:
        self._pool = pool
        self._fails = fails

    @asynccontextmanager
    async def acquire(self, **options: Any) -> AsyncIterator[Any]:
        async with self._pool.acquire(**options) as connection:
            yield BrokenConnection(connection, self._fails)


class BrokenConnection:
    def __init__(self, connection: Any, fails: Callable[[str], bool]) -> None:
        self._connection = connection
        self._fails = fails

    async def fetch(self, statement: str, *parameters: Any) -> Any:
        if self._fails(statement):
            raise asyncpg.PostgresError("a disk is full of secrets")
        return await self._connection.fetch(statement, *parameters)


async def ask(world: World, query: str, fails: Callable[[str], bool], *, operator: bool = False) -> Reply:
    pool = BrokenPool(world.tenants.database.pool, fails)
    services = replace(world.services, reader=Reader(pool))  # type: ignore[arg-type]
    app = build_graphql_app(Dependencies(services, services.identity.authenticator))
    token = (world.operator() if operator else world.client(world.demo)).token
    reply = await Client(app, token).query(query)
    assert b"secrets" not in reply.body
    return reply


def entity_of(type_name: str, field: str) -> str:
    return get_named_type(SCHEMA.type_map[type_name].fields[field].type).name.removesuffix("Connection")  # type: ignore[attr-defined]


ROOT_LISTS = [
    field for type_name, field in CONNECTIONS if type_name == "Query" and entity_of("Query", field) in ENTITIES
]


@pytest.mark.parametrize("field", ROOT_LISTS)
async def test_a_root_field_that_fails_leaves_the_others_standing(world: World, field: str) -> None:
    query = f"{{ fine: viewer {{ subject }} broken: {asked('Query', field, '', '{ nodes { %s } }')} }}"
    reply = await ask(world, query, lambda statement: True, operator=field in OPERATORS)
    assert reply.json["data"]["broken"] is None
    assert reply.json["data"]["fine"]["subject"]
    assert reply.codes == ["INTERNAL"]
    assert [error["path"] for error in reply.json["errors"]] == [["broken"]]


BELOW = [
    (type_name, field)
    for type_name, field in CONNECTIONS
    if type_name in {"Sim", "Device", "SmppAccount", "Webhook"}
    and isinstance(ENTITIES[type_name].fields.get(field), ToMany)
]


@pytest.mark.parametrize(("type_name", "field"), BELOW)
async def test_a_list_that_fails_leaves_its_object_standing(world: World, type_name: str, field: str) -> None:
    inner = asked(type_name, field, "", "{ nodes { %s } }")
    query = along(type_name, f"id {inner}", 5)
    reply = await ask(world, query, lambda statement: "FROM unnest(" in statement)
    (nodes,) = [root["nodes"] for root in reply.json["data"].values()]
    assert nodes
    assert all(node["id"] for node in nodes)
    assert [node[field] for node in nodes] == [None] * len(nodes)
    assert set(reply.codes) == {"INTERNAL"}
    assert [error["path"][1:] for error in reply.json["errors"]] == [["nodes", n, field] for n in range(len(nodes))]


async def test_a_payload_whose_noun_cannot_be_read_still_says_that_it_was_done(world: World) -> None:
    reply = await ask(
        world,
        'mutation { shortCodeCreate(input: {code: "777"}) { shortCode { code } userErrors { code } } }',
        lambda statement: "FROM short_code" in statement,
    )
    assert reply.json["data"]["shortCodeCreate"] == {"shortCode": None, "userErrors": []}
    assert reply.codes == ["INTERNAL"]
    assert await world.tenants.database.pool.fetchval("SELECT count(*) FROM short_code WHERE code = '777'") == 1


async def test_a_search_whose_objects_cannot_be_read_still_tells_what_matched(world: World) -> None:
    reply = await ask(
        world,
        '{ search(query: "demo 1") { matches { value node { id } } } }',
        lambda statement: "ANY($2::bigint[])" in statement,
    )
    assert reply.json["data"]["search"]["matches"] == [{"value": "demo 1", "node": None}]
    assert set(reply.codes) == {"INTERNAL"}


def test_no_object_below_the_root_is_required_but_what_comes_with_its_parent() -> None:
    """Edges, nodes and pageInfo come with their connection, values with their row: all else may be null."""
    for name, type_ in SCHEMA.type_map.items():
        if name.endswith(("Connection", "Edge")) or name not in ENTITIES:
            continue
        for field, of in type_.fields.items():  # type: ignore[attr-defined]
            if isinstance(ENTITIES[name].fields.get(field), ToMany):
                assert not isinstance(of.type, GraphQLNonNull), f"{name}.{field}"


def test_what_is_deprecated_says_what_to_use_instead() -> None:
    reasons = {}
    for name, type_ in SCHEMA.type_map.items():
        for field, of in getattr(type_, "fields", {}).items():
            reasons[f"{name}.{field}"] = of.deprecation_reason
        for value, of in getattr(type_, "values", {}).items():
            reasons[f"{name}.{value}"] = of.deprecation_reason
    for place, reason in reasons.items():
        assert reason is None or ("`" in reason and "No longer supported" not in reason), place
