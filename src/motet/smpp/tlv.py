"""Optional parameters (TLVs) of SMPP 3.4 §5.3: reading, writing, and the lengths that the specification gives.

payload = find(sm.tlvs, Tag.MESSAGE_PAYLOAD)              # bytes | None
state = find_int(sm.tlvs, Tag.MESSAGE_STATE)              # int | None
message_id = find_str(sm.tlvs, Tag.RECEIPTED_MESSAGE_ID)  # str | None, without the NUL
tlvs = (string(Tag.RECEIPTED_MESSAGE_ID, "42"), octet(Tag.MESSAGE_STATE, 2))
"""

import struct
from struct import Struct
from typing import Final

from motet.smpp.constants import CommandStatus, Tag
from motet.smpp.errors import BodyError, UsageError
from motet.smpp.pdu import Tlvs

_TAG_LENGTH = Struct(">HH")
_unpack_tag_length = _TAG_LENGTH.unpack_from

MAX_TLV_OCTETS: Final = 0xFFFF
"""The length field has two octets (§3.2.4.1)."""

LENGTHS: Final[dict[int, tuple[int, int]]] = {
    Tag.DEST_ADDR_SUBUNIT: (1, 1),
    Tag.DEST_NETWORK_TYPE: (1, 1),
    Tag.DEST_BEARER_TYPE: (1, 1),
    Tag.DEST_TELEMATICS_ID: (1, 2),  # 2 in §5.3.2.7, yet 1 for the source: peers mix them up
    Tag.SOURCE_ADDR_SUBUNIT: (1, 1),
    Tag.SOURCE_NETWORK_TYPE: (1, 1),
    Tag.SOURCE_BEARER_TYPE: (1, 1),
    Tag.SOURCE_TELEMATICS_ID: (1, 2),
    Tag.QOS_TIME_TO_LIVE: (4, 4),
    Tag.PAYLOAD_TYPE: (1, 1),
    Tag.ADDITIONAL_STATUS_INFO_TEXT: (1, 256),
    Tag.RECEIPTED_MESSAGE_ID: (1, 65),
    Tag.MS_MSG_WAIT_FACILITIES: (1, 1),
    Tag.PRIVACY_INDICATOR: (1, 1),
    Tag.SOURCE_SUBADDRESS: (2, 23),
    Tag.DEST_SUBADDRESS: (2, 23),
    Tag.USER_MESSAGE_REFERENCE: (2, 2),
    Tag.USER_RESPONSE_CODE: (1, 1),
    Tag.SOURCE_PORT: (2, 2),
    Tag.DESTINATION_PORT: (2, 2),
    Tag.SAR_MSG_REF_NUM: (2, 2),
    Tag.LANGUAGE_INDICATOR: (1, 1),
    Tag.SAR_TOTAL_SEGMENTS: (1, 1),
    Tag.SAR_SEGMENT_SEQNUM: (1, 1),
    Tag.SC_INTERFACE_VERSION: (1, 1),
    Tag.CALLBACK_NUM_PRES_IND: (1, 1),
    Tag.CALLBACK_NUM_ATAG: (0, 65),
    Tag.NUMBER_OF_MESSAGES: (1, 1),
    Tag.CALLBACK_NUM: (4, 19),
    Tag.DPF_RESULT: (1, 1),
    Tag.SET_DPF: (1, 1),
    Tag.MS_AVAILABILITY_STATUS: (1, 1),
    Tag.NETWORK_ERROR_CODE: (3, 3),
    Tag.MESSAGE_PAYLOAD: (0, MAX_TLV_OCTETS),
    Tag.DELIVERY_FAILURE_REASON: (1, 1),
    Tag.MORE_MESSAGES_TO_SEND: (1, 1),
    Tag.MESSAGE_STATE: (1, 1),
    Tag.USSD_SERVICE_OP: (1, 1),
    Tag.DISPLAY_TIME: (1, 1),
    Tag.SMS_SIGNAL: (2, 2),
    Tag.MS_VALIDITY: (1, 4),  # 4 is SMPP 5.0's
    Tag.ALERT_ON_MESSAGE_DELIVERY: (0, 1),  # 1 is SMPP 5.0's
    Tag.ITS_REPLY_TYPE: (1, 1),
    Tag.ITS_SESSION_INFO: (2, 2),
}
"""Least and most octets of each value, SMPP 3.4 §5.3.2.1 to §5.3.2.42."""

_LEAST_INTEGER_OCTETS = 1
_MOST_INTEGER_OCTETS = 4


def find(tlvs: Tlvs, tag: int) -> bytes | None:
    """The value of the first TLV with this tag, or None."""
    for found, value in tlvs:
        if found == tag:
            return value
    return None


def find_all(tlvs: Tlvs, tag: int) -> list[bytes]:
    """The values of every TLV with this tag, in wire order (callback_num may repeat, §5.3.2.36)."""
    return [value for found, value in tlvs if found == tag]


def find_int(tlvs: Tlvs, tag: int) -> int | None:
    """The value as an unsigned integer of 1 to 4 octets; None where it is missing or of another length."""
    value = find(tlvs, tag)
    if value is None or not _LEAST_INTEGER_OCTETS <= len(value) <= _MOST_INTEGER_OCTETS:
        return None
    least, most = LENGTHS.get(tag, (_LEAST_INTEGER_OCTETS, _MOST_INTEGER_OCTETS))
    return int.from_bytes(value, "big") if least <= len(value) <= most else None


def find_str(tlvs: Tlvs, tag: int) -> str | None:
    """The value as a C-octet string up to its first NUL; a missing NUL is tolerated. None where the TLV is missing."""
    value = find(tlvs, tag)
    return None if value is None else value.partition(b"\0")[0].decode("latin-1")


def octet(tag: int, value: int) -> tuple[int, bytes]:
    """A TLV of one octet, 0 to 255."""
    return _integer(tag, value, 1)


def short(tag: int, value: int) -> tuple[int, bytes]:
    """A TLV of two octets, 0 to 65,535."""
    return _integer(tag, value, 2)


def string(tag: int, value: str) -> tuple[int, bytes]:
    """A TLV that holds a C-octet string, NUL added. UsageError if it holds a NUL or is not Latin-1."""
    try:
        encoded = value.encode("latin-1")
    except UnicodeEncodeError:
        raise UsageError(f"TLV {tag:#06x} is not Latin-1") from None
    if b"\0" in encoded:
        raise UsageError(f"TLV {tag:#06x} holds a NUL")
    return tag, encoded + b"\0"


def encode_tlvs(tlvs: Tlvs) -> bytes:
    """The wire form of the TLVs, in their order. UsageError for a value over 65,535 octets."""
    try:
        return b"".join([_TAG_LENGTH.pack(tag, len(value)) + value for tag, value in tlvs])
    except struct.error:
        raise UsageError("a TLV's tag or length is over 65,535") from None


def tlvs_at(data: bytes, position: int, end: int) -> Tlvs:
    """The TLVs that fill `data[position:end]`. BodyError ESME_RINVOPTPARSTREAM if they do not."""
    found = []
    try:
        while position < end:
            tag, length = _unpack_tag_length(data, position)  # past `end` this is not ours, and told just below
            value_at = position + 4
            position = value_at + length
            if position > end:
                raise BodyError(CommandStatus.ESME_RINVOPTPARSTREAM)
            found.append((tag, data[value_at:position]))
    except struct.error:
        raise BodyError(CommandStatus.ESME_RINVOPTPARSTREAM) from None
    return tuple(found)


def check_lengths(tlvs: Tlvs) -> None:
    """BodyError ESME_RINVPARLEN if a TLV of SMPP 3.4 has a length that §5.3.2 does not allow."""
    for tag, value in tlvs:
        bounds = LENGTHS.get(tag)
        if bounds is not None and not bounds[0] <= len(value) <= bounds[1]:
            raise BodyError(CommandStatus.ESME_RINVPARLEN)


def _integer(tag: int, value: int, octets: int) -> tuple[int, bytes]:
    try:
        return tag, value.to_bytes(octets, "big")
    except OverflowError:
        raise UsageError(f"TLV {tag:#06x} does not fit {octets} octets") from None
