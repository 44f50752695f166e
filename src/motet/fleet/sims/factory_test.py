"""Watches SIMs in factory test: the one that has used what a test may use is activated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection

import structlog

from motet.domain.ids import IdGenerator
from motet.domain.sim_lifecycle import DEFAULT_TEST_LIMITS, FactoryTestLimits, SimActor, SimTrigger, is_test_over
from motet.fleet.journal import Journal
from motet.fleet.sims.sim_step import SimSteps
from motet.storage import sim_test
from motet.storage.acting import system_act
from motet.storage.database import LOST, Database
from motet.storage.transaction import transaction

LOOK_S = 1.0
"""How late we notice that a SIM is in factory test; from then on its SMS are noticed as they are committed."""

SWEEP_LOOKS = 10
"""Every so many looks all of them are counted, for what other nodes have carried."""

MAX_TESTED = 100_000
"""SIMs in factory test that are watched for their next SMS; more are found by the sweep."""

_log = structlog.get_logger(__name__)


class FactoryTestWatch:
    """One node's watch. Counts are recounted from what is stored, so that nothing is lost or counted twice, whoever is
    killed and however many nodes there are."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        journal: Journal,
        *,
        on_change: Callable[[], Awaitable[None]],
        limits: FactoryTestLimits = DEFAULT_TEST_LIMITS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._journal = journal
        self._steps = SimSteps(ids, journal, clock=clock)
        self._on_change = on_change
        self._limits = limits
        self._used: set[int] = set()
        self._woken = asyncio.Event()
        self.tested: set[int] = set()
        """SIMs in factory test, as far as this node knows: whoever carries traffic asks `in` before it calls `used`."""

    def used(self, sim_ids: Collection[int]) -> None:
        """SIMs have sent or received something, and that is committed. What is not in factory test costs nothing."""
        met = self.tested.intersection(sim_ids) if self.tested else None
        if met:
            self._used |= met
            self._woken.set()

    def wake(self) -> None:
        """SIMs changed: some may be in factory test now."""
        self._woken.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        looks = 0
        while True:
            try:
                await self.look()
                if looks % SWEEP_LOOKS == 0:
                    await self.count(None)
                looks += 1
            except LOST as error:
                _log.warning("factory tests wait for the database", error=repr(error)[:200])
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def look(self) -> None:
        """See which SIMs are in factory test, and count those that are new or have used something."""
        self._woken.clear()
        tested = await sim_test.sims_in_test(self._database.pool, MAX_TESTED)
        wanted = (tested - self.tested) | (self._used & tested)
        self._used.clear()
        self.tested = tested
        if wanted:
            await self.count(sorted(wanted))

    async def count(self, sim_ids: list[int] | None) -> int:
        """Count what SIMs in factory test have used, these or all, and end the tests that are over: how many."""
        limits = self._limits
        found = await sim_test.usage(self._database.pool, sim_ids, limits.sms)
        moved = [one for one in found if (one.sms, one.octets) != (one.noted_sms, one.noted_octets)]
        if moved:
            async with transaction(self._database) as connection:
                await sim_test.note(connection, moved)
        ended = 0
        for one in found:
            if not is_test_over(one.sms, one.octets, limits):
                continue
            act = system_act("factoryTest", "schedule")
            async with transaction(self._database, after=self._journal.committed, act=act) as connection:
                ended += await self._steps.take(
                    connection,
                    one.workspace_id,
                    one.sim_id,
                    SimTrigger.TEST_USAGE_REACHED,
                    actor=None,
                    kind=SimActor.NETWORK,
                )
        if ended:
            await self._on_change()
        return ended
