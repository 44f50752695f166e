"""Steps of many SIMs' lives at once, inside whatever transaction they belong to: what `SimSteps` does for one, but by a
constant number of statements."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from motet.domain.event_types import EVENT_TYPES
from motet.domain.ids import IdGenerator
from motet.domain.sim_lifecycle import SimTransition
from motet.domain.states import SimStatus
from motet.fleet.journal import Change, Journal
from motet.fleet.sims.sim_step import told
from motet.storage import sim, sim_bulk
from motet.storage.database import PooledConnection
from motet.storage.sim_bulk import LockedSim


class SimManySteps:
    """Takes steps. Call the journal's `committed` when the transaction has ended well, and tell the hub."""

    def __init__(self, ids: IdGenerator, journal: Journal, *, clock: Callable[[], float] = time.time) -> None:
        self._ids = ids
        self._journal = journal
        self._clock = clock

    async def take(
        self,
        connection: PooledConnection,
        workspace_id: int,
        actor: str,
        locked: Mapping[int, LockedSim],
        moves: Mapping[int, SimTransition],
    ) -> None:
        """Write the moves, by SIM id, of SIMs that this transaction has locked; none of them starts a factory test."""
        if not moves:
            return
        now = self._clock()
        at = datetime.fromtimestamp(now, UTC)
        statuses = {sim_id: int(move.to_status) for sim_id, move in moves.items()}
        await sim_bulk.set_statuses(connection, workspace_id, statuses, at)
        gone = [sim_id for sim_id, status in statuses.items() if status == SimStatus.DELETED]
        if gone:
            await sim.free_identities_of(connection, workspace_id, gone)
        steps = []
        changes = []
        for sim_id, move in moves.items():
            steps.append(
                (
                    workspace_id, self._ids.next(int(now * 1_000)), sim_id, int(move.from_status), int(move.to_status),
                    int(move.trigger), int(move.actor), actor, at,
                )
            )  # fmt: skip
            one = locked[sim_id]
            detail = told(one.iccid, one.imsi, one.msisdn)
            changes.append(Change(EVENT_TYPES[move.event_type], one.device_id, sim_id, detail))
        await sim.copy_history(connection, steps)
        await self._journal.write(connection, workspace_id, actor, changes)

    def committed(self) -> None:
        """The transaction of `take` has ended well."""
        self._journal.committed()
