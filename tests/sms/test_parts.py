"""Counting and cutting parts: the arithmetic of TS 23.040 §9.2.3.24.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.sms import gsm7
from motet.sms.parts import MAX_PARTS, part_count, split
from motet.sms.text import decode_text, encode_text
from motet.sms.udh import UserDataError, concatenation_of, parse_udh, split_user_data

_PORTS = bytes.fromhex("0605040b8423f0")


@pytest.mark.parametrize(
    ("data_coding", "unit", "single", "in_parts", "in_parts_16"),
    [
        (0, b"a", 160, 153, 152),
        (0x10, b"a", 160, 153, 152),
        (3, b"a", 140, 134, 133),
        (4, b"\x00", 140, 134, 133),
        (0xF5, b"\x00", 140, 134, 133),
        (8, b"\x04\x1f", 70, 67, 66),
    ],
)
def test_limits(data_coding: int, unit: bytes, single: int, in_parts: int, in_parts_16: int) -> None:
    assert part_count(b"", data_coding) == 1
    assert part_count(unit * single, data_coding) == 1
    assert part_count(unit * (single + 1), data_coding) == 2
    assert part_count(unit * (2 * in_parts), data_coding) == 2
    assert part_count(unit * (2 * in_parts + 1), data_coding) == 3
    assert part_count(unit * (2 * in_parts_16), data_coding, ref_bits=16) == 2
    assert part_count(unit * (2 * in_parts_16 + 1), data_coding, ref_bits=16) == 3


def test_one_part_has_no_header() -> None:
    assert split(b"a" * 160, 0, 7) == [b"a" * 160]
    assert split(b"", 0, 7) == [b""]


def test_two_parts_with_an_8_bit_reference() -> None:
    assert split(b"a" * 161, 0, 0xCC) == [
        bytes.fromhex("050003cc0201") + b"a" * 153,
        bytes.fromhex("050003cc0202") + b"a" * 8,
    ]


def test_two_parts_with_a_16_bit_reference() -> None:
    assert split(b"a" * 161, 0, 0xCAFE, 16) == [
        bytes.fromhex("060804cafe0201") + b"a" * 152,
        bytes.fromhex("060804cafe0202") + b"a" * 9,
    ]


def test_an_extension_character_is_not_cut() -> None:
    first, second = split(b"a" * 152 + b"\x1b\x65" + b"b" * 20, 0, 1)
    assert first[6:] == b"a" * 152
    assert second[6:] == b"\x1b\x65" + b"b" * 20


def test_an_escaped_escape_is_a_pair_of_its_own() -> None:
    first, second = split(b"a" * 151 + b"\x1b\x1b" + b"b" * 20, 0, 1)
    assert first[6:] == b"a" * 151 + b"\x1b\x1b"
    assert second[6:] == b"b" * 20


def test_a_surrogate_pair_is_not_cut() -> None:
    payload = ("a" * 66 + "😀" + "b" * 10).encode("utf-16-be")
    first, second = split(payload, 8, 1)
    assert first[6:].decode("utf-16-be") == "a" * 66
    assert second[6:].decode("utf-16-be") == "😀" + "b" * 10


def test_cutting_may_cost_a_part() -> None:
    extension_heavy = b"a" + b"\x1b\x65" * 153  # 307 septets would fit in 3, pairs leave one septet free in each
    assert part_count(extension_heavy, 0) == 3
    assert part_count(b"\x1b\x65" * 153, 0) == 3
    assert part_count(b"a" * 306, 0) == 2


def test_other_elements_stay_in_every_part() -> None:
    assert split(b"\x00" * 133, 4, 9, udh=_PORTS) == [_PORTS + b"\x00" * 133]
    parts = split(b"\x00" * 134, 4, 9, udh=_PORTS)
    header = bytes.fromhex("0b000309020105040b8423f0")
    assert parts[0] == header + b"\x00" * 128
    assert len(parts) == part_count(b"\x00" * 134, 4, udh_octets=7) == 2
    assert [len(part) for part in parts] == [140, 18]


def test_a_concatenation_in_the_given_header_is_replaced() -> None:
    parts = split(b"a" * 200, 0, 9, udh=bytes.fromhex("050003010201"))
    assert parts[0][:6] == bytes.fromhex("050003090201")


def test_255_parts_are_the_end() -> None:
    assert len(split(b"a" * 153 * MAX_PARTS, 0, 1)) == MAX_PARTS
    assert part_count(b"a" * (153 * MAX_PARTS + 1), 0) == MAX_PARTS + 1
    with pytest.raises(UserDataError):
        split(b"a" * (153 * MAX_PARTS + 1), 0, 1)


def test_a_header_without_room_is_an_error() -> None:
    with pytest.raises(UserDataError):
        part_count(b"abcde" * 40, 4, udh_octets=138)
    with pytest.raises(UserDataError):
        split(b"abcde" * 40, 4, 1, udh=bytes((137, 0x70, 135)) + bytes(135))


@given(st.text(st.sampled_from("ab€[]😀Пé")), st.sampled_from([8, 16]), st.integers(1, 8))
def test_parts_join_to_the_text_and_no_character_is_cut(text: str, ref_bits: int, repeat: int) -> None:
    encoded = encode_text(text * repeat * 20)
    parts = split(encoded.payload, encoded.data_coding, 5, ref_bits)
    assert len(parts) == part_count(encoded.payload, encoded.data_coding, ref_bits=ref_bits)
    if len(parts) == 1:
        assert parts == [encoded.payload]
        return
    pieces: list[str] = []
    for number, part in enumerate(parts, start=1):
        udh, payload = split_user_data(0x40, part)
        assert udh is not None
        assert concatenation_of(parse_udh(udh)) == (5, ref_bits, len(parts), number)
        octets = len(udh) + (len(gsm7.pack(payload)) if encoded.data_coding == 0 else len(payload))
        assert octets <= 140
        piece = decode_text(payload, encoded.data_coding)
        assert piece is not None
        pieces.append(piece)
    assert "".join(pieces) == text * repeat * 20


@given(st.binary(min_size=161, max_size=2000), st.integers(0, 255), st.integers(0, 255))
def test_any_payload_is_cut_without_loss(payload: bytes, data_coding: int, ref: int) -> None:
    parts = split(payload, data_coding, ref)
    assert len(parts) > 1
    assert b"".join(part[6:] for part in parts) == payload
