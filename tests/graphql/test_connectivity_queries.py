"""Connectivity through GraphQL: what it is made of, and resets."""

from __future__ import annotations

from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from motet.domain.global_ids import encode_global_id

QUERY = """query ($id: ID!) { device(id: $id) { connectivity { status blockedBy openSessions imeiMatches
  location { operator operatorName country rat cell networkNode } locationIsStale lastReset { state } }
  locationHistory { totalCount nodes { operator } } } }"""


async def connectivity(client: Client, device_id: int) -> dict[str, Any]:
    reply = await client.query(QUERY, {"id": encode_global_id("Device", device_id)})
    found: dict[str, Any] = reply.data["device"]["connectivity"]
    return found


async def test_the_status_is_what_networks_sessions_and_rules_make_of_it(world: World, client: Client) -> None:
    device, execute = world.demo.devices[0], world.tenants.execute
    sim = await world.tenants.database.pool.fetchval("SELECT sim_id FROM device WHERE id = $1", device)
    found = await connectivity(client, device)
    assert (found["status"], found["locationIsStale"], found["imeiMatches"]) == ("ATTACHED", False, None)
    assert found["location"] == {
        "operator": "26201", "operatorName": "Telekom Deutschland GmbH", "country": "DE", "rat": "LTE_M",
        "cell": "262-01-1A2B-0001", "networkNode": "mme1",
    }  # fmt: skip
    await execute(
        "INSERT INTO data_session (workspace_id, id, sim_id, device_id, session_id, status, last_sequence, opened_at,"
        " updated_at) VALUES ($1, 999, $2, $3, 'online', 0, 0, now(), now())",
        world.demo.workspace_id, sim, device,
    )  # fmt: skip
    found = await connectivity(client, device)
    assert (found["status"], found["openSessions"] >= 1) == ("ONLINE", True)
    await execute("UPDATE device SET imei_lock = true, imei = '356938035643809' WHERE id = $1", device)
    found = await connectivity(client, device)
    assert (found["status"], found["blockedBy"], found["imeiMatches"]) == ("BLOCKED", "IMEI_MISMATCH", False)
    await execute("UPDATE service_policy SET imei_lock_mode = 'ALERT'")
    assert (await connectivity(client, device))["status"] == "ONLINE"
    await execute("UPDATE data_session SET status = 1")
    await execute("UPDATE attachment SET attached = false")
    found = await connectivity(client, device)
    assert (found["status"], found["locationIsStale"]) == ("OFFLINE", True)
    bare = await world.tenants.device(world.demo, with_sim=False)
    found = await connectivity(client, bare)
    assert (found["status"], found["location"], found["lastReset"]) == ("OFFLINE", None, None)


async def test_a_place_of_yesterday_is_stale(world: World, client: Client) -> None:
    await world.tenants.execute("UPDATE location SET updated_at = now() - interval '25 hours'")
    assert (await connectivity(client, world.demo.devices[0]))["locationIsStale"] is True


async def test_a_reset_is_pending_until_the_network_has_answered(world: World, client: Client) -> None:
    device = world.demo.devices[0]
    given = {"id": encode_global_id("Device", device)}
    shown = "device { connectivity { lastReset { state location data actor } } }"
    made = await mutate(client, "deviceResetConnectivity", shown, **given, data=False)
    assert made["userErrors"] == []
    assert made["device"]["connectivity"]["lastReset"] == {
        "state": "PENDING", "location": True, "data": False, "actor": "administrator@demo",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "code", "path"),
    [
        ({"location": False, "data": False}, "INVALID", "location"),
        ({"location": None}, "INVALID", "location"),
        ({"id": "nonsense"}, "NOT_FOUND", "id"),
    ],
)
async def test_what_cannot_be_reset(world: World, client: Client, more: dict[str, Any], code: str, path: str) -> None:
    given = {"id": encode_global_id("Device", world.demo.devices[0]), **more}
    done = await mutate(client, "deviceResetConnectivity", "device { id }", **given)
    assert done == {"device": None, "userErrors": error(code, path)}


async def test_equipment_that_is_allowed_besides(world: World, client: Client) -> None:
    device = encode_global_id("Device", world.demo.devices[0])

    async def allow(*typed: str) -> dict[str, Any]:
        return await mutate(client, "deviceUpdate", "device { imeiAllowed }", id=device, imeiAllowed=list(typed))

    done = await allow("490154203237518", "35693803", "49015420323751")
    assert done["device"] == {"imeiAllowed": ["49015420323751", "35693803"]}
    assert (await allow())["device"] == {"imeiAllowed": []}
    assert (await allow("490154203237519"))["userErrors"][0]["code"] == "INVALID"
    assert (await allow(*["35693803"] * 101))["userErrors"][0]["code"] == "INVALID"
