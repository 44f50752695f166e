"""SIMs from one workspace into another: all that can go, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.event_types import SESSION_CUT, SIM_MOVED_IN, SIM_MOVED_OUT, SIM_RELEASED, SIM_SUSPENDED
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator, first_id_at
from motet.domain.network import OrderKind
from motet.domain.refusals import Refusal
from motet.domain.sim_lifecycle import SimActor, SimTrigger
from motet.domain.sim_move import Moving, Verdict, check_number_of_sims, judge
from motet.domain.states import EventSource, SimStatus
from motet.fleet.devices.device import device_change
from motet.fleet.journal import Change, Journal
from motet.fleet.network_ports import Orders
from motet.fleet.sims.sim_step import told
from motet.storage import device_bulk, sim, sim_move
from motet.storage.database import Database, PooledConnection
from motet.storage.device_bulk import DeviceState
from motet.storage.sim_move import MovingSim
from motet.storage.transaction import transaction

TRIED_IS_KEPT = timedelta(days=7)
"""How long a dry run can be read again."""


class SimMoveService:
    """Moves SIMs. The caller has made sure that `actor` may write SIMs in both workspaces."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        journal: Journal,
        orders: Orders,
        *,
        on_change: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_change` is called after each commit, so that whoever keeps SIMs in memory reads them again."""
        self._database = database
        self._ids = ids
        self._journal = journal
        self._orders = orders
        self._on_change = on_change
        self._clock = clock

    async def move(
        self,
        workspace_id: int,
        target_id: int,
        actor: str,
        sim_ids: Sequence[int],
        *,
        dry_run: bool = True,
        auto_detach: bool = False,
    ) -> int:
        """Move the SIMs that can go, or with `dry_run` say which could: the id of the note of it, kept in the workspace
        that they leave.

        Raises InvalidError for more than `MAX_SIMS` or the workspace itself as its target, NotFoundError (path
        `sim_ids`) if one is unknown (none moves then), or `target_workspace_id` if that has ended.
        """
        sim_ids = sorted(set(sim_ids))
        check_number_of_sims(len(sim_ids))
        now = self._clock()
        move_id = self._new_id(now)
        at = datetime.fromtimestamp(now, UTC)
        async with transaction(self._database, makes=move_id, after=self._journal.committed) as connection:
            there = await sim_move.hold_workspaces(connection, sorted({workspace_id, target_id}))
            if target_id not in there or workspace_id not in there:
                raise NotFoundError("There is no Workspace with this id.", path=("target_workspace_id",))
            holders = await sim_move.devices_of(connection, workspace_id, sim_ids)
            if len(holders) < len(sim_ids):
                raise NotFoundError("There is no Sim with one of these ids.", path=("sim_ids",))
            if target_id == workspace_id:
                raise InvalidError("The SIMs are in this workspace.", path=("target_workspace_id",))
            device_ids = sorted({device_id for device_id in holders.values() if device_id is not None})
            devices = await device_bulk.lock(connection, workspace_id, device_ids) if auto_detach else {}
            locked = await sim_move.lock(connection, workspace_id, sim_ids)
            if len(locked) < len(sim_ids):
                raise NotFoundError("There is no Sim with one of these ids.", path=("sim_ids",))
            verdicts = {one.id: judge(_moving(one, devices), auto_detach=auto_detach) for one in locked.values()}
            statuses = {sim_id: verdict.status for sim_id, verdict in verdicts.items() if verdict.status is not None}
            if statuses and not dry_run:
                goers = {sim_id: locked[sim_id] for sim_id in statuses}
                await self._move(connection, workspace_id, target_id, actor, goers, statuses, devices, at)
            await sim_move.insert(
                connection,
                workspace_id,
                move_id,
                target_id,
                [_result(locked[sim_id], verdict) for sim_id, verdict in verdicts.items()],
                dry_run=dry_run,
                actor=actor,
                at=at,
                tried_before_id=first_id_at(int((at - TRIED_IS_KEPT).timestamp() * 1_000)),
            )
        if statuses and not dry_run:
            self._orders.wake()
            await self._on_change()
        return move_id

    async def _move(
        self,
        connection: PooledConnection,
        workspace_id: int,
        target_id: int,
        actor: str,
        goers: Mapping[int, MovingSim],
        statuses: Mapping[int, SimStatus],
        devices: Mapping[int, DeviceState],
        at: datetime,
    ) -> None:
        """What is told of each SIM it leaves behind is told before it goes, and what it arrives with after that."""
        sim_ids = list(goers)
        sessions = await sim_move.leave(connection, workspace_id, sim_ids, at)
        suspended = [sim_id for sim_id, one in goers.items() if statuses[sim_id] != one.status]
        steps = [
            self._step(workspace_id, sim_id, goers[sim_id].status, statuses[sim_id], actor, at) for sim_id in suspended
        ]
        out: list[Change] = []
        for one in goers.values():
            if one.device_id is not None:
                settings = devices[one.device_id].settings
                identities = told(one.iccid, one.imsi, one.msisdn)
                out.append(device_change(SIM_RELEASED, one.device_id, settings, one.id, **identities))
        for row in sessions:
            detail = {"session_id": row["session_id"], "reason": Refusal.SIM_NOT_ACTIVE.name}
            words = Refusal.SIM_NOT_ACTIVE.words
            out.append(Change(SESSION_CUT, row["device_id"], row["sim_id"], detail, EventSource.POLICY, words=words))
        between = {
            "from_workspace": encode_global_id("Workspace", workspace_id),
            "to_workspace": encode_global_id("Workspace", target_id),
        }
        out += [
            Change(SIM_MOVED_OUT, None, one.id, told(one.iccid, one.imsi, one.msisdn) | between)
            for one in goers.values()
        ]
        await self._journal.write(connection, workspace_id, actor, out)
        await sim_move.move(
            connection, workspace_id, target_id, {each: int(status) for each, status in statuses.items()}
        )
        came: list[Change] = []
        for sim_id, one in goers.items():
            identities = told(one.iccid, one.imsi, one.msisdn)
            came.append(Change(SIM_MOVED_IN, None, sim_id, identities | between))
            if sim_id in suspended:
                came.append(Change(SIM_SUSPENDED, None, sim_id, identities))
            steps.append(self._step(target_id, sim_id, None, statuses[sim_id], actor, at))
        await sim.copy_history(connection, steps)
        await self._journal.write(connection, target_id, actor, came)
        online = {row["sim_id"] for row in sessions}
        attached = [sim_id for sim_id, one in goers.items() if one.is_attached or sim_id in online]
        if attached:
            await self._orders.add(connection, target_id, OrderKind.CANCEL_LOCATION, attached)

    def _step(
        self, workspace_id: int, sim_id: int, before: int | None, after: SimStatus, actor: str, at: datetime
    ) -> tuple[Any, ...]:
        """A row of sim.HISTORY_COLUMNS; without `before`, the SIM's life in the workspace begins."""
        trigger = None if before is None else int(SimTrigger.SUSPEND)
        user = int(SimActor.USER)
        return workspace_id, self._new_id(at.timestamp()), sim_id, before, int(after), trigger, user, actor, at

    def _new_id(self, now: float) -> int:
        return self._ids.next(int(now * 1_000))


def _moving(one: MovingSim, devices: Mapping[int, DeviceState]) -> Moving:
    return Moving(
        SimStatus(one.status),
        one.device_id,
        one.device_id in devices,
        one.has_open_operation,
        one.has_unused_code,
    )


def _result(one: MovingSim, verdict: Verdict) -> dict[str, Any]:
    """As it is stored: by it the SIM is known when it is far away."""
    shown: dict[str, Any] = {"sim_id": one.id, "iccid": one.iccid, "from": SimStatus(one.status).name}
    if verdict.error is not None:
        return {**shown, "code": verdict.error.code, "message": verdict.error.message}
    return {**shown, "to": None if verdict.status is None else verdict.status.name}
