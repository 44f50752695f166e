"""The hub: one object that holds a node's messaging together and that the edges talk to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import orjson
import structlog

from motet.domain.errors import DomainError
from motet.domain.ids import IdGenerator, first_id_at, ids_in
from motet.domain.traffic_rules import Traffic
from motet.hub.accounts import Account
from motet.hub.counters import Counters
from motet.hub.desk import Desk
from motet.hub.esmes import Esmes
from motet.hub.explain import Explanation, explain
from motet.hub.facts import AcceptWriter
from motet.hub.incarnation import KEEPALIVE_S, Incarnation
from motet.hub.intake import Intake
from motet.hub.lane import FencedError
from motet.hub.lanes import make_lanes
from motet.hub.message import Delivery, Message, Stage, Unit
from motet.hub.meters import Meters
from motet.hub.mobile import Mobile
from motet.hub.numbers import Numbers
from motet.hub.pager import Pager
from motet.hub.ports import (
    EventOutbox,
    FactoryTests,
    HubLimits,
    MessageBus,
    MobileOriginated,
    Receiver,
    Reply,
    Upstream,
    UpstreamReceipt,
    Verdict,
)
from motet.hub.relay import Relay
from motet.hub.requests import Allowed, SendRequest
from motet.hub.sending import Sender
from motet.storage import esme_delivery, idempotency, usage, waiting
from motet.storage.database import LOST, Database
from motet.storage.partitions import ensure_partitions

Result = TypeVar("Result")
log = structlog.get_logger(__name__)

HOUSEKEEPING_S = 60.0
"""How often old keys are forgotten and incomplete texts handed on."""


class Hub:
    """Accepts, commits, routes and follows every message of this node. Use from one event loop."""

    def __init__(
        self,
        database: Database,
        *,
        limits: HubLimits | None = None,
        outbox: EventOutbox | None = None,
        bus: MessageBus | None = None,
    ) -> None:
        self.database = database
        self.limits = limits or HubLimits()
        self.outbox = outbox
        self.bus = bus
        self.counters = Counters()
        self.live: dict[int, Message] = {}
        self.answering: set[int] = set()
        """Deliveries whose answers are being committed."""
        self.open_by_account: dict[int, int] = {}
        self.accounts: dict[int, Account] = {}
        """Accounts with binds on this node."""
        self.on_absent_esme: Callable[[int, int], None] | None = None
        """Called with (account_id, workspace_id) when something waits for an account without a receiving bind."""
        self.numbers = Numbers(self.pool, self.limits.targets)
        self.meters = Meters(self.pool, lambda: self.now_us(), lambda: self.numbers.changes, self.limits.targets)
        self.numbers.load_meters = self.meters.load
        self.relay = Relay(self)
        self.esmes = Esmes(self)
        self.pager = Pager(self)
        self.intake = Intake(self)
        self.mobile = Mobile(self)
        self.factory_tests: FactoryTests | None = None
        """Told of committed traffic while SIMs are in factory test."""
        self.fleet_listeners: list[Callable[[], None]] = []
        """Called when SIMs, devices, policies or quotas changed."""
        self.line_listeners: list[Callable[[str], None]] = []
        """Called with an MSISDN when something changed for its SIM alone."""
        self._desk = Desk(self)
        self._sender = Sender(self)
        self._desk_connection: asyncpg.Connection | None = None
        self._desk_lock = asyncio.Lock()
        self._place = Incarnation(lambda: database.connect_lane("node"), timedelta(seconds=self.limits.receipt_grace_s))
        self.ids = IdGenerator(0)
        """This node's ids, once started."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._flushes: dict[int, Reply] = {}
        self._accept_writer = AcceptWriter(0)
        self.submit = self.intake.submit
        self.submit_together = self.intake.submit_together
        self.lanes = make_lanes(self, self._accept_writer)
        self.accept_lane, self.submit_lane, self.final_lane, self.answer_lane, self.mo_lane = self.lanes

    # Life ------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Join the nodes, inherit what dead ones left, make partitions. Run `run` after that."""
        async with self.database.pool.acquire() as connection:
            await ensure_partitions(connection, time.time_ns() // 1_000_000)
        await self._place.join()
        clock_went_back = self._place.last_id > first_id_at(time.time_ns() // 1_000_000)
        after = self._place.last_id + ids_in(10_000) if clock_went_back else 0
        self.ids = IdGenerator(self._place.number, after=after)
        self._accept_writer.owner = self.incarnation
        await usage.begin_counting(self.pool(), self.incarnation, self.next_id())
        await self._inherit()

    async def _inherit(self) -> None:
        if await self._place.succeed_dead(self.now_us()):
            counts = await self.desk(lambda connection: waiting.count_by_account(connection, self.incarnation))
            in_memory: dict[int, int] = {}
            for message in self.live.values():
                if message.account_id is not None and not message.in_waiting:
                    in_memory[message.account_id] = in_memory.get(message.account_id, 0) + 1
            self.open_by_account.clear()
            for account_id in counts.keys() | in_memory.keys():
                self.open_by_account[account_id] = counts.get(account_id, 0) + in_memory.get(account_id, 0)
            self.pager.poke()
            self.esmes.read_again()

    async def run(self) -> None:
        """Work until cancelled. Raises FencedError when another node has taken over: the process has to start again."""
        async with asyncio.TaskGroup() as group:
            for lane in self.lanes:
                group.create_task(lane.run(), name=f"lane {lane.name}")
            group.create_task(self.pager.run(), name="pager")
            group.create_task(self._beat(), name="heartbeat")
            group.create_task(self._keep_house(), name="housekeeping")

    async def drain(self, seconds: float) -> None:
        """Take nothing new upstream, and wait for open windows to be answered and committed, at most this long.

        Windows towards ESMEs too: a receipt whose answer is not committed would be sent again. What an ESME submits
        after that is neither taken nor answered, so that it can send it again and does not double it.
        """
        self.relay.running = False
        self.esmes.running = False
        deadline = time.monotonic() + seconds
        while self._units_sent() or not self.esmes.idle():
            if time.monotonic() >= deadline:
                log.warning("windows are still open: what was in them is sent again", upstream=self._units_sent())
                break
            await asyncio.sleep(0.05)
        self.submit = self.intake.turn_away
        for lane in self.lanes:
            try:
                await asyncio.wait_for(lane.drained(), max(0.1, deadline - time.monotonic()))
            except TimeoutError:
                log.warning("a lane did not drain", lane=lane.name, pending=len(lane.pending))

    def _units_sent(self) -> int:
        """What upstream windows hold."""
        return sum(unit.stage == Stage.SENT for message in self.live.values() for unit in message.units)

    async def stop(self) -> None:
        """After `run` was cancelled: note how far we came and let the connections go."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._desk_connection is not None:
            self._desk_connection.terminate()
        await self._place.leave(self._low_water(), self.ids.last)

    async def _beat(self) -> None:
        """Prove that this node lives; without a connection nothing more is sent."""
        beats = 0
        while True:
            await asyncio.sleep(KEEPALIVE_S)
            alive = await self._place.beat(self._low_water(), self.ids.last)
            if alive != self.relay.running and not self._stopping:
                self.relay.running = alive
                if alive:
                    self.relay.dispatch()
            if not alive:
                continue
            cursors = self.esmes.note_cursors()
            try:
                if cursors:
                    await self.desk(lambda connection, c=cursors: esme_delivery.advance(connection, c))  # type: ignore[misc]
                beats += 1
                if beats % 2 == 0:
                    await self._inherit()
            except LOST as error:
                log.warning("heartbeat failed", error=repr(error)[:200])

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            try:
                await self.desk(lambda connection: idempotency.purge(connection, self.now_us()))
                await self.mobile.hand_on_overdue()
            except LOST as error:
                log.warning("housekeeping failed", error=repr(error)[:200])

    _stopping = False

    def stop_taking(self) -> None:
        """Shutting down: the relay stays stopped."""
        self._stopping = True
        self.relay.running = False

    # What edges call -------------------------------------------------------------------------------------------------

    async def send(self, request: SendRequest) -> int:
        """Accept an MT from an API; its message id, after the commit. Raises a DomainError."""
        return await self._sender.send(request)

    async def cancel(self, workspace_id: int, message_id: int, allowed: Allowed = nullcontext) -> None:
        """Cancel a message; returns after the commit. Raises NotFoundError, DeniedError, UpstreamError, and what
        `allowed` raises."""
        await self._desk.cancel(workspace_id, message_id, allowed)

    async def explain(
        self,
        workspace_id: int,
        *,
        device_id: int | None = None,
        msisdn: str | None = None,
        iccid: str | None = None,
        kind: Traffic = Traffic.SMS_MT,
    ) -> Explanation | None:
        """Why traffic of a device would be refused now, by exactly one key; None for one of another workspace."""
        now = datetime.fromtimestamp(self.now_us() / 1_000_000, UTC)
        return await explain(
            self.pool(),
            workspace_id,
            device_id=device_id,
            msisdn=msisdn,
            iccid=iccid,
            kind=kind,
            ahead=self.meters.ahead,
            now=now,
        )

    @property
    def requests(self) -> Desk:
        """Queries, cancels and replaces of ESMEs."""
        return self._desk

    def upstream_up(self, bind: Upstream) -> None:
        self.relay.bind_up(bind)
        self.accept_lane.wake()

    def upstream_down(self, bind: Upstream, unanswered: Iterable[Unit]) -> None:
        self.relay.bind_down(bind, unanswered)
        self.accept_lane.wake()

    def upstream_answered(self, bind: Upstream, answers: Sequence[tuple[Unit, Verdict, str]]) -> None:
        self.relay.answered(bind, answers)

    def upstream_receipts(self, bind: Upstream, receipts: Sequence[UpstreamReceipt]) -> None:
        self.relay.receipts(bind, receipts)

    def upstream_mo(self, bind: Upstream, arrivals: Sequence[MobileOriginated]) -> None:
        self.mobile.receive(bind, arrivals)

    def esme_up(self, receiver: Receiver) -> None:
        self.esmes.bind_up(receiver)

    def esme_down(self, receiver: Receiver, unanswered: Iterable[Delivery]) -> None:
        self.esmes.bind_down(receiver, unanswered)

    def esme_answered(
        self, receiver: Receiver, taken: Sequence[Delivery], again: Sequence[Delivery], refused: Sequence[Delivery]
    ) -> None:
        self.esmes.answered(receiver, taken, again, refused)

    def fleet_changed(self) -> None:
        """SIMs, devices or short codes changed."""
        self.numbers.forget()
        self.mobile.routes.forget_short_codes()
        for listener in self.fleet_listeners:
            listener()

    def line_changed(self, msisdn: str) -> None:
        """What the rules look at changed for the SIM with this number."""
        self.numbers.forget_these([msisdn])
        for listener in self.line_listeners:
            listener(msisdn)

    # What the rooms of the hub share ---------------------------------------------------------------------------------

    def committed_to(self) -> tuple[int, bool]:
        """No message of this node with an id up to this one will be committed from now on; and whether nothing at all
        waits for its commit."""
        under_way = [mark for mark in (self.intake.committing_from, self.mobile.committing_from) if mark is not None]
        idle = not under_way and not self.accept_lane.pending and not self.mo_lane.pending
        return (min(under_way) if under_way else self.ids.last), idle

    @property
    def incarnation(self) -> int:
        return self._place.incarnation

    def now_us(self) -> int:
        return time.time_ns() // 1_000

    def next_id(self) -> int:
        return self.ids.next(time.time_ns() // 1_000_000)

    def id_at(self, us: int) -> int:
        return first_id_at(us // 1_000)

    def pool(self) -> asyncpg.Pool:
        return self.database.pool

    async def desk(self, work: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
        """Run one piece of work on the connection for single requests, one at a time."""
        async with self._desk_lock:
            if self._desk_connection is None or self._desk_connection.is_closed():
                self._desk_connection = await self.database.connect_lane("desk")
            try:
                return await work(self._desk_connection)
            except DomainError:
                raise
            except BaseException:
                self._desk_connection.terminate()
                self._desk_connection = None
                self.pager.doubt()
                raise

    def room(self) -> int:
        """How many more messages may be taken into memory to be sent."""
        awaiting = len(self.relay.awaiting)
        return min(self.limits.live - max(0, len(self.live) - awaiting), self.limits.awaiting - awaiting)

    def hold(self, message: Message) -> None:
        """It is in memory from now on."""
        self.live[message.id] = message

    def adopt(self, message: Message) -> bool:
        """Take a message that was in `waiting`; false when it is here already."""
        here = self.live.get(message.id)
        if here is not None:
            here.in_waiting = True
            return False
        self.live[message.id] = message
        return True

    def drop_from_memory(self, message: Message) -> None:
        self.live.pop(message.id, None)

    def forget(self, message: Message) -> None:
        """Its end is committed."""
        self.counters.finished += 1
        self.live.pop(message.id, None)
        if message.account_id is not None:
            self.count_open(message.account_id, -1)
        if self._desk.watched:
            self._desk.forgotten(message)

    def room_made(self) -> None:
        self.relay.dispatch()
        if self.accept_lane.pending:
            self.accept_lane.wake()
        if self.pager.behind and self.room() >= self.limits.live // 8:
            self.pager.poke()

    def count_open(self, account_id: int | None, change: int) -> None:
        if account_id is not None:
            counts = self.open_by_account
            count = counts.get(account_id, 0) + change
            counts[account_id] = count if count > 0 else 0

    def absent_esme(self, account_id: int, workspace_id: int) -> None:
        if self.on_absent_esme is not None:
            self.on_absent_esme(account_id, workspace_id)

    def tell_bus(self, messages: Iterable[Message]) -> None:
        """Tell subscriptions which messages changed."""
        bus = self.bus
        if bus is None or bus.is_silent:
            return
        changed: dict[int, list[int]] = {}
        listened: dict[int, bool] = {}
        for message in messages:
            workspace_id = message.workspace_id
            if workspace_id not in listened:
                listened[workspace_id] = bus.has_listeners(workspace_id)
            if listened[workspace_id]:
                changed.setdefault(workspace_id, []).append(message.id)
        for workspace_id, ids in changed.items():
            bus.publish(workspace_id, ids)

    def event_row(
        self, message: Message, event_type: str, words: str, data: dict[str, Any], message_id: int | None = None
    ) -> tuple[Any, ...]:
        """A row for storage.event about a message, with severity Warn."""
        data = {**data, "from": message.source, "to": message.destination}
        return (
            message.workspace_id, self.next_id(), event_type, 1, message.device_id or None, message.sim_id or None,
            message_id, words, orjson.dumps(data).decode(),
        )  # fmt: skip

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something aside; a failure is logged and ends nothing."""
        task = asyncio.get_running_loop().create_task(self._guard(work))
        self._tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            work.close()  # it has not begun if its task was cancelled at once

        task.add_done_callback(ended)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            log.exception("a task failed", error=repr(error))

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, call)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def soon_flush(self, reply: Reply) -> None:
        """Flush once, after everything that came in the same read."""
        if not self._flushes:
            asyncio.get_running_loop().call_soon(self._flush_all)
        self._flushes[id(reply)] = reply

    def _flush_all(self) -> None:
        replies, self._flushes = self._flushes, {}
        for reply in replies.values():
            reply.flush()

    def _low_water(self) -> int:
        """Every message of this incarnation below it is final or in `waiting`."""
        marks = [message.id for message in self.live.values() if not message.in_waiting]
        marks.extend(mark for mark in (self.intake.committing_from, self.mobile.committing_from) if mark is not None)
        return min(marks) if marks else self.ids.last


__all__ = ["FencedError", "Hub", "HubLimits"]
