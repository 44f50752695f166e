"""Between SMPP bodies and the hub's messages: pure functions, no session, no socket."""

from __future__ import annotations

from functools import lru_cache

from motet.domain.states import EsmeDeliveryKind
from motet.hub.message import NO_EXTRA, Delivery, Extra, Message, Unit
from motet.hub.ports import MobileOriginated
from motet.links.statuses import WIRE_STATE
from motet.smpp.constants import (
    ESM_REPLY_PATH,
    ESM_TYPE_INTERMEDIATE,
    ESM_TYPE_RECEIPT,
    ESM_UDHI,
    CommandStatus,
    Tag,
    Ton,
)
from motet.smpp.pdu import Sm, SubmitMulti, Tlvs
from motet.smpp.receipt import receipt_text, receipt_tlvs
from motet.smpp.smpp_time import TimeFormatError, absolute_time, parse_time
from motet.smpp.tlv import encode_tlvs, find, find_int, tlvs_at
from motet.sms.data_coding import Alphabet, alphabet_of
from motet.sms.parts import split
from motet.sms.text import encode_text
from motet.sms.udh import (
    Concatenation,
    UserDataError,
    build_udh,
    concatenation_element,
    concatenation_of,
    parse_udh,
    split_user_data,
    without_concatenation,
)

_NOTIFICATION = int(EsmeDeliveryKind.NOTIFICATION)
_new = tuple.__new__
"""Makes a named tuple without its Python-level constructor, which costs as much as the rest of a translation."""

INTERNATIONAL, ISDN = 1, 1
UDH_16_BIT = 65_536
"""Added to 16-bit references, so that they never meet 8-bit ones."""
SHORT_MESSAGE_OCTETS = 254

_SHOWN = bytes(octet if 32 <= octet < 127 else 32 for octet in range(256))
"""What a receipt shows of a text: printable ASCII, blanks for the rest."""

_OURS = frozenset(
    (
        Tag.MESSAGE_PAYLOAD,
        Tag.SAR_MSG_REF_NUM,
        Tag.SAR_TOTAL_SEGMENTS,
        Tag.SAR_SEGMENT_SEQNUM,
        Tag.MORE_MESSAGES_TO_SEND,
        Tag.SET_DPF,
    )
)
"""Optional parameters that the hub itself acts on or makes anew; the others are passed on."""


class UnacceptableError(Exception):
    """A submission breaks a rule of form; `status` answers it."""

    def __init__(self, status: CommandStatus) -> None:
        super().__init__(status.name)
        self.status = status


def user_data_of(sm: Sm | SubmitMulti, default_alphabet: str) -> tuple[int, bytes, bytes | None, Extra | None]:
    """data_coding, payload and UDH of a submission, and an Extra if it has what few have.

    Text in ASCII, Latin-1 or an account's own default alphabet becomes GSM 7-bit or UCS-2 here, so that the whole hub
    and every phone know three alphabets only. Raises UnacceptableError.
    """
    payload = sm.short_message
    tlvs = sm.tlvs
    extra: Extra | None = None
    if tlvs:
        long_payload = find(tlvs, Tag.MESSAGE_PAYLOAD)
        if long_payload is not None:
            if payload:
                raise UnacceptableError(CommandStatus.ESME_RINVOPTPARAMVAL)
            payload = long_payload
        extra = Extra(tlvs=_kept(tlvs))
    udh: bytes | None = None
    if sm.esm_class & ESM_UDHI:
        extra = extra or Extra()
        try:
            udh, payload = split_user_data(sm.esm_class, payload)
            place = concatenation_of(parse_udh(udh)) if udh is not None else None
        except UserDataError:
            raise UnacceptableError(CommandStatus.ESME_RINVMSGLEN) from None
        extra.udh = udh
        if place is not None and place.total > 1:
            extra.segment = segment_of(place)
    elif tlvs and extra is not None:
        _take_sar(tlvs, extra, payload)
        udh = extra.udh
    data_coding = sm.data_coding
    if data_coding in (0, 1, 3) and udh is None:
        data_coding, payload = _normalised(data_coding, payload, default_alphabet)
    return data_coding, payload, udh, extra


def segment_of(place: Concatenation) -> tuple[int, int, int]:
    """(ref, total, number) with the width of the reference in it."""
    return (place.ref + (UDH_16_BIT if place.ref_bits == 16 else 0), place.total, place.number)


def _kept(tlvs: Tlvs) -> bytes | None:
    kept = tuple(tlv for tlv in tlvs if tlv[0] not in _OURS)
    return encode_tlvs(kept) if kept else None


def _take_sar(tlvs: Tlvs, extra: Extra, payload: bytes) -> None:
    """sar_* parameters (SMPP 3.4 §5.3.2.22-24) become the user data header that the phone will see anyway."""
    ref, total, number = (
        find_int(tlvs, tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)
    )
    if ref is None or total is None or number is None or not 1 <= number <= total or total == 1:
        return
    place = Concatenation(ref & 0xFF, 8, total, number) if ref <= 0xFF else Concatenation(ref, 16, total, number)
    extra.udh = build_udh((concatenation_element(place),))
    extra.segment = segment_of(place)


def _normalised(data_coding: int, payload: bytes, default_alphabet: str) -> tuple[int, bytes]:
    alphabet = Alphabet[default_alphabet] if data_coding == 0 else alphabet_of(data_coding)
    if alphabet is Alphabet.GSM7:
        return 0, payload
    text = payload.decode("latin-1" if alphabet is Alphabet.LATIN1 else "ascii", "replace")
    return encode_text(text)


@lru_cache(maxsize=256)
def _parsed_tlvs(octets: bytes) -> Tlvs:
    return tlvs_at(octets, 0, len(octets))


def times_of(
    schedule: str, validity: str, now_us: int, default_validity_s: int, max_validity_s: int
) -> tuple[int | None, int]:
    """(scheduled_at, expires_at) of a submission. A validity over the longest is cut. Raises UnacceptableError."""
    scheduled_at = None
    start = now_us
    if schedule:
        try:
            scheduled_at = parse_time(schedule, now_us)
        except TimeFormatError:
            raise UnacceptableError(CommandStatus.ESME_RINVSCHED) from None
        start = max(start, scheduled_at)
    if not validity:
        return scheduled_at, start + default_validity_s * 1_000_000
    try:
        expires_at = parse_time(validity, now_us)
    except TimeFormatError:
        raise UnacceptableError(CommandStatus.ESME_RINVEXPIRY) from None
    if expires_at <= start:
        raise UnacceptableError(CommandStatus.ESME_RINVEXPIRY)
    return scheduled_at, min(expires_at, start + max_validity_s * 1_000_000)


def destination_of(ton: int, address: str) -> str:
    """The MSISDN that a destination names. Raises UnacceptableError for what is no international number."""
    digits = address.removeprefix("+")
    if ton not in (Ton.UNKNOWN, Ton.INTERNATIONAL) or not (digits.isascii() and digits.isdigit()):
        raise UnacceptableError(CommandStatus.ESME_RINVDSTADR)
    return digits


# Upstream ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4_096)
def _until(second: int) -> str:
    return absolute_time(second * 1_000_000)


def submit_of(unit: Unit) -> Sm:
    """The submit_sm that carries one part upstream. A receipt is always asked for."""
    message = unit.message
    extra = message.extra
    esm_class = message.esm_class & ESM_REPLY_PATH
    if extra is None:
        if unit is not message:
            esm_class |= ESM_UDHI
        return _new(
            Sm,
            (
                "",
                message.source_ton,
                message.source_npi,
                message.source,
                INTERNATIONAL,
                ISDN,
                message.destination,
                esm_class,
                0,
                0,
                "",
                _until(message.expires_at // 1_000_000),
                1 | message.registered_delivery & 0x10,
                0,
                message.data_coding,
                0,
                unit.user_data,
                (),
            ),
        )
    if extra.udh is not None or unit is not message:
        esm_class |= ESM_UDHI
    return _new(
        Sm,
        (
            extra.service_type,
            message.source_ton,
            message.source_npi,
            message.source,
            INTERNATIONAL,
            ISDN,
            message.destination,
            esm_class,
            extra.protocol_id,
            extra.priority,
            "",
            _until(message.expires_at // 1_000_000),
            1 | message.registered_delivery & 0x10,
            0,
            message.data_coding,
            0,
            unit.user_data,
            _parsed_tlvs(extra.tlvs) if extra.tlvs else (),
        ),
    )


def mobile_originated_of(sm: Sm, token: int) -> MobileOriginated:
    """What a deliver_sm that is no receipt brings."""
    payload = sm.short_message
    if sm.tlvs and not payload:
        payload = find(sm.tlvs, Tag.MESSAGE_PAYLOAD) or b""
    udh: bytes | None = None
    segment = None
    try:
        udh, payload = split_user_data(sm.esm_class, payload)
        if udh is not None:
            elements = parse_udh(udh)
            place = concatenation_of(elements)
            if place is not None:
                if place.total > 1:
                    segment = segment_of(place)
                rest = without_concatenation(elements)
                udh = build_udh(rest) if rest else None
    except UserDataError:
        udh = None  # a broken header: what the phone sent is shown as it came
    if segment is None and sm.tlvs:
        extra = Extra()
        _take_sar(sm.tlvs, extra, payload)
        segment = extra.segment
    return MobileOriginated(
        token,
        sm.source_addr.removeprefix("+"),
        sm.source_addr_ton,
        sm.source_addr_npi,
        sm.destination_addr.removeprefix("+"),
        sm.dest_addr_ton,
        sm.dest_addr_npi,
        sm.protocol_id,
        sm.data_coding,
        udh,
        payload,
        segment,
    )


# Towards an ESME -----------------------------------------------------------------------------------------------------


def receipt_of(delivery: Delivery) -> Sm:
    """The deliver_sm of a receipt: from the message's destination to its source (SMPP 3.4 §4.6, appendix B)."""
    message = delivery.message
    extra = message.extra or NO_EXTRA
    state = WIRE_STATE[delivery.state]
    submission_id = str(message.submission_id)
    error = error_code(delivery.error)
    text = receipt_text(
        submission_id,
        state,
        submit_us=message.submitted_at,
        done_us=delivery.at,
        error=min(error, 999),
        text=_receipt_excerpt(message),
    )
    tlvs = receipt_tlvs(submission_id, state, error)
    if extra.tlvs:
        reference = find(_parsed_tlvs(extra.tlvs), Tag.USER_MESSAGE_REFERENCE)
        if reference is not None:
            tlvs = (*tlvs, (Tag.USER_MESSAGE_REFERENCE, reference))
    notification = delivery.kind == _NOTIFICATION
    return _new(
        Sm,
        (
            extra.service_type,
            extra.dest_ton,
            extra.dest_npi,
            message.destination,
            message.source_ton,
            message.source_npi,
            message.source,
            ESM_TYPE_INTERMEDIATE if notification else ESM_TYPE_RECEIPT,
            0,
            0,
            "",
            "",
            0,
            0,
            0,
            0,
            text,
            tlvs,
        ),
    )


def error_code(error: str | None) -> int:
    """The number of an error that is one and fits network_error_code (SMPP 3.4 §5.3.2.31), else 0."""
    code = int(error) if error and error.isascii() and error.isdigit() and len(error) < 6 else 0
    return code if code <= 0xFFFF else 0


def _receipt_excerpt(message: Message) -> bytes:
    """The first characters of the text in the receipt's own alphabet; nothing of binary or UCS-2 texts."""
    if message.data_coding != 0:
        return b""
    return message.payload[:20].translate(_SHOWN)


def mo_of(delivery: Delivery, *, as_parts: bool) -> list[Sm]:
    """The deliver_sm of an MO: one, with message_payload if it is long, or one a part."""
    message = delivery.message
    extra = message.extra or NO_EXTRA
    udh = extra.udh or b""
    user_data = udh + message.payload
    esm_class = ESM_UDHI if udh else 0
    if as_parts:
        pieces = split(message.payload, message.data_coding, message.id & 0xFF, udh=udh)
        if len(pieces) > 1:
            return [_deliver(message, extra, ESM_UDHI, piece, ()) for piece in pieces]
    if len(user_data) <= SHORT_MESSAGE_OCTETS:
        return [_deliver(message, extra, esm_class, user_data, ())]
    return [_deliver(message, extra, esm_class, b"", ((Tag.MESSAGE_PAYLOAD, user_data),))]


def _deliver(message: Message, extra: Extra, esm_class: int, short_message: bytes, tlvs: Tlvs) -> Sm:
    return Sm(
        "",
        message.source_ton,
        message.source_npi,
        message.source,
        extra.dest_ton,
        extra.dest_npi,
        message.destination,
        esm_class,
        extra.protocol_id,
        0,
        "",
        "",
        0,
        0,
        message.data_coding,
        0,
        short_message,
        tlvs,
    )
