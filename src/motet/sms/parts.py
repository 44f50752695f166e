"""How many parts a message takes, and cutting it into them (TS 23.040 §9.2.3.24.1).

Of 140 octets a part loses its header; what is left holds 160/153 septets, 140/134 octets or 70/67 UCS-2 units
(single/in parts; 152/133/66 with a 16-bit reference). No character is cut in two.
"""

from motet.sms import gsm7
from motet.sms.data_coding import Alphabet, data_coding_of
from motet.sms.udh import (
    Concatenation,
    UserDataError,
    build_udh,
    concatenation_element,
    parse_udh,
    without_concatenation,
)

MAX_PARTS = 255
"""The total of a concatenation is one octet."""

PART_OCTETS = 140
"""TP-User-Data of one short message, header included (TS 23.040 §9.2.3.16)."""

_CONCATENATION_OCTETS = {8: 5, 16: 6}


def part_count(payload: bytes, data_coding: int, udh_octets: int = 0, ref_bits: int = 8) -> int:
    """How many parts `split` would make; more than MAX_PARTS cannot be sent.

    `udh_octets` is the size of a header without concatenation, its length octet included, that every part carries.
    Raises UserDataError if that header leaves no room.
    """
    alphabet = data_coding_of(data_coding).alphabet
    if len(payload) <= _room(alphabet, udh_octets):
        return 1
    return len(_cuts(payload, alphabet, _room(alphabet, _in_parts(udh_octets, ref_bits))))


def split(payload: bytes, data_coding: int, ref: int, ref_bits: int = 8, udh: bytes = b"") -> list[bytes]:
    """The short_message octets of each part; with more than one, or with `udh`, each begins with its header.

    `udh` (with its length octet, empty for none) is kept in every part, but for a concatenation of its own when
    there are several parts. Raises UserDataError over MAX_PARTS, and for a header that is broken or leaves no room.
    """
    alphabet = data_coding_of(data_coding).alphabet
    if len(payload) <= _room(alphabet, len(udh)):
        return [udh + payload]
    others = without_concatenation(parse_udh(udh)) if udh else ()
    udh_octets = len(build_udh(others)) if others else 0
    cuts = _cuts(payload, alphabet, _room(alphabet, _in_parts(udh_octets, ref_bits)))
    if len(cuts) > MAX_PARTS:
        raise UserDataError(f"{len(payload)} octets of user data need more than {MAX_PARTS} parts")
    parts: list[bytes] = []
    start = 0
    for number, end in enumerate(cuts, start=1):
        place = concatenation_element(Concatenation(ref, ref_bits, len(cuts), number))
        parts.append(build_udh((place, *others)) + payload[start:end])
        start = end
    return parts


def _in_parts(udh_octets: int, ref_bits: int) -> int:
    """The size of the header once the concatenation is in it; the length octet is there already, or comes too."""
    return (udh_octets or 1) + _CONCATENATION_OCTETS[ref_bits]


def _room(alphabet: Alphabet, udh_octets: int) -> int:
    """The octets of unpacked payload that fit beside a header."""
    octets = PART_OCTETS - udh_octets
    if alphabet is Alphabet.GSM7:
        octets = octets * 8 // 7
    elif alphabet is Alphabet.UCS2:
        octets -= octets % 2
    if octets < 4:  # an ESC pair or a surrogate pair must fit, or cutting would never end
        raise UserDataError(f"a user data header of {udh_octets} octets leaves no room")
    return octets


def _cuts(payload: bytes, alphabet: Alphabet, room: int) -> list[int]:
    """The end of each part; no ESC pair and no surrogate pair spans one."""
    cuts: list[int] = []
    end = 0
    while end < len(payload):
        start, end = end, end + room
        if end >= len(payload):
            end = len(payload)
        elif alphabet is Alphabet.GSM7:
            end -= _open_escape(payload, start, end)
        elif alphabet is Alphabet.UCS2 and payload[end - 2] & 0xFC == 0xD8 and payload[end] & 0xFC == 0xDC:
            end -= 2
        cuts.append(end)
    return cuts


def _open_escape(payload: bytes, start: int, end: int) -> int:
    """1 if the septet before `end` is an ESC whose partner would be cut off; ESC ESC is a pair by itself."""
    escapes = 0
    while end - escapes > start and payload[end - escapes - 1] == gsm7.ESC:
        escapes += 1
    return escapes % 2
