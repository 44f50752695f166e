"""data_coding: SMPP 3.4 §5.2.19 and TS 23.038 §4."""

import pytest

from motet.sms.data_coding import Alphabet, alphabet_of, data_coding_of


@pytest.mark.parametrize(
    ("octets", "alphabet", "message_class"),
    [
        ([0x00], Alphabet.GSM7, None),
        ([0x01], Alphabet.ASCII, None),
        ([0x03], Alphabet.LATIN1, None),
        ([0x08], Alphabet.UCS2, None),
        ([0x02, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F], Alphabet.OCTETS, None),
        ([0x10], Alphabet.GSM7, 0),
        ([0x11, 0x51, 0xF1], Alphabet.GSM7, 1),
        ([0x13, 0xF3], Alphabet.GSM7, 3),
        ([0x15, 0xF5], Alphabet.OCTETS, 1),
        ([0x18, 0x58], Alphabet.UCS2, 0),
        ([0x1F], Alphabet.GSM7, 3),
        ([0x20, 0x28, 0x60], Alphabet.OCTETS, None),
        ([0x31], Alphabet.OCTETS, 1),
        ([0x40, 0x80, 0xBF, 0xC0, 0xCF, 0xD0, 0xDF], Alphabet.GSM7, None),
        ([0x48, 0xE0, 0xEF], Alphabet.UCS2, None),
        ([0xF0, 0xF8], Alphabet.GSM7, 0),
        ([0xF4, 0xFC], Alphabet.OCTETS, 0),
        ([0xF7, 0xFF], Alphabet.OCTETS, 3),
    ],
)
def test_table(octets: list[int], alphabet: Alphabet, message_class: int | None) -> None:
    for octet in octets:
        assert data_coding_of(octet) == (alphabet, message_class), hex(octet)


def test_every_octet_has_a_meaning() -> None:
    for octet in range(256):
        assert data_coding_of(octet).alphabet in Alphabet


def test_the_default_alphabet_is_what_the_ends_agreed_on() -> None:
    assert alphabet_of(0) is Alphabet.GSM7
    assert alphabet_of(0, Alphabet.LATIN1) is Alphabet.LATIN1
    assert alphabet_of(8, Alphabet.LATIN1) is Alphabet.UCS2
