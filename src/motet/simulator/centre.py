"""The SMSC behind the wire: takes texts, holds them, hands them to phones, makes receipts. No socket and no clock.

`now` is Unix seconds. Every change goes to the store's pending writes; the caller commits them before it answers.
"""

import math
from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from motet.simulator.deliveries import Deliveries
from motet.simulator.handset import Handsets
from motet.simulator.message_ids import MessageIdFormat
from motet.simulator.phones import Behaviour, Phone
from motet.simulator.receipts import NO_ERROR, DeliveryError, receipt_of, wants_receipt
from motet.simulator.store import FinalRow, Store
from motet.simulator.texts import Address, RefusedError, Submission, Text, replaced
from motet.smpp.constants import (
    ESM_UDHI,
    MAX_DESTINATIONS,
    REGISTERED_INTERMEDIATE,
    CommandStatus,
    MessageState,
    Npi,
    Ton,
)
from motet.smpp.pdu import CancelSm, ReplaceSm, Sm
from motet.sms.parts import split
from motet.sms.text import encode_text

MAX_HELD = 500_000
"""Texts that wait for a phone or their time, about 1 KB of memory each; beyond it submit_sm is ESME_RMSGQFUL."""

FIRST_MESSAGE_NUMBER = 1_000_000_001
"""Ten digits from the first day, as SMPP 3.4, appendix B has them in receipts."""

BATCH = 2_000
"""Texts tried in one go, so that a phone that comes back to many does not stop the others."""

_UNREACHABLE = math.inf
"""`due` of a text whose phone is absent: only a change of its behaviour, or the validity, ends that."""


class SmsCentre:
    """The texts on their way, by key, and the phones they go to."""

    def __init__(self, store: Store, phones: dict[str, Phone], ids: MessageIdFormat) -> None:
        self.phones = phones
        self.deliveries = Deliveries(store)
        self.held: dict[int, Text] = {}
        self._ids = ids
        self._store = store
        self._handsets = Handsets(store, phones)
        self._keys = store.numbers("message", FIRST_MESSAGE_NUMBER)
        self._timers: list[tuple[float, int]] = []
        for row in store.all_held():
            if text := _text_of(row, phones):
                if not text.phone.is_absent:  # it may have come back just before the end
                    text.due = text.submission.not_before
                self._hold(text, save=False)

    def phone_of(self, address: Address) -> Phone:
        """The phone with that number; a plus in front is tolerated. RefusedError ESME_RINVDSTADR if there is none."""
        phone = self.phones.get(address.addr) or self.phones.get(address.addr.removeprefix("+"))
        if phone is None:
            raise RefusedError(CommandStatus.ESME_RINVDSTADR)
        return phone

    def submit(self, submission: Submission, to: Address, now: float, *, replace: bool = False) -> str:
        """Take a text; the id as responses spell it. Raises RefusedError. `replace` is replace_if_present_flag."""
        phone = self.phone_of(to)
        if len(self.held) >= MAX_HELD or self.deliveries.is_full:
            raise RefusedError(CommandStatus.ESME_RMSGQFUL)
        if replace and phone.held and (earlier := _earlier(phone.held.values(), submission)):
            earlier.submission, earlier.accepted_at, earlier.due = submission, now, submission.not_before
            self._go_on(earlier, now)
            return self._ids.in_response(earlier.message_number)
        key = next(self._keys)
        self._go_on(Text(key, key, to, phone, submission, now), now)
        return self._ids.in_response(key)

    def submit_to_many(self, submission: Submission, recipients: list[tuple[Address, Phone]], now: float) -> str:
        """Take a text for several phones under one id. Raises RefusedError."""
        if len(self.held) + len(recipients) > MAX_HELD or self.deliveries.is_full:
            raise RefusedError(CommandStatus.ESME_RMSGQFUL)
        message_number = 0
        for to, phone in recipients:
            key = next(self._keys)
            message_number = message_number or key
            self._go_on(Text(key, message_number, to, phone, submission, now), now)
        return self._ids.in_response(message_number)

    def query(self, message_id: str, source_addr: str) -> FinalRow:
        """The state of a message; of several texts the whole one. RefusedError ESME_RQUERYFAIL if it is not known.

        `source_addr` is the original one or empty, or a destination of a submit_multi for that text alone.
        """
        number = self._number(message_id, CommandStatus.ESME_RQUERYFAIL)
        rows = self._store.finals_of(number, number + MAX_DESTINATIONS, number)
        rows += [
            FinalRow(number, text.submission.source.addr, text.to.addr, MessageState.ENROUTE, None, NO_ERROR)
            for text in self._held_of(number)
        ]
        if source_addr and rows and rows[0].source_addr != source_addr:
            rows = [row for row in rows if row.to_addr == source_addr]
        if not rows:
            raise RefusedError(CommandStatus.ESME_RQUERYFAIL)
        return min(rows, key=_weight)

    def cancel(self, asked: CancelSm, now: float) -> None:
        """Cancel a held message, or all that match where no id is given (SMPP 3.4 §4.9.1). Raises RefusedError."""
        failed = CommandStatus.ESME_RCANCELFAIL
        if asked.message_id:
            found = self._held_of(self._number(asked.message_id, failed))
            found = [text for text in found if asked.source_addr in ("", text.submission.source.addr)]
        else:
            try:
                phone = self.phone_of(Address(asked.dest_addr_ton, asked.dest_addr_npi, asked.destination_addr))
            except RefusedError:
                raise RefusedError(failed) from None
            found = [
                text
                for text in phone.held.values()
                if text.submission.source.addr == asked.source_addr
                and asked.service_type in ("", text.submission.service_type)
            ]
        if not found:
            raise RefusedError(failed)
        for text in found:
            self._finish(text, MessageState.DELETED, NO_ERROR, now)

    def replace(self, asked: ReplaceSm, now: float) -> None:
        """Give a held message another text; its data_coding stays (SMPP 3.4 §4.10.1). Raises RefusedError."""
        failed = CommandStatus.ESME_RREPLACEFAIL
        found = self._held_of(self._number(asked.message_id, failed))
        if len(found) != 1 or found[0].submission.udh:
            raise RefusedError(failed)
        (text,) = found
        if asked.source_addr not in ("", text.submission.source.addr):
            raise RefusedError(failed)
        text.submission = replaced(text.submission, asked, now)
        text.due = max(text.due, text.submission.not_before) if text.attempted else text.submission.not_before
        self._hold(text)

    def set_behaviour(self, phone: Phone, behaviour: Behaviour, delay_s: float, reply: str | None) -> None:
        """Change the phone's ways; texts that waited for it are due at once, those with a time of their own then."""
        changed = behaviour is not phone.behaviour or delay_s != phone.delay_s
        phone.behaviour, phone.delay_s, phone.reply = behaviour, delay_s, reply
        self._handsets.save(phone)
        if changed:
            self.wake(phone)

    def wake(self, phone: Phone) -> None:
        """The phone is another than before: texts that waited for it are due at once, or at their own time."""
        for text in phone.held.values():
            text.due = text.submission.not_before
            self._set_timer(text)

    def send_mo(self, phone: Phone, to: Address, payload: bytes, data_coding: int, now: float) -> None:
        """The phone sends a text, in parts if it is long. UserDataError over 255 parts, RefusedError if we are full."""
        if self.deliveries.is_full:
            raise RefusedError(CommandStatus.ESME_RMSGQFUL)
        phone.last_ref = (phone.last_ref + 1) & 0xFF
        parts = split(payload, data_coding, phone.last_ref)
        for part in parts:
            sm = Sm(
                source_addr_ton=Ton.INTERNATIONAL,
                source_addr_npi=Npi.ISDN,
                source_addr=phone.identity.msisdn,
                dest_addr_ton=to.ton,
                dest_addr_npi=to.npi,
                destination_addr=to.addr,
                esm_class=ESM_UDHI if len(parts) > 1 else 0,
                data_coding=data_coding,
                short_message=part,
            )
            self.deliveries.add(sm, is_receipt=False, now=now)

    def next_due(self) -> float | None:
        """When `on_time` has something to do."""
        dues = [due for due in (self.deliveries.next_due(), self._timers[0][0] if self._timers else None) if due]
        return min(dues, default=None)

    def on_time(self, now: float) -> None:
        """Try the texts whose time has come, at most BATCH of them, and give up those whose validity is over."""
        self.deliveries.on_time(now)
        left = BATCH
        while left and self._timers and self._timers[0][0] <= now:
            left -= 1
            _, key = heappop(self._timers)
            text = self.held.get(key)
            if text is not None:
                if min(text.due, text.submission.expires_at) <= now:
                    self._go_on(text, now)
                else:  # the timer is from before a change
                    self._set_timer(text)

    def _go_on(self, text: Text, now: float) -> None:
        """Do with the text what its time and its phone's behaviour ask for now."""
        if text.submission.expires_at <= now:
            self._finish(text, MessageState.EXPIRED, DeliveryError.ABSENT if text.attempted else NO_ERROR, now)
        elif text.due > now:
            self._hold(text)
        else:
            self._attempt(text, now)

    def _attempt(self, text: Text, now: float) -> None:
        phone = text.phone
        match Behaviour.ABSENT if phone.is_absent else phone.behaviour:
            case Behaviour.DELIVER:
                self._arrive(text, MessageState.DELIVERED, now)
            case Behaviour.SLOW:
                ready_at = max(text.accepted_at, text.submission.not_before) + phone.delay_s
                if ready_at > now:
                    text.due = ready_at
                    self._hold(text)
                else:
                    self._arrive(text, MessageState.DELIVERED, now)
            case Behaviour.ABSENT:
                first = not text.attempted
                text.attempted, text.due = True, _UNREACHABLE
                self._hold(text)
                if first and text.submission.registered_delivery & REGISTERED_INTERMEDIATE:
                    self._report(text, MessageState.ENROUTE, DeliveryError.ABSENT, now, intermediate=True)
            case Behaviour.MEMORY_FULL:
                self._finish(text, MessageState.UNDELIVERABLE, DeliveryError.MEMORY_FULL, now)
            case Behaviour.REJECT:
                self._finish(text, MessageState.REJECTED, DeliveryError.REJECTED, now)
            case Behaviour.SILENT:
                self._arrive(text, MessageState.ENROUTE, now)

    def _arrive(self, text: Text, state: MessageState, now: float) -> None:
        """The phone has the text, the network knows `state` of it, and the phone may answer."""
        phone, source = text.phone, text.submission.source
        whole = self._handsets.receive(phone, text.submission, now)
        self._finish(text, state, NO_ERROR, now)
        if whole and phone.reply is not None and source.addr and source.ton != Ton.ALPHANUMERIC:
            reply = encode_text(phone.reply)
            if not self.deliveries.is_full:
                self.send_mo(phone, source, reply.payload, reply.data_coding, now)

    def _finish(self, text: Text, state: MessageState, error: int, now: float) -> None:
        """The text is over; ENROUTE says that the network will never know how."""
        known = state is not MessageState.ENROUTE
        source_addr = text.submission.source.addr
        done_at = now if known else None
        self._store.finals.append(
            (text.key, text.message_number, source_addr, text.to.addr, int(state), done_at, int(error))
        )
        if self.held.pop(text.key, None) is not None:
            del text.phone.held[text.key]
            self._store.held_done.append((text.key,))
        if known and wants_receipt(text.submission.registered_delivery, state):
            self._report(text, state, error, now)

    def _report(self, text: Text, state: MessageState, error: int, now: float, *, intermediate: bool = False) -> None:
        message_id = self._ids.in_receipt(text.message_number)
        receipt = receipt_of(text, message_id, state, error, now, intermediate=intermediate)
        self.deliveries.add(receipt, is_receipt=True, now=now)

    def _hold(self, text: Text, *, save: bool = True) -> None:
        self.held[text.key] = text.phone.held[text.key] = text
        if save:
            self._store.held.append(_row_of(text))
        self._set_timer(text)

    def _set_timer(self, text: Text) -> None:
        heappush(self._timers, (min(text.due, text.submission.expires_at), text.key))
        if len(self._timers) > 2 * len(self.held) + 1_000:  # mostly timers from before a change
            self._timers = [(min(each.due, each.submission.expires_at), key) for key, each in self.held.items()]
            heapify(self._timers)

    def _number(self, message_id: str, failed: CommandStatus) -> int:
        number = self._ids.parse(message_id)
        if number is None or number >= 1 << 62:
            raise RefusedError(failed)
        return number

    def _held_of(self, number: int) -> list[Text]:
        """The held texts of a message; their keys follow each other."""
        keys = range(number, number + MAX_DESTINATIONS)
        return [text for key in keys if (text := self.held.get(key)) and text.message_number == number]


def _weight(row: FinalRow) -> int:
    """ENROUTE while one text is on its way, then DELIVERED if one arrived, else the first failure."""
    return {MessageState.ENROUTE: 0, MessageState.DELIVERED: 1}.get(MessageState(row.state), 2)


def _earlier(held: Iterable[Text], submission: Submission) -> Text | None:
    """The text that replace_if_present_flag replaces: same source and service_type (SMPP 3.4 §5.2.18)."""
    for text in held:
        known = text.submission
        if known.source.addr == submission.source.addr and known.service_type == submission.service_type:
            return None if known.udh or submission.udh else text
    return None


def _row_of(text: Text) -> tuple[object, ...]:
    asked = text.submission
    return (
        text.key,
        text.message_number,
        text.phone.identity.msisdn,
        *text.to,
        text.accepted_at,
        text.due,
        text.attempted,
        asked.service_type,
        *asked.source,
        *asked[2:],
    )


def _text_of(row: tuple[object, ...], phones: dict[str, Phone]) -> Text | None:
    """The text of a stored row, None if its phone is no more."""
    key, message_number, msisdn, to_ton, to_npi, to_addr, accepted_at, due, attempted, service_type, *rest = row
    source_ton, source_npi, source_addr, *asked = rest
    phone = phones.get(msisdn)  # type: ignore[call-overload]
    if phone is None:
        return None
    submission = Submission(service_type, Address(source_ton, source_npi, source_addr), *asked)  # type: ignore[arg-type]
    to = Address(to_ton, to_npi, to_addr)  # type: ignore[arg-type]
    text = Text(key, message_number, to, phone, submission, accepted_at)  # type: ignore[arg-type]
    text.due, text.attempted = due, bool(attempted)  # type: ignore[assignment]
    return text
