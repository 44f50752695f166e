"""What SIMs are to do later, and the clockwork that does it: exactly once, on whichever node is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from motet.domain.errors import ConflictError, DeniedError, DomainError, LimitReachedError, NotFoundError
from motet.domain.event_types import SIM_SCHEDULE_REFUSED
from motet.domain.ids import IdGenerator
from motet.domain.sim_lifecycle import DEFAULT_TEST_LIMITS, SCHEDULABLE, FactoryTestLimits, SimActor, SimTrigger
from motet.domain.sim_schedule import MAX_PENDING, ScheduleStatus, check_due
from motet.domain.states import SimStatus
from motet.fleet.journal import Change, Journal
from motet.fleet.sims.sim_step import SimSteps
from motet.storage import sim, sim_schedule
from motet.storage.acting import system_act
from motet.storage.database import LOST, Database, PooledConnection
from motet.storage.sim_schedule import Due
from motet.storage.transaction import transaction

POLL_S = 1.0
"""How late a plan may be: asking costs one look at an index."""

TOGETHER = 100
"""Plans done in one transaction."""

_log = structlog.get_logger(__name__)


class SimScheduleService:
    """The plans of all workspaces; `actor` is who asked for them. Errors are domain errors; paths name input fields."""

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
        self._database = database
        self._ids = ids
        self._journal = journal
        self._steps = SimSteps(ids, journal, clock=clock)
        self._test_period = test_limits.period
        self._on_change = on_change
        self._clock = clock

    async def schedule(self, workspace_id: int, actor: str, sim_id: int, trigger: SimTrigger, due: datetime) -> int:
        """Plan a step for a SIM: the plan's id. Whether the SIM's status allows it is judged when it is due.

        Raises NotFoundError (path `id`), DeniedError for a deleted SIM, InvalidError (path `at`), LimitReachedError.
        """
        if trigger not in SCHEDULABLE:
            raise DeniedError("This cannot be asked for.", path=("transition",))
        at = self._now()
        check_due(due, at, ("at",))
        schedule_id = self._ids.next(int(self._clock() * 1_000))
        async with transaction(self._database, makes=schedule_id) as connection:
            locked = await sim.lock(connection, workspace_id, sim_id)
            if locked is None:
                raise NotFoundError("No such SIM.", path=("id",))
            if locked.status == SimStatus.DELETED:
                raise DeniedError("The SIM is deleted; that cannot be undone.", path=("id",))
            if await sim_schedule.count_pending(connection, workspace_id, sim_id) >= MAX_PENDING:
                raise LimitReachedError("At most {most} steps of a SIM can wait.", path=("id",), most=MAX_PENDING)
            await sim_schedule.insert(connection, workspace_id, schedule_id, sim_id, trigger, due, actor, at)
        return schedule_id

    async def cancel(self, workspace_id: int, schedule_id: int) -> None:
        """Call a plan off. Raises NotFoundError, ConflictError if it was done, refused or cancelled (path `id`)."""
        async with transaction(self._database) as connection:
            if await sim_schedule.cancel(connection, workspace_id, schedule_id, self._now()):
                return
            if await sim_schedule.exists(connection, workspace_id, schedule_id):
                raise ConflictError("This is not pending any more.", path=("id",))
            raise NotFoundError("There is no such plan.", path=("id",))

    async def run(self) -> None:
        """Do what is due, from what was missed on, until cancelled."""
        while True:
            try:
                while await self.run_due():
                    pass
            except LOST as error:
                _log.warning("the schedule of SIMs waits for the database", error=repr(error)[:200])
            await asyncio.sleep(POLL_S)

    async def run_due(self) -> int:
        """Do some of what is due: how many plans and ends of tests. Each is claimed, done and noted in one transaction,
        so that it happens once, whoever is killed and however many nodes there are."""
        now = self._now()
        async with transaction(self._database, act=system_act("simSchedule", "schedule")) as connection:
            plans = await sim_schedule.claim_due(connection, now, TOGETHER)
            for plan in plans:
                await self._do(connection, plan, now)
            ended = await sim_schedule.claim_ended_tests(connection, now, TOGETHER)
            for workspace_id, sim_id in ended:
                await self._steps.take(
                    connection, workspace_id, sim_id, SimTrigger.TEST_PERIOD_ENDED, actor=None, kind=SimActor.SCHEDULE
                )
        if plans or ended:
            self._journal.committed()
            await self._on_change()
        return len(plans) + len(ended)

    async def _do(self, connection: PooledConnection, plan: Due, now: datetime) -> None:
        trigger = SimTrigger(plan.trigger)
        try:
            await self._steps.take(
                connection,
                plan.workspace_id,
                plan.sim_id,
                trigger,
                actor=plan.actor,
                kind=SimActor.SCHEDULE,
                test_ends_at=now + self._test_period,
            )
        except DomainError as error:
            await sim_schedule.finish(connection, plan, ScheduleStatus.REFUSED, now, error.message)
            detail = {"transition": trigger.name, "due": plan.due.isoformat(), "reason": error.message}
            refused = Change(SIM_SCHEDULE_REFUSED, None, plan.sim_id, detail)
            await self._journal.write(connection, plan.workspace_id, plan.actor, [refused])
        else:
            await sim_schedule.finish(connection, plan, ScheduleStatus.DONE, now)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
