"""What the octet `data_coding` says about user data (SMPP 3.4 §5.2.19, TS 23.038 §4)."""

from enum import Enum
from typing import NamedTuple


class Alphabet(Enum):
    """How user data is read. SMPP carries each unpacked: GSM7 is one octet a septet."""

    GSM7 = "gsm7"
    ASCII = "ascii"
    LATIN1 = "latin1"
    UCS2 = "ucs2"
    OCTETS = "octets"
    """Binary, compressed, or an alphabet that we carry without reading it."""


class DataCoding(NamedTuple):
    """`message_class` is 0 (flash) to 3, or None where the octet gives none."""

    alphabet: Alphabet
    message_class: int | None


DATA_CODING_DEFAULT = 0x00
DATA_CODING_ASCII = 0x01
DATA_CODING_LATIN1 = 0x03
DATA_CODING_OCTETS = 0x04
DATA_CODING_UCS2 = 0x08

# SMPP 3.4 §5.2.19 gives 0x00 to 0x0F meanings of its own; those not listed are octets.
_SMPP = {
    0x00: Alphabet.GSM7,
    0x01: Alphabet.ASCII,
    0x03: Alphabet.LATIN1,
    0x08: Alphabet.UCS2,
}

# TS 23.038 §4, bits 3 and 2 of the general group; 3 is reserved and read as GSM 7-bit, as §4 asks.
_GENERAL = (Alphabet.GSM7, Alphabet.OCTETS, Alphabet.UCS2, Alphabet.GSM7)


def _meaning(octet: int) -> DataCoding:
    if octet <= 0x0F:
        return DataCoding(_SMPP.get(octet, Alphabet.OCTETS), None)
    if octet <= 0x7F:  # general (00xx) and marked for automatic deletion (01xx)
        compressed = octet & 0x20
        return DataCoding(
            Alphabet.OCTETS if compressed else _GENERAL[octet >> 2 & 3],
            octet & 3 if octet & 0x10 else None,
        )
    if octet <= 0xBF:  # reserved: assumed to be GSM 7-bit
        return DataCoding(Alphabet.GSM7, None)
    if octet <= 0xEF:  # message waiting: discard, store, store in UCS-2
        return DataCoding(Alphabet.UCS2 if octet >= 0xE0 else Alphabet.GSM7, None)
    return DataCoding(Alphabet.OCTETS if octet & 4 else Alphabet.GSM7, octet & 3)


_MEANINGS = tuple(_meaning(octet) for octet in range(256))


def data_coding_of(octet: int) -> DataCoding:
    """The meaning of a `data_coding` octet (0 to 255). Every octet has one."""
    return _MEANINGS[octet]


def alphabet_of(octet: int, default_alphabet: Alphabet = Alphabet.GSM7) -> Alphabet:
    """The alphabet of a `data_coding` octet; 0 is whatever the two ends agreed on, `default_alphabet`."""
    return _MEANINGS[octet].alphabet if octet else default_alphabet
