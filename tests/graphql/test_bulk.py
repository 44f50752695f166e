"""Many devices and SIMs at once, through GraphQL: which, what becomes of each, dry runs, taking back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World
from scoped_client import EVERYTHING, client_as

from motet.access.principals import Role, custom_grant, custom_member
from motet.domain.global_ids import encode_global_id
from motet.domain.jobs import JobKind
from motet.fleet.devices.device_bulk import BulkChange, DeviceChanges
from motet.fleet.devices.reset_worker import DeviceResetWorker
from motet.fleet.rules import UNCHANGED
from motet.graphql.mutations.job import CHANGED_BY
from motet.reading.entities.device import DEVICE
from motet.reading.sql import ids

JOB = "job { id kind state dryRun input total done changed failed progress actor } userErrors { code path message }"


def devices_of(world: World, count: int = 5) -> list[str]:
    return [encode_global_id("Device", device_id) for device_id in world.demo.devices[:count]]


def sims_of(world: World, count: int = 5) -> list[str]:
    return [encode_global_id("Sim", sim_id) for sim_id in world.demo.sims[:count]]


async def ask(client: Client, mutation: str, **given: Any) -> Any:
    """The payload of a bulk mutation."""
    kind = mutation[0].upper() + mutation[1:] + "Input!"
    query = f"mutation ($input: {kind}) {{ x: {mutation}(input: $input) {{ {JOB} }} }}"
    return (await client.query(query, {"input": given})).data["x"]


async def run(world: World, mutation: str, **given: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The job when it is over, and its items."""
    client = world.client(world.demo)
    payload = await ask(client, mutation, **given)
    assert payload["userErrors"] == []
    assert (payload["job"]["state"], payload["job"]["done"]) == ("QUEUED", 0)
    return await finish(world, payload["job"]["id"])


async def finish(world: World, job_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    await world.runner.run_all()
    reply = await world.client(world.demo).query(
        "query ($id: ID!) { job(id: $id) { state dryRun total done changed failed progress undoes { id }"
        " items(first: 200) { totalCount nodes { number outcome code path detail device { name } sim { iccid } } } } }",
        {"id": job_id},
    )
    job = reply.data["job"]
    return job, job.pop("items")["nodes"]


async def fleet(world: World, fields: str = "name status tags attributes sim { id }") -> list[dict[str, Any]]:
    reply = await world.client(world.demo).query(f"{{ devices {{ nodes {{ {fields} }} }} }}")
    nodes: list[dict[str, Any]] = reply.data["devices"]["nodes"]
    return nodes


async def event_types(world: World) -> list[str]:
    """Of what was done since the world was made, newest first."""
    reply = await world.client(world.demo).query("{ events(first: 100) { nodes { type actor } } }")
    return [node["type"] for node in reply.data["events"]["nodes"] if node["actor"] == "administrator@demo"]


async def test_devices_are_changed_by_their_ids(world: World) -> None:
    job, items = await run(
        world,
        "deviceBulkUpdate",
        ids=devices_of(world, 2),
        enabled=False,
        addTags=["a", "b"],
        setAttributes={"site": "Lyon"},
    )
    assert job == {
        "state": "SUCCEEDED", "dryRun": False, "total": 2, "done": 2, "changed": 2, "failed": 0, "progress": 1.0,
        "undoes": None,
    }  # fmt: skip
    assert [item["detail"] for item in items] == [
        {
            "before": {"tags": [], "attributes": {}, "status": "ENABLED"},
            "after": {"tags": ["a", "b"], "attributes": {"site": "Lyon"}, "status": "DISABLED"},
        }
    ] * 2
    assert [item["device"]["name"] for item in items] == ["demo 0", "demo 1"]
    rows = await fleet(world, "status tags attributes")
    assert rows[:2] == [{"status": "DISABLED", "tags": ["a", "b"], "attributes": {"site": "Lyon"}}] * 2
    assert rows[2:] == [{"status": "ENABLED", "tags": [], "attributes": {}}] * 3
    assert await event_types(world) == ["device.disabled", "device.updated"] * 2
    assert world.changes == ["device"]


async def test_a_dry_run_tells_what_would_be_and_changes_nothing(world: World) -> None:
    before = await fleet(world)
    job, items = await run(world, "deviceBulkUpdate", ids=devices_of(world, 2), tags=["x"], dryRun=True)
    assert (job["dryRun"], job["changed"]) == (True, 2)
    assert items[0]["detail"] == {"before": {"tags": []}, "after": {"tags": ["x"]}}
    assert (await fleet(world), await event_types(world), world.changes) == (before, [], [])


async def test_what_is_as_it_is_to_be_stays(world: World) -> None:
    job, items = await run(world, "deviceBulkUpdate", ids=devices_of(world, 1), enabled=True, removeTags=["none"])
    assert (job["changed"], items[0]["outcome"], await event_types(world)) == (0, "UNCHANGED", [])


async def test_devices_are_chosen_by_a_filter_as_it_is_now(world: World) -> None:
    client = world.client(world.demo)
    payload = await ask(client, "deviceBulkUpdate", filter={"name": "demo 3"}, addTags=["late"])
    await world.tenants.device(world.demo, "demo 3 again")
    job, items = await finish(world, payload["job"]["id"])
    assert (job["total"], [item["device"]["name"] for item in items]) == (1, ["demo 3"])


async def test_devices_are_named_by_a_list(world: World) -> None:
    msisdn = await world.tenants.database.pool.fetchval("SELECT msisdn FROM sim WHERE id = $1", world.demo.sims[1])
    theirs = await world.tenants.database.pool.fetchval("SELECT msisdn FROM sim WHERE id = $1", world.other.sims[1])
    text = f"MSISDN;Note\n+{msisdn};mine\n\n{theirs};theirs\n{msisdn};again\n"
    job, items = await run(world, "deviceBulkUpdate", csv=text, enabled=False)
    assert (job["total"], job["changed"], job["failed"]) == (3, 1, 2)
    assert [(item["number"], item["outcome"], item["code"], item["path"]) for item in items] == [
        (2, "CHANGED", None, None),
        (4, "FAILED", "NOT_FOUND", ["msisdn"]),
        (5, "FAILED", "CONFLICT", ["msisdn"]),
    ]


async def test_a_name_that_several_have_is_no_name(world: World) -> None:
    await world.tenants.device(world.demo, "demo 0")
    _, items = await run(world, "deviceBulkUpdate", csv="name\ndemo 0\ndemo 1\n", enabled=False)
    assert [item["code"] for item in items] == ["CONFLICT", None]


async def test_a_list_may_hold_ids(world: World) -> None:
    mine, theirs = devices_of(world, 1)[0], encode_global_id("Device", world.other.devices[0])
    _, items = await run(world, "deviceBulkUpdate", csv=f"id\n{mine}\n{theirs}\nnonsense\n", enabled=False)
    assert [item["code"] for item in items] == [None, "NOT_FOUND", "NOT_FOUND"]


async def test_policies_are_given_and_taken(world: World) -> None:
    space = world.demo.workspace_id
    coverage = world.tenants.new_id()
    await world.tenants.execute(
        "INSERT INTO coverage_policy (workspace_id, id, name) VALUES ($1, $2, 'x')", space, coverage
    )
    await world.tenants.execute("UPDATE device SET coverage_policy_id = NULL")
    ids, policy = devices_of(world, 1), encode_global_id("CoveragePolicy", coverage)
    _, items = await run(world, "deviceBulkUpdate", ids=ids, coveragePolicyId=policy)
    assert items[0]["detail"] == {"before": {"coveragePolicyId": None}, "after": {"coveragePolicyId": policy}}
    client = world.client(world.demo)
    payload = await ask(client, "deviceBulkUpdate", ids=ids, coveragePolicyId=None)
    again = await ask(client, "deviceBulkUpdate", ids=devices_of(world, 2)[1:], coveragePolicyId=policy)
    await world.runner.run_chunk()
    await world.tenants.execute("DELETE FROM coverage_policy WHERE id = $1", coverage)
    job, _ = await finish(world, payload["job"]["id"])
    assert job["changed"] == 1
    job, items = await finish(world, again["job"]["id"])
    assert (job["state"], items[0]["code"], items[0]["path"]) == ("SUCCEEDED", "NOT_FOUND", ["coveragePolicyId"])


async def test_changes_are_taken_back_unless_changed_again(world: World) -> None:
    ids = devices_of(world, 3)
    before = await fleet(world)
    payload = await ask(
        world.client(world.demo), "deviceBulkUpdate", ids=ids, enabled=False, tags=["x"], releaseSim=True
    )
    await world.runner.run_all()
    assert [row["sim"] for row in await fleet(world)][:3] == [None] * 3
    client = world.client(world.demo)
    await client.query(f'mutation {{ deviceEnable(input: {{id: "{ids[1]}"}}) {{ userErrors {{ code }} }} }}')
    undo = await ask(client, "jobUndo", id=payload["job"]["id"])
    assert undo["userErrors"] == []
    job, items = await finish(world, undo["job"]["id"])
    assert (job["changed"], job["failed"], job["undoes"]) == (2, 1, {"id": payload["job"]["id"]})
    assert [(item["code"], item["path"]) for item in items] == [(None, None), ("CONFLICT", ["status"]), (None, None)]
    rows = await fleet(world)
    assert [rows[0], *rows[2:]] == [before[0], *before[2:]]
    assert (rows[1]["status"], rows[1]["sim"], rows[1]["tags"]) == ("ENABLED", None, ["x"])


@pytest.mark.parametrize("lacks", ["device:write", "sim:write"])
async def test_who_may_not_change_something_does_not_take_back_its_change(world: World, lacks: str) -> None:
    client, is_about_devices = world.client(world.demo), lacks == "device:write"
    if is_about_devices:
        payload = await ask(client, "deviceBulkUpdate", ids=devices_of(world, 1), tags=["x"])
    else:
        payload = await ask(client, "simBulkUpdate", ids=sims_of(world, 1), step="SUSPEND")
    await world.runner.run_all()
    grant = custom_grant({*EVERYTHING} - {lacks}, None)
    demo = world.demo
    clerk = client_as(world, custom_member("clerk", demo.workspace_id, demo.name, (1, "Clerks"), grant, 1 << 40))
    reply = await clerk.query("mutation ($id: ID!) { jobUndo(input: {id: $id}) { job { id } } }", payload["job"])
    assert reply.json["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert reply.json["errors"][0]["message"] == f"This needs the permission {lacks}."
    count = await world.tenants.database.pool.fetchval("SELECT count(*) FROM job WHERE undoes_id IS NOT NULL")
    assert count == 0
    assert set(CHANGED_BY) == set(JobKind)


async def test_a_sim_that_went_elsewhere_is_not_put_back(world: World) -> None:
    ids = devices_of(world, 1)
    payload = await ask(world.client(world.demo), "deviceBulkUpdate", ids=ids, releaseSim=True)
    await world.runner.run_all()
    other = await world.tenants.device(world.demo, "elsewhere", with_sim=False)
    await world.services.devices.assign_sim(world.demo.workspace_id, "me", other, world.demo.sims[0])
    undo = await ask(world.client(world.demo), "jobUndo", id=payload["job"]["id"])
    _, items = await finish(world, undo["job"]["id"])
    assert (items[0]["code"], items[0]["path"]) == ("CONFLICT", ["simId"])


async def test_devices_are_deleted_and_their_sims_released(world: World) -> None:
    ids = devices_of(world, 2)
    job, _ = await run(world, "deviceBulkDelete", ids=ids)
    assert job["changed"] == 2
    assert [row["name"] for row in await fleet(world)] == ["demo 2", "demo 3", "demo 4"]
    held = "SELECT count(*) FROM sim WHERE workspace_id = $1 AND device_id IS NOT NULL"
    assert await world.tenants.database.pool.fetchval(held, world.demo.workspace_id) == 3
    assert await event_types(world) == ["device.deleted", "sim.released"] * 2
    payload = await ask(world.client(world.demo), "deviceBulkDelete", ids=ids)
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]


async def test_a_device_that_is_deleted_meanwhile_fails(world: World) -> None:
    ids = devices_of(world, 2)
    payload = await ask(world.client(world.demo), "deviceBulkUpdate", ids=ids, enabled=False)
    await world.services.devices.delete(world.demo.workspace_id, "me", world.demo.devices[0])
    _, items = await finish(world, payload["job"]["id"])
    assert [item["code"] for item in items] == ["NOT_FOUND", None]


async def test_sims_take_a_step(world: World) -> None:
    fresh = await world.tenants.sim(world.demo, status=0)
    ids = [*sims_of(world, 2), encode_global_id("Sim", fresh)]
    job, items = await run(world, "simBulkUpdate", ids=ids, step="SUSPEND")
    assert (job["changed"], job["failed"]) == (2, 1)
    assert [(item["outcome"], item["code"]) for item in items] == [
        ("CHANGED", None), ("CHANGED", None), ("FAILED", "DENIED")
    ]  # fmt: skip
    assert items[0]["detail"] == {"before": {"status": "ACTIVATED"}, "after": {"status": "SUSPENDED"}}
    assert await event_types(world) == ["sim.suspended"] * 2
    history = "SELECT count(*) FROM sim_history WHERE workspace_id = $1 AND to_status = 3"
    assert await world.tenants.database.pool.fetchval(history, world.demo.workspace_id) == 2


async def test_suspending_is_taken_back_deleting_is_not(world: World) -> None:
    client = world.client(world.demo)
    suspended = await ask(client, "simBulkUpdate", ids=sims_of(world, 2), step="SUSPEND")
    await world.runner.run_all()
    undo = await ask(client, "jobUndo", id=suspended["job"]["id"])
    job, _ = await finish(world, undo["job"]["id"])
    assert job["changed"] == 2
    fresh = encode_global_id("Sim", await world.tenants.sim(world.demo, status=0))
    deleted = await ask(client, "simBulkUpdate", ids=[fresh], step="DELETE")
    await world.runner.run_all()
    undo = await ask(client, "jobUndo", id=deleted["job"]["id"])
    _, items = await finish(world, undo["job"]["id"])
    assert items[0]["code"] == "DENIED"
    left = "SELECT count(*) FROM directory d JOIN sim s ON s.id = d.sim_id WHERE s.status = 4"
    assert await world.tenants.database.pool.fetchval(left) == 0


async def test_sims_are_chosen_by_filter_and_by_list(world: World) -> None:
    iccids = await world.tenants.database.pool.fetch("SELECT iccid FROM sim ORDER BY id")
    job, _ = await run(world, "simBulkUpdate", filter={"status": ["ACTIVATED"]}, step="SUSPEND")
    assert job["changed"] == 5
    text = "iccid\n" + "\n".join(row["iccid"] for row in iccids)
    job, _ = await run(world, "simBulkUpdate", csv=text, step="ACTIVATE")
    assert (job["changed"], job["failed"]) == (5, 5)


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"enabled": True}, "INVALID", None),
        ({"ids": [], "csv": "id\nx", "enabled": True}, "INVALID", None),
        ({"ids": ["MINE"]}, "INVALID", None),
        ({"ids": [], "enabled": True}, "INVALID", None),
        ({"ids": ["MINE", "THEIRS"], "enabled": True}, "NOT_FOUND", ["input", "ids"]),
        ({"ids": ["MINE"] * 5_001, "enabled": True}, "LIMIT_REACHED", ["input", "ids"]),
        ({"ids": ["MINE"], "enabled": None}, "INVALID", ["input", "enabled"]),
        ({"ids": ["MINE"], "addTags": [""]}, "INVALID", ["input", "addTags"]),
        ({"ids": ["MINE"], "setAttributes": {"1": "x"}}, "INVALID", ["input", "setAttributes"]),
        ({"ids": ["MINE"], "attributes": ["x"]}, "INVALID", ["input", "attributes"]),
        ({"csv": "nothing\nx", "enabled": True}, "INVALID", ["input", "csv"]),
        ({"csv": 'id\n"x', "enabled": True}, "INVALID", ["input", "csv"]),
        ({"csv": "id\n", "enabled": True}, "INVALID", ["input", "csv"]),
        ({"csv": "", "enabled": True}, "INVALID", ["input", "csv"]),
        ({"filter": {"name": "nobody"}, "enabled": True}, "INVALID", ["input", "filter"]),
    ],
)
async def test_what_cannot_be_asked_for_makes_no_job(
    world: World, given: dict[str, Any], code: str, path: list[str] | None
) -> None:
    named = {"MINE": devices_of(world, 1)[0], "THEIRS": encode_global_id("Device", world.other.devices[0])}
    if "ids" in given:
        given = {**given, "ids": [named[each] for each in given["ids"]]}
    payload = await ask(world.client(world.demo), "deviceBulkUpdate", **given)
    assert payload["job"] is None
    assert [(error["code"], error["path"]) for error in payload["userErrors"]] == [(code, path)]
    jobs = await world.tenants.database.pool.fetchval("SELECT count(*) FROM job WHERE due_at IS NOT NULL")
    assert jobs == 0


async def test_a_tag_is_listed_renamed_and_removed(world: World) -> None:
    await run(world, "deviceBulkUpdate", ids=devices_of(world, 3), addTags=["old", "both"])
    await run(world, "deviceBulkUpdate", ids=devices_of(world, 1), addTags=["new"])
    client = world.client(world.demo)
    listed = "{ deviceTags { name deviceCount } }"
    assert (await client.query(listed)).data["deviceTags"] == [
        {"name": "both", "deviceCount": 3}, {"name": "old", "deviceCount": 3}, {"name": "new", "deviceCount": 1}
    ]  # fmt: skip
    assert (await world.client(world.other).query(listed)).data["deviceTags"] == []
    job, _ = await run(world, "deviceTagRename", tag="old", to="new")
    assert job["changed"] == 3
    assert [row["tags"] for row in await fleet(world)][:3] == [["both", "new"]] * 3
    job, _ = await run(world, "deviceTagDelete", tag="both")
    assert [row["tags"] for row in await fleet(world)][:3] == [["new"]] * 3
    for mutation, given in (("deviceTagDelete", {"tag": "both"}), ("deviceTagRename", {"tag": "new", "to": "new"})):
        payload = await ask(client, mutation, **given)
        assert payload["job"] is None
        assert len(payload["userErrors"]) == 1


async def test_an_observer_asks_for_nothing(world: World) -> None:
    observer = world.client(world.demo, Role.OBSERVER)
    reply = await observer.query(
        "mutation ($ids: [ID!]) { deviceBulkUpdate(input: {ids: $ids, enabled: false}) { job { id } } }",
        {"ids": devices_of(world, 1)},
    )
    assert reply.codes == ["FORBIDDEN"]


async def test_a_repeated_request_makes_one_job(world: World) -> None:
    given = {"ids": devices_of(world, 1), "enabled": False, "idempotencyKey": "one"}
    first = await ask(world.client(world.demo), "deviceBulkUpdate", **given)
    again = await ask(world.client(world.demo), "deviceBulkUpdate", **given)
    assert first["job"]["id"] == again["job"]["id"]


async def test_jobs_are_filtered_by_state_and_items_by_outcome(world: World) -> None:
    client = world.client(world.demo)
    await ask(client, "deviceBulkUpdate", ids=devices_of(world, 1), enabled=False)
    reply = await client.query(
        "{ open: jobs(filter: {state: [QUEUED], kind: [DEVICE_UPDATE]}) { totalCount }"
        " none: jobs(filter: {state: []}) { totalCount }"
        " over: jobs(filter: {state: [SUCCEEDED]}) { nodes { items(filter: {outcome: [FAILED]}) {"
        "   totalCount nodes { number code message path } } } } }"
    )
    assert (reply.data["open"]["totalCount"], reply.data["none"]["totalCount"]) == (1, 0)
    assert reply.data["over"]["nodes"][0]["items"] == {
        "totalCount": 1,
        "nodes": [{"number": 2, "code": "DENIED", "message": "No.", "path": ["id"]}],
    }


def test_a_change_is_kept_whole_in_its_job() -> None:
    everything = BulkChange(
        changes=DeviceChanges(
            tags=["a"], add_tags=["b"], remove_tags=["c"], imei_lock=True, service_policy_id=5, coverage_policy_id=None,
            attributes={"a": "b"}, set_attributes={"c": None},
        ),
        enabled=False,
        release_sim=True,
    )  # fmt: skip
    assert BulkChange.of_json(everything.to_json()) == everything
    assert BulkChange.of_json({}) == BulkChange()
    assert BulkChange().is_nothing
    assert BulkChange().enabled is UNCHANGED


async def test_switching_devices_ends_the_factory_test_of_their_sims(world: World) -> None:
    await world.tenants.execute("UPDATE sim SET status = 1 WHERE id = $1", world.demo.sims[0])
    await run(world, "deviceBulkUpdate", ids=devices_of(world, 2), enabled=False)
    rows = await fleet(world, "status sim { status }")
    assert rows[:2] == [{"status": "DISABLED", "sim": {"status": "ACTIVATED"}}] * 2
    assert await event_types(world) == ["sim.activated", "device.disabled", "device.disabled"]


RESETS = "SELECT count(*) FROM connectivity_reset WHERE actor = 'administrator@demo'"


async def test_resets_are_ordered_and_spread(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeviceResetWorker, "chunk_items", 2)
    monkeypatch.setattr(DeviceResetWorker, "pause_s", 3600.0)
    empty = encode_global_id("Device", await world.tenants.device(world.demo, "empty", with_sim=False))
    payload = await ask(world.client(world.demo), "deviceBulkResetConnectivity", ids=[empty, *devices_of(world, 2)])
    assert payload["job"]["input"] == {"location": True, "data": True}
    job, items = await finish(world, payload["job"]["id"])
    assert (job["state"], job["done"]) == ("RUNNING", 2)
    assert [(item["outcome"], item["code"]) for item in items] == [
        ("FAILED", "CONFLICT"), ("CHANGED", None), ("PENDING", None)
    ]  # fmt: skip
    assert await world.tenants.database.pool.fetchval(RESETS) == 1
    await world.tenants.execute("UPDATE job SET due_at = now() WHERE due_at IS NOT NULL")
    job, _ = await finish(world, payload["job"]["id"])
    assert (job["state"], job["changed"], job["failed"]) == ("SUCCEEDED", 2, 1)
    again = await ask(world.client(world.demo), "deviceBulkResetConnectivity", ids=devices_of(world, 1))
    _, items = await finish(world, again["job"]["id"])
    assert [item["outcome"] for item in items] == ["UNCHANGED"]
    nothing = await ask(
        world.client(world.demo), "deviceBulkResetConnectivity", ids=devices_of(world, 1), location=False, data=False
    )
    assert [error["code"] for error in nothing["userErrors"]] == ["INVALID"]


async def test_devices_are_found_by_labels_sims_and_age(world: World) -> None:
    ids = devices_of(world, 3)
    await run(world, "deviceBulkUpdate", ids=ids[:2], tags=["a"], setAttributes={"site": "Lyon", "empty": ""})
    await run(world, "deviceBulkUpdate", ids=ids[1:], addTags=["b"], setAttributes={"site": "Porto"})
    await world.tenants.device(world.demo, "empty", with_sim=False)
    await world.tenants.execute("UPDATE device SET created_at = now() + interval '1 day' WHERE name = 'empty'")
    client = world.client(world.demo)
    tomorrow = (datetime.now(UTC) + timedelta(hours=12)).isoformat()
    policy = encode_global_id("ServicePolicy", world.demo.workspace_id)
    cases: dict[str, list[str]] = {
        '{tags: ["a"]}': ["demo 0", "demo 1"],
        '{tags: ["a", "b"]}': ["demo 1"],
        '{tagsAny: ["a", "b"]}': ["demo 0", "demo 1", "demo 2"],
        "{tagsAny: []}": [],
        "{tags: [], hasSim: false}": ["empty"],
        '{not: {tagsAny: ["a", "b"]}, hasSim: true}': ["demo 3", "demo 4"],
        '{attributes: [{key: "site", equals: "Porto"}]}': ["demo 1", "demo 2"],
        '{attributes: [{key: "site", exists: true}, {key: "empty", equals: ""}]}': ["demo 0", "demo 1"],
        '{attributes: [{key: "site", exists: false}], hasSim: true}': ["demo 3", "demo 4"],
        '{attributes: [{key: "site=Porto", exists: true}]}': [],
        '{or: [{attributes: [{key: "site", equals: "Lyon"}]}, {hasSim: false}]}': ["demo 0", "empty"],
        f'{{createdAfter: "{tomorrow}"}}': ["empty"],
        f'{{createdBefore: "{tomorrow}", tagsAny: ["a"]}}': ["demo 0", "demo 1"],
        f'{{servicePolicyId: "{policy}", tags: ["b"]}}': ["demo 1", "demo 2"],
        f'{{coveragePolicyId: "{policy}"}}': [],
    }
    for filter_, names in cases.items():
        reply = await client.query(f"{{ devices(filter: {filter_}) {{ nodes {{ name }} }} }}")
        assert [node["name"] for node in reply.data["devices"]["nodes"]] == names, filter_
    for wrong in ('{key: "x"}', '{key: "x", equals: null, exists: null}'):
        assert (await client.query(f"{{ devices(filter: {{attributes: [{wrong}]}}) {{ totalCount }} }}")).codes == [
            "INVALID"
        ]
    assert (await world.client(world.other).query('{ devices(filter: {tagsAny: ["a"]}) { totalCount } }')).data[
        "devices"
    ] == {"totalCount": 0}


async def test_labels_are_found_by_their_index(world: World) -> None:
    await world.tenants.execute(
        "INSERT INTO device (workspace_id, id, name, status, service_policy_id, tags, attributes)"
        " SELECT $1, n, 'many', 0, $1, ARRAY['t' || n % 500], jsonb_build_object('k', 'v' || n % 500)"
        " FROM generate_series(1, 3000) n",
        world.demo.workspace_id,
    )
    await world.tenants.execute("ANALYZE device")
    for filter_ in ({"tags": ["t7"]}, {"tagsAny": ["t7"]}, {"attributes": [{"key": "k", "equals": "v7"}]}):
        statement = ids(DEVICE, world.demo.workspace_id, filter_, 10)
        plan = await world.tenants.database.pool.fetch(f"EXPLAIN {statement.text}", *statement.parameters)
        assert "device_terms" in " ".join(row[0] for row in plan), filter_
        found = await world.tenants.database.pool.fetch(statement.text, *statement.parameters)
        assert len(found) == 6


@pytest.mark.parametrize(
    ("given", "attributes"),
    [
        ({}, {"a": "1", "b": "2"}),
        ({"attributes": {}}, {}),
        ({"attributes": {"c": "é\n"}}, {"c": "é\n"}),
        ({"setAttributes": {}}, {"a": "1", "b": "2"}),
        ({"setAttributes": {"a": None, "c": "3", "none": None}}, {"b": "2", "c": "3"}),
        ({"attributes": {"x": "y"}, "setAttributes": {"c": "3"}}, {"x": "y", "c": "3"}),
        ({"attributes": None}, None),
        ({"setAttributes": None}, None),
        ({"attributes": {"a": None}}, None),
        ({"attributes": {"a": 1}}, None),
        ({"attributes": {"": "x"}}, None),
        ({"attributes": {"a" * 51: "x"}}, None),
        ({"attributes": {"a": "x" * 256}}, None),
        ({"attributes": {"a": "\x00"}}, None),
        ({"attributes": "x"}, None),
        ({"attributes": {f"k{n}": "" for n in range(51)}}, None),
        ({"setAttributes": {f"k{n}": "" for n in range(49)}}, None),
        ({"addTags": ["t"] * 60}, {"a": "1", "b": "2"}),
        ({"addTags": [f"t{n}" for n in range(51)]}, None),
        ({"removeTags": None}, None),
    ],
)
async def test_attributes_are_set_merged_and_removed(
    world: World, given: dict[str, Any], attributes: dict[str, str] | None
) -> None:
    client = world.client(world.demo)
    device_id = devices_of(world, 1)[0]
    query = """mutation ($input: DeviceUpdateInput!) { deviceUpdate(input: $input) {
        device { attributes } userErrors { code } } }"""
    await client.query(query, {"input": {"id": device_id, "attributes": {"a": "1", "b": "2"}}})
    reply = (await client.query(query, {"input": {"id": device_id, **given}})).data["deviceUpdate"]
    if attributes is None:
        assert reply == {"device": None, "userErrors": [{"code": "INVALID"}]}
    else:
        assert reply == {"device": {"attributes": attributes}, "userErrors": []}
