"""What a workspace does with its SIMs: register, activate, suspend, delete."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from motet.domain.errors import InvalidError
from motet.domain.event_types import SIM_REGISTERED
from motet.domain.identities import parse_eid, parse_iccid, parse_imsi, parse_msisdn
from motet.domain.ids import IdGenerator
from motet.domain.sim_cards import CardKind, check_card
from motet.domain.sim_lifecycle import DEFAULT_TEST_LIMITS, FactoryTestLimits, SimActor, SimTrigger
from motet.domain.states import SimStatus
from motet.fleet.journal import Change, Journal
from motet.fleet.sims.sim_step import SimSteps, told
from motet.storage import sim
from motet.storage.database import Database
from motet.storage.transaction import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSim:
    """A SIM as its carrier describes it. Identities are as people type them; `checked` judges."""

    iccid: str
    imsi: str
    msisdn: str
    eid: str | None = None
    form_factor: str | None = None
    quality_grade: str | None = None
    package: str | None = None

    def checked(self) -> NewSim:
        """The same with identities in their canonical form. Raises InvalidError with the path of the field at fault."""
        kind = check_card(CardKind(self.form_factor, self.quality_grade, self.package))
        return NewSim(
            iccid=parse_iccid(self.iccid, ("iccid",)),
            imsi=parse_imsi(self.imsi, ("imsi",)),
            msisdn=parse_msisdn(self.msisdn, ("msisdn",)),
            eid=None if self.eid is None else parse_eid(self.eid, ("eid",)),
            form_factor=kind.form_factor,
            quality_grade=kind.quality_grade,
            package=kind.package,
        )


class SimService:
    """The SIMs of all workspaces, each call scoped to one; `actor` is who asked for it. Errors are domain errors; paths
    name input fields."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        journal: Journal,
        *,
        on_change: Callable[[], Awaitable[None]],
        test_limits: FactoryTestLimits = DEFAULT_TEST_LIMITS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_change` is called after each commit, so that whoever keeps SIMs in memory reads them again."""
        self.database = database
        self._ids = ids
        self.journal = journal
        self._on_change = on_change
        self.clock = clock
        self.test_limits = test_limits
        self._steps = SimSteps(ids, journal, clock=clock)

    async def register(self, workspace_id: int, actor: str, new: NewSim) -> int:
        """Add a SIM that is ISSUED: its id. Raises InvalidError, ConflictError for an identity that any SIM has."""
        new = new.checked()
        now = self.clock()
        sim_id = self._ids.next(int(now * 1_000))
        at = datetime.fromtimestamp(now, UTC)
        detail = told(new.iccid, new.imsi, new.msisdn)
        async with transaction(self.database, makes=sim_id) as connection:
            await sim.insert(
                connection,
                workspace_id,
                sim_id,
                iccid=new.iccid,
                eid=new.eid,
                imsi=new.imsi,
                msisdn=new.msisdn,
                status=SimStatus.ISSUED,
                form_factor=new.form_factor,
                quality_grade=new.quality_grade,
                package=new.package,
                created_at=at,
            )
            await sim.copy_history(connection, [self.first_step(workspace_id, actor, sim_id, at)])
            await self.journal.write(connection, workspace_id, actor, [Change(SIM_REGISTERED, None, sim_id, detail)])
        await self.changed()
        return sim_id

    async def activate(self, workspace_id: int, actor: str, sim_id: int) -> None:
        """Take a SIM into use, or end its suspension; one that is in use stays as it is.

        Raises NotFoundError, DeniedError if its status does not allow that (path `id`).
        """
        await self._pull(workspace_id, actor, sim_id, SimTrigger.ACTIVATE)

    async def suspend(self, workspace_id: int, actor: str, sim_id: int) -> None:
        """Bar a SIM; idempotent. Raises NotFoundError, DeniedError if its status does not allow that (path `id`)."""
        await self._pull(workspace_id, actor, sim_id, SimTrigger.SUSPEND)

    async def delete(self, workspace_id: int, actor: str, sim_id: int) -> None:
        """End a SIM for good and leave its identities to others; idempotent.

        Raises NotFoundError, DeniedError if it is in a device (path `id`).
        """
        await self._pull(workspace_id, actor, sim_id, SimTrigger.DELETE)

    async def start_test(self, workspace_id: int, actor: str, sim_id: int, ends_at: datetime | None = None) -> None:
        """Put a SIM that was never activated into factory test, until then at the latest; one that is stays as it is.

        Raises NotFoundError, DeniedError if its status does not allow that (path `id`), InvalidError (path `ends_at`).
        """
        now = datetime.fromtimestamp(self.clock(), UTC)
        period = self.test_limits.longest
        if ends_at is not None and not now < ends_at <= now + period:
            raise InvalidError("A test ends within {most} days from now.", path=("ends_at",), most=period.days)
        ends_at = ends_at or now + self.test_limits.period
        await self._pull(workspace_id, actor, sim_id, SimTrigger.START_FACTORY_TEST, ends_at)

    async def _pull(
        self, workspace_id: int, actor: str, sim_id: int, trigger: SimTrigger, test_ends_at: datetime | None = None
    ) -> None:
        async with transaction(self.database) as connection:
            moved = await self._steps.take(
                connection, workspace_id, sim_id, trigger, actor=actor, test_ends_at=test_ends_at
            )
        if moved:
            await self.changed()

    def first_step(self, workspace_id: int, actor: str, sim_id: int, at: datetime) -> tuple[Any, ...]:
        """The row of sim.HISTORY_COLUMNS with which a SIM's life begins."""
        issued, user = int(SimStatus.ISSUED), int(SimActor.USER)
        return workspace_id, self.next_id(), sim_id, None, issued, None, user, actor, at

    async def changed(self) -> None:
        """A transaction on SIMs has ended well: tell whoever must know."""
        self.journal.committed()
        await self._on_change()

    def next_id(self) -> int:
        """A new id of this node."""
        return self._ids.next(int(self.clock() * 1_000))
