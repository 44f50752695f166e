"""Why a device is offline and why an SMS was refused, asked through GraphQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphql_world import World
from test_statements import statements

from motet.domain.global_ids import encode_global_id
from motet.domain.states import MessageState

DIAGNOSIS = """query ($id: ID!) { deviceDiagnosis(id: $id) {
    verdict blocked attached attachedSince lastSeenAt operator cause { rule outcome reason detail advice blocks }
    steps { rule outcome } device { name } } }"""


def device_id_of(world: World) -> str:
    return encode_global_id("Device", world.demo.devices[0])


async def diagnosis(world: World) -> dict[str, Any]:
    reply = await world.client(world.demo).query(DIAGNOSIS, {"id": device_id_of(world)})
    found: dict[str, Any] = reply.data["deviceDiagnosis"]
    return found


async def forget(world: World) -> None:
    """No network has told of anything, and nothing is counted."""
    for statement in ("DELETE FROM attachment", "DELETE FROM data_session", "DELETE FROM quota"):
        await world.tenants.execute(statement)


async def attach(world: World, **more: Any) -> None:
    await forget(world)
    names = {"attached": True, "operator": "26201", "country": "DE", "rat": "4G", **more}
    columns = ", ".join(names)
    places = ", ".join(f"${number}" for number in range(3, len(names) + 3))
    await world.tenants.execute(
        f"INSERT INTO attachment (workspace_id, sim_id, since, told_at, {columns})"  # noqa: S608 - names of this test
        f" VALUES ($1, $2, now(), now(), {places})",
        world.demo.workspace_id, world.demo.sims[0], *names.values(),
    )  # fmt: skip


async def test_a_device_that_no_network_told_of(world: World) -> None:
    await forget(world)
    await world.tenants.execute("DELETE FROM message")
    found = await diagnosis(world)
    assert (found["verdict"], found["cause"]["rule"]) == ("UNKNOWN", "SEEN")
    assert (found["attached"], found["lastSeenAt"], found["device"]) == (None, None, {"name": "demo 0"})


async def test_an_sms_is_a_sign_of_life(world: World) -> None:
    await forget(world)
    found = await diagnosis(world)
    assert (found["verdict"], found["lastSeenAt"] is not None) == ("UNKNOWN", True)
    assert {"rule": "SEEN", "outcome": "PASSED"} in found["steps"]


async def test_a_device_that_is_well(world: World) -> None:
    await attach(world)
    found = await diagnosis(world)
    assert (found["verdict"], found["cause"], found["operator"]) == ("ONLINE", None, "26201")


async def test_an_outage_is_told(world: World) -> None:
    await attach(world, attached=False)
    await world.tenants.execute("INSERT INTO operator_outage (operator, since) VALUES ('26201', now())")
    found = await diagnosis(world)
    assert (found["verdict"], found["cause"]["rule"], found["attached"]) == ("OFFLINE", "OPERATOR_WORKS", False)
    assert found["cause"]["detail"].startswith("26201 fails since ")


async def test_a_suspended_sim_blocks_everything(world: World) -> None:
    await attach(world)
    await world.services.sims.suspend(world.demo.workspace_id, "me", world.demo.sims[0])
    found = await diagnosis(world)
    assert found["verdict"] == "OFFLINE"
    assert found["cause"]["rule"] == "SIM_ACTIVE"
    assert found["cause"]["reason"] == "SIM_NOT_ACTIVE"
    assert "simActivate" in found["cause"]["advice"]
    assert found["blocked"] == ["SMS_MT", "SMS_MO", "P2P_INSIDE", "P2P_OUTSIDE", "P2P_IN", "DATA", "ATTACH"]


async def test_a_used_up_quota_is_the_cause(world: World) -> None:
    await attach(world)
    space = world.demo.workspace_id
    await world.tenants.execute("UPDATE service_policy SET apply_data_quota = true WHERE workspace_id = $1", space)
    found = await diagnosis(world)
    assert (found["verdict"], found["cause"]["rule"], found["cause"]["reason"]) == (
        "LIMITED", "DATA_COUNTED", "NO_QUOTA"
    )  # fmt: skip
    await world.tenants.execute(
        "INSERT INTO quota (workspace_id, id, service, device_id, status, status_changed_at, volume, used,"
        " refill_volume, refill, action, period_started_at) VALUES ($1, $2, 0, $3, 1, now(), 10, 10, 10, 0, 0, now())",
        space, world.tenants.new_id(), world.demo.devices[0],
    )  # fmt: skip
    found = await diagnosis(world)
    assert (found["cause"]["reason"], found["blocked"]) == ("QUOTA_USED_UP", ["P2P_OUTSIDE", "DATA"])


async def test_a_refused_session_is_told(world: World) -> None:
    await attach(world)
    await world.tenants.execute(
        "INSERT INTO data_session (workspace_id, id, sim_id, device_id, session_id, status, reason, last_sequence,"
        " opened_at, updated_at) VALUES ($1, $2, $3, $4, 'x', 2, 'DATA_NOT_ALLOWED', 0, now(), now())",
        world.demo.workspace_id, world.tenants.new_id(), world.demo.sims[0], world.demo.devices[0],
    )  # fmt: skip
    found = await diagnosis(world)
    assert (found["cause"]["rule"], found["cause"]["reason"]) == ("DATA_SESSION", "DATA_NOT_ALLOWED")


async def test_what_is_not_yours_has_no_diagnosis(world: World) -> None:
    client = world.client(world.demo)
    theirs = encode_global_id("Device", world.other.devices[0])
    for bad in (theirs, encode_global_id("Sim", world.demo.sims[0]), "", "nonsense"):
        assert (await client.query(DIAGNOSIS, {"id": bad})).data["deviceDiagnosis"] is None
    await world.services.devices.delete(world.demo.workspace_id, "me", world.demo.devices[0])
    assert (await client.query(DIAGNOSIS, {"id": device_id_of(world)})).data["deviceDiagnosis"] is None


async def refused(world: World, data: dict[str, Any], *, kind: str = "sms.refused", message: bool = False) -> Any:
    """(event, message or None) of a refusal in the first device."""
    space, device, sim = world.demo.workspace_id, world.demo.devices[0], world.demo.sims[0]
    message_id = None
    if message:
        message_id = await world.tenants.message(
            world.demo, device, state=MessageState.REJECTED, direction=1, sim_id=sim
        )
    event_id = world.tenants.new_id()
    await world.tenants.execute(
        "INSERT INTO event (workspace_id, id, type, severity, device_id, sim_id, message_id, description, data)"
        " VALUES ($1, $2, $3, 1, $4, $5, $6, 'The SIM is not activated', $7)",
        space, event_id, kind, device, sim, message_id, data,
    )  # fmt: skip
    return event_id, message_id


REFUSAL = """{ at fromDevice reason description rule ruleDescription event { type } sms { status } device { name }
    sim { status } now { allowed reason decisions { rule outcome } } }"""


async def test_a_refused_sms_is_explained_by_its_event(world: World) -> None:
    event_id, _ = await refused(world, {"reason": "SIM_NOT_ACTIVE"})
    query = f'{{ smsRefusal(eventId: "{encode_global_id("Event", event_id)}") {REFUSAL} }}'
    found = (await world.client(world.demo).query(query)).data["smsRefusal"]
    assert found.pop("at")
    assert found["now"].pop("decisions")
    assert found == {
        "fromDevice": False,
        "reason": "SIM_NOT_ACTIVE",
        "description": "The SIM is not activated",
        "rule": "SIM_ACTIVE",
        "ruleDescription": "The SIM is ACTIVATED or in FACTORY_TEST",
        "event": {"type": "sms.refused"},
        "sms": None,
        "device": {"name": "demo 0"},
        "sim": {"status": "ACTIVATED"},
        "now": {"allowed": True, "reason": None},
    }
    assert (await world.client(world.other).query(query)).data["smsRefusal"] is None


async def test_a_refused_sms_from_a_device_is_explained_by_the_message(world: World) -> None:
    _, message_id = await refused(world, {"reason": "QUOTA_USED_UP"}, kind="sms.mo_refused", message=True)
    query = f'{{ smsRefusal(smsId: "{encode_global_id("SmsMessage", message_id)}") {REFUSAL} }}'
    found = (await world.client(world.demo).query(query)).data["smsRefusal"]
    assert (found["fromDevice"], found["reason"], found["rule"]) == (True, "QUOTA_USED_UP", None)
    assert (found["sms"], found["event"]) == ({"status": "REJECTED"}, {"type": "sms.mo_refused"})
    assert (await world.client(world.other).query(query)).data["smsRefusal"] is None


async def test_what_was_not_refused_has_no_reason(world: World) -> None:
    client = world.client(world.demo)
    step = await world.tenants.event(world.demo, "sim.suspended")
    for argument in (
        f'eventId: "{encode_global_id("Event", step)}"',
        f'smsId: "{encode_global_id("SmsMessage", world.demo.messages[0])}"',
        'smsId: "nonsense"',
        'eventId: ""',
    ):
        assert (await client.query(f"{{ smsRefusal({argument}) {{ reason }} }}")).data["smsRefusal"] is None
    assert (await client.query("{ smsRefusal { reason } }")).codes == ["INVALID"]


async def test_one_view_of_a_device_takes_a_constant_number_of_statements(world: World) -> None:
    """The operation that docs/devices.md shows: the device with what is one of it, and a statement for each list."""
    page = (Path(__file__).parents[2] / "docs/devices.md").read_text()
    shown = page[page.index("device(id: $id) {") : page.index("## Why is it offline?")]
    query = shown.replace("$id", f'"{device_id_of(world)}"')
    query = "{ " + query[: query.rindex("}")] + "}"
    lists = query.count("{ nodes {")
    before = await statements(world, query)
    for _ in range(5):
        await world.tenants.message(world.demo, world.demo.devices[0])
        await world.tenants.event(world.demo, device_id=world.demo.devices[0])
    assert len(await statements(world, query)) == len(before) == 1 + lists
    assert lists == 6
