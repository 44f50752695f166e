"""What an ESME is told, when, and how: receipts of each wish and each phone, away and back, and old binds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from raw_esme import (
    BIND_RECEIVER,
    BIND_TRANSMITTER,
    CANCEL_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    MESSAGE_PAYLOAD,
    MESSAGE_STATE,
    NETWORK_ERROR_CODE,
    QUERY_SM,
    RECEIPTED_MESSAGE_ID,
    REPLACE_SM,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    Delivered,
    RawEsme,
    multi_body,
    sm_body,
    tlv,
)
from running_demo import RunningDemo, eventually

pytestmark = pytest.mark.timeout(120)

ROK, RINVMSGID, RCANCELFAIL, RREPLACEFAIL, RSUBMITFAIL = 0, 0x0C, 0x11, 0x13, 0x45
ENROUTE, DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, REJECTED = 1, 2, 3, 4, 5, 8
SOURCE = b"\x05\x00Motet\0"
LAYOUT = re.compile(
    rb"id:(\d+) sub:(\d{3}) dlvrd:(\d{3}) submit date:(\d{10}) done date:(\d{10}) stat:([A-Z]{7}) err:(\d{3}) "
    rb"text:(.{0,20})",
    re.DOTALL,
)


@pytest.fixture
def esme(demo: RunningDemo) -> Iterator[RawEsme]:
    """Bound as transceiver, with nothing left over for the next."""
    with RawEsme(demo.smpp) as bound:
        assert bound.bind("demo", demo.password).status == ROK
        yield bound
        bound.nothing_but(ENQUIRE_LINK)
        assert bound.ask(UNBIND).status == ROK


def submit(esme: RawEsme, msisdn: str, text: bytes = b"Hello", **fields: object) -> str:
    answer = esme.ask(SUBMIT_SM, sm_body(msisdn, text, **fields))  # type: ignore[arg-type]
    assert answer.status == ROK, hex(answer.status)
    return answer.message_id


def query(esme: RawEsme, message_id: str, source: bytes = SOURCE) -> tuple[int, bytes, int, int]:
    """(status, final_date, message_state, error_code)"""
    answer = esme.ask(QUERY_SM, message_id.encode() + b"\0" + source)
    if answer.status:
        return answer.status, b"", 0, 0
    shown, final_date, rest = answer.body.split(b"\0", 2)
    assert shown.decode() == message_id
    return answer.status, final_date, rest[0], rest[1]


def cancel(esme: RawEsme, message_id: str, destination: str, source: bytes = SOURCE, service_type: str = "") -> int:
    body = f"{service_type}\0{message_id}\0".encode() + source + b"\1\1" + destination.encode() + b"\0"
    return esme.ask(CANCEL_SM, body).status


def replace(esme: RawEsme, message_id: str, text: bytes, source: bytes = SOURCE) -> int:
    body = message_id.encode() + b"\0" + source + b"\0\0\1\0" + bytes((len(text),)) + text
    return esme.ask(REPLACE_SM, body).status


def check(receipt: Delivered, message_id: str, msisdn: str, state: int, stat: bytes, excerpt: bytes = b"Hello") -> None:
    """Both forms of a receipt say the same."""
    assert (receipt.source, receipt.destination, receipt.esm_class & 0x3C) == (msisdn, "Motet", 0x04)
    assert receipt.tlvs[RECEIPTED_MESSAGE_ID] == message_id.encode() + b"\0"
    assert receipt.tlvs[MESSAGE_STATE] == bytes((state,))
    assert len(receipt.tlvs[NETWORK_ERROR_CODE]) == 3
    fields = LAYOUT.fullmatch(receipt.short_message)
    assert fields is not None, receipt.short_message
    assert (fields[1].decode(), fields[2], fields[6], fields[8]) == (message_id, b"001", stat, excerpt)
    assert fields[3] == (b"001" if state == DELIVERED else b"000")
    for date in fields[4], fields[5]:
        at = datetime.strptime(date.decode(), "%y%m%d%H%M").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("behaviour", "state", "stats"),
    [
        ("deliver", DELIVERED, {b"DELIVRD"}),
        ("memory_full", UNDELIVERABLE, {b"UNDELIV"}),
        ("reject", REJECTED, {b"REJECTD", b"UNDELIV"}),
    ],
)
def test_registered_delivery_says_which_receipts_come(
    demo: RunningDemo, esme: RawEsme, behaviour: str, state: int, stats: set[bytes]
) -> None:
    msisdn = demo.phones()[10 + state]
    demo.behave(msisdn, behaviour)
    failed = behaviour != "deliver"
    submit(esme, msisdn, registered_delivery=0)
    wanted = [submit(esme, msisdn, registered_delivery=1)]
    on_failure = submit(esme, msisdn, registered_delivery=2)
    both = submit(esme, msisdn, registered_delivery=0x11)
    wanted += [on_failure, both] if failed else [both]
    seen = {}
    for _ in wanted:
        receipt = esme.deliver()
        seen[receipt.tlvs[RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode()] = receipt
    assert sorted(seen) == sorted(wanted)
    for message_id, receipt in seen.items():
        told = receipt.tlvs[MESSAGE_STATE][0]
        assert told in ({state, UNDELIVERABLE} if failed else {state})
        stat = LAYOUT.fullmatch(receipt.short_message)
        assert stat is not None
        assert stat[6] in stats
        check(receipt, message_id, msisdn, told, stat[6])
        if failed:
            assert int(stat[7]) > 0
        assert query(esme, message_id)[2] == told
    assert len(demo.inbox(msisdn)) == (0 if failed else 4)


def test_a_phone_that_is_away_gets_its_text_later(demo: RunningDemo, esme: RawEsme) -> None:
    msisdn = demo.phones()[20]
    demo.behave(msisdn, "absent")
    message_id = submit(esme, msisdn, registered_delivery=0x11)
    status, final_date, state, _ = query(esme, message_id)
    assert (status, final_date, state) == (ROK, b"", ENROUTE)
    note = esme.deliver()
    assert note.esm_class & 0x3C == 0x20
    assert note.tlvs[MESSAGE_STATE] == bytes((ENROUTE,))
    demo.behave(msisdn, "deliver")
    check(esme.deliver(), message_id, msisdn, DELIVERED, b"DELIVRD")
    status, final_date, state, _ = query(esme, message_id)
    assert (status, state) == (ROK, DELIVERED)
    assert re.fullmatch(rb"\d{12}\d00\+", final_date)
    assert [one["text"] for one in demo.inbox(msisdn)] == ["Hello"]


def test_a_slow_phone_and_one_that_never_tells(demo: RunningDemo, esme: RawEsme) -> None:
    slow, silent = demo.phones()[21:23]
    demo.behave(slow, "slow", delay_s=1.0)
    demo.behave(silent, "silent")
    unheard = submit(esme, silent)
    message_id = submit(esme, slow)
    assert query(esme, message_id)[2] == ENROUTE
    assert demo.inbox(slow) == []
    check(esme.deliver(), message_id, slow, DELIVERED, b"DELIVRD")
    assert query(esme, unheard)[2] == ENROUTE
    assert [one["text"] for one in demo.inbox(silent)] == ["Hello"]


def test_a_validity_that_ends_expires(demo: RunningDemo, esme: RawEsme) -> None:
    msisdn = demo.phones()[23]
    demo.behave(msisdn, "absent")
    message_id = submit(esme, msisdn, validity="000000000002000R")
    check(esme.deliver(), message_id, msisdn, EXPIRED, b"EXPIRED")
    assert query(esme, message_id)[2] == EXPIRED
    demo.behave(msisdn, "deliver")
    assert demo.inbox(msisdn) == []


def test_a_schedule_waits_here_and_can_be_replaced_and_cancelled(demo: RunningDemo, esme: RawEsme) -> None:
    msisdn = demo.phones()[24]
    soon = submit(esme, msisdn, b"soon", schedule="000000000002000R")
    gone = submit(esme, msisdn, b"never", schedule="000001000000000R")
    other = submit(esme, msisdn, b"old", schedule="000000000003000R")
    assert query(esme, soon)[2] == ENROUTE
    assert demo.inbox(msisdn) == []
    assert replace(esme, other, b"new") == ROK
    assert cancel(esme, gone, msisdn) == ROK
    check(esme.deliver(), gone, msisdn, DELETED, b"DELETED", b"never")
    check(esme.deliver(), soon, msisdn, DELIVERED, b"DELIVRD", b"soon")
    check(esme.deliver(), other, msisdn, DELIVERED, b"DELIVRD", b"new")
    assert [one["text"] for one in demo.inbox(msisdn)] == ["soon", "new"]
    assert replace(esme, soon, b"too late") == RREPLACEFAIL
    assert cancel(esme, soon, msisdn) == RCANCELFAIL


def test_cancel_and_replace_of_what_upstream_holds(demo: RunningDemo, esme: RawEsme) -> None:
    msisdn = demo.phones()[25]
    demo.behave(msisdn, "absent")
    first, second, third = (submit(esme, msisdn, text) for text in (b"first", b"second", b"third"))
    typed = submit(esme, msisdn, b"typed", service_type="WAP")
    long_one = submit(esme, msisdn, b"", tlvs=tlv(MESSAGE_PAYLOAD, b"l" * 400))
    elsewhere = b"\0\0Else\0"
    assert cancel(esme, first, msisdn, elsewhere) == RINVMSGID
    assert replace(esme, first, b"stolen", elsewhere) == RINVMSGID
    assert query(esme, first, elsewhere)[0] == RINVMSGID
    assert query(esme, first, b"\1\1Motet\0")[0] == ROK  # TON and NPI are not compared
    assert query(esme, first, b"\0\0\0")[0] == ROK
    assert query(esme, "nonsense", b"\0\0\0")[0] == RINVMSGID
    assert replace(esme, second, b"second, replaced") == ROK
    assert replace(esme, second, b"x" * 161) == RREPLACEFAIL
    assert replace(esme, long_one, b"short") == RREPLACEFAIL
    assert cancel(esme, first, msisdn) == ROK
    check(esme.deliver(), first, msisdn, DELETED, b"DELETED", b"first")
    assert cancel(esme, "", msisdn, SOURCE, "WAP") == ROK
    check(esme.deliver(), typed, msisdn, DELETED, b"DELETED", b"typed")
    demo.behave(msisdn, "deliver")
    seen = {}
    for _ in range(3):
        receipt = esme.deliver()
        seen[receipt.tlvs[RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode()] = receipt.tlvs[MESSAGE_STATE][0]
    assert seen == {second: DELIVERED, third: DELIVERED, long_one: DELIVERED}
    assert sorted(one["text"] for one in demo.inbox(msisdn)) == ["l" * 400, "second, replaced", "third"]


def test_cancel_without_an_id_takes_all_between_the_addresses(demo: RunningDemo, esme: RawEsme) -> None:
    msisdn, neighbour = demo.phones()[26:28]
    demo.behave(msisdn, "absent")
    demo.behave(neighbour, "absent")
    mine = {submit(esme, msisdn, b"one"), submit(esme, msisdn, b"two")}
    spared = submit(esme, neighbour, b"spared")
    assert cancel(esme, "", msisdn) == ROK
    assert {esme.deliver().tlvs[RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode() for _ in mine} == mine
    assert cancel(esme, "", msisdn) == RCANCELFAIL
    demo.behave(neighbour, "deliver")
    check(esme.deliver(), spared, neighbour, DELIVERED, b"DELIVRD", b"spared")


def test_submit_multi_has_one_id_and_a_receipt_for_each(demo: RunningDemo, esme: RawEsme) -> None:
    here, away = demo.phones()[28:30]
    demo.behave(away, "absent")
    answer = esme.ask(SUBMIT_MULTI, multi_body([here, away, "4900", demo.others_phone()], b"Hello"))
    message_id, rest = answer.message_id, answer.body.split(b"\0", 1)[1]
    assert answer.status == ROK
    assert rest[0] == 2
    assert b"4900\0\0\0\0\x0b" in rest
    check(esme.deliver(), message_id, here, DELIVERED, b"DELIVRD")
    assert query(esme, message_id, b"\0\0\0")[2] == ENROUTE
    assert query(esme, message_id, f"\1\1{here}\0".encode())[2] == DELIVERED
    assert query(esme, message_id, f"\1\1{away}\0".encode())[2] == ENROUTE
    demo.behave(away, "deliver")
    check(esme.deliver(), message_id, away, DELIVERED, b"DELIVRD")
    assert query(esme, message_id)[2] == DELIVERED
    refused = esme.ask(SUBMIT_MULTI, multi_body(["4900", "4901"], b"Hello"))
    assert refused.status == RSUBMITFAIL


def test_receipts_wait_for_an_esme_that_is_away(demo: RunningDemo) -> None:
    msisdn = demo.phones()[30]
    with RawEsme(demo.smpp) as transmitter:
        assert transmitter.bind("demo", demo.password, BIND_TRANSMITTER).status == ROK
        ids = {submit(transmitter, msisdn) for _ in range(200)}
        eventually(lambda: len(demo.inbox(msisdn)) == 200, "all delivered")
        transmitter.nothing_but(ENQUIRE_LINK)
        assert transmitter.ask(UNBIND).status == ROK
    seen: set[str] = set()
    with RawEsme(demo.smpp) as deaf:  # leaves without an answer: they come again
        assert deaf.bind("demo", demo.password, BIND_RECEIVER).status == ROK
        deaf.deliver(answer=False)
    with RawEsme(demo.smpp) as receiver:
        assert receiver.bind("demo", demo.password, BIND_RECEIVER).status == ROK
        while seen != ids:
            seen.add(receiver.deliver().tlvs[RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode())
        receiver.nothing_but(ENQUIRE_LINK)
        assert receiver.ask(UNBIND).status == ROK
    with RawEsme(demo.smpp) as again:
        assert again.bind("demo", demo.password, BIND_RECEIVER).status == ROK
        again.nothing_but(ENQUIRE_LINK)


def test_a_bind_of_version_3_3_gets_no_optional_parameters(demo: RunningDemo) -> None:
    msisdn = demo.phones()[31]
    with RawEsme(demo.smpp) as old:
        assert len(old.bind("demo", demo.password, version=0x33).body) == len("motet") + 1
        message_id = submit(old, msisdn)
        receipt = old.deliver()
        assert receipt.tlvs == {}
        fields = LAYOUT.fullmatch(receipt.short_message)
        assert fields is not None
        assert (fields[1].decode(), fields[6]) == (message_id, b"DELIVRD")
        text = "abcdefghij" * 40
        demo.mobile_originated(msisdn, demo.short_code, text)
        parts = {}
        while len(parts) < 3:
            part = old.deliver()
            assert part.tlvs == {}
            assert part.esm_class & 0x40
            assert part.short_message[:3] == b"\5\0\3"
            parts[part.short_message[5]] = part.short_message[6:]
        assert b"".join(parts[number] for number in (1, 2, 3)).decode() == text
        old.nothing_but(ENQUIRE_LINK)


def test_long_mo_arrive_as_payload(demo: RunningDemo, esme: RawEsme) -> None:
    msisdn = demo.phones()[32]
    for text, in_payload in (("a" * 160, False), ("b" * 254, False), ("c" * 255, True), ("Привет 😀 " * 30, True)):
        demo.mobile_originated(msisdn, demo.short_code, text)
        mo = esme.deliver()
        assert (mo.source, mo.destination, mo.esm_class & 0x7C) == (msisdn, demo.short_code, 0)
        assert (MESSAGE_PAYLOAD in mo.tlvs) == in_payload
        payload = mo.tlvs.get(MESSAGE_PAYLOAD, mo.short_message)
        assert (payload.decode("utf-16-be") if mo.data_coding == 8 else payload.decode()) == text


def test_mo_go_to_the_receiving_binds_in_turn(demo: RunningDemo) -> None:
    msisdn = demo.phones()[33]
    binds = [RawEsme(demo.smpp) for _ in range(3)]
    try:
        for bind, kind in zip(binds, (BIND_RECEIVER, BIND_RECEIVER, BIND_TRANSMITTER), strict=True):
            assert bind.bind("demo", demo.password, kind).status == ROK
        seen: list[list[str]] = [[], [], []]
        for number in range(20):
            demo.mobile_originated(msisdn, demo.short_code, f"mo {number}")
            wanted = len(seen[0]) + len(seen[1]) + 1

            def look(wanted: int = wanted) -> bool:
                for bind, texts in zip(binds, seen, strict=True):
                    assert bind.ask(ENQUIRE_LINK).status == ROK
                    while (one := bind.kept(DELIVER_SM)) is not None:
                        texts.append(one.short_message.decode())
                        bind.acknowledge(one.sequence)
                return sum(map(len, seen)) == wanted

            eventually(look, f"mo {number}")
        assert sorted(seen[0] + seen[1]) == sorted(f"mo {number}" for number in range(20))
        assert seen[2] == []
        assert min(len(seen[0]), len(seen[1])) >= 8, seen
    finally:
        for bind in binds:
            bind.close()


def test_an_mo_that_is_not_acknowledged_comes_again(demo: RunningDemo) -> None:
    msisdn = demo.phones()[34]
    with RawEsme(demo.smpp) as first:
        assert first.bind("demo", demo.password, BIND_RECEIVER).status == ROK
        demo.mobile_originated(msisdn, demo.short_code, "take this")
        assert first.deliver(answer=False).short_message == b"take this"
        with RawEsme(demo.smpp) as second:
            assert second.bind("demo", demo.password, BIND_RECEIVER).status == ROK
            first.close()
            assert second.deliver(answer=False).short_message == b"take this"
    with RawEsme(demo.smpp) as third:
        assert third.bind("demo", demo.password).status == ROK
        again = third.deliver(answer=False)
        assert again.short_message == b"take this"
        third.acknowledge(again.sequence, 0x64)  # ESME_RX_T_APPN: not now
        assert third.deliver().short_message == b"take this"
        third.nothing_but(ENQUIRE_LINK)
