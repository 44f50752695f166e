"""What a phone does with a text: joins parts, keeps an inbox, answers. Every change is written to the store as well."""

from collections.abc import Iterable, Mapping

from motet.simulator.phones import Behaviour, Part, PartKey, PartSet, Phone
from motet.simulator.store import Store
from motet.simulator.texts import Submission
from motet.sms.parts import part_count
from motet.sms.udh import Concatenation, concatenation_of, parse_udh

INBOX_TEXTS = 50_000
"""The last texts that a phone keeps: a load test with one destination can still be counted."""

ALL_INBOX_TEXTS = 1_000_000
"""The last texts that all phones keep together, about 200 MB in the store; the oldest go first."""

MAX_PART_SETS = 100
"""Long texts of which a phone has some parts only; the one that waited longest is given up."""

PART_SET_AGE_S = 24 * 3600.0
"""After a day without a new part, those there are not joined with later ones: references come round again."""


class Handsets:
    """The phones' side of the air."""

    def __init__(self, store: Store, phones: Mapping[str, Phone]) -> None:
        """Brings the phones back to what the store knows of them; rows of phones that are no more stay untouched."""
        self._store = store
        self._phones = phones
        self._shown_since_trim = 0
        self._inbox_rows = store.numbers("inbox", 1)
        self._part_rows = store.numbers("part", 1)
        for msisdn, behaviour, delay_s, reply in store.all_phones():
            if phone := phones.get(msisdn):
                phone.behaviour, phone.delay_s, phone.reply = Behaviour(behaviour), delay_s, reply
        for row, msisdn in store.all_inbox_rows():
            if phone := phones.get(msisdn):
                phone.inbox_rows.append(row)
        for row, msisdn, source, ref, bits, total, number, coding, payload, received_at in store.all_parts():
            if phone := phones.get(msisdn):
                parts = phone.part_sets.setdefault(PartKey(source, ref, bits, total), PartSet(received_at))
                parts.parts[number] = Part(row, coding, payload)

    def receive(self, phone: Phone, submission: Submission, now: float) -> bool:
        """The phone gets a text, or a part of one. True once the phone has a whole text to show."""
        if not submission.udh:
            parts = part_count(submission.payload, submission.data_coding)
            self._show(phone, submission.source.addr, submission.data_coding, submission.payload, parts, now)
            return True
        place = concatenation_of(parse_udh(submission.udh))
        if place is None or place.total == 1:
            parts = part_count(submission.payload, submission.data_coding, len(submission.udh))
            self._show(phone, submission.source.addr, submission.data_coding, submission.payload, parts, now)
            return True
        return self._join(phone, submission, place, now)

    def save(self, phone: Phone) -> None:
        """Keep the phone's settings."""
        self._store.phones.append((phone.identity.msisdn, phone.behaviour.value, phone.delay_s, phone.reply))

    def _show(self, phone: Phone, source: str, data_coding: int, payload: bytes, parts: int, now: float) -> None:
        row = next(self._inbox_rows)
        self._store.inbox.append((row, phone.identity.msisdn, source, data_coding, payload, parts, now))
        phone.inbox_rows.append(row)
        if len(phone.inbox_rows) > INBOX_TEXTS:
            self._store.inbox_done.append((phone.inbox_rows.popleft(),))
        self._shown_since_trim += 1
        if self._shown_since_trim >= ALL_INBOX_TEXTS // 20:
            self._shown_since_trim = 0
            self._trim(row + 1 - ALL_INBOX_TEXTS)

    def _trim(self, oldest: int) -> None:
        """Forget the texts before the row `oldest`; row numbers go up as texts come."""
        self._store.inbox_trimmed.append((oldest,))
        for phone in self._phones.values():
            while phone.inbox_rows and phone.inbox_rows[0] < oldest:
                phone.inbox_rows.popleft()

    def _join(self, phone: Phone, submission: Submission, place: Concatenation, now: float) -> bool:
        key = PartKey(submission.source.addr, place.ref, place.ref_bits, place.total)
        waiting = phone.part_sets.get(key)
        if waiting is not None and waiting.touched_at + PART_SET_AGE_S < now:
            self._forget(phone, key)
            waiting = None
        if waiting is None:
            if len(phone.part_sets) >= MAX_PART_SETS:
                self._forget(phone, min(phone.part_sets, key=lambda known: phone.part_sets[known].touched_at))
            waiting = phone.part_sets[key] = PartSet(now)
        waiting.touched_at = now
        if place.number in waiting.parts:  # sent twice: the later one counts (TS 23.040 §9.2.3.24.1)
            self._delete((waiting.parts[place.number],))
        row = next(self._part_rows)
        waiting.parts[place.number] = Part(row, submission.data_coding, submission.payload)
        self._store.parts.append(
            (row, phone.identity.msisdn, *key, place.number, submission.data_coding, submission.payload, now)
        )
        if len(waiting.parts) < place.total:
            return False
        whole = b"".join(waiting.parts[number].payload for number in range(1, place.total + 1))
        coding = waiting.parts[1].data_coding
        self._forget(phone, key)
        self._show(phone, key.source_addr, coding, whole, place.total, now)
        return True

    def _forget(self, phone: Phone, key: PartKey) -> None:
        self._delete(phone.part_sets.pop(key).parts.values())

    def _delete(self, parts: Iterable[Part]) -> None:
        self._store.parts_done.extend((part.row,) for part in parts)
