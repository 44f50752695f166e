"""Receipts as carriers write them, and as we do."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.smpp.constants import MessageState, Tag
from motet.smpp.receipt import Receipt, parse_receipt, receipt_text, receipt_tlvs

AT_US = 1_795_299_960_000_000  # 2026-11-21 22:26 UTC


def test_a_receipt_has_the_layout_of_appendix_b() -> None:
    assert receipt_text("42", MessageState.DELIVERED, submit_us=AT_US, done_us=AT_US + 60_000_000, text=b"Hi") == (
        b"id:42 sub:001 dlvrd:001 submit date:2611212226 done date:2611212227 stat:DELIVRD err:000 text:Hi"
    )
    assert receipt_text("x", MessageState.EXPIRED, submit_us=AT_US, done_us=AT_US, error=27, text=b"a" * 30) == (
        b"id:x sub:001 dlvrd:000 submit date:2611212226 done date:2611212226 stat:EXPIRED err:027 text:" + b"a" * 20
    )


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (MessageState.ENROUTE, "ENROUTE"),
        (MessageState.DELIVERED, "DELIVRD"),
        (MessageState.EXPIRED, "EXPIRED"),
        (MessageState.DELETED, "DELETED"),
        (MessageState.UNDELIVERABLE, "UNDELIV"),
        (MessageState.ACCEPTED, "ACCEPTD"),
        (MessageState.UNKNOWN, "UNKNOWN"),
        (MessageState.REJECTED, "REJECTD"),
    ],
)
def test_each_state_has_its_word_both_ways(state: MessageState, word: str) -> None:
    text = receipt_text("1", state, submit_us=AT_US, done_us=AT_US)
    assert f"stat:{word} ".encode() in text
    receipt = parse_receipt(text, (), 0x04)
    assert receipt == Receipt("1", state, "000", AT_US, "1", state in (MessageState.ENROUTE, MessageState.ACCEPTED))


def test_the_tlvs_of_a_receipt() -> None:
    assert receipt_tlvs("42", MessageState.UNDELIVERABLE, 0x0122) == (
        (Tag.RECEIPTED_MESSAGE_ID, b"42\0"),
        (Tag.MESSAGE_STATE, b"\5"),
        (Tag.NETWORK_ERROR_CODE, b"\3\1\x22"),
    )


DONE_US = int(datetime(2026, 11, 21, 22, 26, tzinfo=UTC).timestamp()) * 1_000_000
WRITTEN = {
    "other order": b"stat:UNDELIV id:77 err:021 done date:2611212226",
    "upper case and seconds": b"ID:77 SUB:001 DLVRD:000 DONE DATE:261121222600 STAT:UNDELIV ERR:021 TEXT:",
    "lower case state": b"id:77 done date:2611212226 stat:undeliv err:021",
    "text first": b"text:abc id:77 done date:2611212226 stat:UNDELIV err:021",
    "spaces behind colons": b"id: 77 donedate: 2611212226 stat: UNDELIV err: 021 text: hello",
    "a text that looks like fields": b"id:77 done date:2611212226 stat:UNDELIV err:021 text:id:9 stat:DELIVRD err:5",
    "the usual order with such a text": (
        b"id:77 sub:001 dlvrd:000 submit date:2611212226 done date:2611212226 stat:UNDELIV err:021 text:id:9 stat:x"
    ),
    "no text": b"id:77 sub:001 dlvrd:000 submit date:2611212226 done date:2611212226 stat:UNDELIV err:021",
    "a word of its own": b"id:77 done date:2611212226 stat:FAILED err:021",
    "new lines": b"id:77\r\nstat:UNDELIV\r\ndone date:2611212226\r\nerr:021",
    "UCS-2": "id:77 done date:2611212226 stat:UNDELIV err:021".encode("utf-16-be"),
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_a_receipt_is_read_however_it_is_written(text: bytes) -> None:
    expected = Receipt("77", MessageState.UNDELIVERABLE, "021", DONE_US, "77", False)
    assert parse_receipt(text, (), 0x04) == expected
    assert parse_receipt(b"", ((Tag.MESSAGE_PAYLOAD, text),), 0x04) == expected
    assert parse_receipt(b"\3\x7f\1\0" + text, (), 0x44) == expected


def test_tlvs_come_before_the_text_and_the_texts_id_is_kept() -> None:
    text = receipt_text("1A", MessageState.ENROUTE, submit_us=AT_US, done_us=AT_US, error=7)
    receipt = parse_receipt(text, receipt_tlvs("26", MessageState.DELIVERED, 9)[:2], 0x04)
    assert receipt == Receipt("26", MessageState.DELIVERED, "007", AT_US, "1A", False)


def test_with_all_three_tlvs_the_text_is_not_read() -> None:
    text = receipt_text("1A", MessageState.ENROUTE, submit_us=AT_US, done_us=AT_US, error=7)
    receipt = parse_receipt(text, receipt_tlvs("26", MessageState.DELIVERED, 9), 0x04)
    assert receipt == Receipt("26", MessageState.DELIVERED, "009", None, None, False)


def test_tlvs_alone_are_a_receipt() -> None:
    assert parse_receipt(b"", receipt_tlvs("26", MessageState.REJECTED, 34), 0) == Receipt(
        "26", MessageState.REJECTED, "034", None, None, False
    )


def test_a_receipted_message_id_without_nul_and_odd_tlvs_are_read() -> None:
    tlvs = ((Tag.RECEIPTED_MESSAGE_ID, b"26"), (Tag.MESSAGE_STATE, b"\0\2"), (Tag.NETWORK_ERROR_CODE, b"7"))
    assert parse_receipt(b"stat:DELIVRD", tlvs, 0x04) == Receipt("26", MessageState.DELIVERED, "000", None, None, False)


def test_an_intermediate_notification_says_so() -> None:
    receipt = parse_receipt(b"id:5 stat:ENROUTE", (), 0x20)
    assert receipt == Receipt("5", MessageState.ENROUTE, "000", None, "5", True)


@pytest.mark.parametrize("esm_class", [0x00, 0x08, 0x10, 0x18, 0x40, 0x80, 0x03])
def test_a_text_that_a_phone_can_send_is_no_receipt(esm_class: int) -> None:
    text = receipt_text("42", MessageState.DELIVERED, submit_us=AT_US, done_us=AT_US)
    assert parse_receipt(text, (), esm_class) is None


@pytest.mark.parametrize("text", [b"", b"hello", b"stat:DELIVRD", b"id: stat:DELIVRD"])
def test_a_receipt_that_names_no_message_is_none(text: bytes) -> None:
    assert parse_receipt(text, (), 0x04) is None


def test_a_state_or_date_nobody_knows_is_unknown() -> None:
    assert parse_receipt(b"id:1 stat:WHATEVR done date:9999999999", (), 4) == Receipt(
        "1", MessageState.UNKNOWN, "000", None, "1", False
    )


@given(
    st.binary(max_size=300),
    st.lists(st.tuples(st.sampled_from([0x1E, 0x427, 0x423, 0x424]), st.binary(max_size=70)), max_size=4).map(tuple),
    st.integers(0, 255),
)
@settings(max_examples=300, deadline=None)
def test_any_octets_are_a_receipt_or_none(text: bytes, tlvs: tuple[tuple[int, bytes], ...], esm_class: int) -> None:
    receipt = parse_receipt(text, tlvs, esm_class)
    assert receipt is None or receipt.message_id


@given(st.text("0123456789abcdefABCDEF-", min_size=1, max_size=64), st.sampled_from(MessageState), st.integers(0, 999))
@settings(max_examples=100, deadline=None)
def test_what_we_write_we_read(message_id: str, state: MessageState, error: int) -> None:
    text = receipt_text(message_id, state, submit_us=AT_US, done_us=AT_US, error=error)
    receipt = parse_receipt(text, (), 0x04)
    assert receipt is not None
    assert (receipt.message_id, receipt.state, int(receipt.error), receipt.done_us) == (message_id, state, error, AT_US)
