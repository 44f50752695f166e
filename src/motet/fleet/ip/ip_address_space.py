"""What a workspace does with its private address spaces, and with the addresses of its devices.

An address is a device's until it is released: it stays when the SIM is changed. Whoever gives or takes addresses locks
the device first, then the space.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from motet.domain.errors import ConflictError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.event_types import DEVICE_UPDATED
from motet.domain.ids import IdGenerator
from motet.domain.ip_spaces import Address, Network, parse_address, parse_space, propose_spaces
from motet.fleet.journal import Change, Journal
from motet.fleet.rules import MAX_DESCRIPTION_CHARACTERS, check_text
from motet.storage import device, ip_address_space, setting
from motet.storage.database import Database, PooledConnection
from motet.storage.ip_address_space import DeviceAddress, LockedSpace
from motet.storage.transaction import transaction

MAX_SPACES = 100
"""Spaces of one workspace: few enough to compare each with each."""
MAX_EXPORT = 100_000
"""Addresses of one export: some 5 MB."""


class IpAddressSpaceService:
    """The address spaces of all workspaces, each call scoped to one. Errors are domain errors; paths name input
    fields."""

    def __init__(
        self, database: Database, ids: IdGenerator, journal: Journal, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._ids = ids
        self._journal = journal
        self._clock = clock

    async def create(self, workspace_id: int, cidr: str, *, description: str = "") -> int:
        """Add a space: its id. Raises InvalidError, ConflictError if it overlaps another, LimitReachedError."""
        space = parse_space(cidr)
        check_text(description, "description", at_most=MAX_DESCRIPTION_CHARACTERS)
        now = self._clock()
        space_id = self._ids.next(int(now * 1_000))
        async with transaction(self._database, makes=space_id) as connection:
            await setting.lock_by_name(connection, f"ip_address_space.{workspace_id}")
            others = await ip_address_space.spaces(connection, workspace_id)
            for _, network in others:
                if network.version == space.version and network.overlaps(space.network):
                    raise ConflictError("This overlaps the space {network}.", path=("cidr",), network=network)
            if len(others) >= MAX_SPACES:
                raise LimitReachedError("A workspace has at most {most} address spaces.", most=MAX_SPACES)
            at = datetime.fromtimestamp(now, UTC)
            await ip_address_space.insert(connection, workspace_id, space_id, space, description, at)
        return space_id

    async def update(self, workspace_id: int, space_id: int, description: str) -> None:
        """Change the description. Raises NotFoundError (path `id`), InvalidError."""
        check_text(description, "description", at_most=MAX_DESCRIPTION_CHARACTERS)
        async with transaction(self._database) as connection:
            if not await ip_address_space.describe(connection, workspace_id, space_id, description):
                raise _no_space("id")

    async def delete(self, workspace_id: int, space_id: int) -> None:
        """Remove a space. Raises NotFoundError (path `id`), ConflictError while a device has an address of it."""
        async with transaction(self._database) as connection:
            if await ip_address_space.lock(connection, workspace_id, space_id) is None:
                raise _no_space("id")
            if not await ip_address_space.delete_unused(connection, workspace_id, space_id):
                raise ConflictError("Devices have addresses of this space: release them first.", path=("id",))

    async def propose(self, workspace_id: int, version: int, prefix: int | None) -> list[Network]:
        """Some spaces at random that the workspace could add. Raises InvalidError (path `prefix_length`)."""
        async with self._database.pool.acquire() as connection:
            taken = [network for _, network in await ip_address_space.spaces(connection, workspace_id)]
        return propose_spaces(version, prefix, taken, random.SystemRandom())

    async def export(self, workspace_id: int, space_id: int) -> list[DeviceAddress] | None:
        """The devices with an address of a space, by address; None if there is no such space.

        Raises LimitReachedError beyond `MAX_EXPORT`.
        """
        async with self._database.pool.acquire() as connection:
            if space_id not in dict(await ip_address_space.spaces(connection, workspace_id)):
                return None
            found = await ip_address_space.addresses(connection, workspace_id, space_id, MAX_EXPORT + 1)
        if len(found) > MAX_EXPORT:
            raise LimitReachedError("An export holds at most {most} addresses.", most=MAX_EXPORT)
        return found

    async def assign(
        self, workspace_id: int, actor: str, device_id: int, *, space_id: int | None = None, address: str | None = None
    ) -> None:
        """Give a device an address: the one named, or else the lowest free one of the space.

        A device that has that address, or one of that space where none is named, keeps it. Raises NotFoundError (path
        `id` or `ip_address_space_id`), InvalidError (path `ip_address`), ConflictError for an address that is taken
        (path `ip_address`) or a device that has another (path `id`), LimitReachedError for a space that is full.
        """
        wanted = None if address is None else parse_address(address)
        async with transaction(self._database, after=self._journal.committed) as connection:
            name = await _lock_device(connection, workspace_id, device_id)
            current = await ip_address_space.address_of(connection, workspace_id, device_id)
            if space_id is None:
                if wanted is None:
                    raise InvalidError("Name a space, an address or both.", path=("ip_address_space_id",))
                space_id = await _space_of(connection, workspace_id, wanted)
            locked = await _locked(connection, workspace_id, space_id, "ip_address_space_id")
            if current is not None:
                if current[0] == space_id and wanted in (None, current[1]):
                    return
                raise ConflictError(
                    "The device has the address {address}: release it first.", path=("id",), address=current[1]
                )
            given = await take(connection, workspace_id, locked, wanted)
            await ip_address_space.give(connection, workspace_id, device_id, given, space_id)
            await self._journal.write(connection, workspace_id, actor, [told(device_id, name, given)])

    async def release(self, workspace_id: int, actor: str, device_id: int) -> None:
        """Take a device's address. Raises NotFoundError, ConflictError if it has none (path `id`)."""
        async with transaction(self._database, after=self._journal.committed) as connection:
            name = await _lock_device(connection, workspace_id, device_id)
            if not await give_back(connection, workspace_id, device_id):
                raise ConflictError("The device has no address of a space.", path=("id",))
            await self._journal.write(connection, workspace_id, actor, [told(device_id, name, None)])


async def take(connection: PooledConnection, workspace_id: int, locked: LockedSpace, wanted: Address | None) -> Address:
    """An address of a locked space that nobody has from now on: the one wanted, or else the lowest free.

    Raises InvalidError, ConflictError (path `ip_address`), LimitReachedError.
    """
    if wanted is not None:
        locked.space.check(wanted, "ip_address")
        await ip_address_space.check_untaken(connection, workspace_id, wanted)
        await ip_address_space.take_freed(connection, workspace_id, locked.id, wanted)
        await ip_address_space.move(connection, workspace_id, locked.id, locked.next_address, 1)
        return wanted
    freed = await ip_address_space.take_lowest_freed(connection, workspace_id, locked.id)
    if freed is not None:
        await ip_address_space.move(connection, workspace_id, locked.id, locked.next_address, 1)
        return freed
    lowest = await ip_address_space.next_untaken(connection, workspace_id, locked.next_address)
    if int(lowest) > int(locked.space.last):
        raise LimitReachedError(
            "No address of {network} is free.", path=("ip_address_space_id",), network=locked.space.network
        )
    await ip_address_space.move(connection, workspace_id, locked.id, lowest + 1, 1)
    return lowest


async def give_back(connection: PooledConnection, workspace_id: int, device_id: int) -> bool:
    """Take a locked device's address and make it free. False if it has none of a space."""
    current = await ip_address_space.address_of(connection, workspace_id, device_id)
    if current is None:
        return False
    space_id, address = current
    locked = await _locked(connection, workspace_id, space_id, "id")
    if int(address) < int(locked.next_address):
        await ip_address_space.free(connection, workspace_id, space_id, address)
    await ip_address_space.move(connection, workspace_id, space_id, locked.next_address, -1)
    await ip_address_space.give(connection, workspace_id, device_id, None, None)
    return True


def told(device_id: int, name: str, address: Address | None) -> Change:
    """What an event tells of a device that got or lost its address."""
    shown = None if address is None else str(address)
    detail = {"device": {"name": name}, "changed": ["ip_address"], "ip_address": shown}
    return Change(DEVICE_UPDATED, device_id, None, detail)


async def _space_of(connection: PooledConnection, workspace_id: int, address: Address) -> int:
    for space_id, network in await ip_address_space.spaces(connection, workspace_id):
        if address in network:
            return space_id
    raise InvalidError("The workspace has no address space with this address.", path=("ip_address",))


async def _lock_device(connection: PooledConnection, workspace_id: int, device_id: int) -> str:
    """The name of the device, which stays as it is from now on."""
    locked = await device.lock(connection, workspace_id, device_id)
    if locked is None:
        raise NotFoundError("No such device.", path=("id",))
    return locked.settings.name


async def _locked(connection: PooledConnection, workspace_id: int, space_id: int, field: str) -> LockedSpace:
    locked = await ip_address_space.lock(connection, workspace_id, space_id)
    if locked is None:
        raise _no_space(field)
    return locked


def _no_space(field: str) -> NotFoundError:
    return NotFoundError("No such address space.", path=(field,))
