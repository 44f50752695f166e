"""The user data header: information elements and concatenation (TS 23.040 §9.2.3.24)."""

from collections.abc import Iterable
from typing import NamedTuple

ESM_CLASS_UDHI = 0x40
"""`esm_class` bit 6: the user data begins with a header (SMPP 3.4 §5.2.12)."""

IE_CONCATENATION_8 = 0x00
IE_CONCATENATION_16 = 0x08

MAX_UDH_OCTETS = 140
"""The header shares 140 octets with the user data (TS 23.040 §9.2.3.24)."""


class UserDataError(ValueError):
    """User data, or its header, does not follow TS 23.040."""


class InformationElement(NamedTuple):
    identifier: int
    data: bytes


class Concatenation(NamedTuple):
    """The place of a part: `number` 1 to `total`, `ref` of `ref_bits` 8 or 16 bits (TS 23.040 §9.2.3.24.1, .8)."""

    ref: int
    ref_bits: int
    total: int
    number: int


def split_user_data(esm_class: int, short_message: bytes) -> tuple[bytes | None, bytes]:
    """The header with its length octet, None without one, and the user data behind it.

    Raises UserDataError if `esm_class` announces a header that the octets do not hold.
    """
    if not esm_class & ESM_CLASS_UDHI:
        return None, short_message
    if not short_message:
        raise UserDataError("a user data header is announced, but there is no user data")
    end = short_message[0] + 1
    if end > len(short_message):
        raise UserDataError(f"the user data header has {end} octets, the user data only {len(short_message)}")
    return short_message[:end], short_message[end:]


def parse_udh(udh: bytes) -> tuple[InformationElement, ...]:
    """The elements of a header with its length octet, in order. Raises UserDataError if one is cut short."""
    if not udh or udh[0] + 1 != len(udh):
        raise UserDataError("the length octet of the user data header is wrong")
    elements: list[InformationElement] = []
    position = 1
    while position < len(udh):
        if position + 2 > len(udh) or position + 2 + udh[position + 1] > len(udh):
            raise UserDataError(f"the information element at octet {position} is cut short")
        end = position + 2 + udh[position + 1]
        elements.append(InformationElement(udh[position], udh[position + 2 : end]))
        position = end
    return tuple(elements)


def build_udh(elements: Iterable[InformationElement]) -> bytes:
    """The header of these elements with its length octet. Raises UserDataError over 140 octets."""
    body = b"".join(bytes((element.identifier, len(element.data))) + element.data for element in elements)
    if len(body) >= MAX_UDH_OCTETS:
        raise UserDataError(f"a user data header of {len(body) + 1} octets is too long")
    return bytes((len(body),)) + body


def concatenation_of(elements: Iterable[InformationElement]) -> Concatenation | None:
    """The concatenation among the elements; the last of several counts, an impossible one is ignored (§9.2.3.24)."""
    found: Concatenation | None = None
    for identifier, data in elements:
        if identifier == IE_CONCATENATION_8 and len(data) == 3:
            candidate = Concatenation(data[0], 8, data[1], data[2])
        elif identifier == IE_CONCATENATION_16 and len(data) == 4:
            candidate = Concatenation(data[0] << 8 | data[1], 16, data[2], data[3])
        else:
            continue
        if 1 <= candidate.number <= candidate.total:
            found = candidate
    return found


def concatenation_element(place: Concatenation) -> InformationElement:
    """The information element of a place. Raises UserDataError for numbers that do not fit."""
    ref, ref_bits, total, number = place
    if ref_bits not in (8, 16) or not 0 <= ref < 1 << ref_bits or not 1 <= number <= total <= 255:
        raise UserDataError(f"no part can be at {place}")
    counts = bytes((total, number))
    if ref_bits == 8:
        return InformationElement(IE_CONCATENATION_8, bytes((ref,)) + counts)
    return InformationElement(IE_CONCATENATION_16, ref.to_bytes(2, "big") + counts)


def without_concatenation(elements: Iterable[InformationElement]) -> tuple[InformationElement, ...]:
    """The elements that are not about concatenation: ports, national tables and others, which every part keeps."""
    return tuple(element for element in elements if element.identifier not in (IE_CONCATENATION_8, IE_CONCATENATION_16))
