"""What ESMEs are owed: receipts and MO, kept in the database until answered, a bounded stretch of them in memory.

An account without a receiving bind has nothing in memory. When one binds, what it is owed is read from its cursor on, a
page at a time, while new deliveries are added behind as they are committed; if they outgrow the bound they are dropped
from memory and read later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, MutableSequence, Sequence
from typing import TYPE_CHECKING

import asyncpg
import structlog

from motet.domain.states import EsmeDeliveryKind
from motet.hub.facts import Answered
from motet.hub.message import Delivery
from motet.hub.ports import Receiver
from motet.hub.restore import message_of
from motet.storage import esme_delivery
from motet.storage.database import Row

if TYPE_CHECKING:
    from motet.hub.hub import Hub

log = structlog.get_logger(__name__)

AGAIN_S = (1.0, 5.0, 15.0, 60.0)
"""Waits after an ESME answered with a fault of the moment; the last one repeats until the delivery expires."""

PAGE = 500

_MO = int(EsmeDeliveryKind.MO)

CURSOR_LAG_US = 60_000_000
"""Ids commit out of order by less than this. A cursor that lags only costs a little reading."""

READ_AGAIN_S = 1.0
"""Wait after a page could not be read."""


class Outbox:
    """The deliveries of one account while it has a receiving bind."""

    __slots__ = (
        "account_id", "answered", "behind", "cursor", "known", "more", "open", "pending", "reading", "receivers",
        "turn",
    )  # fmt: skip

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id
        self.receivers: list[Receiver] = []
        self.pending: deque[Delivery] = deque()
        """To be sent, oldest first but for those tried again."""
        self.open: dict[int, Delivery] = {}
        """Everything in memory and unanswered, pending or sent."""
        self.cursor = 0
        """What is owed and not in memory has a larger id than this, when `more`."""
        self.more = True
        self.known = False
        """Whether the cursor has been read."""
        self.reading = False
        self.behind: list[Delivery] = []
        """Committed while older ones are being read: to be sent after them."""
        self.answered: set[int] = set()
        """Answered since the page that is being read was asked for: it may still show them as owed."""
        self.turn = 0


class Esmes:
    """Every account with a receiving bind on this node."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.outboxes: dict[int, Outbox] = {}
        self.cursors: dict[int, int] = {}
        """Cursors to be noted in the database, by account."""
        self.running = True
        """False while the node shuts down: nothing more is sent."""
        self._open_count = 0

    def bind_up(self, receiver: Receiver) -> None:
        """A session can receive: read what its account is owed."""
        outbox = self.outboxes.get(receiver.account_id)
        if outbox is None:
            outbox = self.outboxes[receiver.account_id] = Outbox(receiver.account_id)
        outbox.receivers.append(receiver)
        self._fill(outbox)
        self._send(outbox)

    def bind_down(self, receiver: Receiver, unanswered: Iterable[Delivery]) -> None:
        """A session ended: what it had not answered goes to the account's others, or waits in the database."""
        outbox = self.outboxes.get(receiver.account_id)
        if outbox is None:
            return
        if receiver in outbox.receivers:
            outbox.receivers.remove(receiver)
        if not outbox.receivers:
            self._note_cursor(outbox)
            del self.outboxes[receiver.account_id]
            self._open_count -= len(outbox.open)
            return
        # The receiver may be gone already: what is left unanswered after an unbind is known at the very end.
        for delivery in reversed(list(unanswered)):
            if outbox.open.get(delivery.id) is delivery and delivery.id not in self.hub.answering:
                outbox.pending.appendleft(delivery)
        self._send(outbox)

    def read_again(self) -> None:
        """Another node is dead: what it owed to accounts that are bound here is ours to deliver."""
        for outbox in self.outboxes.values():
            outbox.known = False
            outbox.more = True
            self._fill(outbox)

    def has_receiver(self, account_id: int) -> bool:
        return account_id in self.outboxes

    def offer(self, deliveries: Sequence[Delivery]) -> None:
        """Deliveries that were just committed."""
        touched: set[int] = set()
        for delivery in deliveries:
            outbox = self.outboxes.get(delivery.account_id)
            if outbox is None:
                self.hub.absent_esme(delivery.account_id, delivery.message.workspace_id)
                continue
            # Behind a cursor with more to read, reading will find it; a smaller id was passed and has to be added now.
            if delivery.id in outbox.open or (outbox.more and delivery.id > outbox.cursor):
                continue
            if self._full(outbox):
                if not outbox.more:
                    outbox.more = True
                    outbox.cursor = delivery.id - 1
                    continue
                if delivery.id > outbox.cursor:
                    continue
            self._open(outbox, delivery, outbox.behind if outbox.reading else outbox.pending)
            touched.add(delivery.account_id)
        for account_id in touched:
            self._send(self.outboxes[account_id])

    def _full(self, outbox: Outbox, room: int = 1) -> bool:
        """Whether memory has no room for that many more. An account's own window always has some."""
        limits = self.hub.limits
        if len(outbox.open) + room <= PAGE:
            return False
        return len(outbox.open) + room > limits.outbox or self._open_count + room > limits.outboxes

    def _open(self, outbox: Outbox, delivery: Delivery, line: MutableSequence[Delivery]) -> None:
        outbox.open[delivery.id] = delivery
        line.append(delivery)
        self._open_count += 1

    def poke(self, account_id: int) -> None:
        """A session of the account can be sent to again."""
        outbox = self.outboxes.get(account_id)
        if outbox is not None:
            self._send(outbox)

    def idle(self) -> bool:
        """Whether every delivery that was sent is answered, and the answer committed."""
        boxes = self.outboxes.values()
        return not self.hub.answering and not any(r.unanswered for box in boxes for r in box.receivers)

    def _send(self, outbox: Outbox) -> None:
        if not self.running:
            return
        pending = outbox.pending
        while pending:
            ready = [receiver for receiver in outbox.receivers if receiver.free > 0]
            if not ready:
                break
            # An equal share for each, and another one first the next time that something was sent.
            first = outbox.turn % len(ready)
            outbox.turn = first + 1
            share = -(-len(pending) // len(ready))
            for receiver in (*ready[first:], *ready[:first]):
                if count := min(receiver.free, share, len(pending)):
                    receiver.deliver([pending.popleft() for _ in range(count)])
        if outbox.more and not outbox.reading and not self._full(outbox, PAGE):
            self._fill(outbox)

    def _fill(self, outbox: Outbox) -> None:
        if not outbox.reading:
            outbox.reading = True
            self.hub.spawn(self._read(outbox))

    async def _read(self, outbox: Outbox) -> None:
        """Page in what is owed, until memory is full or there is no more."""
        while self.outboxes.get(outbox.account_id) is outbox:
            try:
                await self.hub.desk(lambda connection: self._read_pages(outbox, connection))
            except Exception as error:  # noqa: BLE001 - the database is away: what is owed stays to be read
                log.warning("reading what an ESME is owed failed", error=repr(error)[:200])
                outbox.more = True
                await self.hub.pause(READ_AGAIN_S)
                continue
            break
        outbox.reading = False
        outbox.pending.extend(outbox.behind)
        outbox.behind.clear()
        outbox.answered.clear()
        if self.outboxes.get(outbox.account_id) is outbox:
            self._send(outbox)

    async def _read_pages(self, outbox: Outbox, connection: asyncpg.Connection) -> None:
        if not outbox.known:
            outbox.cursor = await esme_delivery.answered_below(connection, outbox.account_id)
            outbox.known = True
        answering = self.hub.answering
        while outbox.more and outbox.receivers and not self._full(outbox, PAGE):
            # Not `more` during the read: what is committed meanwhile is then in the page, or offered to us, or both.
            after = outbox.cursor
            outbox.more = False
            outbox.answered.clear()
            try:
                rows = await esme_delivery.owed(connection, outbox.account_id, after, self.hub.now_us(), PAGE)
            except BaseException:
                outbox.cursor = min(after, outbox.cursor)
                raise
            dropped_after = outbox.cursor if outbox.more else None
            for row in rows:
                delivery_id = row["delivery_id"]
                if not (delivery_id in outbox.open or delivery_id in answering or delivery_id in outbox.answered):
                    self._open(outbox, _delivery_of(outbox.account_id, row), outbox.pending)
            if len(rows) == PAGE:
                outbox.more = True
                outbox.cursor = rows[-1]["delivery_id"]
            if dropped_after is not None:  # memory overflowed meanwhile: go on reading from there
                outbox.more = True
                outbox.cursor = min(dropped_after, outbox.cursor) if len(rows) == PAGE else dropped_after

    def answered(
        self, receiver: Receiver, deliveries: Sequence[Delivery], again: Sequence[Delivery], refused: Sequence[Delivery]
    ) -> None:
        """The ESME's answers: taken, to be tried again, refused for good (which ends it just the same)."""
        hub = self.hub
        facts = [Answered(delivery, receiver) for delivery in deliveries]
        facts.extend(Answered(delivery, receiver) for delivery in refused)
        hub.answering.update(fact.delivery.id for fact in facts)
        hub.answer_lane.extend(facts)
        hub.counters.deliveries_refused += len(refused)
        if again:
            receiver.release(len(again))
            now_us = hub.now_us()
            for delivery in again:
                delivery.attempts += 1
                if delivery.expires_at <= now_us:
                    self._forget(delivery)
                else:
                    wait_s = AGAIN_S[min(delivery.attempts, len(AGAIN_S)) - 1]
                    hub.later(wait_s, lambda d=delivery: self._try_again(d))  # type: ignore[misc]

    def _try_again(self, delivery: Delivery) -> None:
        outbox = self.outboxes.get(delivery.account_id)
        if outbox is not None and outbox.open.get(delivery.id) is delivery:
            outbox.pending.append(delivery)
            self._send(outbox)

    def _forget(self, delivery: Delivery) -> None:
        outbox = self.outboxes.get(delivery.account_id)
        if outbox is not None and outbox.open.pop(delivery.id, None) is not None:
            self._open_count -= 1

    def answers_committed(self, group: list[Answered]) -> None:
        """Their slots are free, now that they will not be sent again."""
        self.hub.counters.answered += len(group)
        freed: dict[Receiver, int] = {}
        accounts: set[int] = set()
        answering = self.hub.answering
        for fact in group:
            delivery = fact.delivery
            answering.discard(delivery.id)
            freed[fact.receiver] = freed.get(fact.receiver, 0) + 1
            accounts.add(delivery.account_id)
            self._forget(delivery)
            outbox = self.outboxes.get(delivery.account_id)
            if outbox is not None and outbox.reading:
                outbox.answered.add(delivery.id)
            if delivery.kind == _MO:
                self.hub.counters.mo_delivered += 1
        for receiver, count in freed.items():
            receiver.release(count)
        for account_id in accounts:
            outbox = self.outboxes.get(account_id)
            if outbox is not None:
                self._send(outbox)

    def note_cursors(self) -> dict[int, int]:
        """From where on each account may have open deliveries: to be written every few seconds."""
        for outbox in self.outboxes.values():
            self._note_cursor(outbox)
        cursors, self.cursors = self.cursors, {}
        return cursors

    def _note_cursor(self, outbox: Outbox) -> None:
        if outbox.reading or not outbox.known:
            return
        recent = self.hub.endings.oldest_owed(self.hub.id_at(self.hub.now_us() - CURSOR_LAG_US))
        below = min(outbox.open, default=recent)
        if outbox.more:
            below = min(below, outbox.cursor + 1)
        below = min(below, recent)
        self.cursors[outbox.account_id] = below - 1


def _delivery_of(account_id: int, row: Row) -> Delivery:
    return Delivery(
        row["delivery_id"],
        account_id,
        row["delivery_kind"],
        message_of(row),
        row["delivery_state"],
        row["delivery_error"],
        row["delivery_at"],
        row["delivery_expires_at"],
    )
