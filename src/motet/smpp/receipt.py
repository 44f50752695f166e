"""Delivery receipts: the usual text of SMPP 3.4 appendix B and its TLVs, written and read.

text = receipt_text("42", MessageState.DELIVERED, submit_us=..., done_us=...)      # short_message
tlvs = receipt_tlvs("42", MessageState.DELIVERED)
receipt = parse_receipt(sm.short_message, sm.tlvs, sm.esm_class)                   # Receipt | None
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from motet.smpp.constants import (
    ESM_TYPE_INTERMEDIATE,
    ESM_TYPE_MASK,
    ESM_TYPE_RECEIPT,
    ESM_UDHI,
    MessageState,
    Tag,
)
from motet.smpp.pdu import Tlvs
from motet.smpp.smpp_time import parse_receipt_date, receipt_date

STATE_WORDS: Final[dict[MessageState, str]] = {
    MessageState.ENROUTE: "ENROUTE",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.DELETED: "DELETED",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.UNKNOWN: "UNKNOWN",
    MessageState.REJECTED: "REJECTD",
}
"""`stat` in the text, appendix B, table B-2; ENROUTE for intermediate notifications."""

_STATES_BY_WORD: Final[dict[str, MessageState]] = {word: state for state, word in STATE_WORDS.items()} | {
    "DELIVERED": MessageState.DELIVERED,
    "UNDELIVERABLE": MessageState.UNDELIVERABLE,
    "UNDELIVERED": MessageState.UNDELIVERABLE,
    "UNDELIVRD": MessageState.UNDELIVERABLE,
    "FAILED": MessageState.UNDELIVERABLE,
    "ACCEPTED": MessageState.ACCEPTED,
    "REJECTED": MessageState.REJECTED,
    "BUFFERED": MessageState.ENROUTE,
    "BUFFRED": MessageState.ENROUTE,
}

MAX_RECEIPT_TEXT_OCTETS: Final = 20
"""How much of the message `text:` repeats (appendix B)."""
MAX_RECEIPT_OCTETS: Final = 1_024
"""How much of a receipt is read; the fields of appendix B take under 200."""

_new = tuple.__new__

_NO_ERROR = "000"
_NETWORK_GSM = 3
"""network type of network_error_code, §5.3.2.31."""


class Receipt(NamedTuple):
    """What a receipt says. `message_id` is the TLV's where there is one, `text_id` the text's: carriers have been seen
    to write the two in different bases, so the caller may try both. With all three TLVs the text is not read."""

    message_id: str
    state: MessageState
    error: str
    """`err` as written, else the code of network_error_code in decimal, else "000"."""
    done_us: int | None
    """Unix microseconds of `done date`, taken as UTC."""
    text_id: str | None
    intermediate: bool
    """An intermediate notification (esm_class 0x20) or a state that is not final: more is to come."""


def receipt_text(
    message_id: str,
    state: int,
    *,
    submit_us: int,
    done_us: int,
    error: int = 0,
    text: bytes = b"",
) -> bytes:
    """The short_message of a receipt for one message. Dates are Unix microseconds, shown in UTC; `error` is 0 to 999,
    `text` the message's first octets, of which at most 20 are shown."""
    middle, end = _PHRASES.get(state, _UNKNOWN_PHRASES)
    head = (
        f"id:{message_id} sub:001{middle}{receipt_date(submit_us)}"
        f" done date:{receipt_date(done_us)}{end}{error:03} text:"
    ).encode("latin-1")
    return head + text[:MAX_RECEIPT_TEXT_OCTETS] if text else head


def receipt_tlvs(message_id: str, state: int, error: int = 0) -> Tlvs:
    """receipted_message_id, message_state and network_error_code (GSM; `error` is 0 to 65,535) of a receipt."""
    return (
        (_RECEIPTED_MESSAGE_ID, message_id.encode("latin-1") + b"\0"),
        (_MESSAGE_STATE, bytes((state,))),
        (_NETWORK_ERROR_CODE, bytes((_NETWORK_GSM, error >> 8, error & 0xFF))),
    )


def parse_receipt(short_message: bytes, tlvs: Tlvs, esm_class: int) -> Receipt | None:
    """The receipt that a deliver_sm or data_sm is; None if it is none, or one that names no message.

    Only esm_class (receipt or intermediate notification) or receipted_message_id make a receipt, never the text alone:
    a phone can send such a text. TLVs come first; the text's fields may be missing, reordered, in any case or UCS-2.
    """
    tlv_id: str | None = None
    tlv_state = tlv_error = None
    for tag, value in tlvs:
        if tag == _RECEIPTED_MESSAGE_ID:
            tlv_id = value.partition(b"\0")[0].decode("latin-1")
        elif tag == _MESSAGE_STATE:
            tlv_state = _STATES.get(value)
        elif tag == _NETWORK_ERROR_CODE and len(value) == _NETWORK_ERROR_OCTETS:
            tlv_error = f"{(value[1] << 8) + value[2]:03}"
        elif tag == _MESSAGE_PAYLOAD and not short_message:
            short_message = value
    kind = esm_class & ESM_TYPE_MASK
    if kind not in _RECEIPT_TYPES and not tlv_id:
        return None
    if tlv_id and tlv_state and tlv_error:  # the text could add nothing but its date
        more = kind == ESM_TYPE_INTERMEDIATE or tlv_state in _NOT_FINAL
        return _new(Receipt, (tlv_id, tlv_state, tlv_error, None, None, more))
    if esm_class & ESM_UDHI and short_message:
        short_message = short_message[1 + short_message[0] :]
    text_id, done_date, word, error = _read_text(short_message)
    message_id = tlv_id or text_id
    if not message_id:
        return None
    state = tlv_state or _STATES_BY_WORD.get(word) or _STATES_BY_WORD.get(word.upper(), MessageState.UNKNOWN)
    return Receipt(
        message_id,
        state,
        error or tlv_error or _NO_ERROR,
        _done_us(done_date),
        text_id or None,
        kind == ESM_TYPE_INTERMEDIATE or state in _NOT_FINAL,
    )


def _read_text(payload: bytes) -> tuple[str, str, str, str]:
    """id, done date, stat and err as written, empty where they are missing."""
    usual = _USUAL_LAYOUT.match(payload)
    if usual is not None:
        message_id, done_date, word, error = usual.groups()
        return message_id.decode("latin-1"), done_date.decode(), word.decode("latin-1"), error.decode("latin-1")
    # Latin letters in UCS-2 are themselves behind a zero octet.
    written = payload[:MAX_RECEIPT_OCTETS].replace(b"\0", b"").decode("latin-1")
    head, _, quoted = _TEXT_FIELD.sub("\0", written, count=1).partition("\0")
    fields = dict[str, str]()
    for part in (head, quoted):  # what is quoted comes second: it may look like fields
        for match in _FIELD.finditer(part):
            fields.setdefault(match[1][:4].lower(), match[2])
        if "id" in fields and "stat" in fields:
            break
    return fields.get("id", ""), fields.get("done", ""), fields.get("stat", ""), fields.get("err", "")


@lru_cache(maxsize=1024)
def _done_us(done_date: str) -> int | None:
    return parse_receipt_date(done_date)


_USUAL_LAYOUT = re.compile(
    rb"id:([^\s\0]{1,64}) sub:\d{1,4} dlvrd:\d{1,4} submit date:\d{10,12} done date:(\d{10,12})"
    rb" stat:([A-Za-z]{1,16}) err:([^\s\0]{1,10})(?: |$)"
)
_TEXT_FIELD = re.compile(r"(?:^|(?<=\s))text\s?:", re.IGNORECASE)
_FIELD = re.compile(
    r"(?:^|(?<=\s))(id|stat|err|done\s?date)\s?:\s?"
    r"((?!(?:id|sub|dlvrd|submit\s?date|done\s?date|stat|err|text)\s?:)\S*)",  # the next field is no value
    re.IGNORECASE,
)
_PHRASES: Final[dict[int, tuple[str, str]]] = {
    int(state): (f" dlvrd:{int(state is MessageState.DELIVERED):03} submit date:", f" stat:{word} err:")
    for state, word in STATE_WORDS.items()
}
_UNKNOWN_PHRASES: Final = _PHRASES[MessageState.UNKNOWN]
_STATES: Final[dict[bytes, MessageState]] = {bytes((state,)): state for state in MessageState}
_NOT_FINAL: Final = (MessageState.ENROUTE, MessageState.ACCEPTED)
_RECEIPT_TYPES: Final = (ESM_TYPE_RECEIPT, ESM_TYPE_INTERMEDIATE)
_NETWORK_ERROR_OCTETS: Final = 3
_RECEIPTED_MESSAGE_ID: Final = int(Tag.RECEIPTED_MESSAGE_ID)
_MESSAGE_STATE: Final = int(Tag.MESSAGE_STATE)
_NETWORK_ERROR_CODE: Final = int(Tag.NETWORK_ERROR_CODE)
_MESSAGE_PAYLOAD: Final = int(Tag.MESSAGE_PAYLOAD)
