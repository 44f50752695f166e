"""SIMs that have to use another IMSI: because its operator is out, it does not attach, or its days are over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from motet.domain.errors import DomainError
from motet.domain.event_types import SIM_IMSI_EXHAUSTED, SIM_IMSI_SWITCH_FAILED
from motet.domain.imsi_selection import DEFAULT_ATTACH_TRIES, Candidate, SwitchReason
from motet.domain.network import OperationResult, OperatorOutage, OrderKind
from motet.domain.states import EventSource, SimStatus
from motet.fleet.cards.imsi import ImsiService
from motet.fleet.journal import Change
from motet.fleet.sims.sim_step import told as told_of_sim
from motet.storage import euicc, imsi, sim
from motet.storage.acting import system_act
from motet.storage.database import PooledConnection
from motet.storage.sim import LockedSim
from motet.storage.transaction import transaction

PAGE_ROWS = 200
"""SIMs that are looked for at a time; each is switched in a transaction of its own."""

_log = structlog.get_logger(__name__)


class ImsiWatch:
    """Moves SIMs to other IMSIs. Implements Outages, Attachments, and OperationResults for the kind SWITCH_IMSI."""

    def __init__(self, service: ImsiService, *, wake: Callable[[], None] = lambda: None) -> None:
        """`wake` is called when there is something for `work`."""
        self._service = service
        self._wake = wake
        self._pending: dict[str, None] = {}
        self._untold = 0
        """Rounds of `work` that tell of moves which others' transactions made: one may come before their commit."""

    async def changed(self, outage: OperatorOutage) -> None:
        """See `Outages.changed`. SIMs do not go back by themselves when an operator is back: the next need decides."""
        if outage.out:
            self._pending[outage.operator] = None
            self._wake()

    async def work(self) -> int:
        """Move the SIMs that an outage concerns: how many were moved."""
        moved = 0
        if self._untold:
            self._untold -= 1
            await self._service.switched()
        while self._pending:
            plmn = next(iter(self._pending))
            moved += await self._outage(plmn)
            del self._pending[plmn]
        return moved

    async def attached(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, used: str | None, country: str | None,
        at: datetime,
    ) -> bool:  # fmt: skip
        """A SIM has come into a network; `used` is the IMSI that it did so with, None if nobody said. Whether the SIM
        has another IMSI now: then the card chose by itself."""
        locked = await sim.lock(connection, workspace_id, sim_id)
        if locked is None or locked.status == SimStatus.DELETED:
            return False
        used = locked.imsi if used is None else used
        switched = False
        if used != locked.imsi:
            imsi_id = await imsi.id_in_use(connection, workspace_id, sim_id, used)
            if imsi_id is None:
                return False
            await self._service.use(
                connection, workspace_id, None, sim_id, locked, Candidate(imsi_id, used, None, None),
                SwitchReason.CARD, country, "The card attached with it.",
            )  # fmt: skip
            switched = True
            self._untold = 2
        await imsi.attached(connection, workspace_id, sim_id, used, country, at)
        await euicc.clear_attach(connection, workspace_id, sim_id)
        return switched

    async def attach_failed(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, country: str | None
    ) -> bool:
        """A SIM could not attach, for the network's own reasons. Whether it has another IMSI now."""
        locked = await sim.lock(connection, workspace_id, sim_id)
        if locked is None or locked.status == SimStatus.DELETED:
            return False
        failures = await imsi.attach_failed(connection, workspace_id, sim_id)
        if failures < DEFAULT_ATTACH_TRIES:
            return False
        moved = await self._move(connection, workspace_id, sim_id, locked, SwitchReason.ATTACH_FAILURES, country)
        self._untold = 2 if moved else self._untold
        return moved

    async def ended(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, kind: OrderKind, result: OperationResult
    ) -> None:
        """See `OperationResults.ended`. A switch that the network refused is told; which IMSI the card uses shows when
        it attaches."""
        if kind is not OrderKind.SWITCH_IMSI or result.ok:
            return
        locked = await sim.lock(connection, workspace_id, sim_id)
        if locked is not None:
            await self._tell(connection, workspace_id, sim_id, locked, result.reason)

    async def _outage(self, plmn: str) -> int:
        """All workspaces' SIMs that the operator's outage may concern, one after the other."""
        moved = after = 0
        while True:
            rows = await imsi.concerned(self._service.database.pool, plmn, after, PAGE_ROWS)
            for row in rows:
                moved += await self._move_alone(row["workspace_id"], row["sim_id"], SwitchReason.OPERATOR_OUTAGE)
                after = row["sim_id"]
            if len(rows) < PAGE_ROWS:
                break
        if moved:
            await self._service.switched()
            _log.info("SIMs moved to other IMSIs", operator=plmn, count=moved)
        return moved

    async def again(self) -> None:
        """Look again at all outages that last: another node may have died over one, or SIMs may have come since."""
        for plmn in await self._service.outages():
            self._pending[plmn] = None

    async def stays(self) -> int:
        """Move the SIMs whose IMSI has spent its days where they are: how many were moved."""
        moved = after = 0
        while True:
            rows = await imsi.overstaying(self._service.database.pool, self._service.now(), after, PAGE_ROWS)
            for row in rows:
                moved += await self._move_alone(row["workspace_id"], row["sim_id"], SwitchReason.STAY_ENDED)
                after = row["sim_id"]
            if len(rows) < PAGE_ROWS:
                break
        if moved:
            await self._service.switched()
        return moved

    async def _move_alone(self, workspace_id: int, sim_id: int, reason: SwitchReason) -> bool:
        try:
            act = system_act("imsiWatch", "IMSI watch")
            async with transaction(self._service.database, act=act) as connection:
                locked = await sim.lock(connection, workspace_id, sim_id)
                if locked is None or locked.status == SimStatus.DELETED:
                    return False
                return await self._move(connection, workspace_id, sim_id, locked, reason, None)
        except DomainError as error:
            _log.warning("a SIM could not be moved to another IMSI", sim_id=sim_id, reason=error.message)
            return False

    async def _move(
        self,
        connection: PooledConnection,
        workspace_id: int,
        sim_id: int,
        locked: LockedSim,
        reason: SwitchReason,
        country: str | None,
    ) -> bool:
        """Let the locked SIM use the best IMSI where it is, if the one in use is ruled out there."""
        country = country or await imsi.country_of_sim(connection, workspace_id, sim_id)
        if country is None:
            country = await imsi.likely_country(connection, workspace_id, sim_id)
        if country is None:
            return False
        answer = await self._service.choose(connection, workspace_id, sim_id, country)
        found = answer.selection
        active = next((one for one in found.ranked if one.candidate.is_active), None)
        if active is None or active.rank is not None:
            return False
        if found.winner is None:
            if reason is SwitchReason.ATTACH_FAILURES:
                await imsi.forget_failures(connection, workspace_id, sim_id)  # the next round may go better
                detail = {**told_of_sim(*locked[2:5]), "country": country, "explanation": found.words}
                change = Change(SIM_IMSI_EXHAUSTED, locked.device_id, sim_id, detail, EventSource.POLICY)
                await self._service.journal.write(connection, workspace_id, None, [change])
            return False
        why = " ".join(one.words for one in active.factors if one.is_hard and one.met is False)
        await self._service.use(
            connection, workspace_id, None, sim_id, locked, found.winner, reason, country, f"{why} {found.words}"
        )
        return True

    async def _tell(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, locked: LockedSim, reason: str | None
    ) -> None:
        detail = {**told_of_sim(*locked[2:5]), "reason": reason}
        change = Change(SIM_IMSI_SWITCH_FAILED, locked.device_id, sim_id, detail, EventSource.NETWORK)
        await self._service.journal.write(connection, workspace_id, None, [change])


class NoOutages:
    """Where nobody tells of outages."""

    async def current(self, connection: object) -> Sequence[str]:
        return ()
