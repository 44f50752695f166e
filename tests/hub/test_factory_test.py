"""Factory tests end by what the SIM uses: the tenth SMS of either direction, or 100 KB, whoever is killed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from hub_world import Carrier, Esme, World, phone, until

from motet.domain.network import SessionRecord
from motet.fleet.devices.device import DeviceChanges, DeviceService
from motet.fleet.journal import Journal
from motet.fleet.sims.factory_test import FactoryTestWatch
from motet.fleet.sims.sim import SimService
from motet.fleet.usage.session import SessionService
from motet.hub.hub import Hub

ACTIVATED = 2


@dataclass
class Line:
    """A production line: the SIM of one phone is in factory test."""

    world: World
    hub: Hub
    watch: FactoryTestWatch
    sims: SimService
    devices: DeviceService
    sim_id: int
    device_id: int
    carrier: Carrier
    esme: Esme

    async def status(self) -> int:
        return int(await self.world.value("SELECT status FROM sim WHERE id = $1", self.sim_id))

    async def mt(self, count: int) -> None:
        """So many SMS to the phone, delivered."""
        for _ in range(count):
            message_id = await self.esme.send()
            await until(lambda: self.carrier.window)
            (taken,) = self.carrier.take()
            self.carrier.receipt(taken)
            await self.world.until_state(message_id, 1)

    async def mo(self, count: int) -> None:
        """So many SMS from the phone."""
        for _ in range(count):
            token = self.carrier.mo(phone(), "10100", b"hello")
            await until(lambda token=token: token in self.carrier.acks)

    async def data(self, sequence: int, octets: int) -> None:
        at = datetime.now(UTC)
        record = SessionRecord(at, phone(), "s", sequence, octets // 2, octets - octets // 2, at)
        service = SessionService(self.world.database, self.hub.ids, Journal(self.hub.ids))
        service.on_used = self.watch.used
        await service.ingest([record])

    async def last_step(self) -> tuple[int, ...]:
        """(from, to, trigger, actor kind) of the newest step of its life."""
        (row, *_) = await self.world.rows(
            "SELECT from_status, to_status, trigger, actor_kind FROM sim_history WHERE sim_id = $1 ORDER BY id DESC",
            self.sim_id,
        )
        return tuple(row)


async def production_line(world: World) -> Line:
    hub = await world.hub()

    async def changed() -> None:
        hub.fleet_changed()

    journal = Journal(hub.ids)
    sims = SimService(world.database, hub.ids, journal, on_change=changed)
    devices = DeviceService(world.database, hub.ids, journal, on_change=changed)
    watch = FactoryTestWatch(world.database, hub.ids, journal, on_change=changed)
    hub.factory_tests = watch
    row = (await world.rows("SELECT id, device_id FROM sim WHERE msisdn = $1", phone()))[0]
    await world.rows("UPDATE sim SET status = 0, activated_at = NULL WHERE id = $1", row["id"])
    await sims.start_test(world.workspace_id, "me", row["id"])
    await watch.look()
    return Line(world, hub, watch, sims, devices, row["id"], row["device_id"], Carrier(hub).up(), world.esme(hub).up())


@asynccontextmanager
async def running(watch: FactoryTestWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_tenth_sms_of_either_direction_activates(world: World) -> None:
    line = await production_line(world)
    await line.mt(4)
    await line.mo(5)
    await line.watch.look()
    assert (await line.status(), await world.value("SELECT test_sms FROM sim WHERE id = $1", line.sim_id)) == (1, 9)
    async with running(line.watch):
        await line.mt(1)
        await world.until_rows("SELECT count(*) FROM sim_history WHERE trigger = 4", 1)
    assert await line.last_step() == (1, ACTIVATED, 4, 1)  # used up, by the network
    (event,) = await world.rows("SELECT type, actor, data FROM event ORDER BY id DESC LIMIT 1")
    assert (event["type"], event["actor"]) == ("sim.activated", None)
    assert line.watch.tested == {line.sim_id} or not line.watch.tested
    await line.mt(1)  # traffic goes on


async def test_refused_and_failed_sms_do_not_count(world: World) -> None:
    line = await production_line(world)
    await line.mt(1)
    message_id = await line.esme.send()
    await until(lambda: line.carrier.window)
    (taken,) = line.carrier.take()
    line.carrier.receipt(taken, 2, error="1")
    await world.until_state(message_id, 2)
    await line.watch.look()
    assert await world.value("SELECT test_sms FROM sim WHERE id = $1", line.sim_id) == 1


async def test_100_kb_of_data_activate(world: World) -> None:
    line = await production_line(world)
    await line.data(0, 99_999)
    await line.watch.look()
    assert (await line.status(), await world.value("SELECT test_octets FROM sim WHERE id = $1", line.sim_id)) == (
        1, 99_999,
    )  # fmt: skip
    await line.data(1, 1)
    await line.watch.look()
    assert await line.status() == ACTIVATED
    assert await line.last_step() == (1, ACTIVATED, 4, 1)


async def test_another_node_counts_what_a_dead_one_carried(world: World) -> None:
    line = await production_line(world)
    line.hub.factory_tests = None  # killed before it could count
    await line.mt(10)
    assert await line.status() == 1
    ids = line.hub.ids

    async def changed() -> None:
        pass

    first, second = (FactoryTestWatch(world.database, ids, Journal(ids), on_change=changed) for _ in range(2))
    await asyncio.gather(first.look(), second.look())
    assert await line.status() == ACTIVATED
    assert await world.value("SELECT count(*) FROM sim_history WHERE sim_id = $1 AND trigger = 4", line.sim_id) == 1


async def test_what_the_sim_did_in_another_device_counts(world: World) -> None:
    line = await production_line(world)
    await line.mt(6)
    space = world.workspace_id
    await line.devices.release_sim(space, "me", line.device_id)
    other = await line.devices.create(space, "me", DeviceChanges(name="second"), sim_id=line.sim_id)
    assert other
    await line.mt(3)
    await line.watch.count(None)
    assert await world.value("SELECT test_sms FROM sim WHERE id = $1", line.sim_id) == 9
