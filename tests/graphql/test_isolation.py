"""What another tenant has is nothing, by whatever it is named: ids in filters and nested inputs, numbers, cursors. All
generated from the schema; `test_schema.py` has ids as plain arguments, `tests/e2e/test_second_tenant.py` has SMPP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLNonNull, get_named_type, is_leaf_type
from graphql_client import Client
from graphql_world import World
from schema_ways import CONNECTIONS, OPERATORS, WAYS, along
from test_schema import (
    OWN_TYPES,
    WELL_FORMED,
    WORKSPACE_CONNECTIONS,
    ids_of,
    literal,
    permission_of,
    subject_of,
)

from motet.access.principals import ROLE_PERMISSIONS, Role
from motet.graphql.schema import SCHEMA
from motet.reading.entities import ENTITIES

AT_ONCE = 40
"""Aliases of one query."""


def leaves(type_: Any, kind: str, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where an input object holds scalars of a kind, below `not`, too; `and` and `or` are the same again."""
    for name, at in get_named_type(type_).fields.items():
        target = get_named_type(at.type)
        if target.name == kind:
            yield (*path, name)
        elif isinstance(target, GraphQLInputObjectType) and name not in {"and", "or", "not"} and len(path) < 3:
            yield from leaves(target, kind, (*path, name))


def nested(type_: Any, path: tuple[str, ...], value: str) -> str:
    """The input object with one leaf, and lists where it takes lists."""
    at = get_named_type(type_).fields[path[0]]
    inner = value if len(path) == 1 else nested(at.type, path[1:], value)
    return f"{{ {path[0]}: {f'[{inner}]' if '[' in str(at.type) else inner} }}"


async def all_of(client: Client, fields: list[str], around: str) -> list[Any]:
    """What each of these root fields answers, some of them at a time."""
    found: list[Any] = []
    for start in range(0, len(fields), AT_ONCE):
        aliased = " ".join(f"a{number}: {one}" for number, one in enumerate(fields[start : start + AT_ONCE]))
        reply = await client.query(around % aliased)
        found += values_of(reply.data)
    return found


def values_of(answer: Any) -> Iterator[Any]:
    """What stands under our aliases, however deep."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            if key[0] == "a" and key[1:].isdigit():
                yield value
            else:
                yield from values_of(value)
    elif isinstance(answer, list):
        for each in answer:
            yield from values_of(each)


async def identities_of(world: World) -> list[str]:
    """What the other tenant's SIMs and devices are called."""
    row = await world.tenants.database.pool.fetchrow(
        "SELECT s.iccid, s.imsi, s.msisdn, s.eid, d.name, d.imei FROM sim s JOIN device d ON d.id = s.device_id"
        " WHERE s.id = $1",
        world.other.sims[-1],
    )
    return [value for value in row.values() if value]


async def give_imeis(world: World) -> None:
    for tenant, imei in ((world.demo, "490154203237518"), (world.other, "356938035643809")):
        await world.tenants.execute("UPDATE device SET imei = $2 WHERE id = $1", tenant.devices[-1], imei)


def filtered() -> list[tuple[str, str, Any]]:
    """(type, field, type of the filter) of every list that takes a filter, at the root and below objects."""
    found = []
    for type_name, field in CONNECTIONS:
        of = OWN_TYPES[type_name].fields[field]
        entity = get_named_type(of.type).name.removesuffix("Connection")
        if "filter" in of.args and entity in ENTITIES and (type_name in WAYS or type_name == "Query"):
            found.append((type_name, field, of.args["filter"].type))
    return found


async def test_ids_of_another_tenant_in_filters_let_nothing_through(world: World, client: Client) -> None:
    theirs = list((await ids_of(world, mine=False)).values())
    asked = 0
    for type_name, field, filter_type in filtered():
        if type_name == "Query" and field in OPERATORS:
            continue
        for path in leaves(filter_type, "ID"):
            quoted = [nested(filter_type, path, f'"{one}"') for one in theirs]
            values = [f"{field}(filter: {one}) {{ totalCount }}" for one in quoted]
            around = "{ %s }" if type_name == "Query" else along(type_name, "%s", 2)
            answers = await all_of(client, values, around)
            assert answers, (type_name, field)
            assert {answer["totalCount"] for answer in answers} == {0}, (type_name, field, path)
            asked += 1
    assert asked >= 25


async def test_numbers_of_another_tenant_find_nothing_wherever_text_is_taken(world: World, client: Client) -> None:
    await give_imeis(world)
    theirs = await identities_of(world)
    assert len(theirs) == 6
    asked = 0
    for type_name, field, filter_type in filtered():
        if type_name != "Query" or field in OPERATORS:
            continue
        for path in leaves(filter_type, "String"):
            if path[0] in ("attributes", "address"):  # the workspace's own notes, IP addresses: they identify nothing
                continue
            quoted = [nested(filter_type, path, f'"{one}"') for one in theirs]
            values = [f"{field}(filter: {one}) {{ totalCount }}" for one in quoted]
            answers = await all_of(client, values, "{ %s }")
            assert {answer["totalCount"] for answer in answers} == {0}, (field, path)
            asked += 1
    assert asked >= 30
    for name, of in OWN_TYPES["Query"].fields.items():
        target = get_named_type(of.type)
        for argument, at in of.args.items():
            if get_named_type(at.type).name != "String" or name in OPERATORS or target.name.endswith("Connection"):
                continue
            if name == "breakoutChoice":  # which needs no device: a country that there is not has a choice, too
                continue
            if any(isinstance(each.type, GraphQLNonNull) for key, each in of.args.items() if key != argument):
                continue
            for one in theirs:
                value = f'["{one}"]' if "[" in str(at.type) else f'"{one}"'
                shape = (
                    "" if is_leaf_type(target) else "{ matches { value } }" if name == "search" else "{ __typename }"
                )
                reply = await client.query(f"{{ x: {name}({argument}: {value}) {shape} }}")
                told = reply.json.get("data", {}).get("x")
                assert told in (None, [], {"matches": []}), (name, argument)
                asked += 1
    assert asked >= 60


async def test_ids_of_another_tenant_are_null_in_every_argument_of_queries(world: World, client: Client) -> None:
    theirs = await ids_of(world, mine=False)
    mine = await ids_of(world, mine=True)
    for name, of in OWN_TYPES["Query"].fields.items():
        target = get_named_type(of.type)
        for argument, at in of.args.items():
            if get_named_type(at.type).name != "ID" or name in OPERATORS or name in {"node", "nodes"}:
                continue
            required = {
                key: literal(each.type, mine, key, target.name if target.name in mine else "Device")
                for key, each in of.args.items()
                if isinstance(each.type, GraphQLNonNull) and key != argument
            }
            for one in theirs.values():
                given = ", ".join(f"{key}: {value}" for key, value in {**required, argument: f'"{one}"'}.items())
                shape = "" if is_leaf_type(target) else "{ __typename }"
                reply = await client.query(f"{{ x: {name}({given}) {shape} }}")
                assert (reply.json.get("data") or {"x": None})["x"] is None, (name, argument)


async def test_cursors_of_another_tenant_lead_to_nothing_of_it(world: World, client: Client) -> None:
    other = world.client(world.other)
    for name in WORKSPACE_CONNECTIONS:
        reply = await other.query(f"{{ {name}(first: 1) {{ nodes {{ id }} pageInfo {{ startCursor endCursor }} }} }}")
        theirs = reply.data[name]
        everything = (await client.query(f"{{ {name}(first: 200) {{ nodes {{ id }} }} }}")).data[name]["nodes"]
        for argument, cursor in (("after", "endCursor"), ("before", "startCursor")):
            page = f'{argument}: "{theirs["pageInfo"][cursor]}"'
            reply = await client.query(f"{{ {name}({page}) {{ nodes {{ id }} }} }}")
            seen = reply.data[name]["nodes"]
            assert all(node in everything for node in seen), name
            assert theirs["nodes"][0] not in seen


async def test_ids_of_another_tenant_in_nested_inputs_do_nothing(world: World, client: Client) -> None:
    mine, theirs = await ids_of(world, mine=True), await ids_of(world, mine=False)
    before = await rows_of_other(world)
    asked = 0
    for mutation, of in OWN_TYPES["Mutation"].fields.items():
        if permission_of("Mutation", mutation) not in ROLE_PERMISSIONS[Role.ADMINISTRATOR]:
            continue
        input_type = of.args["input"].type
        required = {
            name: literal(at.type, mine, name, subject_of(mutation))
            for name, at in get_named_type(input_type).fields.items()
            if isinstance(at.type, GraphQLNonNull)
        } | WELL_FORMED.get(mutation, {})
        for path in leaves(input_type, "ID"):
            if len(path) == 1:
                continue
            for one in theirs.values():
                holder = get_named_type(input_type).fields[path[0]].type
                given = {**required, path[0]: nested(holder, path[1:], f'"{one}"')}
                inner = " ".join(f"{name}: {value}" for name, value in given.items())
                reply = await client.query(
                    f"mutation {{ x: {mutation}(input: {{ {inner} }}) {{ userErrors {{ code }} }} }}"
                )
                assert reply.json.get("errors") or reply.data["x"]["userErrors"], (mutation, path)
                asked += 1
    assert asked >= 40
    assert await rows_of_other(world) == before


async def rows_of_other(world: World) -> dict[str, str]:
    """All that the other tenant has, as it is."""
    found = {}
    for name, entity in ENTITIES.items():
        if entity.tenant_column is not None and "." not in entity.table:
            query = (
                f"SELECT md5(string_agg(t::text, '' ORDER BY t.id)) FROM {entity.table} t"  # noqa: S608
                f" WHERE {entity.tenant_column} = $1"
            )
            found[name] = await world.tenants.database.pool.fetchval(query, world.other.workspace_id)
    return found


async def test_a_subscription_to_another_tenants_job_ends_without_a_word(world: World, client: Client) -> None:
    theirs = await ids_of(world, mine=False)
    async with client.stream(f'subscription {{ jobs(id: "{theirs["Job"]}") {{ id }} }}') as stream:
        name, _ = await stream.event()
    assert name == "complete"


def test_every_list_that_takes_ids_is_asked() -> None:
    assert {field for type_name, field, _ in filtered() if type_name == "Query"} >= {"devices", "events", "quotas"}
    assert "Device" in SCHEMA.type_map
