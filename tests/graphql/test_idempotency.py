"""Idempotency keys: the same mutation with the same key and input makes one object, whichever mutation it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from graphql import get_named_type
from graphql_client import Client, default_policy
from graphql_world import World

from motet.domain.global_ids import encode_global_id
from motet.graphql.schema import SCHEMA

MUTATIONS = SCHEMA.type_map["Mutation"].fields  # type: ignore[attr-defined]

KEYED = sorted(
    name
    for name, of in MUTATIONS.items()
    if "idempotencyKey" in get_named_type(of.args["input"].type).fields
    and name != "smsSend"  # the hub's own: tests/hub
)

WITHOUT = {
    "smscLinkCreate": "the operator's, who is in no workspace: the name is unique",
    "simBatchRegister": "a batch is registered once: its own state says so",
    "passkeyRegister": "its challenge is good once",
    "identityProviderScimTokenCreate": "there is one: a second call replaces it, and shows the new one",
}
"""Mutations that make something and take no key, and why."""

INPUTS: dict[str, Callable[[World], dict[str, Any]]] = {
    "deviceCreate": lambda world: {"name": "twice"},
    "simRegister": lambda world: {"iccid": "8999900000000999991", "imsi": "001019999999999", "msisdn": "99977777777"},
    "smppAccountCreate": lambda world: {"systemId": "twice"},
    "shortCodeCreate": lambda world: {"code": "777"},
    "alertRuleCreate": lambda world: {"name": "twice", "eventTypes": ["sim.*"]},
    "servicePolicyCreate": lambda world: {"name": "twice"},
    "coveragePolicyCreate": lambda world: {"name": "twice"},
    "webhookCreate": lambda world: {"url": "https://127.0.0.1/", "eventTypes": ["sms.received"]},
}
"""An input that is good once, of those that need no more than a workspace; the others have tests of their own."""


def noun_of(mutation: str) -> str:
    """The payload's field for what was made."""
    fields = get_named_type(MUTATIONS[mutation].type).fields
    return next(name for name, of in fields.items() if "id" in getattr(get_named_type(of.type), "fields", {}))


async def make(client: Client, mutation: str, given: dict[str, Any]) -> Any:
    if mutation == "deviceCreate":
        given = {"servicePolicyId": await default_policy(client), **given}
    input_type = get_named_type(MUTATIONS[mutation].args["input"].type).name
    reply = await client.query(
        f"mutation ($input: {input_type}!) {{ x: {mutation}(input: $input)"
        f" {{ made: {noun_of(mutation)} {{ id }} userErrors {{ code path }} }} }}",
        {"input": given},
    )
    return reply.data["x"]


def test_every_mutation_that_makes_something_takes_a_key() -> None:
    makers = {name for name in MUTATIONS if name.endswith(("Create", "Register"))} - WITHOUT.keys()
    assert makers <= set(KEYED)
    assert set(INPUTS) <= set(KEYED)


@pytest.mark.parametrize("mutation", INPUTS)
async def test_the_same_key_and_input_make_one_object(world: World, client: Client, mutation: str) -> None:
    given = {**INPUTS[mutation](world), "idempotencyKey": "k"}
    first = await make(client, mutation, given)
    assert first["userErrors"] == []
    assert first["made"] is not None
    assert await make(client, mutation, given) == first
    kept = await world.tenants.database.pool.fetch("SELECT workspace_id, mutation, key FROM idempotency")
    assert [tuple(row) for row in kept] == [(world.demo.workspace_id, mutation, "k")]


@pytest.mark.parametrize("mutation", INPUTS)
async def test_equal_requests_at_once_make_one_object(world: World, client: Client, mutation: str) -> None:
    given = {**INPUTS[mutation](world), "idempotencyKey": "k"}
    made = await asyncio.gather(*(make(client, mutation, given) for _ in range(4)))
    assert [one["userErrors"] for one in made] == [[]] * 4
    assert len({one["made"]["id"] for one in made}) == 1


async def test_a_key_with_another_input_is_a_conflict(client: Client) -> None:
    assert (await make(client, "deviceCreate", {"name": "a", "idempotencyKey": "k"}))["made"]
    for other in ({"name": "b"}, {"name": "a", "tags": []}, {"name": "a", "imei": None}):
        refused = await make(client, "deviceCreate", {**other, "idempotencyKey": "k"})
        assert refused == {"made": None, "userErrors": [{"code": "CONFLICT", "path": ["input", "idempotencyKey"]}]}


async def test_of_different_inputs_at_once_one_wins_and_the_others_conflict(world: World, client: Client) -> None:
    made = await asyncio.gather(
        *(make(client, "deviceCreate", {"name": f"n{n}", "idempotencyKey": "k"}) for n in range(4))
    )
    assert sorted(one["userErrors"] == [] for one in made) == [False, False, False, True]
    assert await world.tenants.database.pool.fetchval("SELECT count(*) FROM device WHERE name LIKE 'n_'") == 1


@pytest.mark.parametrize("key", [{}, {"idempotencyKey": None}])
async def test_without_a_key_each_request_makes_an_object(client: Client, key: dict[str, Any]) -> None:
    one, two = [await make(client, "deviceCreate", {"name": "same", **key}) for _ in range(2)]
    assert one["made"]["id"] != two["made"]["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"])
async def test_what_is_no_key_is_refused(client: Client, key: str) -> None:
    refused = await make(client, "deviceCreate", {"name": "a", "idempotencyKey": key})
    assert refused == {"made": None, "userErrors": [{"code": "INVALID", "path": ["input", "idempotencyKey"]}]}


async def test_a_key_is_held_for_the_workspace_and_the_mutation_alone(world: World, client: Client) -> None:
    mine = await make(client, "deviceCreate", {"name": "a", "idempotencyKey": "k"})
    theirs = await make(world.client(world.other), "deviceCreate", {"name": "b", "idempotencyKey": "k"})
    code = await make(client, "shortCodeCreate", {"code": "777", "idempotencyKey": "k"})
    assert mine["made"] != theirs["made"]
    assert code["userErrors"] == theirs["userErrors"] == []


async def test_what_failed_holds_no_key(world: World, client: Client) -> None:
    """Neither before the transaction nor within it, where the key was claimed before the code was found taken."""
    for bad, code in (({"code": "x"}, "INVALID"), ({"code": "12345"}, "CONFLICT")):
        refused = await make(client, "shortCodeCreate", {**bad, "idempotencyKey": "k"})
        assert [error["code"] for error in refused["userErrors"]] == [code]
    assert await world.tenants.database.pool.fetchval("SELECT count(*) FROM idempotency") == 0
    assert (await make(client, "shortCodeCreate", {"code": "777", "idempotencyKey": "k"}))["made"]


async def test_a_repeated_request_is_not_judged_anew(world: World, client: Client) -> None:
    sim = encode_global_id("Sim", await world.tenants.sim(world.demo))
    given = {"name": "a", "simId": sim, "idempotencyKey": "k"}
    first = await make(client, "deviceCreate", given)
    reply = await client.query(
        "mutation ($id: ID!) { deviceDelete(input: {id: $id}) { deletedId } }", {"id": first["made"]["id"]}
    )
    assert reply.data["deviceDelete"]["deletedId"] == first["made"]["id"]
    assert await make(client, "deviceCreate", given) == first


async def test_a_key_is_free_again_after_its_time(world: World, client: Client) -> None:
    first = await make(client, "deviceCreate", {"name": "a", "idempotencyKey": "k"})
    hold = await world.tenants.database.pool.fetchval("SELECT expires_at - now() FROM idempotency")
    assert 23 * 3600 < hold.total_seconds() <= 24 * 3600
    await world.tenants.execute("UPDATE idempotency SET expires_at = now()")
    second = await make(client, "deviceCreate", {"name": "b", "idempotencyKey": "k"})
    assert second["userErrors"] == []
    assert second["made"] != first["made"]


async def test_a_password_is_not_shown_again(client: Client) -> None:
    query = """mutation { smppAccountCreate(input: {systemId: "once", idempotencyKey: "k"})
               { password smppAccount { systemId } userErrors { code } } }"""
    first = (await client.query(query)).data["smppAccountCreate"]
    again = (await client.query(query)).data["smppAccountCreate"]
    assert len(first["password"]) == 8
    assert again == {"password": None, "smppAccount": {"systemId": "once"}, "userErrors": []}
