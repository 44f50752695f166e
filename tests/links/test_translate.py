"""Between SMPP bodies and messages: every branch, and whatever an ESME or an SMSC may send."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.states import EsmeDeliveryKind, MessageState
from motet.hub.message import Delivery, Extra, Message, Part
from motet.links import translate
from motet.links.translate import UnacceptableError
from motet.smpp.codec import encode
from motet.smpp.constants import CommandId, CommandStatus, Tag
from motet.smpp.pdu import Sm
from motet.smpp.receipt import parse_receipt
from motet.smpp.tlv import encode_tlvs

NOW = 1_800_000_000_000_000
SECOND = 1_000_000
CONCAT_8 = bytes.fromhex("050003110301")
CONCAT_16 = bytes.fromhex("06080411220301")


def sm(**fields: Any) -> Sm:
    known: dict[str, Any] = {
        "service_type": "", "source_addr_ton": 3, "source_addr_npi": 0, "source_addr": "10100", "dest_addr_ton": 1,
        "dest_addr_npi": 1, "destination_addr": "99900000001", "esm_class": 0, "protocol_id": 0, "priority_flag": 0,
        "schedule_delivery_time": "", "validity_period": "", "registered_delivery": 1, "replace_if_present_flag": 0,
        "data_coding": 0, "sm_default_msg_id": 0, "short_message": b"hello", "tlvs": (),
    }  # fmt: skip
    return Sm(**(known | fields))


def message(payload: bytes = b"hello", **fields: Any) -> Message:
    made = Message(
        1, 2, 3, 0, "10100", "99900000001", fields.get("esm_class", 0), fields.get("registered", 1),
        fields.get("data_coding", 0), payload, NOW, NOW + 3_600 * SECOND, None, 0, fields.get("extra"),
    )  # fmt: skip
    made.id = made.submission_id = 42
    return made


# User data of a submission -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data_coding", "octets", "alphabet", "expected"),
    [
        (0, b"hello", "GSM7", (0, b"hello")),
        (0, b"\x00@", "GSM7", (0, b"\x00@")),
        (0, b"a@b", "ASCII", (0, b"a\x00b")),
        (0, b"gr\xfc\xdfe", "LATIN1", (0, b"gr\x7e\x1ee")),
        (1, b"a@b", "GSM7", (0, b"a\x00b")),
        (3, b"gr\xfc\xdfe", "GSM7", (0, b"gr\x7e\x1ee")),
        (3, b"\xfe", "GSM7", (8, b"\x00\xfe")),
        (2, b"\x00\xff", "GSM7", (2, b"\x00\xff")),
        (4, b"\x00\xff", "ASCII", (4, b"\x00\xff")),
        (8, b"\x04\x1f", "LATIN1", (8, b"\x04\x1f")),
        (0, b"", "GSM7", (0, b"")),
    ],
)
def test_alphabets(data_coding: int, octets: bytes, alphabet: str, expected: tuple[int, bytes]) -> None:
    found = translate.user_data_of(sm(data_coding=data_coding, short_message=octets), alphabet)
    assert found == (*expected, None, None)


def test_a_message_payload_is_the_text() -> None:
    tlvs = ((Tag.MESSAGE_PAYLOAD, b"x" * 400), (Tag.USER_MESSAGE_REFERENCE, b"\0\7"))
    _, payload, udh, extra = translate.user_data_of(sm(short_message=b"", tlvs=tlvs), "GSM7")
    assert (payload, udh) == (b"x" * 400, None)
    assert extra is not None
    assert extra.tlvs == encode_tlvs(((Tag.USER_MESSAGE_REFERENCE, b"\0\7"),))


def test_two_texts_are_one_too_many() -> None:
    with pytest.raises(UnacceptableError) as caught:
        translate.user_data_of(sm(tlvs=((Tag.MESSAGE_PAYLOAD, b"x"),)), "GSM7")
    assert caught.value.status == CommandStatus.ESME_RINVOPTPARAMVAL


@pytest.mark.parametrize(
    ("header", "segment"), [(CONCAT_8, (0x11, 3, 1)), (CONCAT_16, (0x1122 + 65_536, 3, 1)), (b"\x04\x05\x02\0\1", None)]
)
def test_a_header_is_kept_and_its_place_read(header: bytes, segment: tuple[int, int, int] | None) -> None:
    _, payload, udh, extra = translate.user_data_of(sm(esm_class=0x40, short_message=header + b"text"), "GSM7")
    assert (payload, udh) == (b"text", header)
    assert extra is not None
    assert (extra.udh, extra.segment) == (header, segment)


@pytest.mark.parametrize("octets", [b"", b"\x05\x00\x03", b"\x03\x00\x09\x01"])
def test_a_broken_header_is_refused(octets: bytes) -> None:
    with pytest.raises(UnacceptableError) as caught:
        translate.user_data_of(sm(esm_class=0x40, short_message=octets), "GSM7")
    assert caught.value.status == CommandStatus.ESME_RINVMSGLEN


@pytest.mark.parametrize(("ref", "header"), [(0x11, CONCAT_8), (0x1122, CONCAT_16)])
def test_sar_parameters_become_a_header(ref: int, header: bytes) -> None:
    tlvs = (
        (Tag.SAR_MSG_REF_NUM, ref.to_bytes(2, "big")),
        (Tag.SAR_TOTAL_SEGMENTS, b"\3"),
        (Tag.SAR_SEGMENT_SEQNUM, b"\1"),
    )
    _, payload, udh, extra = translate.user_data_of(sm(tlvs=tlvs), "GSM7")
    assert (payload, udh) == (b"hello", header)
    assert extra is not None
    assert extra.tlvs is None
    assert extra.segment is not None
    assert extra.segment[1:] == (3, 1)


@pytest.mark.parametrize(("total", "number"), [(1, 1), (3, 0), (3, 4), (0, 0)])
def test_impossible_sar_places_are_ignored(total: int, number: int) -> None:
    tlvs = (
        (Tag.SAR_MSG_REF_NUM, b"\0\1"),
        (Tag.SAR_TOTAL_SEGMENTS, bytes((total,))),
        (Tag.SAR_SEGMENT_SEQNUM, bytes((number,))),
    )
    _, _, udh, extra = translate.user_data_of(sm(tlvs=tlvs), "GSM7")
    assert udh is None
    assert extra is not None
    assert extra.segment is None


# Times and addresses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "validity", "expected"),
    [
        ("", "", (None, 100)),
        ("", "000000000030000R", (None, 30)),
        ("", "000100000000000R", (None, 1_000)),
        ("000000000010000R", "", (10, 110)),
        ("000000000010000R", "000000000030000R", (10, 30)),
    ],
)
def test_times(schedule: str, validity: str, expected: tuple[int | None, int]) -> None:
    scheduled_at, expires_at = translate.times_of(schedule, validity, NOW, 100, 1_000)
    assert (None if scheduled_at is None else (scheduled_at - NOW) // SECOND) == expected[0]
    assert (expires_at - NOW) // SECOND == expected[1]


@pytest.mark.parametrize(
    ("schedule", "validity", "status"),
    [
        ("nonsense", "", CommandStatus.ESME_RINVSCHED),
        ("", "nonsense", CommandStatus.ESME_RINVEXPIRY),
        ("", "200101000000000+", CommandStatus.ESME_RINVEXPIRY),
        ("000000000030000R", "000000000010000R", CommandStatus.ESME_RINVEXPIRY),
    ],
)
def test_impossible_times(schedule: str, validity: str, status: CommandStatus) -> None:
    with pytest.raises(UnacceptableError) as caught:
        translate.times_of(schedule, validity, NOW, 100, 1_000)
    assert caught.value.status == status


@pytest.mark.parametrize(("ton", "address"), [(0, "999"), (1, "999"), (1, "+999")])
def test_destinations(ton: int, address: str) -> None:
    assert translate.destination_of(ton, address) == "999"


@pytest.mark.parametrize(("ton", "address"), [(2, "999"), (5, "abc"), (1, "99a"), (1, ""), (0, "++9"), (1, "9²")])
def test_impossible_destinations(ton: int, address: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        translate.destination_of(ton, address)
    assert caught.value.status == CommandStatus.ESME_RINVDSTADR


# Upstream ------------------------------------------------------------------------------------------------------------


def test_a_plain_message_goes_up() -> None:
    found = translate.submit_of(message())
    assert found == sm(registered_delivery=1, validity_period="270115090000000+", source_addr_ton=3, dest_addr_npi=1)


@pytest.mark.parametrize(("registered", "asked"), [(0, 1), (1, 1), (2, 1), (0x10, 0x11), (0x12, 0x11), (0x1F, 0x11)])
def test_a_receipt_is_always_asked_for(registered: int, asked: int) -> None:
    assert translate.submit_of(message(registered=registered)).registered_delivery == asked


def test_what_few_messages_have_goes_up_too() -> None:
    tlvs = ((Tag.USER_MESSAGE_REFERENCE, b"\0\7"),)
    extra = Extra(protocol_id=65, priority=2, service_type="CMT", udh=CONCAT_8, tlvs=encode_tlvs(tlvs))
    found = translate.submit_of(message(esm_class=0xC3, extra=extra))
    assert (found.protocol_id, found.priority_flag, found.service_type) == (65, 2, "CMT")
    assert (found.esm_class, found.short_message) == (0xC0, CONCAT_8 + b"hello")
    assert found.tlvs == tlvs


@pytest.mark.parametrize("extra", [None, Extra()])
def test_a_part_announces_its_header(extra: Extra | None) -> None:
    part = Part(message(extra=extra), 1, CONCAT_8 + b"two")
    found = translate.submit_of(part)
    assert (found.esm_class, found.short_message) == (0x40, CONCAT_8 + b"two")


# From upstream -------------------------------------------------------------------------------------------------------


def test_an_mo_loses_its_concatenation_and_keeps_the_rest_of_its_header() -> None:
    ports = bytes.fromhex("05041581 15b3")
    header = bytes((11,)) + CONCAT_8[1:] + ports
    found = translate.mobile_originated_of(
        sm(esm_class=0x40, short_message=header + b"text", source_addr="+999", destination_addr="+1"), 7
    )
    assert (found.token, found.source, found.destination) == (7, "999", "1")
    assert (found.segment, found.payload) == ((0x11, 3, 1), b"text")
    assert found.udh == bytes((6,)) + ports


def test_a_broken_header_of_an_mo_is_shown_as_it_came() -> None:
    found = translate.mobile_originated_of(sm(esm_class=0x40, short_message=b"\x30abc"), 1)
    assert (found.udh, found.payload, found.segment) == (None, b"\x30abc", None)


def test_an_mo_in_message_payload_and_in_sar_parts() -> None:
    tlvs = (
        (Tag.MESSAGE_PAYLOAD, b"long"),
        (Tag.SAR_MSG_REF_NUM, b"\0\x11"),
        (Tag.SAR_TOTAL_SEGMENTS, b"\3"),
        (Tag.SAR_SEGMENT_SEQNUM, b"\1"),
    )
    found = translate.mobile_originated_of(sm(short_message=b"", tlvs=tlvs), 1)
    assert (found.payload, found.segment) == (b"long", (0x11, 3, 1))


# Towards an ESME -----------------------------------------------------------------------------------------------------


def delivery(
    state: MessageState, error: str | None = None, kind: int = EsmeDeliveryKind.RECEIPT, **fields: Any
) -> Delivery:
    return Delivery(9, 2, kind, message(**fields), state, error, NOW + SECOND, NOW + 10 * SECOND)


@pytest.mark.parametrize(
    ("state", "word", "wire"),
    [
        (MessageState.DELIVERED, b"stat:DELIVRD", 2),
        (MessageState.EXPIRED, b"stat:EXPIRED", 3),
        (MessageState.CANCELLED, b"stat:DELETED", 4),
        (MessageState.FAILED, b"stat:UNDELIV", 5),
        (MessageState.UNKNOWN, b"stat:UNKNOWN", 7),
        (MessageState.REJECTED, b"stat:REJECTD", 8),
    ],
)
def test_a_receipt(state: MessageState, word: bytes, wire: int) -> None:
    found = translate.receipt_of(delivery(state, "042"))
    assert (found.source_addr, found.destination_addr, found.esm_class) == ("99900000001", "10100", 0x04)
    assert (found.dest_addr_ton, found.source_addr_ton) == (3, 1)
    assert found.short_message.startswith(b"id:42 sub:001 dlvrd:00")
    assert word in found.short_message
    assert b"err:042 text:hello" in found.short_message
    assert found.tlvs == (
        (Tag.RECEIPTED_MESSAGE_ID, b"42\0"),
        (Tag.MESSAGE_STATE, bytes((wire,))),
        (Tag.NETWORK_ERROR_CODE, b"\x03\x00\x2a"),
    )
    read = parse_receipt(found.short_message, found.tlvs, found.esm_class)
    assert read is not None
    assert (read.message_id, read.state, read.intermediate) == ("42", wire, False)


def test_an_intermediate_notification() -> None:
    found = translate.receipt_of(delivery(MessageState.OPEN, kind=EsmeDeliveryKind.NOTIFICATION))
    assert found.esm_class == 0x20
    assert b"stat:ENROUTE" in found.short_message


def test_a_receipt_hands_the_user_message_reference_back() -> None:
    extra = Extra(tlvs=encode_tlvs(((Tag.USER_MESSAGE_REFERENCE, b"\0\7"), (Tag.PRIVACY_INDICATOR, b"\1"))))
    found = translate.receipt_of(delivery(MessageState.DELIVERED, extra=extra))
    assert found.tlvs[3:] == ((Tag.USER_MESSAGE_REFERENCE, b"\0\7"),)


@given(error=st.one_of(st.none(), st.text(max_size=8), st.from_regex(r"[0-9]{1,7}", fullmatch=True)))
def test_any_error_makes_a_receipt_that_can_be_sent(error: str | None) -> None:
    found = translate.receipt_of(delivery(MessageState.FAILED, error))
    assert encode(CommandId.DELIVER_SM, 0, 1, found)


@pytest.mark.parametrize(("data_coding", "payload"), [(8, "Привет".encode("utf-16-be")), (4, b"\xff\0")])
def test_a_receipt_shows_no_text_that_it_cannot(data_coding: int, payload: bytes) -> None:
    found = translate.receipt_of(delivery(MessageState.DELIVERED, payload=payload, data_coding=data_coding))
    assert found.short_message.endswith(b"text:")


@pytest.mark.parametrize("octets", [0, 1, 254, 255, 20_000])
def test_an_mo_is_one_deliver_sm_or_one_a_part(octets: int) -> None:
    one = delivery(MessageState.RECEIVED, kind=EsmeDeliveryKind.MO, payload=b"x" * octets)
    [joined] = translate.mo_of(one, as_parts=False)
    if octets <= 254:
        assert (joined.short_message, joined.tlvs) == (b"x" * octets, ())
    else:
        assert (joined.short_message, joined.tlvs) == (b"", ((Tag.MESSAGE_PAYLOAD, b"x" * octets),))
    parts = translate.mo_of(one, as_parts=True)
    assert len(parts) == max(1, -(-octets // 153)) or octets <= 160
    assert b"".join(p.short_message[6:] if p.esm_class else p.short_message for p in parts) == b"x" * octets
    assert all(not part.tlvs for part in parts)


# Whatever comes ------------------------------------------------------------------------------------------------------

ADDRESS = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20)
TLVS = st.lists(st.tuples(st.sampled_from([int(tag) for tag in Tag]), st.binary(max_size=6)), max_size=5).map(tuple)
ANY_SM = st.builds(
    sm,
    source_addr=ADDRESS,
    destination_addr=ADDRESS,
    esm_class=st.integers(0, 255),
    data_coding=st.integers(0, 255),
    protocol_id=st.integers(0, 255),
    short_message=st.binary(max_size=254),
    tlvs=TLVS,
)


@given(ANY_SM, st.sampled_from(["GSM7", "ASCII", "LATIN1"]))
def test_any_submission_is_a_message_or_has_a_status(body: Sm, alphabet: str) -> None:
    try:
        data_coding, payload, udh, extra = translate.user_data_of(body, alphabet)
    except UnacceptableError:
        return
    assert 0 <= data_coding <= 255
    made = message(payload, data_coding=data_coding, esm_class=body.esm_class, extra=extra)
    if len(made.user_data) <= 254:
        assert encode(CommandId.SUBMIT_SM, 0, 1, translate.submit_of(made))
    assert (extra.udh if extra else None) == udh


@given(ANY_SM)
def test_any_mo_is_taken_and_can_be_handed_on(body: Sm) -> None:
    found = translate.mobile_originated_of(body, 1)
    mo = message(found.payload, data_coding=found.data_coding, extra=Extra(udh=found.udh))
    for as_parts in (False, True):
        for one in translate.mo_of(Delivery(1, 2, EsmeDeliveryKind.MO, mo, 7, None, NOW, NOW), as_parts=as_parts):
            assert encode(CommandId.DELIVER_SM, 0, 1, one)
