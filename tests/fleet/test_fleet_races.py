"""Two who do the same at once: one of them gets it, the other is told, and nothing is left half done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest_asyncio

from motet.domain.errors import ConflictError, DomainError
from motet.domain.ids import IdGenerator
from motet.fleet.devices.device import DeviceChanges, DeviceService
from motet.fleet.journal import Journal
from motet.fleet.seeds.tenant import identity
from motet.fleet.sims.sim import NewSim, SimService
from motet.fleet.sims.sim_import import Imported, import_sims
from motet.fleet.sims.sim_sheet import Layout
from motet.storage.database import Database
from tenants import Tenant, Tenants, two_tenants

TIMES = 4


class Fleet:
    """Services on a database with two tenants."""

    def __init__(self, tenants: Tenants, demo: Tenant, other: Tenant) -> None:
        self.tenants, self.demo, self.other = tenants, demo, other
        ids = IdGenerator(3)
        journal = Journal(ids)
        self.sims = SimService(tenants.database, ids, journal, on_change=self._changed)
        self.devices = DeviceService(tenants.database, ids, journal, on_change=self._changed)
        self.space = demo.workspace_id

    async def _changed(self) -> None:
        pass

    async def count(self, query: str) -> int:
        return int(await self.tenants.database.pool.fetchval(query))


@pytest_asyncio.fixture
async def fleet(database: Database) -> Fleet:
    return Fleet(*await two_tenants(database))


async def together(*calls: Awaitable[object]) -> list[type[BaseException] | None]:
    """What each came to: None, or the kind of domain error."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, DomainError):
            raise result
    return [type(result) if isinstance(result, BaseException) else None for result in results]


async def test_one_sim_goes_into_one_device(fleet: Fleet) -> None:
    sim_id = await fleet.tenants.sim(fleet.demo)
    empty = [await fleet.tenants.device(fleet.demo, with_sim=False) for _ in range(TIMES)]
    came = await together(*(fleet.devices.assign_sim(fleet.space, "me", one, sim_id) for one in empty))
    assert sorted(map(str, came)) == sorted(map(str, [None] + [ConflictError] * (TIMES - 1)))
    assert await fleet.count(f"SELECT count(*) FROM device WHERE sim_id = {sim_id}") == 1  # noqa: S608 - a number
    linked = "SELECT count(*) FROM device d JOIN sim s ON s.id = d.sim_id AND s.device_id = d.id"
    assert await fleet.count(linked) == 11
    assert await fleet.count("SELECT count(*) FROM event WHERE type = 'sim.assigned'") == 1


async def test_a_refused_device_with_a_sim_is_not_made(fleet: Fleet) -> None:
    sim_id = await fleet.tenants.sim(fleet.demo)
    before = await fleet.count("SELECT count(*) FROM device")
    made = (fleet.devices.create(fleet.space, "me", DeviceChanges(name=str(n)), sim_id=sim_id) for n in range(TIMES))
    assert (await together(*made)).count(None) == 1
    assert await fleet.count("SELECT count(*) FROM device") == before + 1
    assert await fleet.count("SELECT count(*) FROM event WHERE type = 'device.created'") == 1


async def test_one_step_of_a_sims_life_is_taken_once(fleet: Fleet) -> None:
    sim_id = fleet.demo.sims[0]
    came = await together(*(fleet.sims.suspend(fleet.space, "me", sim_id) for _ in range(TIMES)))
    assert came == [None] * TIMES
    assert await fleet.count("SELECT count(*) FROM event WHERE type = 'sim.suspended'") == 1


async def test_release_delete_and_assign_at_once_leave_both_sides_in_agreement(fleet: Fleet) -> None:
    device_id, sim_id = fleet.demo.devices[0], fleet.demo.sims[0]
    empty = await fleet.tenants.device(fleet.demo, with_sim=False)
    await together(
        fleet.devices.release_sim(fleet.space, "me", device_id),
        fleet.devices.delete(fleet.space, "me", device_id),
        fleet.devices.assign_sim(fleet.space, "me", empty, sim_id),
        fleet.sims.delete(fleet.space, "me", sim_id),
        fleet.devices.disable(fleet.space, "me", device_id),
    )
    disagreeing = (
        "SELECT count(*) FROM sim s FULL JOIN device d ON d.sim_id = s.id"
        " WHERE (s.device_id IS DISTINCT FROM d.id AND (s.device_id IS NOT NULL OR d.sim_id IS NOT NULL))"
        "    OR (s.status = 4 AND s.device_id IS NOT NULL) OR (d.status = 2 AND d.sim_id IS NOT NULL)"
    )
    assert await fleet.count(disagreeing) == 0


async def test_an_identity_is_registered_once_on_the_platform(fleet: Fleet) -> None:
    new = NewSim(**identity(70_000_001)._asdict())
    spaces = [fleet.space, fleet.other.workspace_id] * 2
    came = await together(*(fleet.sims.register(space, "me", new) for space in spaces))
    assert (came.count(None), came.count(ConflictError)) == (1, 3)
    assert await fleet.count("SELECT count(*) FROM directory WHERE value LIKE '%7000000%'") == 3


async def test_imports_that_meet_share_the_lines_and_do_not_block_each_other(fleet: Fleet) -> None:
    lines = [",".join(identity(70_000_000 + number)) for number in range(1, 301)]
    texts = ["\n".join(["iccid,imsi,msisdn", *lines]), "\n".join(["iccid,imsi,msisdn", *reversed(lines)])] * 2
    results: list[Imported] = await asyncio.gather(
        *(import_sims(fleet.sims, fleet.space, "me", text, Layout()) for text in texts)
    )
    assert sum(one.imported_count for one in results) == 300
    assert sum(len(one.errors) for one in results) == 900
    assert await fleet.count("SELECT count(*) FROM directory") == 3 * (300 + 10)
