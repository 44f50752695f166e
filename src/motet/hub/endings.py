"""How MTs end: receipts matched with what was sent, parts put together, the final state committed and then told.

Like the relay this runs in call-backs, a batch at a time; only the final lane waits for PostgreSQL.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from motet.domain.states import EsmeDeliveryKind, MessageState
from motet.hub import events_of
from motet.hub.facts import Finished
from motet.hub.message import Delivery, Message, Part, Stage, Unit
from motet.hub.ports import Upstream, UpstreamReceipt
from motet.hub.unmatched import Unmatched

if TYPE_CHECKING:
    from motet.hub.hub import Hub

FINAL_RECEIPT = 0x01
"""registered_delivery bit 0: a receipt for whatever the end is (SMPP 3.4 §5.2.17)."""
FAILURE_RECEIPT = 0x02
"""Only if it is not DELIVERED."""
INTERMEDIATE = 0x10

RECEIPT_KEEPING_US = 7 * 24 * 3_600 * 1_000_000
"""How long an ESME that is away can still collect a receipt: the longest validity."""

# Looking up an Enum's member costs as much as a call in Python 3.11.
_OPEN = int(MessageState.OPEN)
_DELIVERED = int(MessageState.DELIVERED)
_RECEIPT = int(EsmeDeliveryKind.RECEIPT)

WHOLE = -1
"""In place of a part's number."""


class Endings:
    """The ends of a node's messages, and the receipts that wait for them."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.unmatched = Unmatched(hub)
        self.echoes: dict[tuple[int, int], list[tuple[Upstream, int]]] = {}
        """Repeated receipts, by message id and part or WHOLE, that wait for the commit of what they repeat."""
        self._writing: list[list[Finished]] = []
        """The newest group that the final lane took."""

    # Receipts --------------------------------------------------------------------------------------------------------

    def receipts(self, bind: Upstream, receipts: Sequence[UpstreamReceipt]) -> None:
        """Match receipts with what was sent; each is answered once its effect is committed."""
        awaiting = self.hub.relay.awaiting
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
            self.finish_part(unit, state, receipt.error, receipt.at, bind, receipt.token)

    def finish_part(
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
        awaiting = self.hub.relay.awaiting
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
