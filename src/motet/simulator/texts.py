"""A text on its way through the SMSC, and what asks for it: submit_sm, data_sm and submit_multi made alike."""

from typing import NamedTuple

from motet.simulator.phones import Phone
from motet.smpp.constants import ESM_UDHI, MAX_SHORT_MESSAGE_OCTETS, CommandStatus, Tag
from motet.smpp.pdu import DataSm, ReplaceSm, Sm, SubmitMulti, Tlvs
from motet.smpp.smpp_time import TimeFormatError, parse_time
from motet.smpp.tlv import find, find_int
from motet.sms.parts import MAX_PARTS, part_count
from motet.sms.udh import Concatenation, UserDataError, build_udh, concatenation_element, parse_udh, split_user_data

DEFAULT_VALIDITY_S = 48 * 3600
"""For a text that names none, as carriers usually keep it."""

MAX_VALIDITY_S = 7 * 24 * 3600
"""A longer one is cut to this, as carriers do."""

MAX_UDH_OCTETS = 120
"""A header that leaves 20 octets of user data in each part; longer ones are in no specification."""


class RefusedError(Exception):
    """The SMSC says no; `status` is the command_status of the answer."""

    def __init__(self, status: CommandStatus) -> None:
        super().__init__(status.name)
        self.status = status


class Address(NamedTuple):
    """An address as SMPP carries it (SMPP 3.4 §5.2.5 to §5.2.8)."""

    ton: int
    npi: int
    addr: str


class Submission(NamedTuple):
    """What is asked, but for the destination. Times are Unix seconds; `udh` has its length octet, empty for none."""

    service_type: str
    source: Address
    registered_delivery: int
    data_coding: int
    udh: bytes
    payload: bytes
    not_before: float
    expires_at: float
    user_message_reference: bytes | None


class Text:
    """A submission for one phone. `key` is unique; `message_number` is shared by the texts of a submit_multi."""

    __slots__ = ("accepted_at", "attempted", "due", "key", "message_number", "phone", "submission", "to")

    def __init__(
        self, key: int, message_number: int, to: Address, phone: Phone, submission: Submission, accepted_at: float
    ) -> None:
        self.key = key
        self.message_number = message_number
        self.to = to
        self.phone = phone
        self.submission = submission
        self.accepted_at = accepted_at
        self.due = submission.not_before
        self.attempted = False


def submission_of(asked: Sm | SubmitMulti, now: float) -> Submission:
    """What a submit_sm or submit_multi asks for. Raises RefusedError."""
    tlvs = asked.tlvs
    udh, payload = _user_data_of(asked.esm_class, asked.short_message, tlvs)
    _check_length(udh, payload, asked.data_coding)
    if asked.schedule_delivery_time or asked.validity_period:
        not_before, expires_at = _times(asked.schedule_delivery_time, asked.validity_period, now)
    else:
        not_before, expires_at = now, now + DEFAULT_VALIDITY_S
    return Submission(
        asked.service_type,
        Address(asked.source_addr_ton, asked.source_addr_npi, asked.source_addr),
        asked.registered_delivery,
        asked.data_coding,
        udh,
        payload,
        not_before,
        expires_at,
        find(tlvs, Tag.USER_MESSAGE_REFERENCE) if tlvs else None,
    )


def submission_of_data(asked: DataSm, now: float) -> Submission:
    """What a data_sm asks for (SMPP 3.4 §4.7.1). Raises RefusedError."""
    udh, payload = _user_data_of(asked.esm_class, b"", asked.tlvs)
    _check_length(udh, payload, asked.data_coding)
    time_to_live_s = find_int(asked.tlvs, Tag.QOS_TIME_TO_LIVE)
    return Submission(
        asked.service_type,
        Address(asked.source_addr_ton, asked.source_addr_npi, asked.source_addr),
        asked.registered_delivery,
        asked.data_coding,
        udh,
        payload,
        now,
        now + min(DEFAULT_VALIDITY_S if time_to_live_s is None else time_to_live_s, MAX_VALIDITY_S),
        find(asked.tlvs, Tag.USER_MESSAGE_REFERENCE),
    )


def replaced(submission: Submission, asked: ReplaceSm, now: float) -> Submission:
    """The submission after a replace_sm: times that are not given stay (SMPP 3.4 §4.10.1). Raises RefusedError."""
    not_before, expires_at = _times(asked.schedule_delivery_time, asked.validity_period, now)
    return submission._replace(
        not_before=not_before if asked.schedule_delivery_time else submission.not_before,
        expires_at=expires_at if asked.validity_period else submission.expires_at,
        registered_delivery=asked.registered_delivery,
        payload=asked.short_message or find(asked.tlvs, Tag.MESSAGE_PAYLOAD) or b"",
    )


def _user_data_of(esm_class: int, short_message: bytes, tlvs: Tlvs) -> tuple[bytes, bytes]:
    """The header and the user data of a PDU, sar_* parameters turned into a header. Raises RefusedError."""
    place: Concatenation | None = None
    if tlvs:
        payload = find(tlvs, Tag.MESSAGE_PAYLOAD)
        if payload is not None:
            if short_message:
                raise RefusedError(CommandStatus.ESME_ROPTPARNOTALLWD)
            short_message = payload
        place = _sar_place(tlvs)
    if esm_class & ESM_UDHI:
        try:
            udh, rest = split_user_data(esm_class, short_message)
            parse_udh(udh or b"")
        except UserDataError:
            raise RefusedError(CommandStatus.ESME_RINVESMCLASS) from None
        return udh or b"", rest
    return (build_udh((concatenation_element(place),)) if place else b""), short_message


def _sar_place(tlvs: Tlvs) -> Concatenation | None:
    """What the three sar_* parameters say (SMPP 3.4 §5.3.2.22 to .24), None unless they make a part of a whole."""
    ref = find_int(tlvs, Tag.SAR_MSG_REF_NUM)
    total = find_int(tlvs, Tag.SAR_TOTAL_SEGMENTS)
    number = find_int(tlvs, Tag.SAR_SEGMENT_SEQNUM)
    if ref is None or total is None or number is None:
        return None
    return Concatenation(ref, 16, total, number) if 1 <= number <= total and total > 1 else None


def _times(schedule: str, validity: str, now: float) -> tuple[float, float]:
    """When to send and when to give up, in Unix seconds. A validity that is over already is refused."""
    try:
        not_before = _moment(schedule, now) if schedule else now
    except TimeFormatError:
        raise RefusedError(CommandStatus.ESME_RINVSCHED) from None
    try:
        expires_at = _moment(validity, now) if validity else max(now, not_before) + DEFAULT_VALIDITY_S
    except TimeFormatError:
        raise RefusedError(CommandStatus.ESME_RINVEXPIRY) from None
    if expires_at <= now:
        raise RefusedError(CommandStatus.ESME_RINVEXPIRY)
    latest = now + MAX_VALIDITY_S
    if not_before > latest:
        raise RefusedError(CommandStatus.ESME_RINVSCHED)
    return not_before, min(expires_at, latest)


def _moment(value: str, now: float) -> float:
    return parse_time(value, int(now * 1_000_000)) / 1_000_000


def _check_length(udh: bytes, payload: bytes, data_coding: int) -> None:
    """Refuse what no phone could get: a header that leaves no room, or more than 255 parts."""
    if len(udh) > MAX_UDH_OCTETS:
        raise RefusedError(CommandStatus.ESME_RINVESMCLASS)
    if len(payload) > MAX_SHORT_MESSAGE_OCTETS and part_count(payload, data_coding, len(udh)) > MAX_PARTS:
        raise RefusedError(CommandStatus.ESME_RINVMSGLEN)
