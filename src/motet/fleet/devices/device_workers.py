"""What jobs do to devices: the same for each as `DeviceService` does to one, but a constant number of statements for a
chunk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from motet.domain.errors import ConflictError, DomainError, NotFoundError
from motet.domain.event_types import (
    DEVICE_DELETED,
    DEVICE_DISABLED,
    DEVICE_ENABLED,
    DEVICE_UPDATED,
    SIM_ASSIGNED,
    SIM_RELEASED,
)
from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.domain.jobs import ItemOutcome
from motet.domain.sim_lifecycle import SimActor, SimTransition, SimTrigger, transition
from motet.domain.states import DeviceStatus, SimStatus
from motet.fleet.devices.device import device_change
from motet.fleet.devices.device_bulk import BulkChange
from motet.fleet.devices.device_changes import applied, check_stays_within
from motet.fleet.ip.ip_address_space import give_back
from motet.fleet.jobs.jobs import UNTOUCHED, Item, Result, Work
from motet.fleet.jobs.selections import failure_of
from motet.fleet.journal import Change, Journal
from motet.fleet.rules import Unchanged
from motet.fleet.sims.sim_many_steps import SimManySteps
from motet.fleet.sims.sim_step import told as told_of_sim
from motet.storage import device_bulk, sim_bulk
from motet.storage.database import PooledConnection
from motet.storage.device_bulk import DeviceState
from motet.storage.sim_bulk import LockedSim

Told = Callable[[], Awaitable[None]]

_JSON_NAMES: Final = {
    "name": "name",
    "tags": "tags",
    "imei": "imei",
    "imei_lock": "imeiLock",
    "service_policy_id": "servicePolicyId",
    "coverage_policy_id": "coveragePolicyId",
    "attributes": "attributes",
}
"""What an item's `before` and `after` call a device's settings."""

_TYPES: Final = {"servicePolicyId": "ServicePolicy", "coveragePolicyId": "CoveragePolicy", "simId": "Sim"}


class DeviceUpdateWorker:
    """Changes devices."""

    chunk_items = 500
    can_undo = True
    pause_s = 0.0

    def __init__(self, journal: Journal, steps: SimManySteps, on_change: Told) -> None:
        self._journal = journal
        self._steps = steps
        self._on_change = on_change

    async def work(self, connection: PooledConnection, work: Work) -> Mapping[int, Result]:
        locked = await _lock(connection, work)
        wanted: dict[int, DeviceState] = {}
        results: dict[int, Result] = {}
        change = None if work.undoes else BulkChange.of_json(work.input)
        for item in work.items:
            try:
                device_id, before = _found(item, locked)
                after = _changed(before, change) if change is not None else _restored(before, item.data)
                check_stays_within(after.settings.tags, work.within)
            except DomainError as error:
                results[item.id] = Result.of_error(error)
                continue
            results[item.id] = UNTOUCHED
            if after != before:
                wanted[device_id] = after
                results[item.id] = _result(before, after)
        sims = await sim_bulk.lock(connection, work.workspace_id, _sims(locked, wanted))
        refused = await _refused(connection, work.workspace_id, locked, wanted, sims)
        for item in work.items:
            if item.device_id in refused and item.device_id in wanted:
                del wanted[item.device_id]
                results[item.id] = Result.of_error(refused[item.device_id])
        if wanted:
            await self._write(connection, work, locked, wanted, sims)
        return results

    async def committed(self) -> None:
        self._journal.committed()
        await self._on_change()

    async def _write(
        self,
        connection: PooledConnection,
        work: Work,
        locked: Mapping[int, DeviceState],
        wanted: Mapping[int, DeviceState],
        sims: Mapping[int, LockedSim],
    ) -> None:
        await device_bulk.update(connection, work.workspace_id, wanted)
        moved: dict[int, int | None] = {}
        done: list[Change] = []
        for device_id, after in wanted.items():
            before = locked[device_id]
            if after.sim_id != before.sim_id:
                moved |= {} if before.sim_id is None else {before.sim_id: None}
                moved |= {} if after.sim_id is None else {after.sim_id: device_id}
            done += _events(device_id, before, after, sims)
        if moved:
            await sim_bulk.set_devices(connection, work.workspace_id, moved)
        await self._journal.write(connection, work.workspace_id, work.actor, done)
        await self._steps.take(connection, work.workspace_id, work.actor, sims, _ended_tests(locked, wanted, sims))


class DeviceDeleteWorker:
    """Deletes devices; their SIMs are released."""

    chunk_items = 500
    can_undo = False
    pause_s = 0.0

    def __init__(self, journal: Journal, on_change: Told) -> None:
        self._journal = journal
        self._on_change = on_change

    async def work(self, connection: PooledConnection, work: Work) -> Mapping[int, Result]:
        locked = await _lock(connection, work)
        results: dict[int, Result] = {}
        gone: dict[int, DeviceState] = {}
        for item in work.items:
            try:
                device_id, before = _found(item, locked)
            except DomainError as error:
                results[item.id] = Result.of_error(error)
                continue
            gone[device_id] = before
            status = DeviceStatus(before.status).name
            results[item.id] = Result(ItemOutcome.CHANGED, before={"status": status}, after={"status": "DELETED"})
        if gone:
            sims = await sim_bulk.lock(connection, work.workspace_id, _sims(locked, gone))
            for device_id in await device_bulk.with_address(connection, work.workspace_id, list(gone)):
                await give_back(connection, work.workspace_id, device_id)
            await device_bulk.delete(connection, work.workspace_id, list(gone))
            if sims:
                await sim_bulk.set_devices(connection, work.workspace_id, dict.fromkeys(sims))
            done: list[Change] = []
            for device_id, before in gone.items():
                if before.sim_id is not None:
                    done.append(_sim_event(SIM_RELEASED, device_id, before, before.sim_id, sims))
                done.append(device_change(DEVICE_DELETED, device_id, before.settings))
            await self._journal.write(connection, work.workspace_id, work.actor, done)
        return results

    async def committed(self) -> None:
        self._journal.committed()
        await self._on_change()


async def _lock(connection: PooledConnection, work: Work) -> dict[int, DeviceState]:
    ids = sorted({item.device_id for item in work.items if item.device_id is not None})
    return await device_bulk.lock(connection, work.workspace_id, ids)


def _found(item: Item, locked: Mapping[int, DeviceState]) -> tuple[int, DeviceState]:
    failure = failure_of(item.data)
    if failure is not None:
        raise failure
    if item.device_id is None or item.device_id not in locked:
        raise NotFoundError("No such device.", path=("id",))
    return item.device_id, locked[item.device_id]


def _changed(before: DeviceState, change: BulkChange) -> DeviceState:
    """The state as the change makes it. Raises InvalidError, such as for too many tags."""
    status = before.status
    if not isinstance(change.enabled, Unchanged):
        status = int(DeviceStatus.ENABLED if change.enabled else DeviceStatus.DISABLED)
    sim_id = None if change.release_sim else before.sim_id
    return DeviceState(status, sim_id, applied(change.changes, before.settings))


def _restored(now: DeviceState, data: Mapping[str, Any]) -> DeviceState:
    """The state as it was before what `data` tells. Raises ConflictError if what was changed is another by now."""
    shown = _shown(now)
    for name, value in data["after"].items():
        if shown[name] != value:
            raise ConflictError("It was changed again since.", path=(name,))
    before: dict[str, Any] = {
        name: _row_id(value) if name in _TYPES else value for name, value in data["before"].items()
    }
    named = {name: before[json_name] for name, json_name in _JSON_NAMES.items() if json_name in before}
    return DeviceState(
        int(DeviceStatus[before.get("status", DeviceStatus(now.status).name)]),
        before.get("simId", now.sim_id),
        now.settings._replace(**named),
    )


async def _refused(
    connection: PooledConnection,
    workspace_id: int,
    locked: Mapping[int, DeviceState],
    wanted: Mapping[int, DeviceState],
    sims: Mapping[int, LockedSim],
) -> dict[int, DomainError]:
    """Devices that cannot have the SIM or the policy that they are to have, and why not."""
    refused: dict[int, DomainError] = {}
    service, coverage = set(), set()
    for device_id, after in wanted.items():
        before = locked[device_id]
        if after.sim_id is not None and after.sim_id != before.sim_id:
            found = sims.get(after.sim_id)
            if found is None or found.status == SimStatus.DELETED or found.device_id is not None:
                refused[device_id] = ConflictError("The SIM is deleted, or in another device by now.", path=("sim_id",))
        if after.settings.service_policy_id != before.settings.service_policy_id:
            service.add(after.settings.service_policy_id)
        if after.settings.coverage_policy_id not in (None, before.settings.coverage_policy_id):
            coverage.add(after.settings.coverage_policy_id)
    wanted_service, wanted_coverage = sorted(service), sorted(each for each in coverage if each is not None)
    there = await device_bulk.hold_policies(connection, workspace_id, wanted_service, wanted_coverage)
    for device_id, after in wanted.items():
        settings = after.settings
        if settings.service_policy_id in service - there[0]:
            refused[device_id] = NotFoundError("No such service policy.", path=("service_policy_id",))
        if settings.coverage_policy_id in coverage - there[1]:
            refused[device_id] = NotFoundError("No such coverage policy.", path=("coverage_policy_id",))
    return refused


def _sims(locked: Mapping[int, DeviceState], wanted: Mapping[int, DeviceState]) -> Sequence[int]:
    """The SIMs that go in or out, or that events tell of."""
    named = {state.sim_id for device_id, after in wanted.items() for state in (locked[device_id], after)}
    return sorted(sim_id for sim_id in named if sim_id is not None)


def _ended_tests(
    locked: Mapping[int, DeviceState], wanted: Mapping[int, DeviceState], sims: Mapping[int, LockedSim]
) -> dict[int, SimTransition]:
    """What switching devices does to the SIMs in them: it ends a factory test."""
    moves: dict[int, SimTransition] = {}
    for device_id, after in wanted.items():
        before = locked[device_id]
        found = None if before.sim_id is None else sims.get(before.sim_id)
        if found is not None and after.status != before.status:
            status, trigger = SimStatus(found.status), SimTrigger.DEVICE_STATUS_CHANGED
            move = transition(status, trigger, SimActor.USER, has_device=True)
            if move is not None:
                moves[found.id] = move
    return moves


def _events(device_id: int, before: DeviceState, after: DeviceState, sims: Mapping[int, LockedSim]) -> list[Change]:
    done: list[Change] = []
    settings = after.settings
    changed = [name for name, old in before.settings._asdict().items() if old != getattr(settings, name)]
    if changed:
        done.append(device_change(DEVICE_UPDATED, device_id, settings, changed=changed))
    if after.status != before.status:
        kind = DEVICE_ENABLED if after.status == DeviceStatus.ENABLED else DEVICE_DISABLED
        done.append(device_change(kind, device_id, settings, sim_id=before.sim_id))
    if after.sim_id != before.sim_id:
        if before.sim_id is not None:
            done.append(_sim_event(SIM_RELEASED, device_id, after, before.sim_id, sims))
        if after.sim_id is not None:
            done.append(_sim_event(SIM_ASSIGNED, device_id, after, after.sim_id, sims))
    return done


def _sim_event(kind: Any, device_id: int, state: DeviceState, sim_id: int, sims: Mapping[int, LockedSim]) -> Change:
    found = sims.get(sim_id)
    identities = {} if found is None else told_of_sim(found.iccid, found.imsi, found.msisdn)
    return device_change(kind, device_id, state.settings, sim_id, **identities)


def _result(before: DeviceState, after: DeviceState) -> Result:
    shown = [_shown(before), _shown(after)]
    changed = [name for name, value in shown[0].items() if shown[1][name] != value]
    was, is_ = ({name: state[name] for name in changed} for state in shown)
    return Result(ItemOutcome.CHANGED, before=was, after=is_)


def _shown(state: DeviceState) -> dict[str, Any]:
    """The state as JSON holds it, by GraphQL's names and with global ids."""
    plain = {json_name: getattr(state.settings, name) for name, json_name in _JSON_NAMES.items()}
    plain |= {"status": DeviceStatus(state.status).name, "simId": state.sim_id}
    for name, type_name in _TYPES.items():
        if plain[name] is not None:
            plain[name] = encode_global_id(type_name, plain[name])
    return plain


def _row_id(global_id: str | None) -> int | None:
    decoded = None if global_id is None else decode_global_id(global_id)
    return None if decoded is None else decoded[1]
