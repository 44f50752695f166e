"""Events over a subscription, the catalogue, filters of events, alert rules and alerts as a client meets them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World

from motet.access.principals import Role
from motet.domain.event_types import EVENT_TYPES
from motet.domain.global_ids import encode_global_id

RULE = 'alertRuleCreate(input: {name: "refusals", eventTypes: ["sms.refused"], severity: CRITICAL'


async def listening(world: World) -> None:
    async with asyncio.timeout(20):
        while not world.event_bus.has_listeners(world.demo.workspace_id):  # noqa: ASYNC110 - the bus tells nobody
            await asyncio.sleep(0.005)


async def test_an_event_is_told_once_to_its_own_workspace_and_what_the_filter_leaves_out_is_not(
    world: World, client: Client
) -> None:
    query = "subscription ($f: EventFilter) { events(filter: $f) { type typeNumber device { name } detail } }"
    async with client.socket() as socket:
        await socket.init(world.token(world.demo))
        assert await socket.receive() == {"type": "connection_ack"}
        variables = {"f": {"type": ["device.*", "sim.*"], "not": {"type": ["device.updated"]}}}
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query, "variables": variables}})
        await listening(world)
        ids = [encode_global_id("Device", tenant.devices[0]) for tenant in (world.other, world.demo)]
        other = world.client(world.other)
        await other.query(f'mutation {{ deviceDisable(input: {{id: "{ids[0]}"}}) {{ device {{ id }} }} }}')
        await client.query(f'mutation {{ deviceUpdate(input: {{id: "{ids[1]}", name: "N"}}) {{ device {{ id }} }} }}')
        await client.query(f'mutation {{ deviceDisable(input: {{id: "{ids[1]}"}}) {{ device {{ id }} }} }}')
        told = (await socket.receive())["payload"]["data"]["events"]
        assert (told["type"], told["typeNumber"], told["device"]) == ("device.disabled", 43, {"name": "N"})
        row_id = await world.tenants.database.pool.fetchval(
            "SELECT id FROM event WHERE workspace_id = $1 AND type = 'device.disabled'", world.demo.workspace_id
        )
        world.event_bus.publish(world.demo.workspace_id, [row_id])  # heard again, as after a lost connection
        await client.query(f'mutation {{ deviceEnable(input: {{id: "{ids[1]}"}}) {{ device {{ id }} }} }}')
        assert (await socket.receive())["payload"]["data"]["events"]["type"] == "device.enabled"


async def test_the_operator_has_no_events_to_listen_to(world: World) -> None:
    reply = await world.operator().query("{ eventTypes { code } }")
    assert reply.codes == ["FORBIDDEN"]


async def test_the_catalogue_is_what_the_code_knows(client: Client) -> None:
    reply = await client.query("{ eventTypes { __typename code number severity description } }")
    shown = {each["code"]: each for each in reply.data["eventTypes"]}
    assert shown.keys() == EVENT_TYPES.keys()
    assert shown["sim.suspended"] == {
        "__typename": "EventType",
        "code": "sim.suspended",
        "number": 9,
        "severity": "INFO",
        "description": "The SIM was suspended",
    }


@pytest.mark.parametrize(
    ("filter_", "count"),
    [
        ({"type": ["sms.*"]}, 5),
        ({"type": ["sim.*"]}, 0),
        ({"type": []}, 0),
        ({"typeNumber": [9]}, 0),
        ({"severity": ["WARN"]}, 5),
        ({"source": ["POLICY"]}, 5),
        ({"source": ["API"]}, 0),
        ({"actor": "someone"}, 0),
        ({"text": "BECAUSE"}, 5),
        ({"text": "%"}, 0),
        ({"text": "WHY"}, 5),
        ({"or": [{"type": ["sim.*"]}, {"severity": ["WARN"]}]}, 5),
        ({"not": {"type": ["sms.refused"]}}, 0),
        ({"deviceTags": ["nobody"]}, 0),
        ({"imei": "no imei"}, 0),
        ({"ipAddress": "not an address"}, 0),
        ({"ipAddress": "10.0.0.1"}, 1),
        ({"since": "2020-01-01T00:00:00Z", "severity": ["WARN"]}, 5),
        ({"until": "2020-01-01T00:00:00Z"}, 0),
    ],
)
async def test_filters_of_events(client: Client, filter_: dict[str, Any], count: int) -> None:
    query = "query ($f: EventFilter) { events(filter: $f) { totalCount nodes { type } } }"
    reply = await client.query(query, {"f": filter_})
    assert (reply.data["events"]["totalCount"], len(reply.data["events"]["nodes"])) == (count, count)


@pytest.mark.parametrize("key", ["iccid", "imsi", "msisdn"])
async def test_events_are_found_by_any_identity_of_the_sim(world: World, client: Client, key: str) -> None:
    query = f"query ($v: String) {{ events(filter: {{{key}: $v}}) {{ nodes {{ sim {{ {key} }} }} }} }}"
    mine = (await client.query(f"{{ sims(first: 1) {{ nodes {{ {key} }} }} }}")).data["sims"]["nodes"][0][key]
    assert (await client.query(query, {"v": mine})).data["events"]["nodes"] == [{"sim": {key: mine}}]
    assert (await world.client(world.other).query(query, {"v": mine})).data["events"]["nodes"] == []


async def test_a_rule_and_its_alerts_are_made_shown_and_ended(world: World, client: Client) -> None:
    made = await client.query(
        f"mutation {{ {RULE}}}) {{ userErrors {{ code }}"
        " alertRule { id name eventTypes groupBy threshold windowS quietS remindS severity alerts { totalCount } } } }"
    )
    rule = made.data["alertRuleCreate"]["alertRule"]
    assert made.data["alertRuleCreate"]["userErrors"] == []
    rule_id = rule.pop("id")
    assert rule == {
        "name": "refusals",
        "eventTypes": ["sms.refused"],
        "groupBy": "DEVICE",
        "threshold": 1,
        "windowS": 300,
        "quietS": 3600,
        "remindS": None,
        "severity": "CRITICAL",
        "alerts": {"totalCount": 0},
    }
    changed = await client.query(
        "mutation ($id: ID!) { alertRuleUpdate(input: {id: $id, groupBy: WORKSPACE, remindS: 60})"
        " { alertRule { name groupBy remindS } } }",
        {"id": rule_id},
    )
    assert changed.data["alertRuleUpdate"]["alertRule"] == {"name": "refusals", "groupBy": "WORKSPACE", "remindS": 60}
    alert = encode_global_id("Alert", world.demo.alerts[0])
    for mutation, state in (("alertAcknowledge", "ACKNOWLEDGED"), ("alertResolve", "RESOLVED")):
        reply = await client.query(
            f'mutation {{ {mutation}(input: {{id: "{alert}"}}) {{ alert {{ state acknowledgedBy'
            " rule { name } lastEvent { type } device { name } } userErrors { code } } }"
        )
        assert reply.data[mutation] == {
            "alert": {
                "state": state,
                "acknowledgedBy": "administrator@demo",
                "rule": {"name": "refusals"},
                "lastEvent": {"type": "sms.refused"},
                "device": {"name": "demo 4"},
            },
            "userErrors": [],
        }
    open_ones = await client.query("{ alerts(filter: {state: [OPEN]}) { totalCount } }")
    assert open_ones.data["alerts"]["totalCount"] == 0
    gone = await client.query(f'mutation {{ alertRuleDelete(input: {{id: "{rule_id}"}}) {{ deletedId }} }}')
    assert gone.data["alertRuleDelete"]["deletedId"] == rule_id


async def test_null_is_not_the_same_as_left_out(client: Client) -> None:
    reply = await client.query(f"mutation {{ {RULE}, threshold: null}}) {{ userErrors {{ code path }} }} }}")
    assert reply.data["alertRuleCreate"]["userErrors"] == [{"code": "INVALID", "path": ["input", "threshold"]}]


async def test_an_administrator_says_how_long_events_are_kept(world: World, client: Client) -> None:
    change = "mutation {{ eventRetentionUpdate(input: {{days: {}}}) {{ workspace {{ name eventRetentionDays }}"
    change += " userErrors {{ code path }} }} }}"
    reply = await client.query(change.format(30))
    assert reply.data["eventRetentionUpdate"] == {
        "workspace": {"name": "demo", "eventRetentionDays": 30},
        "userErrors": [],
    }
    reply = await client.query(change.format(0))
    assert reply.data["eventRetentionUpdate"]["userErrors"] == [{"code": "INVALID", "path": ["input", "days"]}]
    refused = await world.client(world.demo, Role.USER).query(change.format(30))
    assert refused.codes == ["FORBIDDEN"]
    seen = await world.client(world.other).query("{ viewer { workspace { eventRetentionDays } } }")
    assert seen.data["viewer"]["workspace"] == {"eventRetentionDays": 365}
