"""What a member who is bound to tags does to devices, and what they find: numbers, lists, jobs, streams."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World
from scoped_client import bound_to

from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.events.bus import Bus


@pytest.fixture
async def fleet(world: World) -> World:
    """Of `demo`, two devices are tagged `van`; they are called `van 0` and `van 1`, the others `demo 2` and so on."""
    for number, device_id in enumerate(world.demo.devices[:2]):
        await world.tenants.execute(
            "UPDATE device SET tags = '{van,lyon}', name = $2 WHERE id = $1", device_id, f"van {number}"
        )
    await world.tenants.execute("UPDATE device SET tags = '{depot}' WHERE id = $1", world.demo.devices[2])
    return world


@pytest.fixture
def fitter(fleet: World) -> Client:
    return bound_to(fleet, fleet.demo, "van")


async def run(client: Client, mutation: str, shown: str = "", **given: Any) -> Any:
    kind = mutation[0].upper() + mutation[1:] + "Input"
    reply = await client.query(
        f"mutation ($input: {kind}!) {{ x: {mutation}(input: $input) {{"
        f" {shown} userErrors {{ code path message }} }} }}",
        {"input": given},
    )
    return reply.data["x"]


def trouble(payload: Any) -> list[tuple[str, str]]:
    return [(error["code"], error["path"][-1]) for error in payload["userErrors"]]


def device_id(world: World, number: int) -> str:
    return encode_global_id("Device", world.demo.devices[number])


async def test_devices_are_made_and_left_within_the_tags(fleet: World, fitter: Client) -> None:
    policy = encode_global_id("ServicePolicy", fleet.demo.workspace_id)
    for tags in ({}, {"tags": []}, {"tags": ["depot"]}):
        made = await run(fitter, "deviceCreate", name="new", servicePolicyId=policy, **tags)
        assert trouble(made) == [("DENIED", "tags")]
    made = await run(
        fitter, "deviceCreate", "device { id tags }", name="new", servicePolicyId=policy, tags=["van", "x"]
    )
    assert made["device"]["tags"] == ["van", "x"]
    own = made["device"]["id"]
    for change in ({"tags": []}, {"tags": ["depot"]}, {"removeTags": ["van"]}):
        assert trouble(await run(fitter, "deviceUpdate", id=own, **change)) == [("DENIED", "tags")]
    changed = await run(fitter, "deviceUpdate", "device { tags }", id=own, tags=["van"], addTags=["y"])
    assert changed["device"]["tags"] == ["van", "y"]
    spare = encode_global_id("Sim", await fleet.tenants.sim(fleet.demo))
    assert trouble(await run(fitter, "deviceAssignSim", id=own, simId=spare)) == [("NOT_FOUND", "simId")]
    released = await run(fitter, "deviceReleaseSim", "device { sim { id } }", id=device_id(fleet, 0))
    assert released == {"device": {"sim": None}, "userErrors": []}


async def test_numbers_of_other_devices_are_those_of_nobody(fleet: World, fitter: Client) -> None:
    pool = fleet.tenants.database.pool
    inside, outside = [
        await pool.fetchrow("SELECT iccid, imsi, msisdn FROM sim WHERE id = $1", fleet.demo.sims[number])
        for number in (0, 2)
    ]
    nobodys = {"iccid": "8999900000000999999", "imsi": "001019999999999", "msisdn": "99977777777"}
    for name in ("iccid", "msisdn"):
        told = [
            await run(fitter, "smsSend", "sms { id }", text="x", **{name: numbers[name]})
            for numbers in (outside, nobodys)
        ]
        assert told[0] == told[1]
        assert trouble(told[0]) == [("NOT_FOUND", name)]
        sent = await run(fitter, "smsSend", "sms { id }", text="x", **{name: inside[name]})
        assert trouble(sent) == []
        assert sent["sms"] is not None
    for numbers, there in ((inside, True), (outside, False)):
        for query in (
            f'{{ x: sim(iccid: "{numbers["iccid"]}") {{ id }} }}',
            f'{{ x: sim(imsi: "{numbers["imsi"]}") {{ id }} }}',
            f'{{ x: sim(msisdn: "{numbers["msisdn"]}") {{ id }} }}',
            f'{{ x: device(msisdn: "{numbers["msisdn"]}") {{ id }} }}',
            f'{{ x: smsExplain(msisdn: "{numbers["msisdn"]}") {{ allowed }} }}',
            f'{{ x: smsExplain(iccid: "{numbers["iccid"]}") {{ allowed }} }}',
        ):
            assert ((await fitter.query(query)).data["x"] is not None) is there, query
    for numbers, found in ((inside, 1), (outside, 0)):
        for value in numbers.values():
            assert len(await matches(fitter, value)) == found
    assert await matches(fitter, device_id(fleet, 2)) == []
    assert await matches(fitter, "depot") == []
    assert await matches(fitter, "demo") == []
    assert len(await matches(fitter, "van")) == 2
    tags = (await fitter.query("{ deviceTags { name deviceCount } }")).data["deviceTags"]
    assert tags == [{"name": "lyon", "deviceCount": 2}, {"name": "van", "deviceCount": 2}]


async def matches(client: Client, text: str) -> list[Any]:
    reply = await client.query("query ($text: String!) { search(query: $text) { matches { value } } }", {"text": text})
    found: list[Any] = reply.data["search"]["matches"]
    return found


async def test_filters_tell_nothing_of_other_devices(fleet: World, fitter: Client, client: Client) -> None:
    row = await fleet.tenants.database.pool.fetchrow(
        "SELECT iccid, imsi, msisdn FROM sim WHERE id = $1", fleet.demo.sims[2]
    )
    sim_id, other = encode_global_id("Sim", fleet.demo.sims[2]), device_id(fleet, 2)
    for query in (
        f'devices(filter: {{msisdn: "{row["msisdn"]}"}})',
        'devices(filter: {tags: ["depot"]})',
        'devices(filter: {name: "demo"})',
        f'sims(filter: {{iccidIn: ["{row["iccid"]}"]}})',
        f'sims(filter: {{imsiStartsWith: "{row["imsi"]}"}})',
        f'events(filter: {{deviceId: "{other}"}})',
        f'events(filter: {{simId: "{sim_id}"}})',
        f'events(filter: {{msisdn: "{row["msisdn"]}"}})',
        'events(filter: {deviceTags: ["depot"]})',
        f'smsMessages(filter: {{deviceId: "{other}"}})',
        f'smsMessages(filter: {{or: [{{deviceId: "{other}"}}]}})',
    ):
        shape = "{ totalCount nodes { id } pageInfo { hasNextPage } }"
        seen = (await fitter.query(f"{{ x: {query} {shape} }}")).data["x"]
        assert seen == {"totalCount": 0, "nodes": [], "pageInfo": {"hasNextPage": False}}, query
        assert (await client.query(f"{{ x: {query} {shape} }}")).data["x"]["totalCount"] > 0, query
    reply = await fitter.query(
        "{ devices { totalCount } sims { totalCount }"
        " smsMessages(filter: {status: [DELIVERED, RECEIVED]}) { totalCount } events { totalCount }"
        " servicePolicies { nodes { usedCount devices { totalCount } } } usage { totalCount } }"
    )
    assert {name: value.get("totalCount") for name, value in reply.data.items()} == {
        "devices": 2, "sims": 2, "smsMessages": 4, "events": 2, "servicePolicies": None, "usage": 0,
    }  # fmt: skip
    assert reply.data["servicePolicies"]["nodes"] == [{"usedCount": 2, "devices": {"totalCount": 2}}]


async def test_pages_of_messages_go_on_where_they_end(fleet: World, fitter: Client) -> None:
    seen: list[str] = []
    after = "null"
    for _ in range(4):
        reply = await fitter.query(
            f"{{ smsMessages(first: 1, after: {after}) {{ totalCount nodes {{ id device {{ name }} }}"
            " pageInfo { hasNextPage endCursor } } }"
        )
        page = reply.data["smsMessages"]
        assert page["totalCount"] == 4
        seen += [node["id"] for node in page["nodes"]]
        after = f'"{page["pageInfo"]["endCursor"]}"'
    assert not page["pageInfo"]["hasNextPage"]
    assert len(set(seen)) == 4


async def test_bulk_changes_are_held_to_the_tags_until_they_are_done(
    fleet: World, fitter: Client, client: Client
) -> None:
    ids = [device_id(fleet, number) for number in (0, 2)]
    assert trouble(await run(fitter, "deviceBulkUpdate", ids=ids, enabled=False)) == [("NOT_FOUND", "ids")]
    none = await run(fitter, "deviceBulkUpdate", filter={"tags": ["depot"]}, enabled=False)
    assert trouble(none) == [("INVALID", "filter")]
    shape = "job { id total input }"
    by_filter = await run(fitter, "deviceBulkUpdate", shape, filter={"nameContains": ""}, addTags=["seen"])
    assert by_filter["job"]["total"] == 2
    listed = "name\nvan 0\ndemo 2\nnobody\n"
    by_list = await run(fitter, "deviceBulkUpdate", shape, csv=listed, attributes={"a": "b"})
    out = await run(fitter, "deviceBulkUpdate", shape, ids=ids[:1], tags=["depot"])
    await fleet.tenants.execute("UPDATE device SET tags = '{depot}' WHERE id = $1", fleet.demo.devices[1])
    await fleet.runner.run_all()
    items = "{ nodes { number outcome code device { name } } }"
    found = {}
    for name, payload in (("filter", by_filter), ("list", by_list), ("out", out)):
        reply = await client.query(f'{{ job(id: "{payload["job"]["id"]}") {{ items {items} }} }}')
        found[name] = [(item["outcome"], item["code"]) for item in reply.data["job"]["items"]["nodes"]]
        mine = await fitter.query(f'{{ job(id: "{payload["job"]["id"]}") {{ items {{ totalCount }} }} }}')
        assert mine.data["job"]["items"]["totalCount"] == len(found[name])
        assert (await bound_to(fleet, fleet.demo, "depot").query(
            f'{{ job(id: "{payload["job"]["id"]}") {{ id }} jobs {{ totalCount }} }}'
        )).data == {"job": None, "jobs": {"totalCount": 0}}  # fmt: skip
    assert found["filter"] == [("CHANGED", None), ("FAILED", "NOT_FOUND")]
    assert found["list"] == [("CHANGED", None), ("FAILED", "NOT_FOUND"), ("FAILED", "NOT_FOUND")]
    assert found["out"] == [("FAILED", "DENIED")]
    rows = await fleet.tenants.database.pool.fetch(
        "SELECT tags, attributes FROM device WHERE workspace_id = $1 ORDER BY id LIMIT 3", fleet.demo.workspace_id
    )
    assert [list(row) for row in rows] == [[["van", "lyon", "seen"], {"a": "b"}], [["depot"], {}], [["depot"], {}]]
    job_id = (decode_global_id(by_filter["job"]["id"]) or ("", 0))[1]
    assert await fleet.tenants.database.pool.fetchval("SELECT tags FROM job WHERE id = $1", job_id) == ["van"]
    undone = await run(fitter, "jobUndo", "job { undoes { id } }", id=by_filter["job"]["id"])
    assert undone["job"]["undoes"] == {"id": by_filter["job"]["id"]}
    sims = await run(fitter, "simBulkUpdate", "job { total }", step="SUSPEND", filter={"status": ["ACTIVATED"]})
    assert sims["job"]["total"] == 1
    foreign = encode_global_id("Sim", fleet.demo.sims[2])
    assert trouble(await run(fitter, "simBulkUpdate", step="SUSPEND", ids=[foreign])) == [("NOT_FOUND", "ids")]


async def test_streams_tell_of_devices_within_the_tags_alone(fleet: World, fitter: Client) -> None:
    async with fitter.stream("subscription { events { id device { name } } }") as stream:
        await listening(fleet.event_bus, fleet)
        ids = [await fleet.tenants.event(fleet.demo, device_id=fleet.demo.devices[number]) for number in (2, 0)]
        fleet.event_bus.publish(fleet.demo.workspace_id, ids)  # the feed may not listen yet
        _, told = await stream.event()
    assert told["data"]["events"] == {"id": encode_global_id("Event", ids[1]), "device": {"name": "van 0"}}
    async with fitter.stream("subscription { smsMessages { id device { name } } }") as stream:
        await listening(fleet.bus, fleet)
        messages = [await fleet.tenants.message(fleet.demo, fleet.demo.devices[number]) for number in (2, 0)]
        fleet.bus.publish(fleet.demo.workspace_id, messages)
        _, told = await stream.event()
    shown = {"id": encode_global_id("SmsMessage", messages[1]), "device": {"name": "van 0"}}
    assert told["data"]["smsMessages"] == shown


async def listening(bus: Bus, world: World) -> None:
    """Until a stream listens."""
    async with asyncio.timeout(20):
        while not bus.has_listeners(world.demo.workspace_id):  # noqa: ASYNC110 - the bus tells nobody
            await asyncio.sleep(0.005)
