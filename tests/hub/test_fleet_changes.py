"""What is done to SIMs and devices decides over the very next SMS, with the reason that the explanation gives."""

from __future__ import annotations

import pytest
from hub_world import World, phone, until

from motet.domain.errors import DeniedError, NotFoundError
from motet.domain.refusals import Refusal
from motet.fleet.devices.device import DeviceChanges, DeviceService
from motet.fleet.journal import Journal
from motet.fleet.seeds.tenant import identity
from motet.fleet.sims.sim import NewSim, SimService
from motet.hub.hub import Hub
from motet.hub.requests import SendRequest


def services(world: World, hub: Hub) -> tuple[SimService, DeviceService]:
    async def changed() -> None:
        hub.fleet_changed()

    journal = Journal(hub.ids)
    return (
        SimService(world.database, hub.ids, journal, on_change=changed),
        DeviceService(world.database, hub.ids, journal, on_change=changed),
    )


async def refusal(world: World, hub: Hub) -> str | None:
    """Why the next SMS of an ESME to the first device is refused, as the ESME, an API caller and a reader are told."""
    esme = world.esme(hub)
    token = esme.submit()
    await until(lambda: token in esme.ids or token in esme.refusals)
    told = esme.refusals.get(token)
    explanation = await hub.explain(world.workspace_id, msisdn=phone())
    assert explanation is not None
    assert explanation.reason == (None if told is None else told.name)
    if told is not None:
        request = SendRequest(workspace_id=world.workspace_id, msisdn=phone(), source="1", text="x")
        with pytest.raises(DeniedError, match=told.words):
            await hub.send(request)
    return None if told is None else told.name


async def test_each_change_decides_over_the_next_message(world: World) -> None:
    hub = await world.hub()
    sims, devices = services(world, hub)
    row = (await world.rows("SELECT id, device_id FROM sim WHERE msisdn = $1", phone()))[0]
    sim_id, device_id, space = row["id"], row["device_id"], world.workspace_id
    assert await refusal(world, hub) is None
    await sims.suspend(space, "me", sim_id)
    assert await refusal(world, hub) == "SIM_NOT_ACTIVE"
    await sims.activate(space, "me", sim_id)
    assert await refusal(world, hub) is None
    await devices.disable(space, "me", device_id)
    assert await refusal(world, hub) == "DEVICE_DISABLED"
    await devices.enable(space, "me", device_id)
    assert await refusal(world, hub) is None
    await devices.release_sim(space, "me", device_id)
    assert await refusal(world, hub) == "NO_DEVICE"
    await devices.assign_sim(space, "me", device_id, sim_id)
    assert await refusal(world, hub) is None
    await devices.delete(space, "me", device_id)
    assert await refusal(world, hub) == "NO_DEVICE"
    again = await devices.create(space, "me", DeviceChanges(name="again"), sim_id=sim_id, enabled=False)
    assert await refusal(world, hub) == "DEVICE_DISABLED"
    await devices.delete(space, "me", again)
    await sims.delete(space, "me", sim_id)
    esme = world.esme(hub)
    token = esme.submit()
    await until(lambda: token in esme.refusals)
    assert esme.refusals[token] is Refusal.UNKNOWN_DESTINATION
    assert await hub.explain(space, msisdn=phone()) is None
    with pytest.raises(NotFoundError):
        await hub.send(SendRequest(workspace_id=space, device_id=again, source="1", text="x"))
    reasons = await world.rows("SELECT data ->> 'reason' AS reason FROM event WHERE type = 'sms.refused' ORDER BY id")
    assert [row["reason"] for row in reasons] == [
        reason
        for reason in ("SIM_NOT_ACTIVE", "DEVICE_DISABLED", "NO_DEVICE", "NO_DEVICE", "DEVICE_DISABLED")
        for _ in range(2)
    ]


async def test_a_registered_sim_takes_messages_once_it_is_activated_in_a_device(world: World) -> None:
    hub = await world.hub()
    sims, devices = services(world, hub)
    space = world.workspace_id
    new = NewSim(**identity(99_999_999)._asdict())
    esme = world.esme(hub)
    token = esme.submit(to=new.msisdn)
    await until(lambda: esme.refusals.get(token) is Refusal.UNKNOWN_DESTINATION)
    sim_id = await sims.register(space, "me", new)
    token = esme.submit(to=new.msisdn)
    await until(lambda: esme.refusals.get(token) is Refusal.SIM_NOT_ACTIVE)
    await sims.activate(space, "me", sim_id)
    token = esme.submit(to=new.msisdn)
    await until(lambda: esme.refusals.get(token) is Refusal.NO_DEVICE)
    await devices.create(space, "me", DeviceChanges(name="new"), sim_id=sim_id)
    assert await esme.send(to=new.msisdn)
