"""What a workspace does with its devices: make, change, switch, remove, and put SIMs into them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Set
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

from motet.domain.errors import ConflictError, DeniedError, NotFoundError
from motet.domain.event_types import (
    DEVICE_CREATED,
    DEVICE_DELETED,
    DEVICE_DISABLED,
    DEVICE_ENABLED,
    DEVICE_UPDATED,
    SIM_ASSIGNED,
    SIM_RELEASED,
    EventType,
)
from motet.domain.ids import IdGenerator
from motet.domain.sim_lifecycle import SimTrigger
from motet.domain.states import DeviceStatus, SimStatus
from motet.fleet.devices.device_changes import DeviceChanges, applied, check_stays_within, new_settings
from motet.fleet.ip.ip_address_space import give_back
from motet.fleet.journal import Change, Journal
from motet.fleet.sims.sim_step import SimSteps
from motet.fleet.sims.sim_step import told as told_of_sim
from motet.storage import device, sim
from motet.storage.database import Database, PooledConnection
from motet.storage.device import DeviceSettings, LockedDevice
from motet.storage.sim import LockedSim
from motet.storage.transaction import transaction


class DeviceService:
    """The devices of all workspaces, each call scoped to one; `actor` is who asked for it. Errors are domain errors;
    paths name input fields. A deleted device is like one that never was."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        journal: Journal,
        *,
        on_change: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_change` is called after each commit that decides over traffic, so that whoever keeps devices in memory
        reads them again."""
        self._database = database
        self._ids = ids
        self._journal = journal
        self._on_change = on_change
        self._clock = clock
        self._steps = SimSteps(ids, journal, clock=clock)

    async def create(
        self,
        workspace_id: int,
        actor: str,
        changes: DeviceChanges,
        *,
        sim_id: int | None = None,
        enabled: bool = True,
        within: Set[str] | None = None,
    ) -> int:
        """Add a device, with a SIM if one is named: its id. `within` are the tags that the actor is bound to.

        Raises InvalidError; DeniedError (path `tags`) for a device outside of them; NotFoundError for a policy (by its
        path); for the SIM (path `sim_id`) NotFoundError, ConflictError if it is in another device, DeniedError if it is
        deleted.
        """
        settings = applied(changes, new_settings(workspace_id))
        check_stays_within(settings.tags, within)
        now = self._clock()
        device_id = self._ids.next(int(now * 1_000))
        status = DeviceStatus.ENABLED if enabled else DeviceStatus.DISABLED
        async with self._transaction(makes=device_id) as connection:
            made_at = datetime.fromtimestamp(now, UTC)
            await device.insert(connection, workspace_id, device_id, status, made_at, settings)
            done = [device_change(DEVICE_CREATED, device_id, settings, enabled=enabled)]
            if sim_id is not None:
                found = await _unassigned(connection, workspace_id, sim_id)
                done.append(await self._put_in(connection, workspace_id, device_id, settings, sim_id, found))
            await self._journal.write(connection, workspace_id, actor, done)
        await self._on_change()
        return device_id

    async def update(
        self,
        workspace_id: int,
        actor: str,
        device_id: int,
        changes: DeviceChanges,
        *,
        within: Set[str] | None = None,
    ) -> None:
        """Change a device. Raises NotFoundError (path `id`, or that of a policy), InvalidError; DeniedError (path
        `tags`) if it has none of the tags that the actor is bound to after that."""
        async with self._transaction() as connection:
            locked = await _locked(connection, workspace_id, device_id)
            settings = applied(changes, locked.settings)
            check_stays_within(settings.tags, within)
            changed = [name for name, old in locked.settings._asdict().items() if old != getattr(settings, name)]
            if changed:
                await device.update(connection, workspace_id, device_id, settings)
                done = device_change(DEVICE_UPDATED, device_id, settings, changed=changed)
                await self._journal.write(connection, workspace_id, actor, [done])
        if changed:
            await self._on_change()

    async def enable(self, workspace_id: int, actor: str, device_id: int) -> None:
        """Let a device take part; one that does stays as it is. Raises NotFoundError (path `id`)."""
        await self._switch(workspace_id, actor, device_id, DeviceStatus.ENABLED)

    async def disable(self, workspace_id: int, actor: str, device_id: int) -> None:
        """Keep a device from sending and receiving; idempotent. Raises NotFoundError (path `id`)."""
        await self._switch(workspace_id, actor, device_id, DeviceStatus.DISABLED)

    async def delete(self, workspace_id: int, actor: str, device_id: int) -> None:
        """Remove a device; its SIM and address are released, its messages stay. Raises NotFoundError (path `id`)."""
        async with self._transaction() as connection:
            locked = await _locked(connection, workspace_id, device_id)
            done: list[Change] = []
            if locked.sim_id is not None:
                done.append(await self._take_out(connection, workspace_id, device_id, locked.settings, locked.sim_id))
            await give_back(connection, workspace_id, device_id)
            await device.delete(connection, workspace_id, device_id)
            done.append(device_change(DEVICE_DELETED, device_id, locked.settings))
            await self._journal.write(connection, workspace_id, actor, done)
        await self._on_change()

    async def assign_sim(self, workspace_id: int, actor: str, device_id: int, sim_id: int) -> None:
        """Put a SIM into a device; one that is in it stays.

        Raises NotFoundError (path `id` or `sim_id`), ConflictError if the device has another SIM (path `id`) or the SIM
        is in another device, DeniedError if the SIM is deleted (path `sim_id`).
        """
        async with self._transaction() as connection:
            locked = await _locked(connection, workspace_id, device_id)
            if locked.sim_id == sim_id:
                return
            found = await _unassigned(connection, workspace_id, sim_id)
            if locked.sim_id is not None:
                raise ConflictError("The device has another SIM: release it first.", path=("id",))
            done = await self._put_in(connection, workspace_id, device_id, locked.settings, sim_id, found)
            await self._journal.write(connection, workspace_id, actor, [done])
        await self._on_change()

    async def release_sim(self, workspace_id: int, actor: str, device_id: int) -> None:
        """Take the SIM out of a device. Raises NotFoundError, ConflictError if it has none (path `id`)."""
        async with self._transaction() as connection:
            locked = await _locked(connection, workspace_id, device_id)
            if locked.sim_id is None:
                raise ConflictError("The device has no SIM.", path=("id",))
            done = await self._take_out(connection, workspace_id, device_id, locked.settings, locked.sim_id)
            await self._journal.write(connection, workspace_id, actor, [done])
        await self._on_change()

    def _transaction(self, *, makes: int | None = None) -> AbstractAsyncContextManager[PooledConnection]:
        return transaction(self._database, makes=makes, after=self._journal.committed)

    async def _switch(self, workspace_id: int, actor: str, device_id: int, status: DeviceStatus) -> None:
        async with self._transaction() as connection:
            locked = await _locked(connection, workspace_id, device_id)
            if locked.status == status:
                return
            await device.set_status(connection, workspace_id, device_id, status)
            kind = DEVICE_ENABLED if status is DeviceStatus.ENABLED else DEVICE_DISABLED
            done = device_change(kind, device_id, locked.settings, sim_id=locked.sim_id)
            await self._journal.write(connection, workspace_id, actor, [done])
            if locked.sim_id is not None:
                trigger = SimTrigger.DEVICE_STATUS_CHANGED  # ends a factory test
                await self._steps.take(connection, workspace_id, locked.sim_id, trigger, actor=actor)
        await self._on_change()

    async def _put_in(
        self,
        connection: PooledConnection,
        workspace_id: int,
        device_id: int,
        settings: DeviceSettings,
        sim_id: int,
        found: LockedSim,
    ) -> Change:
        await sim.set_device(connection, workspace_id, sim_id, device_id)
        await device.set_sim(connection, workspace_id, device_id, sim_id)
        return device_change(
            SIM_ASSIGNED, device_id, settings, sim_id, **told_of_sim(found.iccid, found.imsi, found.msisdn)
        )

    async def _take_out(
        self, connection: PooledConnection, workspace_id: int, device_id: int, settings: DeviceSettings, sim_id: int
    ) -> Change:
        found = await sim.lock(connection, workspace_id, sim_id)
        await device.set_sim(connection, workspace_id, device_id, None)
        await sim.set_device(connection, workspace_id, sim_id, None)
        identities = {} if found is None else told_of_sim(found.iccid, found.imsi, found.msisdn)
        return device_change(SIM_RELEASED, device_id, settings, sim_id, **identities)


async def _unassigned(connection: PooledConnection, workspace_id: int, sim_id: int) -> LockedSim:
    """The SIM, locked, if it can be put into a device."""
    found = await sim.lock(connection, workspace_id, sim_id)
    if found is None:
        raise NotFoundError("No such SIM.", path=("sim_id",))
    if found.status == SimStatus.DELETED:
        raise DeniedError("The SIM is deleted.", path=("sim_id",))
    if found.device_id is not None:
        raise ConflictError("The SIM is in another device.", path=("sim_id",))
    return found


async def _locked(connection: PooledConnection, workspace_id: int, device_id: int) -> LockedDevice:
    locked = await device.lock(connection, workspace_id, device_id)
    if locked is None:
        raise NotFoundError("No such device.", path=("id",))
    return locked


def device_change(
    kind: EventType, device_id: int, settings: DeviceSettings, sim_id: int | None = None, **detail: Any
) -> Change:
    """What an event tells of a device, and what else is known."""
    device_now = {"name": settings.name, "tags": settings.tags, "attributes": settings.attributes}
    return Change(kind, device_id, sim_id, {"device": device_now, **detail})
