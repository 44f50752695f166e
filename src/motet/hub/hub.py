"""The hub: one object that holds a node's messaging together and that the edges talk to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg
import orjson

from motet.domain.errors import DomainError
from motet.domain.ids import IdGenerator, first_id_at
from motet.domain.traffic_rules import Traffic
from motet.hub.accounts import Account
from motet.hub.counters import Counters
from motet.hub.desk import Desk
from motet.hub.endings import Endings
from motet.hub.errands import Errands
from motet.hub.esmes import Esmes
from motet.hub.explain import Explanation, explain
from motet.hub.facts import AcceptWriter
from motet.hub.intake import Intake
from motet.hub.lane import FencedError
from motet.hub.lanes import make_lanes
from motet.hub.life import Life
from motet.hub.message import Delivery, Message, Unit
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
    Upstream,
    UpstreamReceipt,
    Verdict,
)
from motet.hub.relay import Relay
from motet.hub.requests import Allowed, SendRequest
from motet.hub.sending import Sender
from motet.storage.database import Database

Result = TypeVar("Result")


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
        self.endings = Endings(self)
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
        self.ids = IdGenerator(0)
        """This node's ids, once started."""
        self.submit = self.intake.submit
        self.submit_together = self.intake.submit_together
        self.errands = Errands()
        self.spawn, self.later, self.pause = self.errands.spawn, self.errands.later, self.errands.pause
        self.soon_flush = self.errands.soon_flush
        self.life = Life(self)
        self.start, self.run, self.stop = self.life.start, self.life.run, self.life.stop
        self.drain, self.stop_taking = self.life.drain, self.life.stop_taking
        self.accept_writer = AcceptWriter(0)
        self.lanes = make_lanes(self, self.accept_writer)
        self.accept_lane, self.submit_lane, self.final_lane, self.answer_lane, self.mo_lane = self.lanes

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
        self.endings.receipts(bind, receipts)

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
        return self.life.place.incarnation

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

    def let_desk_go(self) -> None:
        """Close that connection."""
        if self._desk_connection is not None:
            self._desk_connection.terminate()

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

    def low_water(self) -> int:
        """Every message of this incarnation below it is final or in `waiting`."""
        marks = [message.id for message in self.live.values() if not message.in_waiting]
        marks.extend(mark for mark in (self.intake.committing_from, self.mobile.committing_from) if mark is not None)
        return min(marks) if marks else self.ids.last


__all__ = ["FencedError", "Hub", "HubLimits"]
