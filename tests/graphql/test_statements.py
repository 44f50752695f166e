"""Statements per operation: the same number for one parent and for many, for every connection of the schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from graphql import get_named_type
from graphql_client import Client
from graphql_world import World

from motet.graphql.app import Dependencies, build_graphql_app
from motet.graphql.schema import SCHEMA
from motet.reading.reader import Reader

CONNECTIONS = [
    (type_name, field)
    for type_name, type_ in sorted(SCHEMA.type_map.items())
    for field, of in getattr(type_, "fields", {}).items()
    if get_named_type(of.type).name.endswith("Connection")
]

# A page; with everything asked for, also the count, what is before a cursor, and where a scan ended.
PAGE, EVERYTHING = 1, 4


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
    app = build_graphql_app(Dependencies(services, world.authority))
    token = (world.operator() if operator else world.client(world.demo)).token
    assert (await Client(app, token).query(query)).data
    return pool.statements


def root_of(type_name: str) -> str:
    """The query field that lists objects of this type."""
    roots = SCHEMA.type_map["Query"].fields.items()
    return next(name for name, of in roots if get_named_type(of.type).name == f"{type_name}Connection")


@pytest.mark.parametrize(("type_name", "field"), CONNECTIONS)
async def test_every_connection_takes_a_constant_number(world: World, type_name: str, field: str) -> None:
    operator = field in {"smscLinks", "workspaces"}
    for inner, most in (
        ("{ nodes { id } }", PAGE),
        ("(last: 2) { nodes { id } edges { cursor node { id } } }", PAGE),
        ("{ totalCount totalCountIsEstimate pageInfo { hasNextPage hasPreviousPage } nodes { id } }", EVERYTHING),
    ):
        if type_name == "Query":
            found = await statements(world, f"{{ {field}{inner} }}", operator=operator)
            assert 1 <= len(found) <= most
            continue
        root = root_of(type_name)
        one = await statements(world, f"{{ {root}(first: 1) {{ nodes {{ {field}{inner} }} }} }}")
        many = await statements(world, f"{{ {root} {{ nodes {{ {field}{inner} }} }} }}")
        assert len(one) == len(many) <= 1 + most


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
        if field in {"smscLinks", "workspaces"}:
            continue
        inner = "{ totalCount pageInfo { hasNextPage } nodes { id } }"
        query = (
            f"{field} {inner}" if type_name == "Query" else f"{root_of(type_name)} {{ nodes {{ {field} {inner} }} }}"
        )
        for statement in await statements(world, f"{{ {query} }}"):
            assert "workspace_id = $1" in statement
