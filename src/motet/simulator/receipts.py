"""When the SMSC reports on a text, and what it says (SMPP 3.4 §5.2.17, appendix B)."""

from enum import IntEnum

from motet.simulator.texts import Text
from motet.smpp.constants import (
    ESM_TYPE_INTERMEDIATE,
    ESM_TYPE_RECEIPT,
    REGISTERED_RECEIPT_FAILURE,
    REGISTERED_RECEIPT_FINAL,
    REGISTERED_RECEIPT_MASK,
    MessageState,
    Tag,
)
from motet.smpp.pdu import Sm
from motet.smpp.receipt import MAX_RECEIPT_TEXT_OCTETS, receipt_text, receipt_tlvs
from motet.sms.text import decode_text

NO_ERROR = 0

_SUCCESS_ONLY = 3
"""registered_delivery bits 0-1 in SMPP 5.0 §4.7.21; reserved in 3.4, where nobody asks for it."""


class DeliveryError(IntEnum):
    """`err` and network_error_code: the causes of TS 24.011, table 8.4."""

    REJECTED = 21
    MEMORY_FULL = 22
    ABSENT = 27


def wants_receipt(registered_delivery: int, state: MessageState) -> bool:
    """Whether the submission asks for a receipt of this final state."""
    asked = registered_delivery & REGISTERED_RECEIPT_MASK
    if state is MessageState.DELIVERED:
        return asked in (REGISTERED_RECEIPT_FINAL, _SUCCESS_ONLY)
    return asked in (REGISTERED_RECEIPT_FINAL, REGISTERED_RECEIPT_FAILURE)


def receipt_of(
    text: Text, message_id: str, state: MessageState, error: int, now: float, *, intermediate: bool = False
) -> Sm:
    """The deliver_sm that reports on a text; its source is the text's destination. `now` is Unix seconds."""
    asked = text.submission
    reported = receipt_text(
        message_id,
        state,
        submit_us=int(text.accepted_at * 1_000_000),
        done_us=int(now * 1_000_000),
        error=error,
        text=_first_characters(asked.payload, asked.data_coding),
    )
    tlvs = receipt_tlvs(message_id, state, error)
    if asked.user_message_reference is not None:
        tlvs += ((Tag.USER_MESSAGE_REFERENCE, asked.user_message_reference),)
    return Sm(
        service_type=asked.service_type,
        source_addr_ton=text.to.ton,
        source_addr_npi=text.to.npi,
        source_addr=text.to.addr,
        dest_addr_ton=asked.source.ton,
        dest_addr_npi=asked.source.npi,
        destination_addr=asked.source.addr,
        esm_class=ESM_TYPE_INTERMEDIATE if intermediate else ESM_TYPE_RECEIPT,
        short_message=reported,
        tlvs=tlvs,
    )


def _first_characters(payload: bytes, data_coding: int) -> bytes:
    """The message's beginning in ASCII, so that a receipt is readable whatever the alphabet was."""
    beginning = decode_text(payload[: 2 * MAX_RECEIPT_TEXT_OCTETS], data_coding)
    if beginning is None:
        return b""
    return "".join(beginning[:MAX_RECEIPT_TEXT_OCTETS].splitlines()).encode("ascii", "replace")
