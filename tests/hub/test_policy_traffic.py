"""What service and coverage policies say decides over the very next SMS, with the reason in the event."""

from __future__ import annotations

from typing import Any

from hub_world import CODE, DELIVERED, Carrier, World, phone, until

from motet.domain.service_policy import ServicePolicy
from motet.domain.states import MessageState
from motet.domain.traffic_rules import Traffic
from motet.fleet.devices.device import DeviceChanges, DeviceService
from motet.fleet.journal import Journal
from motet.fleet.policies.coverage_check import CoverageCheckService
from motet.fleet.policies.policies import COVERAGE, SERVICE, PolicyService
from motet.hub.hub import Hub

RECEIVED, REJECTED = int(MessageState.RECEIVED), int(MessageState.REJECTED)
WORLD = "4915112345678"
"""A number that is nobody's here."""


def policies(world: World, hub: Hub) -> PolicyService[ServicePolicy]:
    async def changed() -> None:
        hub.fleet_changed()

    return PolicyService(SERVICE, world.database, hub.ids, Journal(hub.ids), on_change=changed)


async def change_default(world: World, hub: Hub, **changes: Any) -> None:
    await policies(world, hub).update(world.workspace_id, "me", world.workspace_id, changes)


async def mt(world: World, hub: Hub) -> str | None:
    """Why an ESME's next message to the first device is refused; None if it is taken."""
    esme = world.esme(hub)
    token = esme.submit()
    await until(lambda: token in esme.ids or token in esme.refusals)
    return esme.refusals[token].name if token in esme.refusals else None


async def mo(world: World, carrier: Carrier, to: str, sender: int = 1) -> tuple[int, str | None]:
    """What became of the first device's next message: its state and error. It is acknowledged in any case."""
    token = carrier.mo(phone(sender), to, b"hi")
    await until(lambda: token in carrier.acks)
    assert carrier.acks[token] is True
    row = (await world.rows("SELECT state, error FROM message WHERE direction = 1 ORDER BY id DESC LIMIT 1"))[0]
    return row["state"], row["error"]


async def test_sms_to_devices_can_be_switched_off_and_on(world: World) -> None:
    hub = await world.hub()
    assert await mt(world, hub) is None
    await change_default(world, hub, sms_mt_enabled=False)
    assert await mt(world, hub) == "SMS_MT_NOT_ALLOWED"
    event = (await world.rows("SELECT type, data FROM event WHERE type = 'sms.refused'"))[0]
    assert event["data"]["reason"] == "SMS_MT_NOT_ALLOWED"
    await change_default(world, hub, sms_mt_enabled=True)
    assert await mt(world, hub) is None


async def test_sms_from_devices_can_be_switched_off(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    await change_default(world, hub, sms_mo_enabled=False)
    for to in (CODE, phone(2), WORLD):
        assert await mo(world, carrier, to) == (REJECTED, "SMS_MO_NOT_ALLOWED")
    await change_default(world, hub, sms_mo_enabled=True)
    assert await mo(world, carrier, CODE) == (RECEIVED, None)


async def test_a_change_is_heard_by_the_devices_of_the_policy_alone(world: World) -> None:
    hub = await world.hub()
    service = policies(world, hub)
    strict = await service.create(world.workspace_id, "me", {"name": "strict", "sms_mt_enabled": False})
    device_id = await world.value("SELECT device_id FROM sim WHERE msisdn = $1", phone())

    async def changed() -> None:
        hub.fleet_changed()

    devices = DeviceService(world.database, hub.ids, Journal(hub.ids), on_change=changed)
    assert await mt(world, hub) is None
    await devices.update(world.workspace_id, "me", device_id, DeviceChanges(service_policy_id=strict))
    assert await mt(world, hub) == "SMS_MT_NOT_ALLOWED"
    await service.update(world.workspace_id, "me", strict, {"sms_mt_enabled": True})
    assert await mt(world, hub) is None


async def test_p2p_inside_needs_the_policies_of_both(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    service = policies(world, hub)
    assert await mo(world, carrier, phone(2)) == (RECEIVED, None)
    await change_default(world, hub, p2p_inside=False)
    assert await mo(world, carrier, phone(2)) == (REJECTED, "P2P_INSIDE_NOT_ALLOWED")
    await change_default(world, hub, p2p_inside=True)
    deaf = await service.create(world.workspace_id, "me", {"name": "deaf", "sms_mt_enabled": False})
    await world.database.pool.execute(
        "UPDATE device SET service_policy_id = $2 WHERE sim_id = (SELECT id FROM sim WHERE msisdn = $1)", phone(2), deaf
    )
    hub.fleet_changed()
    assert await mo(world, carrier, phone(2)) == (REJECTED, "SMS_MT_NOT_ALLOWED")
    assert await mo(world, carrier, phone(1), sender=2) == (RECEIVED, None)


async def test_p2p_to_the_world_goes_upstream_where_it_is_allowed(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    assert await mo(world, carrier, WORLD) == (REJECTED, "P2P_OUTSIDE_NOT_ALLOWED")
    await change_default(world, hub, p2p_outside=True)
    assert await mo(world, carrier, WORLD) == (RECEIVED, None)
    await until(lambda: carrier.window)
    (unit,) = carrier.window
    assert (unit.message.source, unit.message.destination, unit.message.payload) == (phone(1), WORLD, b"hi")
    sent, received = await world.rows(
        "SELECT id, direction, kind, origin_id, device_id FROM message WHERE state IN (0, 7) ORDER BY direction"
    )
    assert (sent["origin_id"], sent["kind"], sent["device_id"]) == (received["id"], 1, 0)
    carrier.receipts(carrier.take())
    await world.until_state(sent["id"], DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_a_number_of_another_workspace_is_the_world(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    theirs = "99950000001"
    assert await mo(world, carrier, theirs) == (REJECTED, "P2P_OUTSIDE_NOT_ALLOWED")
    await change_default(world, hub, p2p_outside=True)
    assert await mo(world, carrier, theirs) == (RECEIVED, None)
    assert {row["workspace_id"] for row in await world.rows("SELECT workspace_id FROM message")} == {world.workspace_id}


async def test_p2p_beyond_the_limit_of_a_day_is_acknowledged_and_rejected(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    await change_default(world, hub, p2p_limit_per_day=2)
    for expected in ((RECEIVED, None), (RECEIVED, None), *[(REJECTED, "P2P_LIMIT_REACHED")] * 2):
        assert await mo(world, carrier, phone(2)) == expected
    assert await mo(world, carrier, CODE) == (RECEIVED, None)  # no P2P
    assert await mo(world, carrier, phone(1), sender=2) == (RECEIVED, None)  # another device
    told = await world.rows("SELECT type, data FROM event WHERE type LIKE 'sms.%' ORDER BY id")
    assert [row["type"] for row in told] == ["sms.p2p_limit_reached", "sms.mo_refused", "sms.mo_refused"]
    assert told[0]["data"]["limit"] == 2
    explanation = await hub.explain(world.workspace_id, msisdn=phone(), kind=Traffic.P2P_INSIDE)
    assert explanation is not None
    assert explanation.reason == "P2P_LIMIT_REACHED"
    assert [one.name for one in explanation.decisions if one.met is False] == ["P2P_LIMIT"]
    await world.kill(hub)  # what was counted is not forgotten
    hub = await world.hub()
    carrier = Carrier(hub).up()
    assert await mo(world, carrier, phone(2)) == (REJECTED, "P2P_LIMIT_REACHED")


async def test_the_limit_is_for_the_24_hours_from_the_first_message_on(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    await change_default(world, hub, p2p_limit_per_day=1)
    assert await mo(world, carrier, phone(2)) == (RECEIVED, None)
    world.pass_time(24 * 3_600 - 60)
    assert await mo(world, carrier, phone(2)) == (REJECTED, "P2P_LIMIT_REACHED")
    world.pass_time(60)
    assert await mo(world, carrier, phone(2)) == (RECEIVED, None)
    assert await mo(world, carrier, phone(2)) == (REJECTED, "P2P_LIMIT_REACHED")


async def test_where_a_device_is_decides_by_its_coverage_policy_and_its_own_list(world: World) -> None:
    hub = await world.hub()

    async def changed() -> None:
        hub.fleet_changed()

    journal, space = Journal(hub.ids), world.workspace_id
    coverage = PolicyService(COVERAGE, world.database, hub.ids, journal, on_change=changed)
    checks = CoverageCheckService(world.database, journal, on_change=changed)
    row = (await world.rows("SELECT id, device_id FROM sim WHERE msisdn = $1", phone()))[0]
    policy_id = await coverage.create(space, "me", {"name": "home"})
    await world.database.pool.execute(
        "UPDATE device SET coverage_policy_id = $2 WHERE id = $1", row["device_id"], policy_id
    )
    await world.database.pool.execute(
        "INSERT INTO attachment (workspace_id, sim_id, attached, operator, country, rat)"
        " VALUES ($1, $2, true, '26201', 'DE', 'NB_IOT') ON CONFLICT (workspace_id, sim_id) DO UPDATE"
        " SET attached = true, operator = '26201', country = 'DE', rat = 'NB_IOT'",
        space, row["id"],
    )  # fmt: skip
    hub.fleet_changed()
    assert await mt(world, hub) is None
    await coverage.update(space, "me", policy_id, {"operators_denied": ("26201:NB_IOT",)})
    assert await mt(world, hub) == "NETWORK_NOT_ALLOWED"
    await coverage.update(space, "me", policy_id, {"operators_denied": ("26201:LTE",)})
    assert await mt(world, hub) is None
    await checks.block_operator(space, "me", row["device_id"], "26201")
    assert await mt(world, hub) == "NETWORK_NOT_ALLOWED"
    await checks.unblock_operator(space, "me", row["device_id"], "26201")
    assert await mt(world, hub) is None
    await change_default(world, hub, sms_on_nb_iot_refused=True)
    assert await mt(world, hub) == "SMS_ON_NB_IOT"
