"""How the SMSC spells its message ids. Carriers differ, and some differ from themselves."""

from enum import StrEnum


class MessageIdFormat(StrEnum):
    """`mixed` answers hexadecimal in responses and decimal in receipts, text and TLV alike."""

    DEC = "dec"
    HEX = "hex"
    MIXED = "mixed"

    def in_response(self, number: int) -> str:
        """As submit_sm_resp shows it, and as query_sm, cancel_sm and replace_sm must give it."""
        return str(number) if self is MessageIdFormat.DEC else f"{number:X}"

    def in_receipt(self, number: int) -> str:
        """As receipts show it."""
        return f"{number:X}" if self is MessageIdFormat.HEX else str(number)

    def parse(self, message_id: str) -> int | None:
        """The number behind an id of a response, None for what `in_response` never gave."""
        if not 0 < len(message_id) <= 20:
            return None
        try:
            number = int(message_id, 10 if self is MessageIdFormat.DEC else 16)
        except ValueError:
            return None
        return number if self.in_response(number) == message_id.upper() else None
