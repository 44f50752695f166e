"""A device that loses its tags between the look at an id and the change is not changed: each mutation that is open to a
role bound to tags runs into someone who is just taking the tags away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from graphql import GraphQLNonNull, get_named_type
from graphql_client import Client, Reply
from graphql_world import World
from scoped_client import bound_to
from test_schema import ABOUT, OWN_TYPES, WELL_FORMED, literal, permission_of, subject_of
from test_tag_scope import DEVICE_OF, fingerprint, id_fields, is_closed, mutations, rows_of

from motet.access.principals import EVERYONES
from motet.domain.global_ids import encode_global_id
from motet.domain.states import MessageState
from motet.hub.requests import SendRequest
from motet.reading.entities import ENTITIES

TAGS = ["all", "blue"]

GIVEN = {"deviceBulkUpdate": {"addTags": '["x"]'}, "deviceCreate": {"tags": '["all"]'}}
"""Input of this test, that gets as far as a change."""


@pytest.fixture
async def fleet(world: World) -> World:
    """Of `demo`, the last device, which has everything, has the tags; its messages are on their way."""
    await world.tenants.execute("UPDATE device SET tags = $2 WHERE id = $1", world.demo.devices[-1], TAGS)
    await world.tenants.execute(
        "UPDATE message SET state = $2, final_at = NULL WHERE device_id = $1", world.demo.devices[-1], MessageState.OPEN
    )
    return world


@pytest.fixture
def fitter(fleet: World) -> Client:
    return bound_to(fleet, fleet.demo, "all")


@asynccontextmanager
async def taking_tags_away(world: World) -> AsyncIterator[Any]:
    """Someone who has taken them, and not yet committed it. Gives what commits it."""
    device_id = world.demo.devices[-1]
    async with world.tenants.database.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE device SET tags = '{}' WHERE id = $1", device_id)
        try:
            yield transaction.commit
        finally:
            await connection.execute("ROLLBACK")
    await world.tenants.execute("UPDATE device SET tags = $2 WHERE id = $1", device_id, TAGS)


async def until_one_waits(world: World, task: asyncio.Task[Any] | None = None, count: int = 1) -> None:
    """Until so many statements wait for a lock, or the task is over."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while not (task is not None and task.done()) and await world.tenants.database.pool.fetchval(waiting) < count:  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0.002)


async def raced(world: World, client: Client, document: str) -> tuple[Reply, bool]:
    """What a mutation answers to which the tags are taken away while it is under way, and whether it met that."""
    async with taking_tags_away(world) as commit:
        asked = asyncio.create_task(client.query(document))
        await until_one_waits(world, asked)
        met = not asked.done()
        await commit()
        return await asked, met


async def own_ids(world: World) -> dict[str, str]:
    """A global id of each type: rows of the device with the tags where they are a device's."""
    found = {}
    for name, entity in ENTITIES.items():
        if name in DEVICE_OF:
            rows = await rows_of(world, name)
            row_id = min(one for one, owner in rows.items() if owner == world.demo.devices[-1])
        elif entity.tenant_column is not None:
            query = f"SELECT min(id) FROM {entity.table} WHERE {entity.tenant_column} = $1"  # noqa: S608
            row_id = await world.tenants.database.pool.fetchval(query, world.demo.workspace_id)
        else:
            continue
        found[name] = encode_global_id(name, row_id)
    return found


async def test_nothing_is_changed_of_a_device_that_loses_its_tags_meanwhile(fleet: World, fitter: Client) -> None:
    ids = await own_ids(fleet)
    before = await fingerprint(fleet)
    met, not_met = set(), set()
    for mutation, path, document in changes_of(ids):
        reply, was_met = await raced(fleet, fitter, document)
        errors = reply.data["x"]["userErrors"]
        if was_met:
            met.add(mutation)
            assert [error["code"] for error in errors] == ["NOT_FOUND"], (mutation, path)
        else:
            not_met.add(f"{mutation} {path} {errors}")
    assert not not_met, "Give input that gets as far as the change"
    assert len(met) >= 30
    assert await fingerprint(fleet) == before


def changes_of(ids: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Each mutation that is open to the bound with each of its ids of a device or what belongs to one."""
    for mutation in mutations():
        if is_closed("Mutation", mutation):
            continue
        if permission_of("Mutation", mutation) in EVERYONES:
            continue
        input_type = get_named_type(OWN_TYPES["Mutation"].fields[mutation].args["input"].type)
        own = {"QuotaTopUp": "Quota"}.get(subject_of(mutation), subject_of(mutation))
        given = {
            name: literal(at.type, ids, name, own)
            for name, at in input_type.fields.items()
            if isinstance(at.type, GraphQLNonNull)
        }
        given |= WELL_FORMED.get(mutation, {}) | GIVEN.get(mutation, {})
        for path in id_fields(input_type):
            subject = ABOUT.get(path[0], own)
            if len(path) > 1 or subject not in DEVICE_OF:
                continue
            value = f'"{ids[subject]}"'
            fields = given | {path[0]: f"[{value}]" if path[0] == "ids" else value}
            inner = " ".join(f"{name}: {value}" for name, value in fields.items())
            payload = "{ userErrors { code path message } }"
            yield mutation, path[0], f"mutation {{ x: {mutation}(input: {{ {inner} }}) {payload} }}"


async def test_a_number_is_nobodys_if_its_device_loses_its_tags_meanwhile(fleet: World, fitter: Client) -> None:
    row = await fleet.tenants.database.pool.fetchrow(
        "SELECT iccid, msisdn FROM sim WHERE device_id = $1", fleet.demo.devices[-1]
    )
    for name in ("iccid", "msisdn"):
        document = f'mutation {{ x: smsSend(input: {{ {name}: "{row[name]}" text: "x" }}) {{ userErrors {{ %s }} }} }}'
        reply, met = await raced(fleet, fitter, document % "code path message")
        assert met
        error = {"code": "NOT_FOUND", "path": ["input", name], "message": "There is no device with this number."}
        assert reply.data["x"]["userErrors"] == [error]
    assert fleet.hub.requests == []


async def test_a_message_is_sent_while_its_device_keeps_its_tags(fleet: World, fitter: Client) -> None:
    device_id = fleet.demo.devices[-1]
    hub, stored = fleet.hub.send, []

    async def send(request: SendRequest) -> int:
        taking = asyncio.create_task(fleet.tenants.execute("UPDATE device SET tags = '{}' WHERE id = $1", device_id))
        await until_one_waits(fleet)
        stored.append(await hub(request))
        assert not taking.done()
        takers.append(taking)
        return stored[0]

    takers: list[asyncio.Task[None]] = []
    fleet.hub.send = send  # type: ignore[method-assign]
    own = encode_global_id("Device", device_id)
    reply = await fitter.query(
        f'mutation {{ smsSend(input: {{ deviceId: "{own}" text: "x" }}) {{ userErrors {{ code }} }} }}'
    )
    await takers[0]
    assert reply.data["smsSend"]["userErrors"] == []


async def test_who_names_the_same_devices_by_different_ways_does_not_wait_in_a_circle(
    fleet: World, fitter: Client
) -> None:
    pool = fleet.tenants.database.pool
    rows = await pool.fetch(
        "SELECT device_id, id FROM sim WHERE workspace_id = $1 AND device_id IS NOT NULL ORDER BY device_id LIMIT 2",
        fleet.demo.workspace_id,
    )
    (one, first), (two, second) = rows
    await pool.execute("UPDATE device SET tags = $2 WHERE id = ANY ($1)", [one, two], TAGS)
    before = await fingerprint(fleet)
    document = 'mutation {{ x: deviceAssignSim(input: {{ id: "{}" simId: "{}" }}) {{ userErrors {{ code }} }} }}'
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT FROM device WHERE id = ANY ($1) FOR UPDATE", [one, two])
        asked = [
            asyncio.create_task(
                fitter.query(document.format(encode_global_id("Device", device), encode_global_id("Sim", sim)))
            )
            for device, sim in ((one, second), (two, first))
        ]
        await until_one_waits(fleet, count=2)
        await transaction.rollback()
    for reply in await asyncio.gather(*asked):
        assert [error["code"] for error in reply.data["x"]["userErrors"]] == ["CONFLICT"]
    assert await fingerprint(fleet) == before


async def test_an_item_of_a_job_whose_device_loses_its_tags_meanwhile_is_left_alone(
    fleet: World, fitter: Client
) -> None:
    ids = await own_ids(fleet)
    for mutation, change in (
        ("deviceBulkUpdate", 'addTags: ["x"]'),
        ("deviceBulkDelete", ""),
        ("simBulkUpdate", "step: SUSPEND"),
    ):
        own = ids["Sim" if mutation.startswith("sim") else "Device"]
        reply = await fitter.query(
            f'mutation {{ x: {mutation}(input: {{ ids: ["{own}"] {change} }})'
            " { job { id } userErrors { code } } }"
        )
        assert reply.data["x"]["userErrors"] == []
        before = await fingerprint(fleet)
        async with taking_tags_away(fleet) as commit:
            running = asyncio.create_task(fleet.runner.run_all())
            await until_one_waits(fleet)
            await commit()
            await running
        assert await fingerprint(fleet) == before, mutation
        shown = await fitter.query(f'{{ job(id: "{reply.data["x"]["job"]["id"]}") {{ failed changed }} }}')
        assert shown.data["job"] == {"failed": 1, "changed": 0}, mutation
