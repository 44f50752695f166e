"""One step of a SIM's life, inside whatever transaction it belongs to: status, history, event."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from motet.domain.errors import NotFoundError
from motet.domain.event_types import EVENT_TYPES
from motet.domain.ids import IdGenerator
from motet.domain.sim_lifecycle import SimActor, SimTrigger, transition
from motet.domain.states import EventSource, SimStatus
from motet.fleet.journal import Change, Journal
from motet.storage import sim
from motet.storage.database import PooledConnection

Path = tuple[str | int, ...]


class SimSteps:
    """Takes steps. Call the journal's `committed` when the transaction has ended well, and tell the hub."""

    def __init__(self, ids: IdGenerator, journal: Journal, *, clock: Callable[[], float] = time.time) -> None:
        self._ids = ids
        self._journal = journal
        self._clock = clock

    async def take(
        self,
        connection: PooledConnection,
        workspace_id: int,
        sim_id: int,
        trigger: SimTrigger,
        *,
        actor: str | None,
        kind: SimActor = SimActor.USER,
        path: Path = ("id",),
        test_ends_at: datetime | None = None,
    ) -> bool:
        """Pull the trigger: whether the SIM changed. A lock on its device, if one is needed, comes before.

        `actor` is who asked for it, None for nobody in person. Raises NotFoundError, DeniedError if the SIM's status
        does not allow it, both with `path`.
        """
        locked = await sim.lock(connection, workspace_id, sim_id)
        if locked is None:
            raise NotFoundError("No such SIM.", path=path)
        has_device = locked.device_id is not None
        move = transition(SimStatus(locked.status), trigger, kind, has_device=has_device, path=path)
        if move is None:
            return False
        now = self._clock()
        at = datetime.fromtimestamp(now, UTC)
        activated_at = at if move.to_status is SimStatus.ACTIVATED else None
        await sim.set_status(connection, workspace_id, sim_id, move.to_status, activated_at)
        if move.to_status is SimStatus.DELETED:
            await sim.free_identities(connection, workspace_id, sim_id)
        elif move.to_status is SimStatus.FACTORY_TEST:
            await sim.begin_test(connection, workspace_id, sim_id, test_ends_at)
        step = (
            workspace_id, self._ids.next(int(now * 1_000)), sim_id, int(move.from_status), int(move.to_status),
            int(trigger), int(kind), actor, at,
        )  # fmt: skip
        await sim.copy_history(connection, [step])
        detail = told(locked.iccid, locked.imsi, locked.msisdn)
        told_why = {} if kind is SimActor.USER else {"trigger": trigger.name}
        source = (
            EventSource.NETWORK
            if kind is SimActor.NETWORK
            else EventSource.POLICY
            if actor is None
            else EventSource.API
        )
        change = Change(EVENT_TYPES[move.event_type], locked.device_id, sim_id, {**detail, **told_why}, source)
        await self._journal.write(connection, workspace_id, actor, [change])
        return True


def told(iccid: str, imsi: str, msisdn: str) -> dict[str, object]:
    """What an event tells of a SIM besides its id."""
    return {"sim": {"iccid": iccid, "imsi": imsi, "msisdn": msisdn}}
