"""Statements per operation: the same number for one parent and for many, for every connection of the schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from graphql import get_named_type
from graphql_client import Client
from graphql_world import World, make_world
from schema_ways import CONNECTIONS, OPERATORS, WAYS, along, asked

from motet.graphql.app import Dependencies, build_graphql_app
from motet.graphql.schema import SCHEMA
from motet.reading.entities import ENTITIES
from motet.reading.reader import Reader
from motet.storage.database import Database

# A page; with everything asked for, also the count, what is before a cursor, and where a scan ended.
PAGE, EVERYTHING = 1, 4


@pytest_asyncio.fixture(scope="module")
async def world(shared_database: Database) -> AsyncIterator[World]:
    """One for all tests here, which change nothing in it."""
    async with make_world(shared_database) as made:
        yield made


class CountingPool:
    """A pool that notes the statements of its connections."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.statements: list[str] = []

    @asynccontextmanager
    async def acquire(self, **options: Any) -> AsyncIterator[Any]:
        async with self._pool.acquire(**options) as connection:
            yield CountingConnection(connection, self.statements)


class CountingConnection:
    """A connection that notes its statements."""

    def __init__(self, connection: Any, statements: list[str]) -> None:
        self._connection = connection
        self._statements = statements

    async def fetch(self, statement: str, *parameters: Any) -> Any:
        self._statements.append(statement)
        return await self._connection.fetch(statement, *parameters)


async def statements(world: World, query: str, *, operator: bool = False) -> list[str]:
    pool = CountingPool(world.tenants.database.pool)
    services = replace(world.services, reader=Reader(pool))  # type: ignore[arg-type]
    app = build_graphql_app(Dependencies(services, services.identity.authenticator))
    token = (world.operator() if operator else world.client(world.demo)).token
    assert (await Client(app, token).query(query)).data
    return pool.statements


@pytest_asyncio.fixture(scope="module")
async def many(world: World) -> World:
    """Fifty devices and SIMs more."""
    for table, columns, values in (
        ("sim", "iccid, imsi, msisdn, status", "'c' || n, 'i' || n, 'm' || n, 2"),
        ("device", "name, status, sim_id, service_policy_id", "'many ' || n, 0, n, $1"),
    ):
        await world.tenants.execute(
            f"INSERT INTO {table} (workspace_id, id, {columns})"  # noqa: S608
            f" SELECT $1, n, {values} FROM generate_series(1, 50) n",
            world.demo.workspace_id,
        )
    return world


INNER = (
    ("", "{ nodes { %s } }", PAGE),
    ("last: 2", "{ nodes { %s } edges { cursor node { %s } } }", PAGE),
    ("", "{ totalCount totalCountIsEstimate pageInfo { hasNextPage hasPreviousPage } nodes { %s } }", EVERYTHING),
)


@pytest.mark.parametrize(("type_name", "field"), CONNECTIONS)
async def test_every_connection_takes_a_constant_number(many: World, type_name: str, field: str) -> None:
    for page, shape, most in INNER:
        inner = asked(type_name, field, page, shape)
        if type_name == "Query":
            found = await statements(many, f"{{ {inner} }}", operator=field in OPERATORS)
            target = get_named_type(SCHEMA.type_map["Query"].fields[field].type).name  # type: ignore[attr-defined]
            least = 1 if target.removesuffix("Connection") in ENTITIES else 0  # reference data is in memory
            assert least <= len(found) <= most
        else:
            one = await statements(many, along(type_name, inner, 1))
            fifty = await statements(many, along(type_name, inner, 50))
            assert len(one) <= len(fifty) <= len(WAYS[type_name]) + most
            if type_name in {"Sim", "Device"}:
                assert len(one) == len(fifty)


def test_every_connection_was_reached() -> None:
    assert {type_name for type_name, _ in CONNECTIONS} <= {"Query", *WAYS}


async def test_a_deep_selection_takes_one_statement_for_each_list(world: World) -> None:
    found = await statements(
        world,
        """{ smppAccounts(first: 5) { nodes {
               shortCodes(first: 5) { nodes { code smppAccount {
                   systemId shortCodes(first: 5) { nodes { smppAccount { id } } } } } }
           } }
           devices { nodes { sim { device { sim { iccid } } }
               old: smsMessages(last: 1) { nodes { device { sim { msisdn } } smppAccount { systemId } } }
               new: smsMessages(first: 1) { nodes { text } } } } }""",
    )
    assert len(found) == 3 + 3


async def test_only_what_is_asked_for_is_read(world: World) -> None:
    (statement,) = await statements(world, "{ devices { nodes { name again: name } } }")
    assert statement.startswith("SELECT t0.id AS c0, t0.name AS c1 FROM device t0 WHERE t0.workspace_id = $1")
    assert statement.endswith("ORDER BY t0.id ASC LIMIT 51")


async def test_every_statement_on_tenant_rows_takes_the_workspace_as_a_parameter(world: World) -> None:
    for type_name, field in CONNECTIONS:
        if field in OPERATORS:
            continue
        inner = asked(type_name, field, "", "{ totalCount pageInfo { hasNextPage } nodes { %s } }")
        query = f"{{ {inner} }}" if type_name == "Query" else along(type_name, inner, 5)
        for statement in await statements(world, query):
            above = "($1::bigint[])[1]" in statement  # what lies above workspaces is bounded by its reach
            assert "workspace_id = $1" in statement or above or "FROM workspace t0" in statement
