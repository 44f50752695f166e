"""The life of a hub: it joins the nodes, inherits from dead ones, works, proves that it lives, and ends in order."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from motet.domain.ids import IdGenerator, first_id_at, ids_in
from motet.hub.incarnation import KEEPALIVE_S, Incarnation
from motet.hub.message import Stage
from motet.storage import esme_delivery, idempotency, usage, waiting
from motet.storage.database import LOST
from motet.storage.partitions import ensure_partitions

if TYPE_CHECKING:
    from motet.hub.hub import Hub

log = structlog.get_logger(__name__)

HOUSEKEEPING_S = 60.0
"""How often old keys are forgotten and incomplete texts handed on."""


class Life:
    """Starts, runs and ends one hub, which is one incarnation of its node."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        grace = timedelta(seconds=hub.limits.receipt_grace_s)
        self.place = Incarnation(lambda: hub.database.connect_lane("node"), grace)
        self._stopping = False

    async def start(self) -> None:
        """Join the nodes, inherit what dead ones left, make partitions. Run `run` after that."""
        hub = self._hub
        async with hub.database.pool.acquire() as connection:
            await ensure_partitions(connection, time.time_ns() // 1_000_000)
        await self.place.join()
        clock_went_back = self.place.last_id > first_id_at(time.time_ns() // 1_000_000)
        after = self.place.last_id + ids_in(10_000) if clock_went_back else 0
        hub.ids = IdGenerator(self.place.number, after=after)
        hub.accept_writer.owner = self.place.incarnation
        await usage.begin_counting(hub.pool(), self.place.incarnation, hub.next_id())
        await self._inherit()

    async def _inherit(self) -> None:
        hub = self._hub
        if await self.place.succeed_dead(hub.now_us()):
            counts = await hub.desk(lambda connection: waiting.count_by_account(connection, self.place.incarnation))
            in_memory: dict[int, int] = {}
            for message in hub.live.values():
                if message.account_id is not None and not message.in_waiting:
                    in_memory[message.account_id] = in_memory.get(message.account_id, 0) + 1
            hub.open_by_account.clear()
            for account_id in counts.keys() | in_memory.keys():
                hub.open_by_account[account_id] = counts.get(account_id, 0) + in_memory.get(account_id, 0)
            hub.pager.poke()
            hub.esmes.read_again()

    async def run(self) -> None:
        """Work until cancelled. Raises FencedError when another node has taken over: the process has to start again."""
        hub = self._hub
        async with asyncio.TaskGroup() as group:
            for lane in hub.lanes:
                group.create_task(lane.run(), name=f"lane {lane.name}")
            group.create_task(hub.pager.run(), name="pager")
            group.create_task(self._beat(), name="heartbeat")
            group.create_task(self._keep_house(), name="housekeeping")

    async def drain(self, seconds: float) -> None:
        """Take nothing new upstream, and wait for open windows to be answered and committed, at most this long.

        Windows towards ESMEs too: a receipt whose answer is not committed would be sent again. What an ESME submits
        after that is neither taken nor answered, so that it can send it again and does not double it.
        """
        hub = self._hub
        hub.relay.running = False
        hub.esmes.running = False
        deadline = time.monotonic() + seconds
        while self._units_sent() or not hub.esmes.idle():
            if time.monotonic() >= deadline:
                log.warning("windows are still open: what was in them is sent again", upstream=self._units_sent())
                break
            await asyncio.sleep(0.05)
        hub.submit = hub.intake.turn_away
        for lane in hub.lanes:
            try:
                await asyncio.wait_for(lane.drained(), max(0.1, deadline - time.monotonic()))
            except TimeoutError:
                log.warning("a lane did not drain", lane=lane.name, pending=len(lane.pending))

    def _units_sent(self) -> int:
        """What upstream windows hold."""
        hub = self._hub
        return sum(unit.stage == Stage.SENT for message in hub.live.values() for unit in message.units)

    async def stop(self) -> None:
        """After `run` was cancelled: note how far we came and let the connections go."""
        hub = self._hub
        await hub.errands.end()
        hub.let_desk_go()
        await self.place.leave(hub.low_water(), hub.ids.last)

    async def _beat(self) -> None:
        """Prove that this node lives; without a connection nothing more is sent."""
        hub = self._hub
        beats = 0
        while True:
            await asyncio.sleep(KEEPALIVE_S)
            alive = await self.place.beat(hub.low_water(), hub.ids.last)
            if alive != hub.relay.running and not self._stopping:
                hub.relay.running = alive
                if alive:
                    hub.relay.dispatch()
            if not alive:
                continue
            cursors = hub.esmes.note_cursors()
            try:
                if cursors:
                    await hub.desk(lambda connection, c=cursors: esme_delivery.advance(connection, c))  # type: ignore[misc]
                beats += 1
                if beats % 2 == 0:
                    await self._inherit()
            except LOST as error:
                log.warning("heartbeat failed", error=repr(error)[:200])

    async def _keep_house(self) -> None:
        hub = self._hub
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            try:
                await hub.desk(lambda connection: idempotency.purge(connection, hub.now_us()))
                await hub.mobile.hand_on_overdue()
            except LOST as error:
                log.warning("housekeeping failed", error=repr(error)[:200])

    def stop_taking(self) -> None:
        """Shutting down: the relay stays stopped."""
        hub = self._hub
        self._stopping = True
        hub.relay.running = False
