"""The SMSC behind the wire, with a clock of the test's own: schedules, validity, delays, retries, bounds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from motet.simulator import centre as centre_module
from motet.simulator import deliveries as deliveries_module
from motet.simulator import handset as handset_module
from motet.simulator.centre import SmsCentre
from motet.simulator.deliveries import Delivery
from motet.simulator.message_ids import MessageIdFormat
from motet.simulator.phones import Behaviour, Phone, directory, numbered_phones
from motet.simulator.store import Store
from motet.simulator.texts import Address, RefusedError, submission_of
from motet.smpp.constants import CommandStatus, MessageState
from motet.smpp.pdu import CancelSm, ReplaceSm, Sm
from motet.smpp.smpp_time import absolute_time, relative_time

NOW = 1_800_000_000.0
FIRST = "99900000001"


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(None)
    yield opened
    opened.close()


@pytest.fixture
def centre(store: Store) -> SmsCentre:
    return SmsCentre(store, directory(numbered_phones(3)), MessageIdFormat.DEC)


@pytest.fixture
def phone(centre: SmsCentre) -> Phone:
    return centre.phones[FIRST]


def _submit(centre: SmsCentre, text: bytes = b"hi", *, now: float = NOW, to: str = FIRST, **fields: object) -> str:
    asked = Sm(source_addr="7000", destination_addr=to, short_message=text, registered_delivery=1)
    asked = asked._replace(**fields)  # type: ignore[arg-type]
    replace = asked.replace_if_present_flag == 1
    return centre.submit(submission_of(asked, now), Address(1, 1, to), now, replace=replace)


def _deliveries(centre: SmsCentre, now: float = NOW) -> list[str]:
    """What an ESME would get now, each answered at once."""
    found: list[str] = []
    while (delivery := centre.deliveries.take(now)) is not None:
        centre.deliveries.answered(delivery, CommandStatus.ESME_ROK, now)
        found.append(delivery.sm.short_message.decode())
    return found


def _inbox(store: Store, phone: Phone) -> list[bytes]:
    return [row.payload for row in store.inbox_of(phone.inbox_rows)]


def _set(centre: SmsCentre, phone: Phone, behaviour: Behaviour, delay_s: float = 0.0) -> None:
    centre.set_behaviour(phone, behaviour, delay_s, phone.reply)


def test_a_scheduled_text_goes_out_at_its_time(centre: SmsCentre, store: Store, phone: Phone) -> None:
    _submit(centre, schedule_delivery_time=absolute_time(int((NOW + 60) * 1_000_000)))
    assert centre.next_due() == NOW + 60
    centre.on_time(NOW + 59)
    assert _inbox(store, phone) == []
    centre.on_time(NOW + 60)
    assert _inbox(store, phone) == [b"hi"]
    assert "stat:DELIVRD" in _deliveries(centre)[0]
    assert centre.next_due() is None


def test_a_phone_that_comes_back_does_not_hurry_a_scheduled_text(centre: SmsCentre, store: Store, phone: Phone) -> None:
    _set(centre, phone, Behaviour.ABSENT)
    _submit(centre, schedule_delivery_time=relative_time(60))
    _set(centre, phone, Behaviour.DELIVER)
    centre.on_time(NOW + 1)
    assert _inbox(store, phone) == []
    centre.on_time(NOW + 60)
    assert _inbox(store, phone) == [b"hi"]


@pytest.mark.parametrize(
    ("validity", "expires_after_s"), [(relative_time(120), 120), ("", 48 * 3600), (relative_time(20 * 86_400), 604_800)]
)
def test_a_text_for_an_absent_phone_expires(
    centre: SmsCentre, store: Store, phone: Phone, validity: str, expires_after_s: float
) -> None:
    _set(centre, phone, Behaviour.ABSENT)
    _submit(centre, validity_period=validity)
    assert centre.next_due() == NOW + expires_after_s
    centre.on_time(NOW + expires_after_s)
    assert "stat:EXPIRED err:027" in _deliveries(centre)[0]
    assert not centre.held
    assert not phone.held
    _set(centre, phone, Behaviour.DELIVER)
    centre.on_time(NOW + expires_after_s)
    assert _inbox(store, phone) == []


def test_a_text_scheduled_past_its_validity_expires_untried(centre: SmsCentre) -> None:
    _submit(centre, schedule_delivery_time=relative_time(100), validity_period=relative_time(50))
    centre.on_time(NOW + 50)
    assert "stat:EXPIRED err:000" in _deliveries(centre)[0]


def test_a_schedule_beyond_a_week_is_refused(centre: SmsCentre) -> None:
    with pytest.raises(RefusedError) as refused:
        _submit(centre, schedule_delivery_time=relative_time(8 * 86_400))
    assert refused.value.status is CommandStatus.ESME_RINVSCHED


def test_a_slow_phone_waits_its_delay(centre: SmsCentre, store: Store, phone: Phone) -> None:
    _set(centre, phone, Behaviour.SLOW, 5.0)
    _submit(centre)
    centre.on_time(NOW + 4.9)
    assert _inbox(store, phone) == []
    centre.on_time(NOW + 5)
    assert _inbox(store, phone) == [b"hi"]


def test_a_slow_phone_that_is_quick_again_gets_its_texts_at_once(centre: SmsCentre, store: Store, phone: Phone) -> None:
    _set(centre, phone, Behaviour.SLOW, 5_000.0)
    _submit(centre)
    _set(centre, phone, Behaviour.DELIVER)
    centre.on_time(NOW + 1)
    assert _inbox(store, phone) == [b"hi"]


def test_flipping_a_phone_leaves_no_heap_of_timers(centre: SmsCentre, phone: Phone) -> None:
    _set(centre, phone, Behaviour.ABSENT)
    _submit(centre)
    for _ in range(3_000):
        _set(centre, phone, Behaviour.SLOW, 100.0)
        _set(centre, phone, Behaviour.ABSENT)
    assert len(centre._timers) <= 2 * len(centre.held) + 1_001


def test_a_phone_back_from_long_absence_does_not_stop_the_others(centre: SmsCentre, phone: Phone) -> None:
    _set(centre, phone, Behaviour.ABSENT)
    for _ in range(centre_module.BATCH + 1):
        _submit(centre)
    _set(centre, phone, Behaviour.DELIVER)
    centre.on_time(NOW + 1)
    assert len(centre.held) == 1
    due = centre.next_due()
    assert due is not None
    assert due <= NOW + 1
    centre.on_time(NOW + 1)
    assert not centre.held


def test_replace_if_present_changes_the_held_text(centre: SmsCentre, store: Store, phone: Phone) -> None:
    _set(centre, phone, Behaviour.ABSENT)
    first = _submit(centre, b"old")
    assert _submit(centre, b"new", replace_if_present_flag=1) == first
    assert _submit(centre, b"other service", replace_if_present_flag=1, service_type="WAP") != first
    _set(centre, phone, Behaviour.DELIVER)
    centre.on_time(NOW + 1)
    assert _inbox(store, phone) == [b"new", b"other service"]


def test_replace_keeps_what_it_does_not_name(centre: SmsCentre, phone: Phone) -> None:
    _set(centre, phone, Behaviour.ABSENT)
    message_id = _submit(centre, data_coding=8, validity_period=relative_time(100))
    centre.replace(ReplaceSm(message_id, source_addr="7000", short_message=b"\0n", registered_delivery=0), NOW)
    (text,) = centre.held.values()
    assert text.submission.data_coding == 8
    assert text.submission.payload == b"\0n"
    assert text.submission.expires_at == NOW + 100
    centre.replace(ReplaceSm(message_id, short_message=b"", validity_period=relative_time(300)), NOW)
    assert (text.submission.payload, text.submission.expires_at) == (b"", NOW + 300)


@pytest.mark.parametrize("message_id", ["", "nonsense", "1", "01000000001", "9" * 30])
def test_an_unknown_id_is_refused(centre: SmsCentre, message_id: str) -> None:
    with pytest.raises(RefusedError):
        centre.replace(ReplaceSm(message_id, short_message=b"x"), NOW)
    with pytest.raises(RefusedError):
        centre.query(message_id, "")
    with pytest.raises(RefusedError):
        centre.cancel(CancelSm(message_id=message_id or "x"), NOW)


def test_another_source_may_not_touch_a_text(centre: SmsCentre, phone: Phone) -> None:
    _set(centre, phone, Behaviour.ABSENT)
    message_id = _submit(centre)
    with pytest.raises(RefusedError):
        centre.cancel(CancelSm(message_id=message_id, source_addr="7001"), NOW)
    with pytest.raises(RefusedError):
        centre.replace(ReplaceSm(message_id, source_addr="7001", short_message=b"x"), NOW)
    with pytest.raises(RefusedError):
        centre.query(message_id, "7001")
    assert centre.query(message_id, "7000").state == MessageState.ENROUTE


def test_a_part_cannot_be_replaced(centre: SmsCentre, phone: Phone) -> None:
    _set(centre, phone, Behaviour.ABSENT)
    message_id = _submit(centre, bytes.fromhex("050003010201") + b"x", esm_class=0x40)
    with pytest.raises(RefusedError):
        centre.replace(ReplaceSm(message_id, short_message=b"x"), NOW)


def test_the_state_of_a_submit_multi_is_that_of_the_whole(centre: SmsCentre) -> None:
    phones = list(centre.phones.values())
    _set(centre, phones[0], Behaviour.REJECT)
    _set(centre, phones[1], Behaviour.ABSENT)
    asked = submission_of(Sm(source_addr="7000", registered_delivery=1, short_message=b"x"), NOW)
    recipients = [(Address(1, 1, phone.identity.msisdn), phone) for phone in phones]
    message_id = centre.submit_to_many(asked, recipients, NOW)
    assert centre.query(message_id, "").state == MessageState.ENROUTE
    assert centre.query(message_id, phones[0].identity.msisdn).state == MessageState.REJECTED
    assert centre.query(message_id, phones[2].identity.msisdn).state == MessageState.DELIVERED
    centre.cancel(CancelSm(message_id=message_id, source_addr="7000"), NOW)
    assert centre.query(message_id, "7000").state == MessageState.DELIVERED
    later = _submit(centre, to=phones[2].identity.msisdn)
    assert int(later) == int(message_id) + 3
    assert centre.query(later, "").state == MessageState.DELIVERED


def test_a_full_centre_says_so(centre: SmsCentre, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(centre_module, "MAX_HELD", 2)
    _set(centre, phone, Behaviour.ABSENT)
    _submit(centre)
    _submit(centre)
    with pytest.raises(RefusedError) as refused:
        _submit(centre)
    assert refused.value.status is CommandStatus.ESME_RMSGQFUL


def test_an_esme_that_fetches_nothing_is_stopped(centre: SmsCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries_module, "MAX_DELIVERIES", 2)
    _submit(centre)
    _submit(centre)
    with pytest.raises(RefusedError) as refused:
        _submit(centre)
    assert refused.value.status is CommandStatus.ESME_RMSGQFUL
    assert len(_deliveries(centre)) == 2
    _submit(centre)


def test_a_delivery_is_tried_again_after_growing_pauses(centre: SmsCentre) -> None:
    _submit(centre, registered_delivery=1)
    now, pauses = NOW, []
    for _ in range(8):
        delivery = centre.deliveries.take(now)
        assert isinstance(delivery, Delivery)
        centre.deliveries.answered(delivery, CommandStatus.ESME_RTHROTTLED, now)
        due = centre.next_due()
        assert due is not None
        pauses.append(due - now)
        now = due
        centre.on_time(now)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_delivery_that_nobody_fetches_for_a_week_is_dropped(centre: SmsCentre) -> None:
    _submit(centre)
    assert _deliveries(centre, NOW + deliveries_module.DELIVERY_VALIDITY_S) == []
    assert centre.deliveries.dropped == 1
    assert len(centre.deliveries) == 0


def test_what_is_given_back_goes_out_first_and_in_order(centre: SmsCentre) -> None:
    for text in (b"1", b"2", b"3"):
        _submit(centre, text)
    taken = [centre.deliveries.take(NOW), centre.deliveries.take(NOW)]
    centre.deliveries.give_back([delivery for delivery in taken if delivery])
    assert [text[-1] for text in _deliveries(centre)] == ["1", "2", "3"]


def test_a_phone_does_not_answer_a_name(centre: SmsCentre, phone: Phone) -> None:
    centre.set_behaviour(phone, Behaviour.DELIVER, 0, "reply")
    _submit(centre, source_addr="Motet", source_addr_ton=5, registered_delivery=0)
    _submit(centre, source_addr="", registered_delivery=0)
    assert _deliveries(centre) == []


def test_parts_wait_a_day_for_the_others(centre: SmsCentre, store: Store, phone: Phone) -> None:
    first, second = bytes.fromhex("050003010201") + b"a", bytes.fromhex("050003010202") + b"b"
    _submit(centre, first, esm_class=0x40)
    _submit(centre, second, esm_class=0x40, now=NOW + 86_401)
    assert _inbox(store, phone) == []
    _submit(centre, first, esm_class=0x40, now=NOW + 86_402)
    assert _inbox(store, phone) == [b"ab"]
    assert not phone.part_sets


def test_a_part_sent_twice_counts_once(centre: SmsCentre, store: Store, phone: Phone) -> None:
    for number in (1, 1, 2):
        _submit(centre, bytes((5, 0, 3, 1, 2, number)) + b"ab"[number - 1 : number], esm_class=0x40)
    assert _inbox(store, phone) == [b"ab"]


def test_an_inbox_keeps_the_last_texts(
    centre: SmsCentre, store: Store, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handset_module, "INBOX_TEXTS", 3)
    for number in range(5):
        _submit(centre, str(number).encode())
    assert _inbox(store, phone) == [b"2", b"3", b"4"]
    assert len(list(store.all_inbox_rows())) == 3


def test_all_inboxes_together_are_bounded(
    centre: SmsCentre, store: Store, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handset_module, "ALL_INBOX_TEXTS", 100)
    _submit(centre, b"oldest")
    for _ in range(199):
        _submit(centre, to="99900000002")
    assert _inbox(store, phone) == []
    assert not phone.inbox_rows
    assert 100 <= len(list(store.all_inbox_rows())) <= 105


def test_the_receipt_carries_the_user_message_reference(centre: SmsCentre) -> None:
    _submit(centre, tlvs=((0x0204, b"\x00\x07"),))
    delivery = centre.deliveries.take(NOW)
    assert delivery is not None
    assert (0x0204, b"\x00\x07") in delivery.sm.tlvs


@pytest.mark.parametrize("payload", [b"\xff" * 200, bytes(200), "Привет".encode("utf-16-be") * 9, b"a\nb\rc"])
@pytest.mark.parametrize("data_coding", [0, 3, 4, 8])
def test_a_receipt_is_plain_ascii_of_one_line(centre: SmsCentre, payload: bytes, data_coding: int) -> None:
    _submit(centre, payload, data_coding=data_coding)
    (receipt,) = _deliveries(centre)
    assert receipt.isascii()
    assert receipt.splitlines() == [receipt]


@pytest.mark.parametrize(
    ("asked", "state", "wanted"),
    [
        (0, Behaviour.DELIVER, False),
        (0, Behaviour.REJECT, False),
        (1, Behaviour.DELIVER, True),
        (1, Behaviour.REJECT, True),
        (2, Behaviour.DELIVER, False),
        (2, Behaviour.REJECT, True),
        (3, Behaviour.DELIVER, True),
        (3, Behaviour.REJECT, False),
    ],
)
def test_registered_delivery_says_which_receipts_come(
    centre: SmsCentre, phone: Phone, asked: int, state: Behaviour, wanted: bool
) -> None:
    _set(centre, phone, state)
    _submit(centre, registered_delivery=asked)
    assert len(_deliveries(centre)) == wanted
