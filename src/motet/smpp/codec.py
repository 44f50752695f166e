"""PDUs to octets and back (SMPP 3.4 §3.2, §4). Decoding any octets gives a Pdu or raises PduError, nothing else.

    octets = encode(CommandId.SUBMIT_SM, 0, 7, Sm(destination_addr="491701234567", short_message=b"Hi"))
    pdu = decode(octets)                       # Pdu(command_id, command_status, sequence_number, body)
    octets = encode_message_id_resp(CommandId.SUBMIT_SM_RESP, 0, 7, "42")

Encoding what does not fit raises UsageError. Response bodies are decoded leniently: peers leave out trailing NULs,
empty bodies and more.
"""

import struct
from struct import Struct
from typing import Final

from motet.smpp.constants import (
    HEADER_OCTETS,
    MAX_PDU_OCTETS,
    MAX_SHORT_MESSAGE_OCTETS,
    RESPONSE_BIT,
    CommandStatus,
    Tag,
)
from motet.smpp.errors import BodyError, PduError, UsageError
from motet.smpp.layouts import LAYOUTS, MESSAGE_ID_RESP, SM, body_at, encode_body, lenient_body_at
from motet.smpp.pdu import Body, MessageIdResp, Pdu, Sm, SubmitMulti
from motet.smpp.tlv import check_lengths, encode_tlvs, find, tlvs_at

__all__ = ["PduError", "UsageError", "decode", "decode_body", "encode", "encode_message_id_resp", "encode_sm"]

HEADER = Struct(">IIII")
_pack_header = HEADER.pack
_TAIL = Struct(">10B")
"""esm_class to sm_length of submit_sm and deliver_sm where both times are empty."""
_unpack_tail = _TAIL.unpack_from
_unpack_last = Struct(">5B").unpack_from
"""registered_delivery to sm_length."""
_new = tuple.__new__

_SUBMIT_SM: Final = 0x0000_0004
_DELIVER_SM: Final = 0x0000_0005
_SERVICE_TYPE_SPAN = 5
_ADDRESS_SPAN = 23
"""From one field's NUL to the next one's: TON, NPI, at most 20 octets of address, NUL."""
_TIME_SPAN = 16
_TIME_SPANS = (0, _TIME_SPAN)
_MAX_ADDRESS = 20
_SM_OCTETS = HEADER_OCTETS + 17
"""A submit_sm or deliver_sm in which every string is empty."""
_MAX_MESSAGE_ID_OCTETS = 64

NO_MESSAGE_ID: Final = MessageIdResp("", ())


def encode(command_id: int, command_status: int, sequence_number: int, body: Body) -> bytes:
    """The whole PDU. UsageError if the body is not this command's, or a field does not fit."""
    layout = LAYOUTS.get(command_id)
    if layout is None:
        raise UsageError(f"no command {command_id:#010x}")
    return encode_header_and(command_id, command_status, sequence_number, encode_body(layout, body))


def encode_header_and(command_id: int, command_status: int, sequence_number: int, octets: bytes = b"") -> bytes:
    """A PDU of the octets of its body."""
    length = HEADER_OCTETS + len(octets)
    if length > MAX_PDU_OCTETS:
        raise UsageError(f"a PDU of {length} octets, over {MAX_PDU_OCTETS}")
    try:
        return _pack_header(length, command_id, command_status, sequence_number) + octets
    except struct.error:
        raise UsageError("a header field does not fit four octets") from None


def encode_sm(command_id: int, sequence_number: int, sm: Sm) -> bytes:
    """A submit_sm or deliver_sm, fast. UsageError if a field does not fit."""
    (
        service_type,
        source_addr_ton,
        source_addr_npi,
        source_addr,
        dest_addr_ton,
        dest_addr_npi,
        destination_addr,
        esm_class,
        protocol_id,
        priority_flag,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        short_message,
        tlvs,
    ) = sm
    message_octets = len(short_message)
    if (
        len(source_addr) > _MAX_ADDRESS
        or len(destination_addr) > _MAX_ADDRESS
        or message_octets > MAX_SHORT_MESSAGE_OCTETS
        or "\0" in source_addr
        or "\0" in destination_addr
        or ((service_type or schedule_delivery_time or validity_period) and not _fits(sm))
    ):
        return encode(command_id, 0, sequence_number, sm)  # says what does not fit
    optional = encode_tlvs(tlvs) if tlvs else b""
    length = (
        _SM_OCTETS
        + len(service_type)
        + len(source_addr)
        + len(destination_addr)
        + len(schedule_delivery_time)
        + len(validity_period)
        + message_octets
        + len(optional)
    )
    if length > MAX_PDU_OCTETS:
        raise UsageError(f"a PDU of {length} octets, over {MAX_PDU_OCTETS}")
    try:
        return b"%b%b\0%c%c%b\0%c%c%b\0%c%c%c%b\0%b\0%c%c%c%c%c%b%b" % (
            _pack_header(length, command_id, 0, sequence_number),
            service_type.encode("latin-1"),
            source_addr_ton,
            source_addr_npi,
            source_addr.encode("latin-1"),
            dest_addr_ton,
            dest_addr_npi,
            destination_addr.encode("latin-1"),
            esm_class,
            protocol_id,
            priority_flag,
            schedule_delivery_time.encode("latin-1"),
            validity_period.encode("latin-1"),
            registered_delivery,
            replace_if_present_flag,
            data_coding,
            sm_default_msg_id,
            message_octets,
            short_message,
            optional,
        )
    except (struct.error, OverflowError, UnicodeEncodeError):
        return encode(command_id, 0, sequence_number, sm)


def _fits(sm: Sm) -> bool:
    service_type, schedule, validity = sm[0], sm[10], sm[11]
    return (
        len(service_type) <= _SERVICE_TYPE_SPAN
        and (not schedule or len(schedule) == _TIME_SPAN)
        and (not validity or len(validity) == _TIME_SPAN)
        and "\0" not in service_type + schedule + validity
    )


def encode_message_id_resp(command_id: int, command_status: int, sequence_number: int, message_id: str) -> bytes:
    """A submit_sm_resp, deliver_sm_resp or data_sm_resp without TLVs.

    `command_id` is the response's. message_id has at most 64 characters; with an error status it must be empty and
    submit_sm_resp has no body (§4.4.2).
    """
    if command_status:
        if command_id == _SUBMIT_SM | RESPONSE_BIT:
            return _pack_header(HEADER_OCTETS, command_id, command_status, sequence_number)
        message_id = ""
    if len(message_id) > _MAX_MESSAGE_ID_OCTETS or not message_id.isascii() or "\0" in message_id:
        return encode(command_id, command_status, sequence_number, MessageIdResp(message_id))
    return b"%b%b\0" % (
        _pack_header(17 + len(message_id), command_id, command_status, sequence_number),
        message_id.encode(),
    )


def decode(octets: bytes) -> Pdu:
    """The PDU that the octets are, whole and alone. PduError says what to answer."""
    if len(octets) < HEADER_OCTETS:
        raise PduError(0, 0, CommandStatus.ESME_RINVCMDLEN, recoverable=False)
    length, command_id, command_status, sequence_number = HEADER.unpack_from(octets)
    if length != len(octets) or length > MAX_PDU_OCTETS:
        raise PduError(command_id, sequence_number, CommandStatus.ESME_RINVCMDLEN, recoverable=False)
    if command_id not in LAYOUTS:
        raise PduError(command_id, sequence_number, CommandStatus.ESME_RINVCMDID)
    try:
        body = decode_body(command_id, octets, HEADER_OCTETS, length)
    except BodyError as error:
        raise PduError(command_id, sequence_number, error.status) from None
    return Pdu(command_id, command_status, sequence_number, body)


def decode_body(command_id: int, data: bytes, position: int, end: int) -> Body:
    """The body in `data[position:end]` of a command in LAYOUTS. BodyError with the status to answer."""
    if command_id & RESPONSE_BIT:
        return lenient_body_at(LAYOUTS[command_id], data, position, end)
    if command_id in (_SUBMIT_SM, _DELIVER_SM):
        return sm_at(data, position, end)
    return body_at(LAYOUTS[command_id], data, position, end)


def sm_at(data: bytes, position: int, end: int) -> Sm:
    """The submit_sm or deliver_sm body in `data[position:end]`, fast. BodyError with the status to answer."""
    schedule_delivery_time = validity_period = ""
    try:
        index = data.index
        service_nul = index(0, position, end)
        source_nul = index(0, service_nul + 3, end)
        destination_nul = index(0, source_nul + 3, end)
        esm_class, protocol_id, priority_flag, schedule, validity, registered, replace, coding, default, length = (
            _unpack_tail(data, destination_nul + 1)
        )
        message_at = destination_nul + 11
        if schedule or validity:
            schedule_nul = index(0, destination_nul + 4, end)
            validity_nul = index(0, schedule_nul + 1, end)
            registered, replace, coding, default, length = _unpack_last(data, validity_nul + 1)
            message_at = validity_nul + 6
            schedule_delivery_time = data[destination_nul + 4 : schedule_nul].decode("latin-1")
            validity_period = data[schedule_nul + 1 : validity_nul].decode("latin-1")
            if len(schedule_delivery_time) not in _TIME_SPANS or len(validity_period) not in _TIME_SPANS:
                return _careful_sm_at(data, position, end)
    except (ValueError, struct.error):
        return _careful_sm_at(data, position, end)
    message_end = message_at + length
    if (
        message_end > end
        or length > MAX_SHORT_MESSAGE_OCTETS
        or destination_nul - source_nul > _ADDRESS_SPAN
        or source_nul - service_nul > _ADDRESS_SPAN
        or service_nul - position > _SERVICE_TYPE_SPAN
    ):
        return _careful_sm_at(data, position, end)
    return _new(
        Sm,
        (
            data[position:service_nul].decode("latin-1") if service_nul > position else "",
            data[service_nul + 1],
            data[service_nul + 2],
            data[service_nul + 3 : source_nul].decode("latin-1"),
            data[source_nul + 1],
            data[source_nul + 2],
            data[source_nul + 3 : destination_nul].decode("latin-1"),
            esm_class,
            protocol_id,
            priority_flag,
            schedule_delivery_time,
            validity_period,
            registered,
            replace,
            coding,
            default,
            data[message_at:message_end],
            tlvs_at(data, message_end, end) if message_end != end else (),
        ),
    )


def message_id_resp_at(data: bytes, position: int, end: int) -> MessageIdResp:
    """The body of submit_sm_resp, deliver_sm_resp or data_sm_resp, fast and leniently."""
    if end - position <= 1:
        if end == position or not data[position]:
            return NO_MESSAGE_ID
    elif data.find(0, position, end) == end - 1 and end - position <= _MAX_MESSAGE_ID_OCTETS + 1:
        return _new(MessageIdResp, (data[position : end - 1].decode("latin-1"), ()))
    body = lenient_body_at(MESSAGE_ID_RESP, data, position, end)
    assert isinstance(body, MessageIdResp)  # noqa: S101 (what the layout makes)
    return body


def check_optional(body: Body) -> None:
    """Check the TLVs of an ESME's request; those of an SMSC are not checked: a receipt is too good to lose.

    BodyError: ESME_RINVPARLEN for a length that §5.3.2 does not allow, ESME_RINVOPTPARAMVAL for both short_message and
    message_payload (§4.4.1).
    """
    check_lengths(body.tlvs)
    if isinstance(body, Sm | SubmitMulti) and body.short_message and find(body.tlvs, Tag.MESSAGE_PAYLOAD):
        raise BodyError(CommandStatus.ESME_RINVOPTPARAMVAL)


def without_tlvs(body: Body) -> Body:
    """The body for a peer below version 3.4. UsageError if the text itself is in a TLV."""
    if find(body.tlvs, Tag.MESSAGE_PAYLOAD) is not None:
        raise UsageError("message_payload for a peer below SMPP 3.4")
    return body._replace(tlvs=())


def _careful_sm_at(data: bytes, position: int, end: int) -> Sm:
    body = body_at(SM, data, position, end)
    assert isinstance(body, Sm)  # noqa: S101 (what the layout makes)
    return body
