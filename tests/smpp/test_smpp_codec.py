"""The codec against hand-made octets in both directions, and against any octets at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smpp_sessions import session_for
from smpp_vectors import VECTORS

from motet.smpp.codec import decode, encode, encode_message_id_resp, encode_sm
from motet.smpp.constants import CommandId, CommandStatus, Tag
from motet.smpp.errors import BodyError, PduError, UsageError
from motet.smpp.layouts import LAYOUTS, SM, body_at
from motet.smpp.pdu import (
    Bind,
    BindResp,
    Body,
    Empty,
    MessageIdResp,
    Pdu,
    QuerySmResp,
    Sm,
    SubmitMulti,
    SubmitMultiResp,
)

vectors = pytest.mark.parametrize(
    ("octets", "pdu"), [(bytes.fromhex(v[0]), v[1]) for v in VECTORS.values()], ids=VECTORS
)


def test_every_command_of_the_specification_has_a_vector_and_a_layout() -> None:
    assert {pdu.command_id for _, pdu in VECTORS.values()} == set(CommandId) == set(LAYOUTS)


@vectors
def test_a_vector_encodes(octets: bytes, pdu: Pdu) -> None:
    assert encode(*pdu) == octets
    if isinstance(pdu.body, Sm):
        assert encode_sm(pdu.command_id, pdu.sequence_number, pdu.body) == octets


@vectors
def test_a_vector_decodes(octets: bytes, pdu: Pdu) -> None:
    assert decode(octets) == pdu


@vectors
def test_a_vector_fed_one_octet_at_a_time_is_one_event(octets: bytes, pdu: Pdu) -> None:
    session, expected = session_for(pdu)
    events = [event for octet in octets for event in session.receive_data(bytes((octet,)), 0.0)]
    handled_inside = pdu.command_id == CommandId.ENQUIRE_LINK
    assert events == ([] if handled_inside else [expected])
    answer = b"" if pdu.command_id not in (0x15, 0x06) else encode(pdu.command_id | 0x80000000, 0, pdu[2], Empty())
    assert session.data_to_send() == answer


@vectors
def test_a_vector_cut_short_anywhere_is_an_error_or_a_lenient_response(octets: bytes, pdu: Pdu) -> None:
    for length in range(16, len(octets)):
        cut = length.to_bytes(4, "big") + octets[4:length]
        decoded = outcome(cut)
        if isinstance(decoded, PduError):
            assert (decoded.command_id, decoded.sequence_number) == (pdu.command_id, pdu.sequence_number)
            assert decoded.recoverable
            assert decoded.status != CommandStatus.ESME_ROK
        else:  # cut where the TLVs begin, or between two
            assert pdu.command_id & 0x80000000 or decoded.body == pdu.body._replace(tlvs=decoded.body.tlvs)


# fmt: off
ERRORS = {
    "no body at all": (CommandId.SUBMIT_SM, "", 0x02),
    "service_type of 6": (CommandId.SUBMIT_SM, "313233343536 00 0000 00 0000 3100 000000 00 00 00000000 00", 0x15),
    "source_addr of 21": (CommandId.SUBMIT_SM, "00 0000" + "31" * 21 + "00 0000 3100 000000 00 00 00000000 00", 0x0A),
    "source_addr without NUL": (CommandId.SUBMIT_SM, "00 0000" + "31" * 50, 0x0A),
    "destination_addr of 21": (
        CommandId.SUBMIT_SM, "00 0000 00 0000" + "31" * 21 + "00 000000 00 00 00000000 00", 0x0B
    ),
    "schedule_delivery_time of 4": (
        CommandId.SUBMIT_SM, "00 0000 00 0000 3100 000000 32363131 00 00 00000000 00", 0x61),
    "schedule_delivery_time of 17": (
        CommandId.SUBMIT_SM, "00 0000 00 0000 3100 000000" + "30" * 17 + "00 00 00000000 00", 0x61),
    "validity_period of 4": (CommandId.SUBMIT_SM, "00 0000 00 0000 3100 000000 00 32363131 00 00000000 00", 0x62),
    "cut before sm_length": (CommandId.SUBMIT_SM, "00 0000 00 0000 3100 000000 00 00 00000000", 0x02),
    "sm_length beyond the end": (CommandId.SUBMIT_SM, "00 0000 00 0000 3100 000000 00 00 00000000 03 4142", 0x01),
    "sm_length of 255": (CommandId.SUBMIT_SM, "00 0000 00 0000 3100 000000 00 00 00000000 ff" + "41" * 255, 0x01),
    "half a TLV header": (CommandId.SUBMIT_SM, "00 0000 00 0000 3100 000000 00 00 00000000 00 0424", 0xC0),
    "a TLV beyond the end": (CommandId.SUBMIT_SM, "00 0000 00 0000 3100 000000 00 00 00000000 00 0424 0005 41", 0xC0),
    "system_id of 16": (CommandId.BIND_TRANSCEIVER, "61" * 16 + "00 00 00 34 00 00 00", 0x0F),
    "password of 9": (CommandId.BIND_TRANSCEIVER, "6100" + "62" * 9 + "00 00 34 00 00 00", 0x0E),
    "system_type of 13": (CommandId.BIND_TRANSCEIVER, "6100 00" + "63" * 13 + "00 34 00 00 00", 0x53),
    "address_range of 41": (CommandId.BIND_TRANSCEIVER, "6100 00 00 34 00 00" + "64" * 41 + "00", 0xC2),
    "bind cut short": (CommandId.BIND_TRANSCEIVER, "6100 00 00 34", 0x02),
    "no destinations": (CommandId.SUBMIT_MULTI, "00 0000 00 00 000000 00 00 00000000 00", 0x33),
    "255 destinations": (CommandId.SUBMIT_MULTI, "00 0000 00 ff" + "02 6100" * 255 + "000000 00 00 00000000 00", 0x33),
    "dest_flag 3": (CommandId.SUBMIT_MULTI, "00 0000 00 01 03 0101 3100 000000 00 00 00000000 00", 0x40),
    "dl_name of 21": (CommandId.SUBMIT_MULTI, "00 0000 00 01 02" + "61" * 21 + "00 000000 00 00 00000000 00", 0x34),
    "a destination of 21 of many": (CommandId.SUBMIT_MULTI, "00 0000 00 01 01 0101" + "31" * 21 + "00", 0x0B),
    "message_id of 65 in query_sm": (CommandId.QUERY_SM, "31" * 65 + "00 0000 00", 0x0C),
    "message_id of 65 in cancel_sm": (CommandId.CANCEL_SM, "00" + "31" * 65 + "00 0000 00 0000 00", 0x0C),
    "short_message beyond the end in replace_sm": (CommandId.REPLACE_SM, "3100 0000 00 00 00 00 00 05 41", 0x01),
    "source_addr of 65 in data_sm": (CommandId.DATA_SM, "00 0000" + "31" * 65 + "00 0000 00 000000", 0x0A),
    "octets behind query_sm": (CommandId.QUERY_SM, "3100 0000 00 ff", 0x02),
    "octets behind enquire_link": (CommandId.ENQUIRE_LINK, "00", 0x02),
    "octets behind unbind": (CommandId.UNBIND, "414243", 0x02),
}
# fmt: on


@pytest.mark.parametrize(("command", "body", "status"), ERRORS.values(), ids=ERRORS)
def test_a_body_that_breaks_the_specification_has_its_own_status(command: CommandId, body: str, status: int) -> None:
    octets = bytes.fromhex(body)
    with pytest.raises(PduError) as caught:
        decode(b"%b%b" % (_header(16 + len(octets), command, 0, 77), octets))
    assert (caught.value.command_id, caught.value.sequence_number) == (command, 77)
    assert CommandStatus(caught.value.status) == CommandStatus(status)
    assert caught.value.recoverable


@pytest.mark.parametrize("octets", [b"", b"\0" * 15, b"\0" * 16, b"\0\0\0\x11" + b"\0" * 12], ids=len)
def test_a_length_that_is_not_the_pdus_is_not_recoverable(octets: bytes) -> None:
    with pytest.raises(PduError) as caught:
        decode(octets)
    assert (caught.value.status, caught.value.recoverable) == (CommandStatus.ESME_RINVCMDLEN, False)


def test_an_unknown_command_is_told_from_a_broken_one() -> None:
    with pytest.raises(PduError) as caught:
        decode(bytes.fromhex("00000010 00000111 00000000 00000005"))
    assert (caught.value.status, caught.value.recoverable) == (CommandStatus.ESME_RINVCMDID, True)


# fmt: off
LENIENT = {
    "submit_sm_resp without body": (CommandId.SUBMIT_SM_RESP, "", MessageIdResp("")),
    "submit_sm_resp without NUL": (CommandId.SUBMIT_SM_RESP, "3432", MessageIdResp("42")),
    "submit_sm_resp of one octet without NUL": (CommandId.SUBMIT_SM_RESP, "34", MessageIdResp("4")),
    "submit_sm_resp with broken TLVs": (CommandId.SUBMIT_SM_RESP, "343200 0425", MessageIdResp("42")),
    "submit_sm_resp of 64 characters": (CommandId.SUBMIT_SM_RESP, "61" * 64 + "00", MessageIdResp("a" * 64)),
    "submit_sm_resp of 64 characters without NUL": (CommandId.SUBMIT_SM_RESP, "61" * 64, MessageIdResp("a" * 64)),
    "deliver_sm_resp without body": (CommandId.DELIVER_SM_RESP, "", MessageIdResp("")),
    "bind_transceiver_resp without body": (CommandId.BIND_TRANSCEIVER_RESP, "", BindResp("")),
    "bind_transceiver_resp without NUL": (CommandId.BIND_TRANSCEIVER_RESP, "6d6f", BindResp("mo")),
    "query_sm_resp without body": (CommandId.QUERY_SM_RESP, "", QuerySmResp()),
    "query_sm_resp without error_code": (CommandId.QUERY_SM_RESP, "343200 00 02", QuerySmResp("42", "", 2, 0)),
    "submit_multi_resp without no_unsuccess": (CommandId.SUBMIT_MULTI_RESP, "343200", SubmitMultiResp("42")),
    "unbind_resp with a body": (CommandId.UNBIND_RESP, "00", Empty()),
    "cancel_sm_resp with a body": (CommandId.CANCEL_SM_RESP, "343200", Empty()),
}
# fmt: on


@pytest.mark.parametrize(("command", "body", "expected"), LENIENT.values(), ids=LENIENT)
def test_a_sloppy_response_is_understood(command: CommandId, body: str, expected: object) -> None:
    octets = bytes.fromhex(body)
    assert decode(_header(16 + len(octets), command, 0, 1) + octets).body == expected


def test_a_message_id_of_65_characters_in_a_response_is_refused() -> None:
    with pytest.raises(PduError, match="status 0x0c"):
        decode(_header(16 + 66, CommandId.SUBMIT_SM_RESP, 0, 1) + b"1" * 65 + b"\0")


def test_binds_of_other_versions_decode() -> None:
    for version in (0x00, 0x33, 0x34, 0x50):
        bind = Bind("demo", "secret", interface_version=version)
        assert decode(encode(CommandId.BIND_TRANSCEIVER, 0, 1, bind)).body == bind


def test_a_bind_with_optional_parameters_of_5_0_decodes() -> None:
    bind = Bind("demo", tlvs=((Tag.CONGESTION_STATE, b"\0"), (0x1400, b"vendor")))
    assert decode(encode(CommandId.BIND_RECEIVER, 0, 1, bind)).body == bind


def test_passwords_are_not_in_representations() -> None:
    assert "secret" not in repr(Pdu(CommandId.BIND_RECEIVER, 0, 1, Bind("demo", "secret")))
    assert "secret" not in repr(VECTORS["outbind"][1])


@pytest.mark.parametrize(
    "sm",
    [
        Sm(service_type="123456"),
        Sm(source_addr="1" * 21),
        Sm(source_addr="a\0b"),
        Sm(source_addr="€"),
        Sm(destination_addr="1" * 21),
        Sm(destination_addr="1\0"),
        Sm(esm_class=256),
        Sm(dest_addr_ton=-1),
        Sm(schedule_delivery_time="1"),
        Sm(validity_period="0" * 17),
        Sm(validity_period="0" * 15 + "\0"),
        Sm(short_message=b"x" * 255),
        Sm(tlvs=((Tag.MESSAGE_PAYLOAD, b"x" * 65_536),)),
        Sm(tlvs=((Tag.MESSAGE_PAYLOAD, b"x" * 65_535),)),
        Sm(tlvs=((0x10000, b""),)),
    ],
    ids=repr,
)
def test_a_body_that_does_not_fit_is_our_mistake(sm: Sm) -> None:
    with pytest.raises(UsageError):
        encode(CommandId.SUBMIT_SM, 0, 1, sm)
    with pytest.raises(UsageError):
        encode_sm(CommandId.SUBMIT_SM, 1, sm)


def test_a_body_of_another_command_is_our_mistake() -> None:
    with pytest.raises(UsageError, match="Empty"):
        encode(CommandId.SUBMIT_SM, 0, 1, Empty())
    with pytest.raises(UsageError, match="no command"):
        encode(0x111, 0, 1, Empty())
    with pytest.raises(UsageError, match="header"):
        encode(CommandId.UNBIND, 0, 1 << 32, Empty())
    with pytest.raises(UsageError, match="0 destinations"):
        encode(CommandId.SUBMIT_MULTI, 0, 1, SubmitMulti())


def test_an_error_response_to_submit_sm_has_no_body() -> None:
    assert encode_message_id_resp(CommandId.SUBMIT_SM_RESP, 0x58, 5, "") == bytes.fromhex(
        "00000010 80000004 00000058 00000005"
    )
    assert encode_message_id_resp(CommandId.DELIVER_SM_RESP, 0x64, 5, "") == bytes.fromhex(
        "00000011 80000005 00000064 00000005 00"
    )


@pytest.mark.parametrize("message_id", ["1" * 65, "a\0b", "€"])
def test_a_message_id_that_does_not_fit_is_our_mistake(message_id: str) -> None:
    with pytest.raises(UsageError):
        encode_message_id_resp(CommandId.SUBMIT_SM_RESP, 0, 1, message_id)


def test_a_latin_1_message_id_is_written() -> None:
    assert decode(encode_message_id_resp(CommandId.SUBMIT_SM_RESP, 0, 1, "ü")).body == MessageIdResp("ü")


@given(st.binary(max_size=120), st.sampled_from(sorted(LAYOUTS)))
@settings(max_examples=300, deadline=None)
def test_any_body_decodes_or_is_a_pdu_error(body: bytes, command: int) -> None:
    pdu = outcome(_header(16 + len(body), command, 0, 3) + body)
    if isinstance(pdu, PduError):
        assert pdu.status in set(CommandStatus)
    else:
        assert type(pdu.body) is LAYOUTS[command].make


@given(st.binary(min_size=17, max_size=60))
@settings(max_examples=300, deadline=None)
def test_the_fast_path_of_submit_sm_agrees_with_the_table(body: bytes) -> None:
    octets = _header(16 + len(body), CommandId.SUBMIT_SM, 0, 3) + body
    fast = outcome(octets)
    try:
        careful: Body | int = body_at(SM, octets, 16, len(octets))
    except BodyError as error:
        careful = error.status
    assert (fast.status if isinstance(fast, PduError) else fast.body) == careful


def outcome(octets: bytes) -> Pdu | PduError:
    """What decoding gives or raises."""
    try:
        return decode(octets)
    except PduError as error:
        return error


def _header(length: int, command: int, status: int, sequence: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in (length, command, status, sequence))
