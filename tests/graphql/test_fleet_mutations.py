"""SIMs and devices through GraphQL: what is done, what it leaves behind, and why it is not done."""

from __future__ import annotations

from typing import Any

import pytest
from graphql_client import Client, default_policy
from graphql_world import World
from test_mutations import error, mutate

from motet.access.principals import Role
from motet.domain.global_ids import encode_global_id

SIM = {"iccid": "8999901000000000013", "imsi": "001019000000001", "msisdn": "+99912345678"}
OTHER_SIM = {"iccid": "8999901000000000021", "imsi": "001019000000002", "msisdn": "99912345679"}
STATUS = "sim { id status activatedAt }"


async def register(client: Client, **sim: Any) -> str:
    payload = await mutate(client, "simRegister", "sim { id }", **(sim or SIM))
    assert payload["userErrors"] == []
    return str(payload["sim"]["id"])


async def test_a_sims_life(world: World, client: Client) -> None:
    shown = "sim { id iccid imsi msisdn eid status formFactor qualityGrade device { id } activatedAt }"
    made = await mutate(client, "simRegister", shown, **SIM, formFactor="MFF2", qualityGrade="INDUSTRIAL")
    sim_id = made["sim"].pop("id")
    assert made["sim"] == {
        "iccid": "8999901000000000013",
        "imsi": "001019000000001",
        "msisdn": "99912345678",
        "eid": None,
        "status": "ISSUED",
        "formFactor": "MFF2",
        "qualityGrade": "INDUSTRIAL",
        "device": None,
        "activatedAt": None,
    }
    assert (await mutate(client, "simSuspend", "sim { id }", id=sim_id)) == {
        "sim": None,
        "userErrors": error("DENIED", "id"),
    }
    first = (await mutate(client, "simActivate", STATUS, id=sim_id))["sim"]
    assert first["status"] == "ACTIVATED"
    assert first["activatedAt"] is not None
    assert (await mutate(client, "simActivate", STATUS, id=sim_id))["sim"] == first
    assert (await mutate(client, "simSuspend", STATUS, id=sim_id))["sim"]["status"] == "SUSPENDED"
    again = (await mutate(client, "simActivate", STATUS, id=sim_id))["sim"]
    assert again == first
    device = encode_global_id("Device", await world.tenants.device(world.demo, "empty", with_sim=False))
    await mutate(client, "deviceAssignSim", "", id=device, simId=sim_id)
    assert (await mutate(client, "simDelete", "", id=sim_id))["userErrors"] == error("DENIED", "id")
    await mutate(client, "deviceReleaseSim", "", id=device)
    assert (await mutate(client, "simDelete", "deletedId", id=sim_id)) == {"deletedId": sim_id, "userErrors": []}
    assert (await mutate(client, "simDelete", "deletedId", id=sim_id)) == {"deletedId": sim_id, "userErrors": []}
    for name in ("simActivate", "simSuspend"):
        assert (await mutate(client, name, "", id=sim_id))["userErrors"] == error("DENIED", "id")
    reply = await client.query(
        """query ($id: ID!) { sim(id: $id) { status
             history { nodes { from to trigger actor sim { id } } }
             events { nodes { type typeNumber severity source actor detail
                              device { name } sim { id } sms { id } } } } }""",
        {"id": sim_id},
    )
    sim = reply.data["sim"]
    assert sim["status"] == "DELETED"
    assert [(step["from"], step["to"], step["trigger"]) for step in sim["history"]["nodes"]] == [
        ("ACTIVATED", "DELETED", "DELETE"), ("SUSPENDED", "ACTIVATED", "ACTIVATE"),
        ("ACTIVATED", "SUSPENDED", "SUSPEND"), ("ISSUED", "ACTIVATED", "ACTIVATE"), (None, "ISSUED", None),
    ]  # fmt: skip
    assert {step["actor"] for step in sim["history"]["nodes"]} == {"administrator@demo"}
    events = sim["events"]["nodes"]
    assert [(event["type"], event["typeNumber"]) for event in events] == [
        ("sim.deleted", 10), ("sim.released", 50), ("sim.assigned", 51), ("sim.activated", 8), ("sim.suspended", 9),
        ("sim.activated", 8), ("sim.registered", 48),
    ]  # fmt: skip
    assert events[2] == {
        "type": "sim.assigned",
        "typeNumber": 51,
        "severity": "INFO",
        "source": "API",
        "actor": "administrator@demo",
        "detail": {
            "device": {"name": "empty", "tags": [], "attributes": {}},
            "sim": {"iccid": "8999901000000000013", "imsi": "001019000000001", "msisdn": "99912345678"},
        },
        "device": {"name": "empty"},
        "sim": {"id": sim_id},
        "sms": None,
    }
    assert world.changes.count("sim") == 5


async def test_lists_leave_deleted_ones_out_unless_asked_for(world: World, client: Client) -> None:
    sim_id = await register(client)
    await mutate(client, "simDelete", "", id=sim_id)
    device_id = encode_global_id("Device", world.demo.devices[0])
    deleted = await mutate(client, "deviceDelete", "deletedId", id=device_id)
    assert deleted == {"deletedId": device_id, "userErrors": []}
    reply = await client.query(
        """{ sims { totalCount } devices { totalCount nodes { status } }
             goneSims: sims(filter: {status: [DELETED]}) { nodes { id } }
             goneDevices: devices(filter: {or: [{status: [DELETED]}]}) { nodes { id sim { id } } }
             free: sims(filter: {unassigned: true}) { totalCount } }"""
    )
    assert reply.data["sims"]["totalCount"] == 5
    assert reply.data["devices"] == {"totalCount": 4, "nodes": [{"status": "ENABLED"}] * 4}
    assert reply.data["goneSims"]["nodes"] == [{"id": sim_id}]
    assert reply.data["goneDevices"]["nodes"] == [{"id": device_id, "sim": None}]
    assert reply.data["free"]["totalCount"] == 1
    for name, more in (
        ("deviceDelete", {}),
        ("deviceEnable", {}),
        ("deviceUpdate", {"name": "x"}),
        ("deviceReleaseSim", {}),
        ("deviceAssignSim", {"simId": encode_global_id("Sim", world.demo.sims[0])}),
    ):
        payload = await mutate(client, name, "", id=device_id, **more)
        assert payload["userErrors"] == error("NOT_FOUND", "id"), name


async def test_identities_are_unique_over_all_tenants_until_their_sim_is_deleted(world: World, client: Client) -> None:
    theirs = world.client(world.other)
    sim_id = await register(theirs)
    for field in ("iccid", "imsi", "msisdn"):
        payload = await mutate(client, "simRegister", "sim { id }", **{**OTHER_SIM, field: SIM[field]})
        assert payload == {"sim": None, "userErrors": error("CONFLICT", field)}
    assert await register(client, **OTHER_SIM)  # what was refused has claimed nothing
    await mutate(theirs, "simDelete", "", id=sim_id)
    assert await register(client) != sim_id
    assert (await client.query('{ sim(msisdn: "+99912345678") { status } }')).data["sim"] == {"status": "ISSUED"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("iccid", "8999901000000000014"), ("iccid", ""), ("imsi", "1"), ("imsi", "00101900000000a"),
        ("msisdn", "12345"), ("msisdn", "++99912345678"), ("msisdn", "\0"), ("eid", "1" * 32), ("eid", ""),
        ("formFactor", ""), ("formFactor", "x" * 31), ("qualityGrade", "\a"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_sim_is_said(world: World, client: Client, field: str, value: str) -> None:
    payload = await mutate(client, "simRegister", "sim { id }", **{**SIM, field: value})
    assert payload == {"sim": None, "userErrors": error("INVALID", field)}


async def test_a_devices_life(world: World, client: Client) -> None:
    sim_id, policy = await register(client), await default_policy(client)
    shown = "device { id name status tags imei imeiLock sim { id device { id } } }"
    made = await mutate(
        client, "deviceCreate", shown, name="pump", simId=sim_id, imei="49015420323751", imeiLock=True,
        tags=["water", "north", "water"], enabled=False, servicePolicyId=policy,
    )  # fmt: skip
    assert made["userErrors"] == []
    device_id = made["device"]["id"]
    assert made["device"] == {
        "id": device_id,
        "name": "pump",
        "status": "DISABLED",
        "tags": ["water", "north"],
        "imei": "490154203237518",
        "imeiLock": True,
        "sim": {"id": sim_id, "device": {"id": device_id}},
    }
    by_imei = await client.query('{ device(imei: "4901542032375142") { id } }')
    assert by_imei.data["device"] == {"id": device_id}
    for name, status in (
        ("deviceEnable", "ENABLED"),
        ("deviceEnable", "ENABLED"),
        ("deviceDisable", "DISABLED"),
        ("deviceDisable", "DISABLED"),
    ):
        assert (await mutate(client, name, "device { status }", id=device_id))["device"]["status"] == status
    updated = await mutate(client, "deviceUpdate", shown, id=device_id, name="pump 2", tags=[], imei=None)
    assert updated["device"] == {**made["device"], "name": "pump 2", "tags": [], "imei": None}
    assert (await mutate(client, "deviceUpdate", shown, id=device_id))["device"] == updated["device"]
    assert (await mutate(client, "deviceReleaseSim", shown, id=device_id))["device"]["sim"] is None
    assert (await mutate(client, "deviceReleaseSim", "", id=device_id))["userErrors"] == error("CONFLICT", "id")
    for _ in range(2):  # the second changes nothing
        assigned = await mutate(client, "deviceAssignSim", shown, id=device_id, simId=sim_id)
        assert assigned["device"] == updated["device"]
    await mutate(client, "deviceDelete", "", id=device_id)
    reply = await client.query(
        "query ($id: ID!) { device(id: $id) { status sim { id } events { nodes { type detail } } } }", {"id": device_id}
    )
    assert reply.data["device"]["status"] == "DELETED"
    assert reply.data["device"]["sim"] is None
    events = reply.data["device"]["events"]["nodes"]
    assert [event["type"] for event in events] == [
        "device.deleted", "sim.released", "sim.assigned", "sim.released", "device.updated", "device.disabled",
        "device.enabled", "sim.assigned", "device.created",
    ]  # fmt: skip
    assert events[4]["detail"] == {
        "device": {"name": "pump 2", "tags": [], "attributes": {}},
        "changed": ["name", "tags", "imei"],
    }
    third = {"name": "pump 3", "simId": sim_id, "servicePolicyId": policy}
    again = await mutate(client, "deviceCreate", "device { sim { id } }", **third)
    assert again["device"] == {"sim": {"id": sim_id}}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"), ({"name": "x" * 101}, "name"), ({"name": " x"}, "name"), ({"name": "a\nb"}, "name"),
        ({"name": "a\0"}, "name"), ({"imei": "490154203237519"}, "imei"), ({"imei": ""}, "imei"),
        ({"tags": [""]}, "tags"), ({"tags": ["x" * 51]}, "tags"), ({"tags": [str(n) for n in range(51)]}, "tags"),
        ({"tags": None}, "tags"), ({"imeiLock": None}, "imeiLock"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_device_is_said(
    world: World, client: Client, fields: dict[str, Any], path: str
) -> None:
    policy = await default_policy(client)
    made = await mutate(client, "deviceCreate", "device { id }", **{"name": "x", "servicePolicyId": policy, **fields})
    assert made == {"device": None, "userErrors": error("INVALID", path)}
    device_id = encode_global_id("Device", world.demo.devices[0])
    changed = await mutate(client, "deviceUpdate", "device { id }", id=device_id, **fields)
    assert changed == {"device": None, "userErrors": error("INVALID", path)}


async def test_a_sim_is_in_one_device_and_a_device_has_one_sim(world: World, client: Client) -> None:
    first, second = (encode_global_id("Device", device_id) for device_id in world.demo.devices[:2])
    taken = encode_global_id("Sim", world.demo.sims[0])
    free = await register(client)
    deleted = await register(client, **OTHER_SIM)
    await mutate(client, "simDelete", "", id=deleted)
    for fields, errors in (
        ({"id": second, "simId": taken}, error("CONFLICT", "simId")),
        ({"id": first, "simId": free}, error("CONFLICT", "id")),
        ({"id": first, "simId": deleted}, error("DENIED", "simId")),
    ):
        assert (await mutate(client, "deviceAssignSim", "", **fields))["userErrors"] == errors
    for sim_id, errors in ((taken, error("CONFLICT", "simId")), (deleted, error("DENIED", "simId"))):
        new = {"name": "x", "simId": sim_id, "servicePolicyId": await default_policy(client)}
        assert (await mutate(client, "deviceCreate", "", **new))["userErrors"] == errors
    assert (await client.query("{ devices { totalCount } }")).data["devices"]["totalCount"] == 5


async def test_events_are_filtered_and_paged_newest_first(world: World, client: Client) -> None:
    device_id = encode_global_id("Device", world.demo.devices[0])
    await mutate(client, "deviceDisable", "", id=device_id)
    reply = await client.query(
        """query ($device: ID!, $sim: ID!) {
             all: events(first: 2) { totalCount nodes { type createdAt } pageInfo { endCursor hasNextPage } }
             info: events(filter: {severity: [INFO, CRITICAL]}) { totalCount nodes { type } }
             types: events(filter: {type: ["device.disabled", "device.enabled"]}) { nodes { type } }
             one: events(filter: {type: "sms.refused", deviceId: $device}) { nodes { type } }
             mine: events(filter: {deviceId: $device}) { nodes { type } }
             sim: events(filter: {simId: $sim}) { nodes { type } }
             nested: device(id: $device) { events(filter: {type: "device.disabled"}) { totalCount } }
             none: events(filter: {until: "2026-01-01T00:00:00Z"}) { totalCount }
             later: events(filter: {since: "2026-01-01T00:00:00Z"}) { totalCount }
           }""",
        {"device": device_id, "sim": encode_global_id("Sim", world.demo.sims[0])},
    )
    data = reply.data
    assert (data["all"]["totalCount"], len(data["all"]["nodes"])) == (6, 2)
    assert data["all"]["nodes"][0]["type"] == "device.disabled"
    assert data["all"]["pageInfo"]["hasNextPage"] is True
    assert data["info"] == {"totalCount": 1, "nodes": [{"type": "device.disabled"}]}
    assert data["types"]["nodes"] == [{"type": "device.disabled"}]
    assert data["one"]["nodes"] == [{"type": "sms.refused"}]
    assert [node["type"] for node in data["mine"]["nodes"]] == ["device.disabled", "sms.refused"]
    assert [node["type"] for node in data["sim"]["nodes"]] == ["device.disabled", "sms.refused"]
    assert data["nested"]["events"]["totalCount"] == 1
    assert (data["none"]["totalCount"], data["later"]["totalCount"]) == (0, 6)
    at = data["all"]["nodes"][0]["createdAt"]
    reply = await client.query(
        "query ($at: DateTime!, $after: String!) { until: events(filter: {until: $at}) { totalCount }"
        " since: events(filter: {since: $at}) { totalCount } next: events(after: $after) { nodes { type } } }",
        {"at": at, "after": data["all"]["pageInfo"]["endCursor"]},
    )
    assert (reply.data["until"]["totalCount"], reply.data["since"]["totalCount"]) == (5, 1)
    assert len(reply.data["next"]["nodes"]) == 4


async def test_webhooks_are_told_of_sims_and_devices_in_the_same_transaction(world: World, client: Client) -> None:
    await mutate(client, "webhookCreate", "", url="https://127.0.0.1/hook", eventTypes=["sim.*", "device.disabled"])
    sim_id = await register(client)
    device_id = encode_global_id("Device", world.demo.devices[0])
    await mutate(client, "deviceDisable", "", id=device_id)
    await mutate(client, "deviceEnable", "", id=device_id)
    reply = await client.query("{ webhooks(last: 1) { nodes { deliveries { nodes { eventType status } } } } }")
    assert reply.data["webhooks"]["nodes"][0]["deliveries"]["nodes"] == [
        {"eventType": "device.disabled", "status": "PENDING"},
        {"eventType": "sim.registered", "status": "PENDING"},
    ]
    body = await world.tenants.database.pool.fetchval(
        "SELECT convert_from(body, 'UTF8')::jsonb FROM webhook_delivery WHERE event_type = 'sim.registered'"
    )
    assert body["data"]["sim"] == {"id": sim_id, **SIM, "msisdn": "99912345678"}
    assert body["data"]["description"] == "The SIM was registered"


EXPLAIN = """allowed reason decisions { rule outcome reason description __typename } device { name } sim { status }
    __typename"""


async def test_why_an_sms_would_be_refused(world: World, client: Client) -> None:
    device_id, sim_id = (
        encode_global_id("Device", world.demo.devices[0]),
        encode_global_id("Sim", world.demo.sims[0]),
    )

    async def explain(argument: str) -> Any:
        return (await client.query(f"{{ x: smsExplain({argument}) {{ {EXPLAIN} }} }}")).data["x"]

    row = await world.tenants.database.pool.fetchrow("SELECT msisdn, iccid FROM sim WHERE id = $1", world.demo.sims[0])
    by_device = await explain(f'deviceId: "{device_id}"')
    assert by_device == await explain(f'msisdn: "+{row["msisdn"]}"') == await explain(f'iccid: "{row["iccid"]}"')
    assert (by_device["allowed"], by_device["reason"]) == (True, None)
    assert by_device["device"] == {"name": "demo 0"}
    assert by_device["decisions"][0] == {
        "rule": "SIM_ACTIVE",
        "outcome": "PASSED",
        "reason": None,
        "description": "The SIM is ACTIVATED or in FACTORY_TEST",
        "__typename": "RuleDecision",
    }
    await mutate(client, "deviceDisable", "", id=device_id)
    await mutate(client, "simSuspend", "", id=sim_id)
    refused = await explain(f'deviceId: "{device_id}"')
    assert (refused["allowed"], refused["reason"], refused["sim"]) == (False, "SIM_NOT_ACTIVE", {"status": "SUSPENDED"})
    assert [(each["rule"], each["outcome"], each["reason"]) for each in refused["decisions"]] == [
        ("SIM_ACTIVE", "REFUSED", "SIM_NOT_ACTIVE"),
        ("SIM_IN_DEVICE", "PASSED", None),
        ("DEVICE_ENABLED", "REFUSED", "DEVICE_DISABLED"),
        ("SMS_MT_ENABLED", "PASSED", None),
        ("IMEI_LOCK_FOR_SMS", "NOT_APPLICABLE", None),
        ("COVERAGE", "PASSED", None),
        ("RAT_ALLOWED", "PASSED", None),
        ("SMS_ON_NB_IOT", "NOT_APPLICABLE", None),
        ("MONTH_LIMIT", "NOT_APPLICABLE", None),
        ("SMS_QUOTA", "NOT_APPLICABLE", None),
    ]
    await mutate(client, "deviceReleaseSim", "", id=device_id)
    without_sim = await explain(f'deviceId: "{device_id}"')
    assert (without_sim["reason"], without_sim["sim"]) == ("NO_DEVICE", None)
    assert [each["outcome"] for each in without_sim["decisions"][:3]] == ["NOT_APPLICABLE", "REFUSED", "REFUSED"]
    assert (await explain(f'iccid: "{row["iccid"]}"'))["device"] is None


async def test_explanations_of_what_is_not_yours_are_null(world: World) -> None:
    theirs = world.client(world.other)
    row = await world.tenants.database.pool.fetchrow("SELECT msisdn, iccid FROM sim WHERE id = $1", world.demo.sims[0])
    for argument in (
        f'deviceId: "{encode_global_id("Device", world.demo.devices[0])}"',
        f'deviceId: "{encode_global_id("Sim", world.other.sims[0])}"',
        'deviceId: "nonsense"',
        f'msisdn: "{row["msisdn"]}"',
        f'iccid: "{row["iccid"]}"',
        'iccid: "\\u0000"',
    ):
        assert (await theirs.query(f"{{ smsExplain({argument}) {{ allowed }} }}")).data == {"smsExplain": None}
    for argument in ("", '(msisdn: "1", iccid: "1")', "(msisdn: null)"):
        reply = await theirs.query(f"{{ smsExplain{argument} {{ allowed }} }}")
        assert reply.codes == ["INVALID"]


async def test_observers_change_nothing(world: World) -> None:
    observer = world.client(world.demo, Role.OBSERVER)
    reply = await observer.query(
        'mutation { deviceCreate(input: {name: "x", servicePolicyId: "x"}) { device { id } } }'
    )
    assert (reply.json["data"], reply.codes) == ({"deviceCreate": None}, ["FORBIDDEN"])
