"""The audit log over GraphQL: what a mutation leaves in it, and who may read it."""

from __future__ import annotations

from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World

from motet.access.principals import Role
from motet.domain.global_ids import encode_global_id
from motet.identity.audit_sealing import Sealer

ENTRY = """{ actorKind actor edge action outcome code path times address userAgent input
             changes { table operation objectId before after } changeCounts sequence hash }"""


async def log_of(client: Client, filter_: str = "") -> list[dict[str, Any]]:
    reply = await client.query(f"{{ auditLog(filter: {{ {filter_} }}) {{ nodes {ENTRY} }} }}")
    nodes: list[dict[str, Any]] = reply.data["auditLog"]["nodes"]
    return nodes


async def rename(client: Client, world: World, name: str) -> str:
    device = encode_global_id("Device", world.demo.devices[0])
    reply = await client.query(
        "mutation ($id: ID!, $name: String!) { deviceUpdate(input: {id: $id, name: $name}) { userErrors { code } } }",
        {"id": device, "name": name},
        **{"user-agent": "a program"},
    )
    assert reply.data["deviceUpdate"]["userErrors"] == []
    return device


async def test_a_mutation_leaves_who_what_and_from_where(world: World, client: Client) -> None:
    device = await rename(client, world, "renamed")
    (entry, *_) = await log_of(client)
    assert entry == {
        "actorKind": "TOKEN", "actor": "administrator@demo", "edge": "GRAPHQL", "action": "deviceUpdate",
        "outcome": "DONE", "code": None, "path": None, "times": 1, "address": entry["address"],
        "userAgent": "a program", "input": {"id": device, "name": "renamed"},
        "changes": [
            {
                "table": "device", "operation": "UPDATE", "objectId": device,
                "before": {"name": "demo 0"}, "after": {"name": "renamed"},
            }
        ],
        "changeCounts": {"device.UPDATE": 1}, "sequence": None, "hash": None,
    }  # fmt: skip
    await Sealer(world.tenants.database).seal()
    (entry, *_) = await log_of(client)
    assert entry["sequence"] is not None
    assert len(entry["hash"]) == 64


async def test_filters_find_entries(world: World, client: Client) -> None:
    device = await rename(client, world, "renamed")
    await client.query('mutation { shortCodeCreate(input: {code: "x"}) { userErrors { code } } }')
    other = encode_global_id("Device", world.demo.devices[1])
    for filter_, actions in {
        f'objectId: "{device}"': ["deviceUpdate", "deviceUpdate"],
        f'objectId: "{other}"': [],
        'objectId: "nonsense"': [],
        "outcome: [REFUSED]": ["shortCodeCreate"],
        'action: ["shortCodeCreate"], edge: [GRAPHQL]': ["shortCodeCreate"],
        'actor: "anna@example.org"': ["deviceUpdate"],
        "actorKind: [USER]": ["deviceUpdate"],
        "actorKind: [OPERATOR]": [],
        'address: "192.0.2.0/24"': ["deviceUpdate"],
        'address: "192.0.2.8"': [],
        'since: "2020-01-01T00:00:00Z", not: {actor: "anna@example.org"}': ["shortCodeCreate", "deviceUpdate"],
        'until: "2020-01-01T00:00:00Z"': [],
    }.items():
        assert [entry["action"] for entry in await log_of(client, filter_)] == actions, filter_
    reply = await client.query('{ auditLog(filter: {address: "x"}) { totalCount } }')
    assert reply.codes == ["INVALID"]


async def test_refusals_are_in_the_log_with_their_code(world: World, client: Client) -> None:
    observer = world.client(world.demo, Role.OBSERVER)
    await observer.query('mutation { shortCodeCreate(input: {code: "777"}) { userErrors { code } } }')
    await client.query('mutation { shortCodeCreate(input: {code: "x"}) { userErrors { code } } }')
    refused, forbidden, *_ = await log_of(client)
    assert (refused["outcome"], refused["code"], refused["path"], refused["changes"]) == (
        "REFUSED", "INVALID", ["code"], [],
    )  # fmt: skip
    assert (forbidden["outcome"], forbidden["actor"], forbidden["input"]) == (
        "FORBIDDEN", "observer@demo", {"code": "777"},
    )  # fmt: skip


async def test_a_repeated_request_says_so(client: Client) -> None:
    for _ in range(2):
        await client.query(
            'mutation { shortCodeCreate(input: {code: "777", idempotencyKey: "k"}) { shortCode { id } } }'
        )
    assert [entry["outcome"] for entry in await log_of(client, 'action: ["shortCodeCreate"]')] == ["REPEATED", "DONE"]


async def test_a_text_is_sent_without_being_kept_here(world: World, client: Client) -> None:
    reply = await client.query(
        'mutation ($id: ID!) { smsSend(input: {deviceId: $id, text: "MARKER"}) { sms { id } userErrors { code } } }',
        {"id": encode_global_id("Device", world.demo.devices[0])},
    )
    sms = reply.data["smsSend"]["sms"]["id"]
    (entry,) = await log_of(client, f'objectId: "{sms}"')
    assert (entry["action"], entry["outcome"], entry["input"]["text"]) == ("smsSend", "DONE", "[redacted]")
    assert "MARKER" not in str(await world.tenants.database.pool.fetch("SELECT * FROM audit_entry"))


async def test_the_operator_reads_its_own_log_and_workspaces_what_was_done_to_them(world: World) -> None:
    operator = world.operator()
    assert await log_of(operator) == []
    await operator.query(
        'mutation { breakoutRegionUpdate(input: {code: "x", available: false}) { userErrors { code } } }'
    )
    assert [entry["actor"] for entry in await log_of(operator)] == ["operator"]
    mine = await operator.query("{ auditLog { nodes { id } } }")
    found = await operator.query("query ($id: ID!) { node(id: $id) { id } }", mine.data["auditLog"]["nodes"][0])
    assert found.data["node"] == mine.data["auditLog"]["nodes"][0]
    theirs = await world.client(world.demo).query("query ($id: ID!) { node(id: $id) { id } }", found.data["node"])
    assert theirs.data["node"] is None


@pytest.mark.parametrize("role", [Role.USER, Role.OBSERVER])
async def test_only_administrators_read_it(world: World, role: Role) -> None:
    reply = await world.client(world.demo, role).query("{ auditLog { totalCount } }")
    assert reply.codes == ["FORBIDDEN"]


async def test_what_goes_well_and_changes_nothing_has_its_entry_too(world: World, client: Client) -> None:
    device = encode_global_id("Device", world.demo.devices[0])
    for wanted in ("deviceEnable", "deviceEnable", "deviceResetConnectivity"):
        reply = await client.query(
            f"mutation ($id: ID!) {{ x: {wanted}(input: {{id: $id}}) {{ userErrors {{ code }} }} }}", {"id": device}
        )
        assert reply.data["x"]["userErrors"] == []
    await client.query('mutation { identityProviderTest(input: {id: "x"}) { userErrors { code } } }')
    entries = (await log_of(client))[:4]
    assert [(entry["action"], entry["outcome"], entry["changeCounts"] == {}) for entry in entries] == [
        ("identityProviderTest", "REFUSED", True),
        ("deviceResetConnectivity", "DONE", False),
        ("deviceEnable", "DONE", True),
        ("deviceEnable", "DONE", True),
    ]
