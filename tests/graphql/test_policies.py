"""Service and coverage policies through GraphQL: made, changed, gone back to, tried out, asked, and removed."""

from __future__ import annotations

from typing import Any

import pytest
from graphql_client import Client, default_policy
from graphql_world import World
from test_mutations import error, mutate

from motet.domain.global_ids import encode_global_id

KINDS = ["servicePolicy", "coveragePolicy"]


async def make(client: Client, kind: str = "servicePolicy", **given: Any) -> str:
    payload = await mutate(client, f"{kind}Create", f"{kind} {{ id }}", **{"name": "mine", **given})
    assert payload["userErrors"] == []
    return str(payload[kind]["id"])


def device(world: World, number: int = 0) -> str:
    return encode_global_id("Device", world.demo.devices[number])


async def test_a_new_service_policy_has_its_defaults(client: Client) -> None:
    shown = """servicePolicy { isDefault version usedCount description dataEnabled smsMtEnabled smsMoEnabled p2pInside
        p2pOutside p2pLimitPerDay allowedRats breakoutRegion apn internetBreakout interDevice imeiLockMode
        imeiLockAppliesToSms applySmsQuota applyDataQuota smsMtLimitPerMonth smsMoLimitPerMonth dataLimitPerMonthOctets
        limitWarningPercent smsOnNbIotRefused devices { totalCount } }"""
    made = await mutate(client, "servicePolicyCreate", shown, name="mine")
    assert made["userErrors"] == []
    assert made["servicePolicy"] == {
        "isDefault": False, "version": 1, "usedCount": 0, "description": "", "dataEnabled": True, "smsMtEnabled": True,
        "smsMoEnabled": True, "p2pInside": True, "p2pOutside": False, "p2pLimitPerDay": 5, "allowedRats": None,
        "breakoutRegion": "auto", "apn": None, "internetBreakout": True, "interDevice": False,
        "imeiLockMode": "ENFORCE", "imeiLockAppliesToSms": False, "applySmsQuota": False, "applyDataQuota": False,
        "smsMtLimitPerMonth": None, "smsMoLimitPerMonth": None, "dataLimitPerMonthOctets": None,
        "limitWarningPercent": None, "smsOnNbIotRefused": False, "devices": {"totalCount": 0},
    }  # fmt: skip


async def test_the_default_policy_lets_everything_pass_but_to_the_world(client: Client) -> None:
    reply = await client.query(
        "{ servicePolicies { nodes { name isDefault usedCount p2pOutside p2pLimitPerDay devices { totalCount }"
        " versions { nodes { number actor diff { field } } } } } }"
    )
    assert reply.data["servicePolicies"]["nodes"] == [
        {
            "name": "Default",
            "isDefault": True,
            "usedCount": 5,
            "p2pOutside": False,
            "p2pLimitPerDay": None,
            "devices": {"totalCount": 5},
            "versions": {"nodes": [{"number": 1, "actor": None, "diff": []}]},
        }
    ]


async def test_omitted_null_and_empty_are_three_things(client: Client) -> None:
    shown = "servicePolicy { version p2pLimitPerDay allowedRats apn name }"
    policy = await make(client, p2pLimitPerDay=7, allowedRats=["LTE_M", "GSM", "LTE_M"], apn="iot.example")
    same = await mutate(client, "servicePolicyUpdate", shown, id=policy)
    assert same["servicePolicy"] == {
        "version": 1, "p2pLimitPerDay": 7, "allowedRats": ["LTE_M", "GSM"], "apn": "iot.example", "name": "mine",
    }  # fmt: skip
    empty = await mutate(client, "servicePolicyUpdate", shown, id=policy, allowedRats=[], p2pLimitPerDay=0)
    assert (empty["servicePolicy"]["allowedRats"], empty["servicePolicy"]["p2pLimitPerDay"]) == ([], 0)
    null = await mutate(
        client, "servicePolicyUpdate", shown, id=policy, allowedRats=None, p2pLimitPerDay=None, apn=None
    )
    assert null["servicePolicy"] == {
        "version": 3, "p2pLimitPerDay": None, "allowedRats": None, "apn": None, "name": "mine",
    }  # fmt: skip
    for field in ("name", "smsMtEnabled", "breakoutRegion", "imeiLockMode"):
        refused = await mutate(client, "servicePolicyUpdate", "", id=policy, **{field: None})
        assert refused["userErrors"] == error("INVALID", field)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"), ({"name": "x" * 101}, "name"), ({"name": "a\nb"}, "name"), ({"name": "\0"}, "name"),
        ({"description": "x" * 1_001}, "description"), ({"p2pLimitPerDay": -1}, "p2pLimitPerDay"),
        ({"breakoutRegion": ""}, "breakoutRegion"), ({"breakoutRegion": "EU West"}, "breakoutRegion"),
        ({"apn": "a b"}, "apn"), ({"apn": ""}, "apn"), ({"apn": "a" * 64}, "apn"),
        ({"limitWarningPercent": 0}, "limitWarningPercent"), ({"limitWarningPercent": 101}, "limitWarningPercent"),
        ({"dataLimitPerMonthOctets": 0.5}, "dataLimitPerMonthOctets"),
        ({"dataLimitPerMonthOctets": 1e16}, "dataLimitPerMonthOctets"),
        ({"smsMtLimitPerMonth": -1}, "smsMtLimitPerMonth"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_service_policy_is_said(client: Client, fields: dict[str, Any], path: str) -> None:
    made = await mutate(client, "servicePolicyCreate", "servicePolicy { id }", **{"name": "x", **fields})
    assert made == {"servicePolicy": None, "userErrors": error("INVALID", path)}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"countriesAllowed": ["XX"]}, "countriesAllowed"), ({"countriesDenied": [""]}, "countriesDenied"),
        ({"operatorsAllowed": ["262"]}, "operatorsAllowed"), ({"operatorsAllowed": ["2620100"]}, "operatorsAllowed"),
        ({"operatorsDenied": [{"operator": "x"}]}, "operatorsDenied"),
        ({"operatorsDenied": [{"operator": "26201:LTE"}]}, "operatorsDenied"),
        ({"steering": [{"operator": "26201", "weight": 0}]}, "steering"),
        ({"steering": [{"operator": "26201", "weight": 101}]}, "steering"),
        ({"steering": [{"operator": "26201", "weight": 1}, {"operator": "26201", "weight": 2}]}, "steering"),
        ({"countriesDenied": None}, "countriesDenied"), ({"steering": None}, "steering"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_coverage_policy_is_said(client: Client, fields: dict[str, Any], path: str) -> None:
    made = await mutate(client, "coveragePolicyCreate", "coveragePolicy { id }", **{"name": "x", **fields})
    assert made == {"coveragePolicy": None, "userErrors": error("INVALID", path)}


@pytest.mark.parametrize("kind", KINDS)
async def test_names_are_unique_in_a_workspace(world: World, client: Client, kind: str) -> None:
    await make(client, kind)
    second = await make(client, kind, name="other")
    for name, fields in ((f"{kind}Create", {}), (f"{kind}Update", {"id": second})):
        assert (await mutate(client, name, "", name="mine", **fields))["userErrors"] == error("CONFLICT", "name")
    await make(world.client(world.other), kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_policy_in_use_cannot_be_deleted(world: World, client: Client, kind: str) -> None:
    policy = await make(client, kind)
    assert (await mutate(client, "deviceUpdate", "", id=device(world), **{f"{kind}Id": policy}))["userErrors"] == []
    refused = await mutate(client, f"{kind}Delete", "deletedId", id=policy)
    assert refused == {"deletedId": None, "userErrors": error("CONFLICT", "id")}
    await mutate(client, "deviceDelete", "", id=device(world))  # what is gone holds no policy
    assert (await mutate(client, f"{kind}Delete", "deletedId", id=policy))["deletedId"] == policy
    assert (await mutate(client, f"{kind}Delete", "", id=policy))["userErrors"] == error("NOT_FOUND", "id")


async def test_the_default_policy_cannot_be_deleted_but_changed(client: Client) -> None:
    default = await default_policy(client)
    assert (await mutate(client, "servicePolicyDelete", "", id=default))["userErrors"] == error("DENIED", "id")
    changed = await mutate(client, "servicePolicyUpdate", "servicePolicy { name isDefault }", id=default, name="Ours")
    assert changed["servicePolicy"] == {"name": "Ours", "isDefault": True}


async def test_a_device_is_given_its_policies(world: World, client: Client) -> None:
    service, coverage = await make(client), await make(client, "coveragePolicy")
    shown = "device { servicePolicy { name } coveragePolicy { name } }"
    given = {"servicePolicyId": service, "coveragePolicyId": coverage}
    made = await mutate(client, "deviceCreate", shown, name="new", **given)
    assert made["device"] == {"servicePolicy": {"name": "mine"}, "coveragePolicy": {"name": "mine"}}
    mine = f'filter: {{servicePolicyId: "{service}", coveragePolicyId: "{coverage}"}}'
    reply = await client.query(f"{{ devices({mine}) {{ nodes {{ name }} }} }}")
    assert reply.data["devices"]["nodes"] == [{"name": "new"}]
    everywhere = await mutate(client, "deviceUpdate", shown, id=device(world), coveragePolicyId=None)
    assert everywhere["device"] == {"servicePolicy": {"name": "Default"}, "coveragePolicy": None}
    none = await mutate(client, "deviceUpdate", "", id=device(world), servicePolicyId=None)
    assert none["userErrors"] == error("INVALID", "servicePolicyId")
    events = await client.query('{ events(filter: {type: "device.updated"}) { nodes { detail } } }')
    assert events.data["events"]["nodes"][0]["detail"]["changed"] == ["coverage_policy_id"]
    assert "device" in world.changes


async def test_every_change_is_a_version_that_can_be_gone_back_to(world: World, client: Client) -> None:
    policy = await make(client, smsMtEnabled=True)
    await mutate(client, "servicePolicyUpdate", "", id=policy, smsMtEnabled=False, name="strict")
    await mutate(client, "servicePolicyUpdate", "", id=policy, smsMtEnabled=False)  # as it is: no version
    back = await mutate(
        client, "servicePolicyRestore", "servicePolicy { name smsMtEnabled version }", id=policy, version=1
    )
    assert back["servicePolicy"] == {"name": "mine", "smsMtEnabled": True, "version": 3}
    shown = "number actor restoredFrom content diff { field before after } policy { id }"
    reply = await client.query(
        f"query ($id: ID!) {{ servicePolicy(id: $id) {{ versions {{ nodes {{ {shown} }} }} }} }}", {"id": policy}
    )
    third, second, first = reply.data["servicePolicy"]["versions"]["nodes"]
    assert [one["number"] for one in (third, second, first)] == [3, 2, 1]
    assert second["diff"] == [
        {"field": "name", "before": "mine", "after": "strict"},
        {"field": "smsMtEnabled", "before": True, "after": False},
    ]
    assert (second["restoredFrom"], third["restoredFrom"]) == (None, 1)
    assert {change["field"] for change in third["diff"]} == {"name", "smsMtEnabled"}
    assert (first["diff"], first["content"]["smsMtEnabled"], second["content"]["smsMtEnabled"]) == ([], True, False)
    assert first["actor"] == "administrator@demo"
    assert first["policy"] == {"id": policy}
    for number in (0, 4, -1):
        missing = await mutate(client, "servicePolicyRestore", "", id=policy, version=number)
        assert missing["userErrors"] == error("NOT_FOUND", "version")
    events = await client.query(
        '{ events(filter: {type: ["service_policy.created", "service_policy.updated"]}) { nodes { type detail } } }'
    )
    nodes = events.data["events"]["nodes"]
    assert [node["type"] for node in nodes] == ["service_policy.updated"] * 2 + ["service_policy.created"]
    assert nodes[1]["detail"]["changed"] == ["name", "sms_mt_enabled"]
    assert nodes[1]["detail"]["service_policy"] == {"id": policy, "name": "strict"}
    assert world.changes.count("service_policy") == 2


async def test_a_coverage_policys_lists_are_objects_in_its_versions_too(client: Client) -> None:
    policy = await make(client, "coveragePolicy", countriesAllowed=["de", "FR", "DE"])
    shown = """coveragePolicy { countriesAllowed operatorsDenied { operator rat } steering { operator weight }
        versions(first: 1) { nodes { content diff { field before after } } } }"""
    changed = await mutate(
        client, "coveragePolicyUpdate", shown, id=policy,
        operatorsDenied=[{"operator": "26201"}, {"operator": "26202", "rat": "NB_IOT"}],
        steering=[{"operator": "26203", "weight": 70}, {"operator": "20801", "weight": 30}],
    )  # fmt: skip
    found = changed["coveragePolicy"]
    denied = [{"operator": "26201", "rat": None}, {"operator": "26202", "rat": "NB_IOT"}]
    steering = [{"operator": "26203", "weight": 70}, {"operator": "20801", "weight": 30}]
    assert (found["countriesAllowed"], found["operatorsDenied"], found["steering"]) == (["DE", "FR"], denied, steering)
    (version,) = found["versions"]["nodes"]
    assert version["content"]["operatorsDenied"] == denied
    assert version["diff"] == [
        {"field": "operatorsDenied", "before": [], "after": denied},
        {"field": "steering", "before": [], "after": steering},
    ]


PREVIEW = """changes { field before after } deviceCount hitCount devices { name }
    effects { traffic newlyRefused newlyAllowed newlyRefusedReasons { reason devices }
              newlyAllowedReasons { reason devices } }"""


async def preview(client: Client, kind: str, policy: str, changes: dict[str, Any], arguments: str = "") -> Any:
    name = f"{kind}Preview"
    changes_type = f"{kind[0].upper()}{kind[1:]}Changes"
    reply = await client.query(
        f"query ($id: ID!, $changes: {changes_type}!)"
        f" {{ x: {name}(id: $id, changes: $changes{arguments}) {{ {PREVIEW} }} }}",
        {"id": policy, "changes": changes},
    )
    return reply.data["x"]


async def test_a_dry_run_says_whom_a_change_would_hit_and_how(world: World, client: Client) -> None:
    default = await default_policy(client)
    await mutate(client, "deviceDisable", "", id=device(world, 4))
    found = await preview(client, "servicePolicy", default, {"smsMtEnabled": False, "p2pOutside": True})
    assert found["changes"] == [
        {"field": "smsMtEnabled", "before": True, "after": False},
        {"field": "p2pOutside", "before": False, "after": True},
    ]
    assert (found["deviceCount"], found["hitCount"]) == (5, 4)  # the disabled one gets nothing either way
    assert [one["name"] for one in found["devices"]] == ["demo 0", "demo 1", "demo 2", "demo 3"]
    effects = {one["traffic"]: one for one in found["effects"]}
    assert effects["SMS_MT"] == {
        "traffic": "SMS_MT",
        "newlyRefused": 4,
        "newlyAllowed": 0,
        "newlyRefusedReasons": [{"reason": "SMS_MT_NOT_ALLOWED", "devices": 4}],
        "newlyAllowedReasons": [],
    }
    assert effects["P2P_OUTSIDE"]["newlyAllowedReasons"] == [{"reason": "P2P_OUTSIDE_NOT_ALLOWED", "devices": 4}]
    assert (effects["DATA"]["newlyRefused"], effects["P2P_IN"]["newlyRefused"]) == (0, 4)
    reply = await client.query("{ servicePolicies { nodes { smsMtEnabled version } } }")
    assert reply.data["servicePolicies"]["nodes"] == [{"smsMtEnabled": True, "version": 1}]


async def test_a_dry_run_shows_its_devices_page_by_page(world: World, client: Client) -> None:
    default, changes = await default_policy(client), {"smsMtEnabled": False}
    first = await preview(client, "servicePolicy", default, changes, ", first: 2")
    after = f', first: 2, after: "{device(world, 1)}"'
    second = await preview(client, "servicePolicy", default, changes, after)
    assert [one["name"] for one in first["devices"] + second["devices"]] == ["demo 0", "demo 1", "demo 2", "demo 3"]
    assert (first["hitCount"], second["hitCount"]) == (5, 5)
    nobody = await preview(client, "servicePolicy", default, {"description": "only words"})
    assert (nobody["deviceCount"], nobody["hitCount"], nobody["devices"]) == (5, 0, [])


async def test_a_dry_run_of_coverage_goes_by_where_devices_are(world: World, client: Client) -> None:
    policy = await make(client, "coveragePolicy")
    for number in range(3):
        await mutate(client, "deviceUpdate", "", id=device(world, number), coveragePolicyId=policy)
    await world.tenants.execute("DELETE FROM attachment WHERE workspace_id = $1", world.demo.workspace_id)
    for number, operator in ((0, "26201"), (1, "20801")):
        await world.tenants.execute(
            "INSERT INTO attachment (workspace_id, sim_id, attached, operator, country, rat)"
            " VALUES ($1, (SELECT sim_id FROM device WHERE id = $2), true, $3, $4, 'LTE')",
            world.demo.workspace_id, world.demo.devices[number], operator, {"26201": "DE", "20801": "FR"}[operator],
        )  # fmt: skip
    found = await preview(client, "coveragePolicy", policy, {"countriesAllowed": ["FR"]})
    assert (found["deviceCount"], found["hitCount"], found["devices"]) == (3, 1, [{"name": "demo 0"}])
    effects = {one["traffic"]: one["newlyRefusedReasons"] for one in found["effects"]}
    assert effects["DATA"] == effects["SMS_MT"] == [{"reason": "NETWORK_NOT_ALLOWED", "devices": 1}]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_wrong_with_a_dry_run_is_said(world: World, client: Client, kind: str) -> None:
    policy = await make(client, kind)
    for arguments in (
        "changes: {}, first: 201",
        'changes: {}, after: "x"',
        'changes: {name: ""}',
        "changes: {name: null}",
    ):
        reply = await client.query(f'{{ {kind}Preview(id: "{policy}", {arguments}) {{ hitCount }} }}')
        assert reply.codes == ["INVALID"], arguments
    theirs = await make(world.client(world.other), kind)
    for unknown in (theirs, "nonsense", device(world)):
        reply = await client.query(f'{{ {kind}Preview(id: "{unknown}", changes: {{}}) {{ hitCount }} }}')
        assert reply.data == {f"{kind}Preview": None}


CHECK = "{ allowed reason description country operator rat weight }"


async def test_a_coverage_policy_can_be_asked(world: World, client: Client) -> None:
    policy = await make(
        client, "coveragePolicy", countriesAllowed=["DE", "FR"], operatorsDenied=[{"operator": "26202", "rat": "GSM"}],
        steering=[{"operator": "26201", "weight": 90}],
    )  # fmt: skip

    async def ask(arguments: str) -> Any:
        return (await client.query(f'{{ x: coverageCheck(id: "{policy}", {arguments}) {CHECK} }}')).data["x"]

    assert await ask('operator: "26201", rat: LTE') == {
        "allowed": True, "reason": None, "description": None, "country": "DE", "operator": "26201", "rat": "LTE",
        "weight": 90,
    }  # fmt: skip
    assert (await ask('operator: "26202", rat: GSM'))["reason"] == "OPERATOR_RAT_DENIED"
    assert (await ask('operator: "26202", rat: LTE'))["allowed"]
    assert (await ask('country: "us"'))["reason"] == "COUNTRY_NOT_ALLOWED"
    assert (await ask('operator: "310260"'))["country"] == "US"
    for arguments in ("", 'country: "XX"', 'operator: "1"'):
        reply = await client.query(f'{{ coverageCheck(id: "{policy}" {arguments}) {{ allowed }} }}')
        assert reply.codes == ["INVALID"], arguments
    theirs = world.client(world.other)
    assert (await theirs.query(f'{{ x: coverageCheck(id: "{policy}", rat: LTE) {CHECK} }}')).data == {"x": None}


async def test_a_device_can_be_barred_from_an_operator(world: World, client: Client) -> None:
    shown = "device { blockedOperators }"

    async def can_attach(operator: str) -> Any:
        reply = await client.query(
            f'{{ x: deviceCanAttach(id: "{device(world)}", operator: "{operator}", rat: LTE) {{ allowed reason }} }}'
        )
        return tuple(reply.data["x"].values())

    assert await can_attach("26203") == (True, None)
    blocked = await mutate(client, "deviceBlockOperator", shown, id=device(world), operator="26203")
    assert blocked["device"] == {"blockedOperators": ["26203"]}
    assert await can_attach("26203") == (False, "DEVICE_BLOCKS_OPERATOR")
    again = await mutate(client, "deviceBlockOperator", "", id=device(world), operator="26203")
    assert again["userErrors"] == error("CONFLICT", "operator")
    bad = await mutate(client, "deviceBlockOperator", "", id=device(world), operator="Telekom")
    assert bad["userErrors"] == error("INVALID", "operator")
    free = await mutate(client, "deviceUnblockOperator", shown, id=device(world), operator="26203")
    assert free["device"] == {"blockedOperators": []}
    missing = await mutate(client, "deviceUnblockOperator", "", id=device(world), operator="26203")
    assert missing["userErrors"] == error("NOT_FOUND", "operator")
    assert await can_attach("26207") == (False, "OPERATOR_DENIED")  # the policy of the test's devices
    await mutate(client, "servicePolicyUpdate", "", id=await default_policy(client), allowedRats=["NB_IOT"])
    assert await can_attach("26203") == (False, "RAT_NOT_ALLOWED_BY_SERVICE_POLICY")


async def test_other_traffic_than_an_mt_can_be_explained(world: World, client: Client) -> None:
    async def explain(traffic: str) -> Any:
        query = (
            f'{{ x: smsExplain(deviceId: "{device(world)}", traffic: {traffic}) {{ reason decisions {{ rule }} }} }}'
        )
        found = (await client.query(query)).data["x"]
        return found["reason"], {one["rule"] for one in found["decisions"]}

    reason, rules = await explain("P2P_OUTSIDE")
    assert reason == "P2P_OUTSIDE_NOT_ALLOWED"
    assert {"SMS_MO_ENABLED", "P2P_OUTSIDE", "P2P_LIMIT"} <= rules
    assert "SMS_MT_ENABLED" not in rules
    reason, rules = await explain("DATA")
    assert (reason, "DATA_ENABLED" in rules) == (None, True)
