"""What SIMs do later, and factory tests: on time, once, with a reason where it was refused."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from audit_reading import acts_of
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator
from motet.domain.sim_schedule import MAX_PENDING
from motet.fleet.journal import Journal
from motet.fleet.seeds.tenant import identity
from motet.fleet.sims.sim_schedule import SimScheduleService

PLAN = "simScheduledTransition { id status reason transition }"


def soon(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


def clockwork(world: World, **ahead: float) -> SimScheduleService:
    """A node's clockwork, so far ahead of now."""
    late = timedelta(**ahead).total_seconds()

    async def changed() -> None:
        world.changes.append("schedule")

    def clock() -> float:
        return datetime.now(UTC).timestamp() + late

    ids = IdGenerator(7)
    return SimScheduleService(world.tenants.database, ids, Journal(ids), on_change=changed, clock=clock)


async def registered(client: Client, number: int = 80_000_001) -> str:
    payload = await mutate(client, "simRegister", "sim { id }", **identity(number)._asdict())
    return str(payload["sim"]["id"])


async def plan(client: Client, sim_id: str, transition: str, at: str) -> str:
    payload = await mutate(client, "simScheduleTransition", PLAN, id=sim_id, transition=transition, at=at)
    assert payload["userErrors"] == []
    return str(payload["simScheduledTransition"]["id"])


async def shown(client: Client, sim_id: str) -> Any:
    query = """query ($id: ID!) { sim(id: $id) {
        status scheduledTransitions { nodes { transition status reason actor } }
        history(first: 1) { nodes { from to trigger actor } }
        events(first: 1) { nodes { type typeNumber detail } } } }"""
    return (await client.query(query, {"id": sim_id})).data["sim"]


async def test_a_plan_is_done_when_it_is_due_and_not_before(world: World, client: Client) -> None:
    sim_id = await registered(client)
    await plan(client, sim_id, "ACTIVATE", soon(hours=1))
    assert await clockwork(world, minutes=59).run_due() == 0
    assert (await shown(client, sim_id))["status"] == "ISSUED"
    assert await clockwork(world, minutes=61).run_due() == 1
    assert await clockwork(world, minutes=61).run_due() == 0
    found = await shown(client, sim_id)
    assert found["status"] == "ACTIVATED"
    assert found["scheduledTransitions"]["nodes"] == [
        {"transition": "ACTIVATE", "status": "DONE", "reason": None, "actor": "administrator@demo"}
    ]
    assert found["history"]["nodes"] == [
        {"from": "ISSUED", "to": "ACTIVATED", "trigger": "ACTIVATE", "actor": "administrator@demo"}
    ]
    assert found["events"]["nodes"][0]["typeNumber"] == 8
    assert world.changes[-1] == "schedule"
    kind = await world.tenants.database.pool.fetchval("SELECT actor_kind FROM sim_history ORDER BY id DESC LIMIT 1")
    assert kind == 2  # the schedule


async def test_plans_that_were_missed_are_done_in_their_order_at_the_start(world: World, client: Client) -> None:
    sim_id = await registered(client)
    await plan(client, sim_id, "SUSPEND", soon(hours=2))
    await plan(client, sim_id, "ACTIVATE", soon(hours=1))
    assert await clockwork(world, hours=5).run_due() == 2
    assert (await shown(client, sim_id))["status"] == "SUSPENDED"


async def test_what_is_illegal_when_due_is_an_event_with_the_reason(world: World, client: Client) -> None:
    sim_id = await registered(client)
    await plan(client, sim_id, "SUSPEND", soon(hours=1))
    await clockwork(world, hours=2).run_due()
    found = await shown(client, sim_id)
    assert found["status"] == "ISSUED"
    (done,) = found["scheduledTransitions"]["nodes"]
    assert (done["status"], done["reason"]) == ("REFUSED", "The SIM was never activated, so it cannot be suspended.")
    event = found["events"]["nodes"][0]
    assert event["type"] == "sim.schedule_refused"
    assert event["detail"]["reason"] == done["reason"]


async def test_a_plan_can_be_called_off_once(world: World, client: Client) -> None:
    sim_id = await registered(client)
    plan_id = await plan(client, sim_id, "ACTIVATE", soon(hours=1))
    off = await mutate(client, "simScheduledTransitionCancel", PLAN, id=plan_id)
    assert off["simScheduledTransition"]["status"] == "CANCELLED"
    again = await mutate(client, "simScheduledTransitionCancel", PLAN, id=plan_id)
    assert again["userErrors"] == error("CONFLICT", "id")
    assert await clockwork(world, hours=2).run_due() == 0
    assert (await shown(client, sim_id))["status"] == "ISSUED"


async def test_many_nodes_do_each_plan_once(world: World, client: Client) -> None:
    sims = [await registered(client, 80_000_010 + number) for number in range(6)]
    for sim_id in sims:
        await plan(client, sim_id, "ACTIVATE", soon(hours=1))
    done = await asyncio.gather(*(clockwork(world, hours=2).run_due() for _ in range(4)))
    assert sum(done) == len(sims)
    steps = await world.tenants.database.pool.fetchval("SELECT count(*) FROM sim_history WHERE actor_kind = 2")
    assert steps == len(sims)


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00Z", "2060-01-01T00:00:00Z"])
async def test_a_moment_that_is_over_or_far_off_is_refused(world: World, client: Client, at: str) -> None:
    sim_id = await registered(client)
    payload = await mutate(client, "simScheduleTransition", PLAN, id=sim_id, transition="ACTIVATE", at=at)
    assert payload["userErrors"] == error("INVALID", "at")


async def test_plans_of_a_sim_are_bounded_and_none_is_made_for_a_deleted_one(world: World, client: Client) -> None:
    sim_id = await registered(client)
    for _ in range(MAX_PENDING):
        await plan(client, sim_id, "ACTIVATE", soon(hours=1))
    fields = {"id": sim_id, "transition": "ACTIVATE", "at": soon(hours=1)}
    more = await mutate(client, "simScheduleTransition", PLAN, **fields)
    assert more["userErrors"] == error("LIMIT_REACHED", "id")
    await mutate(client, "simDelete", "", id=sim_id)
    dead = await mutate(client, "simScheduleTransition", PLAN, **fields)
    assert dead["userErrors"] == error("DENIED", "id")


async def test_plans_are_listed_for_the_workspace(world: World, client: Client) -> None:
    sim_id = await registered(client)
    await plan(client, sim_id, "DELETE", soon(hours=1))
    query = "query ($f: SimScheduledTransitionFilter) { simScheduledTransitions(filter: $f) { totalCount } }"
    for condition, count in (({}, 6), ({"status": ["DONE"]}, 0), ({"simId": sim_id}, 1)):
        reply = await client.query(query, {"f": condition})
        assert reply.data["simScheduledTransitions"]["totalCount"] == count


TEST = "sim { status testEndsAt testSmsCount testDataOctets }"


async def test_a_factory_test_ends_with_its_period(world: World, client: Client) -> None:
    sim_id = await registered(client)
    begun = await mutate(client, "simStartFactoryTest", TEST, id=sim_id, endsAt=soon(hours=3))
    assert begun["sim"].pop("testEndsAt") is not None
    assert begun["sim"] == {"status": "FACTORY_TEST", "testSmsCount": 0, "testDataOctets": 0}
    assert (await shown(client, sim_id))["events"]["nodes"][0]["typeNumber"] == 45
    assert await clockwork(world, hours=2).run_due() == 0
    assert await clockwork(world, hours=4).run_due() == 1
    found = await shown(client, sim_id)
    assert found["history"]["nodes"] == [
        {"from": "FACTORY_TEST", "to": "ACTIVATED", "trigger": "TEST_PERIOD_ENDED", "actor": None}
    ]
    assert found["events"]["nodes"][0]["typeNumber"] == 8


async def test_a_factory_test_ends_with_its_devices_status(world: World, client: Client) -> None:
    sim_id = await registered(client)
    device_id = encode_global_id("Device", await world.tenants.device(world.demo, "empty", with_sim=False))
    await mutate(client, "deviceAssignSim", "", id=device_id, simId=sim_id)
    await mutate(client, "simStartFactoryTest", TEST, id=sim_id)
    await mutate(client, "deviceDisable", "", id=device_id)
    found = await shown(client, sim_id)
    assert found["history"]["nodes"][0]["trigger"] == "DEVICE_STATUS_CHANGED"
    assert found["status"] == "ACTIVATED"
    assert (await mutate(client, "deviceEnable", "", id=device_id))["userErrors"] == []


async def test_a_factory_test_is_for_sims_that_were_never_activated(world: World, client: Client) -> None:
    sim_id = await registered(client)
    await mutate(client, "simStartFactoryTest", TEST, id=sim_id)
    assert (await mutate(client, "simStartFactoryTest", TEST, id=sim_id))["userErrors"] == []
    await mutate(client, "simActivate", "", id=sim_id)
    late = await mutate(client, "simStartFactoryTest", TEST, id=sim_id)
    assert late["userErrors"] == error("DENIED", "id")
    for ends_at in ("2020-01-01T00:00:00Z", "2060-01-01T00:00:00Z"):
        wrong = await mutate(client, "simStartFactoryTest", TEST, id=sim_id, endsAt=ends_at)
        assert wrong["userErrors"] == error("INVALID", "endsAt")


async def test_what_the_schedule_does_is_in_the_workspaces_audit_log(world: World, client: Client) -> None:
    await plan(client, await registered(client), "ACTIVATE", soon(hours=1))
    await clockwork(world, minutes=61).run_due()
    (act,) = await acts_of(world.tenants.database, "SYSTEM")
    assert act[:4] == (world.demo.workspace_id, "SYSTEM", "schedule", "simSchedule")
    assert act[4]["sim.UPDATE"] == 1
