"""Addresses under concurrency and in wide spaces: each is one device's, and the lowest free one comes next."""

from __future__ import annotations

import asyncio
import ipaddress
import random

import pytest
import pytest_asyncio

from motet.domain.errors import ConflictError, DomainError, LimitReachedError
from motet.domain.ids import IdGenerator
from motet.fleet.ip.ip_address_space import IpAddressSpaceService
from motet.fleet.journal import Journal
from motet.storage.database import Database
from tenants import Tenant, Tenants, two_tenants


class Spaces:
    """The service on a database with two tenants."""

    def __init__(self, tenants: Tenants, demo: Tenant, other: Tenant) -> None:
        ids = IdGenerator(3)
        self.tenants, self.demo, self.other = tenants, demo, other
        self.service = IpAddressSpaceService(tenants.database, ids, Journal(ids))
        self.workspace = demo.workspace_id

    async def devices(self, count: int) -> list[int]:
        return [await self.tenants.device(self.demo, with_sim=False) for _ in range(count)]

    async def assign(self, device_id: int, space_id: int, address: str | None = None) -> str:
        await self.service.assign(self.workspace, "me", device_id, space_id=space_id, address=address)
        return await self.address(device_id)

    async def address(self, device_id: int) -> str:
        return str(await self.tenants.database.pool.fetchval("SELECT ip_address FROM device WHERE id = $1", device_id))


@pytest_asyncio.fixture
async def spaces(database: Database) -> Spaces:
    return Spaces(*await two_tenants(database))


async def test_many_at_once_get_the_lowest_addresses_once_each(spaces: Spaces) -> None:
    space_id = await spaces.service.create(spaces.workspace, "10.0.0.0/8")
    devices = await spaces.devices(60)
    given = await asyncio.gather(*(spaces.assign(one, space_id) for one in devices))
    assert sorted(map(ipaddress.IPv4Address, given)) == [ipaddress.IPv4Address(f"10.0.0.{n}") for n in range(1, 61)]
    row = await spaces.tenants.database.pool.fetchrow(
        "SELECT used, next_address FROM ip_address_space WHERE id = $1", space_id
    )
    assert (row["used"], str(row["next_address"])) == (60, "10.0.0.61")


async def test_one_address_goes_to_one_of_many_who_want_it_at_once(spaces: Spaces) -> None:
    space_id = await spaces.service.create(spaces.workspace, "10.0.0.0/8")
    devices = await spaces.devices(8)
    came = await asyncio.gather(
        *(spaces.assign(one, space_id, "10.200.0.1") for one in devices), return_exceptions=True
    )
    assert came.count("10.200.0.1") == 1
    assert sum(isinstance(one, ConflictError) for one in came) == 7


async def test_giving_and_taking_at_once_leaves_the_books_in_order(spaces: Spaces) -> None:
    space_id = await spaces.service.create(spaces.workspace, "10.0.0.0/28")
    devices = await spaces.devices(14)
    for _ in range(3):
        await asyncio.gather(*(spaces.assign(one, space_id) for one in devices), return_exceptions=True)
        came = await asyncio.gather(
            *(spaces.service.release(spaces.workspace, "me", one) for one in devices[::2]),
            *(spaces.assign(one, space_id) for one in devices[1::2]),
            return_exceptions=True,
        )
        assert all(one is None or isinstance(one, str | DomainError) for one in came)
    pool = spaces.tenants.database.pool
    held = await pool.fetch("SELECT ip_address FROM device WHERE ip_address_space_id = $1", space_id)
    assert len({row[0] for row in held}) == len(held)
    assert await pool.fetchval("SELECT used FROM ip_address_space WHERE id = $1", space_id) == len(held)
    both = "SELECT count(*) FROM ip_address_freed f JOIN device d ON d.ip_address = f.address"
    both += " AND d.ip_address_space_id = $1"
    assert await pool.fetchval(both, space_id) == 0


async def test_spaces_that_overlap_are_not_made_at_once(spaces: Spaces) -> None:
    cidrs = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.0.0.0/8"]
    came = await asyncio.gather(
        *(spaces.service.create(spaces.workspace, one) for one in cidrs), return_exceptions=True
    )
    assert sum(isinstance(one, int) for one in came) == 1
    assert sum(isinstance(one, ConflictError) for one in came) == 3


async def test_whatever_is_given_and_taken_the_lowest_free_address_comes_next(spaces: Spaces) -> None:
    """A long random walk against a plain model."""
    space_id = await spaces.service.create(spaces.workspace, "192.168.3.0/28")
    devices = await spaces.devices(16)
    dice = random.Random(20261122)  # noqa: S311 - no secret
    held: dict[int, int] = {}
    for _ in range(200):
        device_id = dice.choice(devices)
        free = sorted(set(range(1, 15)) - set(held.values()))
        if device_id in held:
            await spaces.service.release(spaces.workspace, "me", device_id)
            del held[device_id]
        elif not free:
            with pytest.raises(LimitReachedError):
                await spaces.assign(device_id, space_id)
        else:
            wanted = dice.choice(free) if dice.random() < 0.3 else None
            address = await spaces.assign(device_id, space_id, None if wanted is None else f"192.168.3.{wanted}")
            held[device_id] = free[0] if wanted is None else wanted
            assert address == f"192.168.3.{held[device_id]}"
