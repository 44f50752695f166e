"""Power profiles of devices, when they can be reached, and whom the end of a network hits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from motet.domain.global_ids import encode_global_id
from motet.domain.states import MessageState

PROFILE = """device { powerProfile { rat psmEnabled tauSeconds activeSeconds edrxCycleSeconds pagingTimeWindowSeconds
                                     learned warnings } }"""
REACHABLE = """query ($id: ID!) { device(id: $id) { nextReachability {
    __typename state opensAt closesAt pageWithinSeconds pageCertain silentPeriods lastHeardAt reason } } }"""


async def attach(world: World, number: int, operator: str, rat: str, told_at: datetime | None = None) -> None:
    """The SIM of a device of `demo` was seen on a network."""
    await world.tenants.execute(
        "INSERT INTO attachment (workspace_id, sim_id, attached, since, operator, country, rat, told_at)"
        " VALUES ($1, $2, true, now(), $3, 'DE', $4, $5) ON CONFLICT (workspace_id, sim_id)"
        " DO UPDATE SET attached = true, operator = $3, rat = $4, told_at = $5",
        world.demo.workspace_id, world.demo.sims[number], operator, rat, told_at or datetime.now(UTC),
    )  # fmt: skip


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def device_id(world: World) -> str:
    return encode_global_id("Device", world.demo.devices[1])


async def test_a_profile_is_said_rounded_and_forgotten(client: Client, device_id: str) -> None:
    before = await client.query(
        "query ($id: ID!) { device(id: $id) { powerProfile { rat } nextReachability { state } } }", {"id": device_id}
    )
    assert before.data["device"] == {"powerProfile": None, "nextReachability": None}
    said = await mutate(
        client, "devicePowerProfileSet", PROFILE, id=device_id, rat="LTE_M", tauSeconds=504_000, activeSeconds=10,
        edrxCycleSeconds=143.36, pagingTimeWindowSeconds=10.24,
    )  # fmt: skip
    assert said["userErrors"] == []
    profile = said["device"]["powerProfile"]
    assert len(profile.pop("warnings")) == 1  # the window holds no two cycles
    assert profile == {
        "rat": "LTE_M", "psmEnabled": True, "tauSeconds": 504_000, "activeSeconds": 10, "edrxCycleSeconds": 143.36,
        "pagingTimeWindowSeconds": 10.24, "learned": False,
    }  # fmt: skip
    rounded = await mutate(
        client, "devicePowerProfileSet", PROFILE, id=device_id, tauSeconds=3_240, activeSeconds=64, rounding="UP"
    )
    assert (rounded["device"]["powerProfile"]["tauSeconds"], rounded["device"]["powerProfile"]["activeSeconds"]) == (
        3_600, 120,
    )  # fmt: skip
    assert rounded["device"]["powerProfile"]["edrxCycleSeconds"] is None
    again = await mutate(
        client, "devicePowerProfileSet", PROFILE, id=device_id, tauSeconds=3_600, activeSeconds=120, rounding=None
    )
    assert again["device"] == rounded["device"]
    events = await client.query(
        "query ($id: ID!) { device(id: $id) { events { nodes { type detail } } } }", {"id": device_id}
    )
    changed = [one for one in events.data["device"]["events"]["nodes"] if one["type"] == "device.updated"]
    assert len(changed) == 2
    assert changed[0]["detail"]["power_profile"] == {
        "rat": None, "tau_s": 3_600, "active_s": 120, "edrx_cycle_ms": None, "edrx_window_ms": None,
    }  # fmt: skip
    cleared = await mutate(client, "devicePowerProfileClear", PROFILE, id=device_id)
    assert cleared["device"] == {"powerProfile": None}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"tauSeconds": 3_240}, "tauSeconds"), ({"activeSeconds": 64}, "activeSeconds"),
        ({"tauSeconds": 60, "activeSeconds": 60}, "activeSeconds"), ({"tauSeconds": -1}, "tauSeconds"),
        ({"edrxCycleSeconds": 20.48}, "rat"), ({"edrxCycleSeconds": 20.48, "rat": "NR"}, "rat"),
        ({"edrxCycleSeconds": 143.36, "rat": "NB_IOT"}, "edrxCycleSeconds"),
        ({"edrxCycleSeconds": 10.24, "rat": "LTE_M", "pagingTimeWindowSeconds": 20.48}, "pagingTimeWindowSeconds"),
        ({"pagingTimeWindowSeconds": 1.28}, "pagingTimeWindowSeconds"), ({"atLines": []}, "atLines"),
        ({"atLines": ["OK"]}, "atLines"), ({"atLines": ["+CEREG: 5,1"], "tauSeconds": 60}, "atLines"),
        ({"edrxCycleSeconds": -1, "rat": "LTE_M"}, "edrxCycleSeconds"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_profile_is_said(
    client: Client, device_id: str, fields: dict[str, Any], path: str
) -> None:
    came = await mutate(client, "devicePowerProfileSet", PROFILE, id=device_id, **fields)
    assert came == {"device": None, "userErrors": error("INVALID", path)}


async def test_a_profile_is_learned_from_what_the_modem_told(client: Client, device_id: str) -> None:
    lines = ['+CEREG: 5,5,"002F","0012BEEF",7,,,"00000101","01001110"', '+CEDRXP: 4,"1000","1000","0111"']
    learned = await mutate(client, "devicePowerProfileSet", PROFILE, id=device_id, rat="LTE_M", atLines=lines)
    assert learned["device"]["powerProfile"] | {"warnings": []} == {
        "rat": "LTE_M", "psmEnabled": True, "tauSeconds": 504_000, "activeSeconds": 10, "edrxCycleSeconds": 143.36,
        "pagingTimeWindowSeconds": 10.24, "learned": True, "warnings": [],
    }  # fmt: skip
    refused = await mutate(
        client,
        "devicePowerProfileSet",
        PROFILE,
        id=device_id,
        atLines=['+CEREG: 1,"0001","2",9,,,"11100000","11100000"'],
    )
    profile = refused["device"]["powerProfile"]
    assert (profile["rat"], profile["psmEnabled"], profile["tauSeconds"]) == ("NB_IOT", False, None)


async def test_a_sleeping_device_is_reachable_after_it_was_heard_and_after_its_updates(
    world: World, client: Client, device_id: str
) -> None:
    await mutate(client, "devicePowerProfileSet", "", id=device_id, tauSeconds=7_200, activeSeconds=60)
    silent = await world.tenants.device(world.demo, "silent", with_sim=False)
    silent_id = encode_global_id("Device", silent)
    await mutate(client, "devicePowerProfileSet", "", id=silent_id, tauSeconds=7_200, activeSeconds=60)
    never = (await client.query(REACHABLE, {"id": silent_id})).data["device"]["nextReachability"]
    assert (never["state"], never["opensAt"], never["lastHeardAt"]) == ("UNKNOWN", None, None)
    now = datetime.now(UTC)
    heard = now - timedelta(hours=3)
    await world.tenants.message(
        world.demo, silent, direction=1, state=MessageState.RECEIVED, at=heard.replace(microsecond=0)
    )
    asleep = (await client.query(REACHABLE, {"id": silent_id})).data["device"]["nextReachability"]
    assert (asleep["__typename"], asleep["state"], asleep["silentPeriods"]) == ("Reachability", "ASLEEP", 1)
    assert moment(asleep["lastHeardAt"]) == heard.replace(microsecond=0)
    assert moment(asleep["opensAt"]) == heard.replace(microsecond=0) + timedelta(hours=4)
    assert moment(asleep["closesAt"]) - moment(asleep["opensAt"]) == timedelta(seconds=60)
    await attach(world, 1, "26201", "LTE_M")
    awake = (await client.query(REACHABLE, {"id": device_id})).data["device"]["nextReachability"]
    assert (awake["state"], awake["silentPeriods"], awake["pageCertain"]) == ("OPEN", 0, True)
    await mutate(client, "devicePowerProfileSet", "", id=device_id, rat="NB_IOT", edrxCycleSeconds=81.92)
    always = (await client.query(REACHABLE, {"id": device_id})).data["device"]["nextReachability"]
    assert (always["state"], always["closesAt"], always["pageWithinSeconds"]) == ("ALWAYS", None, 81.92)


async def test_the_end_of_a_network_names_the_devices_on_it(world: World, client: Client) -> None:
    await attach(world, 0, "26201", "GSM")
    await attach(world, 1, "26201", "GSM")
    await attach(world, 2, "26201", "LTE")
    await attach(world, 3, "26002", "UMTS")
    query = """query ($months: Int, $day: Date!) {
        sunsetAlerts(withinMonths: $months) { daysLeft deviceCount network { code rat onAir sunset { on } } }
        devices(filter: {sunsetBefore: $day}) { totalCount nodes { name } } }"""
    far = (await client.query(query, {"months": 120, "day": "2030-01-01"})).data
    assert [(one["network"]["code"], one["network"]["rat"], one["deviceCount"]) for one in far["sunsetAlerts"]] == [
        ("26002", "UMTS", 1), ("26201", "GSM", 2),
    ]  # fmt: skip
    assert far["sunsetAlerts"][0]["daysLeft"] < 0
    assert far["sunsetAlerts"][1]["network"]["sunset"] == {"on": "2028-06-30"}
    assert [one["name"] for one in far["devices"]["nodes"]] == ["demo 0", "demo 1", "demo 3"]
    near = (await client.query(query, {"months": 0, "day": "2027-01-01"})).data
    assert [one["network"]["code"] for one in near["sunsetAlerts"]] == ["26002"]
    assert near["devices"]["totalCount"] == 1
    csv = "plmn,rat,sunset_on,sunset_source\n26201,LTE,2026-01-01,a test\n26201,GSM,,\n"
    await mutate(world.operator(), "coverageImport", "", csv=csv, name="x", source="x")
    after = (await client.query(query, {"months": 120, "day": "2030-01-01"})).data
    assert [(one["network"]["code"], one["network"]["rat"]) for one in after["sunsetAlerts"]] == [
        ("26002", "UMTS"), ("26201", "LTE"),
    ]  # fmt: skip
    assert [one["name"] for one in after["devices"]["nodes"]] == ["demo 2", "demo 3"]
    changes = await client.query("{ coverageChanges(from: 0, to: 1) { nodes { after { rat } deviceCount } } }")
    assert changes.data["coverageChanges"]["nodes"] == [
        {"after": {"rat": "GSM"}, "deviceCount": 2}, {"after": {"rat": "LTE"}, "deviceCount": 1},
    ]  # fmt: skip
    theirs = (await world.client(world.other).query(query, {"months": 120, "day": "2030-01-01"})).data
    assert theirs == {"sunsetAlerts": [], "devices": {"totalCount": 0, "nodes": []}}
    assert (await client.query("{ sunsetAlerts(withinMonths: 121) { daysLeft } }")).codes == ["INVALID"]
