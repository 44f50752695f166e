"""SIMs on their way from one workspace to another, through GraphQL: who may, what goes along, and what stays."""

from __future__ import annotations

from typing import Any

from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from motet.access.principals import Role
from motet.domain.global_ids import encode_global_id
from tenants import Tenant

SHOWN = "simMove { id dryRun movedCount refusedCount results { simId from to code } }"


def sim_id(row_id: int) -> str:
    return encode_global_id("Sim", row_id)


def workspace_id(tenant: Tenant) -> str:
    return encode_global_id("Workspace", tenant.workspace_id)


async def second(world: World) -> Tenant:
    """A workspace beside demo, of the same organisation."""
    tenant = await world.tenants.workspace("second")
    await world.tenants.execute(
        "UPDATE workspace SET organisation_id = $2 WHERE id = $1", tenant.workspace_id, world.demo.organisation_id
    )
    tenant.organisation_id = world.demo.organisation_id
    return tenant


async def move(client: Client, target: Tenant, *sims: int, **more: Any) -> Any:
    ids = [sim_id(one) for one in sims]
    return await mutate(client, "simMove", SHOWN, simIds=ids, targetWorkspaceId=workspace_id(target), **more)


async def statuses(client: Client) -> dict[str, str]:
    reply = await client.query("{ sims(first: 200) { nodes { id status } } }")
    return {node["id"]: node["status"] for node in reply.data["sims"]["nodes"]}


async def test_a_dry_run_says_what_would_become_of_each_and_changes_nothing(world: World) -> None:
    target, above = await second(world), world.client(world.demo, Role.SUPER_ADMIN)
    loose = await world.tenants.sim(world.demo)
    issued = await world.tenants.sim(world.demo, status=0)
    deleted = await world.tenants.sim(world.demo, status=4)
    testing = await world.tenants.sim(world.demo, status=1)
    held, card = world.demo.sims[0], world.demo.sims[4]
    before = await statuses(above)
    tried = (await move(above, target, loose, issued, deleted, testing, held, card))["simMove"]
    assert (tried["dryRun"], tried["movedCount"], tried["refusedCount"]) == (True, 2, 4)
    assert {result["simId"]: (result["from"], result["to"], result["code"]) for result in tried["results"]} == {
        sim_id(loose): ("ACTIVATED", "SUSPENDED", None),
        sim_id(issued): ("ISSUED", "ISSUED", None),
        sim_id(deleted): ("DELETED", None, "DENIED"),
        sim_id(testing): ("FACTORY_TEST", None, "DENIED"),
        sim_id(held): ("ACTIVATED", None, "DENIED"),
        sim_id(card): ("ACTIVATED", None, "DENIED"),
    }
    assert await statuses(above) == before
    assert await statuses(world.client(target)) == {}
    assert (await move(above, target, held, autoDetachDevices=True))["simMove"]["movedCount"] == 1
    assert await statuses(above) == before
    again = await above.query(
        "query ($id: ID!) { node(id: $id) { ... on SimMove { movedCount } } }", {"id": tried["id"]}
    )
    assert again.data["node"] == {"movedCount": 2}


async def test_a_sim_goes_with_its_identities_and_leaves_behind_what_it_did(world: World) -> None:
    target, above, there = await second(world), world.client(world.demo, Role.SUPER_ADMIN), None
    one, device = world.demo.sims[1], world.demo.devices[1]
    pool = world.tenants.database.pool
    await world.tenants.execute(
        "INSERT INTO data_session (workspace_id, id, sim_id, device_id, session_id, status, last_sequence, opened_at,"
        " updated_at) VALUES ($1, $2, $3, $4, 'open', 0, 0, now(), now())",
        world.demo.workspace_id, world.tenants.new_id(), one, device,
    )  # fmt: skip
    await world.tenants.execute("UPDATE imsi SET partner_id = (SELECT id FROM roaming_partner WHERE workspace_id = $1"
                                " LIMIT 1) WHERE sim_id = $2", world.demo.workspace_id, one)  # fmt: skip
    known = await pool.fetchrow("SELECT iccid, imsi, msisdn FROM sim WHERE id = $1", one)
    assert known is not None
    kept = "query ($id: ID!) { device(id: $id) { sim { id } smsMessages(first: 9) { totalCount }"
    kept += " usage: events(first: 9) { totalCount } } }"
    before = (await above.query(kept, {"id": encode_global_id("Device", device)})).data["device"]
    done = await move(above, target, one, dryRun=False, autoDetachDevices=True)
    assert (done["simMove"]["movedCount"], done["userErrors"]) == (1, [])
    there = world.client(target)
    seen = "query ($id: ID!) { node(id: $id) { id } sim(id: $id) { iccid status device { id } imsis(first: 5)"
    seen += " { nodes { imsi active partner { id } } } history(first: 5) { nodes { from to } } } }"
    gone = (await above.query(seen, {"id": sim_id(one)})).data
    assert gone == {"node": None, "sim": None}
    came = (await there.query(seen, {"id": sim_id(one)})).data["sim"]
    assert came == {
        "iccid": known["iccid"],
        "status": "SUSPENDED",
        "device": None,
        "imsis": {"nodes": [{"imsi": known["imsi"], "active": True, "partner": None}]},
        "history": {"nodes": [{"from": None, "to": "SUSPENDED"}]},
    }
    after = (await above.query(kept, {"id": encode_global_id("Device", device)})).data["device"]
    assert after["sim"] is None
    assert after["smsMessages"] == before["smsMessages"]
    assert after["usage"]["totalCount"] == before["usage"]["totalCount"] + 2  # released, session cut
    rows = await pool.fetch("SELECT DISTINCT workspace_id FROM directory WHERE sim_id = $1", one)
    assert [row["workspace_id"] for row in rows] == [target.workspace_id]
    state = await pool.fetchrow(
        "SELECT (SELECT status FROM data_session WHERE sim_id = $1 AND session_id = 'open') AS session,"
        " (SELECT count(*) FROM attachment WHERE sim_id = $1) AS places,"
        " (SELECT status FROM sim_schedule WHERE sim_id = $1) AS plan,"
        " (SELECT array_agg(kind ORDER BY kind) FROM network_order WHERE sim_id = $1 AND workspace_id = $2) AS orders",
        one, target.workspace_id,
    )  # fmt: skip
    assert state is not None
    assert (state["session"], state["places"], state["plan"]) == (1, 0, 3)
    assert "cancel_location" in state["orders"]
    events = "{ events(first: 4) { nodes { type } } }"
    assert {node["type"] for node in (await there.query(events)).data["events"]["nodes"]} == {
        "sim.moved_in",
        "sim.suspended",
    }
    told = [node["type"] for node in (await above.query(events)).data["events"]["nodes"]]
    assert told[0] == "sim.moved_out"
    assert (await mutate(there, "simActivate", "sim { status }", id=sim_id(one)))["sim"] == {"status": "ACTIVATED"}
    assert (await mutate(above, "simActivate", "", id=sim_id(one)))["userErrors"] == error("NOT_FOUND", "id")
    back = await move(world.client(target, Role.SUPER_ADMIN), world.demo, one, dryRun=False)
    assert back["simMove"]["results"] == [{"simId": sim_id(one), "from": "ACTIVATED", "to": "SUSPENDED", "code": None}]
    assert sim_id(one) in await statuses(above)


async def test_only_who_may_write_sims_in_both_moves_them(world: World, client: Client) -> None:
    target = await second(world)
    loose = await world.tenants.sim(world.demo)
    above = world.client(world.demo, Role.SUPER_ADMIN)
    missing = error("NOT_FOUND", "targetWorkspaceId")
    assert (await move(client, target, loose))["userErrors"] == missing  # an administrator of demo alone
    assert (await move(world.client(world.demo, Role.USER), target, loose))["userErrors"] == missing
    assert (await move(above, world.other, loose))["userErrors"] == missing
    assert (await move(above, world.demo, loose))["userErrors"] == error("INVALID", "targetWorkspaceId")
    observer = world.client(world.demo, Role.OBSERVER)
    ids = f'simIds: ["{sim_id(loose)}"], targetWorkspaceId: "{workspace_id(target)}"'
    reply = await observer.query(f"mutation {{ simMove(input: {{ {ids} }}) {{ userErrors {{ code }} }} }}")
    assert reply.codes == ["FORBIDDEN"]
    operator = world.operator()
    assert (await move(operator, target, loose))["userErrors"] == error("NOT_FOUND", "sourceWorkspaceId")
    named = {"sourceWorkspaceId": workspace_id(world.demo)}
    assert (await move(operator, world.other, loose, **named))["simMove"]["movedCount"] == 1
    theirs = {"sourceWorkspaceId": workspace_id(world.other)}
    assert (await move(above, target, loose, **theirs))["userErrors"] == error("NOT_FOUND", "sourceWorkspaceId")
    unknown = await move(above, target, loose, world.other.sims[0])
    assert (unknown["simMove"], unknown["userErrors"]) == (None, error("NOT_FOUND", "simIds"))
    for wrong in ([], [loose] * 501):
        assert (await move(above, target, *wrong))["userErrors"] == error("INVALID", "simIds")
    await world.tenants.execute("UPDATE workspace SET ended_at = now() WHERE id = $1", target.workspace_id)
    assert (await move(above, target, loose))["userErrors"] == missing


async def test_the_same_key_moves_once_and_tells_the_same(world: World) -> None:
    target, above = await second(world), world.client(world.demo, Role.SUPER_ADMIN)
    loose = await world.tenants.sim(world.demo)
    first = await move(above, target, loose, dryRun=False, idempotencyKey="k")
    assert first["simMove"]["movedCount"] == 1
    assert await move(above, target, loose, dryRun=False, idempotencyKey="k") == first
    other_input = await move(above, target, loose, dryRun=True, idempotencyKey="k")
    assert other_input["userErrors"] == error("CONFLICT", "idempotencyKey")
