"""User data headers: TS 23.040 §9.2.3.24."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.sms.udh import (
    Concatenation,
    InformationElement,
    UserDataError,
    build_udh,
    concatenation_element,
    concatenation_of,
    parse_udh,
    split_user_data,
    without_concatenation,
)

_PORTS = InformationElement(0x05, bytes.fromhex("0b8423f0"))


def test_without_the_indicator_all_is_user_data() -> None:
    assert split_user_data(0x00, b"\x05\x00\x03") == (None, b"\x05\x00\x03")


def test_the_header_is_cut_off() -> None:
    assert split_user_data(0x40, bytes.fromhex("050003cc0201") + b"text") == (bytes.fromhex("050003cc0201"), b"text")
    assert split_user_data(0x43, b"\x00text") == (b"\x00", b"text")


@pytest.mark.parametrize("short_message", [b"", b"\x05\x00\x03", b"\xff"])
def test_a_header_that_is_not_there_is_an_error(short_message: bytes) -> None:
    with pytest.raises(UserDataError):
        split_user_data(0x40, short_message)


@pytest.mark.parametrize(
    ("udh", "place"),
    [
        ("050003cc0201", Concatenation(0xCC, 8, 2, 1)),
        ("060804cafe0302", Concatenation(0xCAFE, 16, 3, 2)),
    ],
)
def test_concatenation_vectors_both_ways(udh: str, place: Concatenation) -> None:
    assert concatenation_of(parse_udh(bytes.fromhex(udh))) == place
    assert build_udh([concatenation_element(place)]).hex() == udh


@pytest.mark.parametrize("udh", ["050003cc0200", "050003cc0203", "050003cc0000", "0400020201", "00", "0605040b8423f0"])
def test_an_impossible_or_absent_concatenation_is_none(udh: str) -> None:
    assert concatenation_of(parse_udh(bytes.fromhex(udh))) is None


def test_other_elements_stand_beside_it_in_any_order() -> None:
    udh = bytes.fromhex("0b05040b8423f00003aa0302")
    elements = parse_udh(udh)
    assert elements == (_PORTS, InformationElement(0x00, b"\xaa\x03\x02"))
    assert concatenation_of(elements) == Concatenation(0xAA, 8, 3, 2)
    assert without_concatenation(elements) == (_PORTS,)
    assert build_udh(elements) == udh


def test_of_several_the_last_counts_unless_it_is_impossible() -> None:
    assert concatenation_of(parse_udh(bytes.fromhex("0a0003010201" + "0003020202"))) == Concatenation(2, 8, 2, 2)
    assert concatenation_of(parse_udh(bytes.fromhex("0a0003010201" + "0003020209"))) == Concatenation(1, 8, 2, 1)


@pytest.mark.parametrize("udh", ["", "05", "050003cc02", "050003cc020100", "0100", "02000a"])
def test_a_broken_header_is_an_error(udh: str) -> None:
    with pytest.raises(UserDataError):
        parse_udh(bytes.fromhex(udh))


@pytest.mark.parametrize(
    "place",
    [
        Concatenation(256, 8, 2, 1),
        Concatenation(65_536, 16, 2, 1),
        Concatenation(-1, 8, 2, 1),
        Concatenation(1, 8, 2, 3),
        Concatenation(1, 8, 256, 1),
        Concatenation(1, 8, 1, 0),
        Concatenation(1, 7, 2, 1),
    ],
)
def test_a_place_that_no_part_can_have_is_an_error(place: Concatenation) -> None:
    with pytest.raises(UserDataError):
        concatenation_element(place)


def test_a_header_over_140_octets_is_an_error() -> None:
    assert len(build_udh([InformationElement(0x70, bytes(137))])) == 140
    with pytest.raises(UserDataError):
        build_udh([InformationElement(0x70, bytes(138))])


_ELEMENTS = st.lists(st.builds(InformationElement, st.integers(0, 255), st.binary(max_size=10)), max_size=10)


@given(_ELEMENTS)
def test_elements_come_back(elements: list[InformationElement]) -> None:
    assert parse_udh(build_udh(elements)) == tuple(elements)


@given(st.binary(max_size=200))
def test_any_octets_give_elements_or_the_error(octets: bytes) -> None:
    try:
        udh, payload = split_user_data(0x40, octets)
        assert udh is not None
        assert udh + payload == octets
        concatenation_of(parse_udh(udh))
    except UserDataError:
        pass
