"""The way of an MT from commit to final state: windows upstream, answers, receipts.

Everything here runs in call-backs of the event loop, a batch at a time; only the lanes wait for PostgreSQL.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import structlog

from motet.domain.states import EsmeDeliveryKind, MessageState
from motet.hub import events_of
from motet.hub.facts import Finished, Submitted
from motet.hub.message import NO_EXTRA, Delivery, Message, Part, Stage, Unit
from motet.hub.ports import Upstream, UpstreamReceipt, Verdict
from motet.hub.unmatched import Unmatched
from motet.sms.parts import split

if TYPE_CHECKING:
    from motet.hub.hub import Hub

log = structlog.get_logger(__name__)

FINAL_RECEIPT = 0x01
"""registered_delivery bit 0: a receipt for whatever the end is (SMPP 3.4 §5.2.17)."""
FAILURE_RECEIPT = 0x02
"""Only if it is not DELIVERED."""
INTERMEDIATE = 0x10

RECEIPT_KEEPING_US = 7 * 24 * 3_600 * 1_000_000
"""How long an ESME that is away can still collect a receipt: the longest validity."""

RETRY_S = (5.0, 15.0, 60.0, 180.0, 600.0)
"""Waits after a temporary refusal upstream; the last one repeats until the message expires."""

THROTTLE_PAUSE_S = 0.5
"""How long a bind rests after ESME_RTHROTTLED or ESME_RMSGQFUL."""


# Looking up an Enum's member costs as much as a call in Python 3.11.
_OPEN = int(MessageState.OPEN)
_DELIVERED = int(MessageState.DELIVERED)
_RECEIPT = int(EsmeDeliveryKind.RECEIPT)
_TAKEN = Verdict.TAKEN

WHOLE = -1
"""In place of a part's number."""

_SPREAD = 0x9E3779B97F4A7C15
"""2^64 / golden ratio: spreads ids evenly over the 256 references of concatenated texts."""


class Relay:
    """The ready queue, the upstream windows, and the messages that wait for receipts."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.ready: deque[Unit] = deque()
        self.binds: list[Upstream] = []
        self.awaiting: dict[tuple[int, str], Unit] = {}
        self.unmatched = Unmatched(hub)
        self._writing: list[list[Finished]] = []
        """The newest group that the final lane took."""
        self.echoes: dict[tuple[int, int], list[tuple[Upstream, int]]] = {}
        """Repeated receipts, by message id and part or WHOLE, that wait for the commit of what they repeat."""
        self._resting: dict[int, float] = {}
        self._turn = 0
        self.running = True

    # Towards upstream ------------------------------------------------------------------------------------------------

    def enqueue(self, message: Message) -> None:
        """A committed message is to be sent. `dispatch` follows once for a batch."""
        message.stage = Stage.READY
        if message.part_count > 1 and message.parts is None:
            self.cut(message)
        if message.parts is None:
            self.ready.append(message)
        else:
            self.ready.extend(part for part in message.parts if part.stage == Stage.READY)

    def cut(self, message: Message) -> None:
        """Make the parts of a long message, the same ones after a restart. Other elements of its header are kept."""
        extra = message.extra or NO_EXTRA
        ref = (message.id * _SPREAD >> 56) & 0xFF
        pieces = split(message.payload, message.data_coding, ref, udh=extra.udh or b"")
        message.parts = [Part(message, number, user_data) for number, user_data in enumerate(pieces)]
        message.part_count = len(pieces)

    def dispatch(self) -> None:
        """Hand ready units to binds with free slots, in turn."""
        ready = self.ready
        if not ready or not self.running:
            return
        binds = self.binds
        for offset in range(len(binds)):
            bind = binds[(self._turn + offset) % len(binds)]
            free = bind.free
            if free > 0 and not self._rests(bind):
                units = self._take(free)
                if units:
                    bind.submit(units)
                if not ready:
                    break
        self._turn += 1

    def _take(self, count: int) -> list[Unit]:
        ready = self.ready
        now_us = self.hub.now_us()
        units: list[Unit] = []
        while ready and len(units) < count:
            unit = ready.popleft()
            message = unit.message
            if unit.stage != Stage.READY or (
                message.parts is not None and (message is unit or message.stage not in (Stage.READY, Stage.SENT))
            ):
                continue  # cancelled, being replaced, or cut into parts since
            if message.expires_at <= now_us:
                self.finish(message, MessageState.EXPIRED, None, now_us)
                continue
            unit.stage = Stage.SENT
            message.attempts += unit.number == 0
            units.append(unit)
        return units

    def _rests(self, bind: Upstream) -> bool:
        until = self._resting.get(id(bind))
        if until is None:
            return False
        if until > time.monotonic():
            return True
        del self._resting[id(bind)]
        return False

    def bind_up(self, bind: Upstream) -> None:
        self.binds.append(bind)
        self.hub.pager.poke()
        self.dispatch()

    def bind_down(self, bind: Upstream, unanswered: Iterable[Unit]) -> None:
        """The bind is gone. What it had not answered is sent again: at least once, at most a window of it twice."""
        if bind in self.binds:
            self.binds.remove(bind)
        self._resting.pop(id(bind), None)
        self.again(unanswered)
        self.unmatched.forget(bind)  # its SMSC sends them again
        self.dispatch()

    def again(self, units: Iterable[Unit]) -> None:
        """Send these again, before all others, in their order."""
        for unit in reversed(list(units)):
            self._again(unit)

    def _again(self, unit: Unit) -> None:
        if unit.stage == Stage.SENT:
            unit.stage = Stage.READY
            self.ready.appendleft(unit)

    def _retry_part(self, part: Part) -> None:
        if part.stage == Stage.STAYING and part.message.state == _OPEN:
            part.stage = Stage.READY
            self.ready.append(part)
            self.dispatch()

    def answered(self, bind: Upstream, answers: Sequence[tuple[Unit, Verdict, str]]) -> None:
        """Upstream's responses to submit_sm: (unit, verdict, smsc_message_id or the error's name)."""
        at = self.hub.now_us()
        now = time.monotonic()
        freed = 0
        busy: list[Unit] = []
        submitted: list[Submitted] = []
        awaiting = self.awaiting
        for unit, verdict, text in answers:
            message = unit.message
            if verdict is _TAKEN:
                key = (bind.link_id, text)
                unit.link_id, unit.smsc_message_id = key
                if unit.stage == Stage.SENT:
                    unit.stage = Stage.AWAITING
                    if message.state == _OPEN:
                        awaiting[key] = unit
                        message.awaiting_since = at
                submitted.append(Submitted(unit, bind, text, at, message.attempts))
                continue
            freed += 1
            if verdict is Verdict.BUSY:
                busy.append(unit)
                message.attempts -= unit.number == 0  # it was not looked at; a column of 16 bits counts them
            elif verdict is Verdict.TRY_LATER:
                delay_s = RETRY_S[min(max(message.attempts, 1), len(RETRY_S)) - 1]
                if isinstance(unit, Part):
                    unit.stage = Stage.STAYING
                    self.hub.later(delay_s, partial(self._retry_part, unit))
                else:
                    self.hub.pager.retry_later(message, delay_s)
            elif isinstance(unit, Part):
                self._finish_part(unit, MessageState.REJECTED, text, at, None, 0)
            else:
                self.finish(message, MessageState.REJECTED, text, at)
        if busy:
            self._resting[id(bind)] = now + THROTTLE_PAUSE_S
            self.again(busy)
            self.hub.later(THROTTLE_PAUSE_S, self.dispatch)
        if submitted:
            self.hub.submit_lane.extend(submitted)
            if self.unmatched.count:
                for early in self.unmatched.claimed_by(submitted):
                    self.receipts(early.upstream, [early.receipt])
        if freed:
            bind.release(freed)
            self.dispatch()

    def submits_committed(self, group: list[Submitted]) -> None:
        """The slots are free again, now that a crash cannot forget what upstream took."""
        self.hub.counters.submitted += len(group)
        freed: dict[Upstream, int] = {}
        for fact in group:
            freed[fact.upstream] = freed.get(fact.upstream, 0) + 1
        for bind, count in freed.items():
            bind.release(count)
        self.hub.tell_bus(fact.unit.message for fact in group)
        self.dispatch()

    # Receipts --------------------------------------------------------------------------------------------------------

    def receipts(self, bind: Upstream, receipts: Sequence[UpstreamReceipt]) -> None:
        """Match receipts with what was sent; each is answered once its effect is committed."""
        awaiting = self.awaiting
        link_id = bind.link_id
        exact = 0
        for receipt in receipts:
            unit = awaiting.get((link_id, receipt.smsc_message_id))
            if unit is not None:
                exact += 1
            else:
                unit = self.unmatched.unit_meant(awaiting, link_id, receipt)
                if unit is None:
                    self.unmatched.keep(bind, receipt)
                    continue
            if receipt.state is None:
                self._notify(unit, receipt, bind)
            else:
                self._settle(unit, receipt, bind)
        self.unmatched.matched(link_id, exact)

    def _settle(self, unit: Unit, receipt: UpstreamReceipt, bind: Upstream) -> None:
        """A final receipt for a unit in memory."""
        state = receipt.state or MessageState.UNKNOWN
        if type(unit) is Message:
            if unit.state != _OPEN:
                self.said_before(unit, bind, receipt.token)
                return
            self.finish(unit, state, receipt.error, receipt.at, bind, receipt.token)
        else:
            self._finish_part(unit, state, receipt.error, receipt.at, bind, receipt.token)

    def _finish_part(
        self, part: Unit, state: int, error: str | None, at: int, bind: Upstream | None, token: int
    ) -> None:
        """One part is final; the last one settles the whole: DELIVERED if all are, else the first failure's state."""
        message = part.message
        if part.stage == Stage.FINISHED or message.state != _OPEN or not isinstance(part, Part):
            if bind is not None:
                self.said_before(part, bind, token)
            return
        part.stage = Stage.FINISHED
        part.state = state
        part.error = error
        parts = message.parts or []
        failed = next((p for p in parts if p.state not in (_OPEN, _DELIVERED)), None)
        if failed is not None and state == MessageState.REJECTED and bind is None:
            # Upstream will not take this part: the others need not be sent.
            for other in parts:
                if other.stage == Stage.READY:
                    other.stage = Stage.FINISHED
                    other.state = MessageState.REJECTED
        if all(p.state != _OPEN for p in parts):
            if failed is not None:
                state, error = failed.state, failed.error
            self.finish(message, state, error, at, bind, token)
            return
        self.hub.final_lane.add(Finished(message, False, part.number, state, error, at, bind, token, None, []))

    def said_before(self, unit: Unit, bind: Upstream, token: int) -> None:
        """A receipt that changes nothing. While what it repeats is not committed, its answer waits for that: a crash
        could otherwise leave the SMSC with nothing more to say."""
        message = unit.message
        if isinstance(unit, Part) and message.state == _OPEN:
            stored, key = unit.stored, (message.id, unit.number)
        else:
            stored, key = message.id not in self.hub.live, (message.id, WHOLE)
        if stored:
            bind.acknowledge([token], ok=True)
        else:
            self.echoes.setdefault(key, []).append((bind, token))

    def _answer_echoes(self, message: Message, part: int, *, ok: bool) -> None:
        """Repeated receipts of one part, or of all, whose end is committed or refused now."""
        numbers = (part,) if part != WHOLE else (WHOLE, *range(message.part_count))
        for number in numbers:
            for bind, token in self.echoes.pop((message.id, number), ()):
                bind.acknowledge([token], ok=ok)

    def _notify(self, unit: Unit, receipt: UpstreamReceipt, bind: Upstream) -> None:
        """An intermediate notification: passed on to an ESME that asked for it, otherwise just answered."""
        message = unit.message
        if message.account_id is None or not message.registered_delivery & INTERMEDIATE or message.state:
            bind.acknowledge([receipt.token], ok=True)
            return
        delivery = self._owed(message, EsmeDeliveryKind.NOTIFICATION, _OPEN, receipt.error, receipt.at)
        fact = Finished(message, False, unit.number, 0, receipt.error, receipt.at, bind, receipt.token, delivery, [])
        self.hub.final_lane.add(fact)

    # The end ---------------------------------------------------------------------------------------------------------

    def finish(
        self,
        message: Message,
        state: int,
        error: str | None,
        at: int,
        bind: Upstream | None = None,
        token: int = 0,
        *,
        detail: str | None = None,
    ) -> None:
        """Give the message its final state: durable soon, told to the ESME, webhooks and subscribers after that."""
        if message.state != _OPEN:
            if bind is not None:
                self.said_before(message, bind, token)
            return
        message.stage = Stage.FINISHED
        message.state = state
        message.error = error
        message.error_detail = detail
        message.final_at = at
        delivery = None
        wanted = message.registered_delivery & 3
        asked = wanted == FINAL_RECEIPT or (wanted == FAILURE_RECEIPT and state != _DELIVERED)
        if asked and message.account_id is not None:
            delivery = self._owed(message, _RECEIPT, state, error, at)
        rows = events_of.finished(self.hub.outbox, message) if self.hub.outbox is not None else []
        self.hub.final_lane.add(Finished(message, True, 0, state, error, at, bind, token, delivery, rows))

    def _owed(self, message: Message, kind: int, state: int, error: str | None, at: int) -> Delivery:
        account_id = message.account_id
        assert account_id is not None  # noqa: S101 - for the type checker
        keep_until = max(message.expires_at, at + 24 * 3_600_000_000)
        keep_until = min(keep_until, at + RECEIPT_KEEPING_US)
        return Delivery(self.hub.next_id(), account_id, kind, message, state, error, at, keep_until)

    def before_finals(self, group: list[Finished]) -> None:
        self._writing.append(group)

    def finals_settled(self, group: list[Finished]) -> None:
        self._writing = [other for other in self._writing if other is not group]

    def oldest_owed(self, default: int) -> int:
        """The smallest id of a delivery that may not be committed yet, if it is below `default`."""
        facts = itertools.chain(*self._writing, self.hub.final_lane.pending)
        return min(default, min((fact.delivery.id for fact in facts if fact.delivery is not None), default=default))

    def finals_committed(self, group: list[Finished]) -> None:
        """Answer upstream, hand receipts to ESMEs, forget the messages, tell whoever listens."""
        hub = self.hub
        awaiting = self.awaiting
        acks: dict[Upstream, list[int]] = {}
        deliveries: list[Delivery] = []
        webhooks = False
        for fact in group:
            if fact.upstream is not None:
                tokens = acks.get(fact.upstream)
                if tokens is None:
                    acks[fact.upstream] = [fact.token]
                else:
                    tokens.append(fact.token)
            if fact.delivery is not None:
                deliveries.append(fact.delivery)
            if fact.webhook_rows:
                webhooks = True
            if fact.whole:
                message = fact.message
                for unit in (message,) if message.parts is None else message.parts:
                    if unit.smsc_message_id:
                        awaiting.pop((unit.link_id, unit.smsc_message_id), None)
                hub.forget(message)
                if self.echoes:
                    self._answer_echoes(message, WHOLE, ok=True)
            elif fact.state and fact.message.parts is not None:
                fact.message.parts[fact.part].stored = True
                if self.echoes:
                    self._answer_echoes(fact.message, fact.part, ok=True)
        for bind, tokens in acks.items():
            bind.acknowledge(tokens, ok=True)
        if deliveries:
            hub.esmes.offer(deliveries)
        if webhooks and hub.outbox is not None:
            hub.outbox.wake()
        if hub.factory_tests is not None and hub.factory_tests.tested:
            hub.factory_tests.used([fact.message.sim_id for fact in group if fact.whole])
        hub.tell_bus(fact.message for fact in group if fact.whole)
        hub.room_made()

    def finals_refused(self, fact: Finished, error: Exception) -> None:
        """The database will not take this end (it says why): tell upstream that the fault is ours, and keep running.

        The likely cause is a webhook that was deleted meanwhile: then the end is written without it.
        """
        message = fact.message
        if fact.whole and fact.webhook_rows:
            outbox = self.hub.outbox
            rows = events_of.finished(outbox, message) if outbox is not None else []
            if {row[2] for row in rows} == {row[2] for row in fact.webhook_rows}:
                rows = []
            self.hub.final_lane.add(fact._replace(webhook_rows=rows))
            return
        if fact.whole:
            message.state = _OPEN
            message.stage = Stage.AWAITING if message.smsc_message_id else Stage.STAYING
        elif fact.state and message.parts is not None:
            part = message.parts[fact.part]
            part.state, part.stage = _OPEN, Stage.AWAITING
        self._answer_echoes(message, WHOLE if fact.whole else fact.part, ok=False)
        if fact.upstream is not None:
            fact.upstream.acknowledge([fact.token], ok=False)
