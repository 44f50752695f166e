"""The GSM 7-bit alphabet: TS 23.038 vectors and round trips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.sms import gsm7

_ALL = "".join(gsm7.decode(bytes((value,))) for value in range(128) if value != gsm7.ESC) + "\f^{}\\[~]|€"


def test_the_alphabet_has_127_characters_and_10_in_the_extension() -> None:
    assert len(set(_ALL)) == 137


@pytest.mark.parametrize(
    ("text", "septets"),
    [
        ("", b""),
        ("hello", b"hello"),
        ("@", b"\x00"),
        ("£$¥èéùìòÇ\nØø\rÅå", bytes(range(1, 16))),
        ("Δ_ΦΓΛΩΠΨΣΘΞ", bytes(range(0x10, 0x1B))),
        ("ÆæßÉ ", b"\x1c\x1d\x1e\x1f\x20"),
        ("¤¡ÄÖÑÜ§¿äöñüà", b"\x24\x40\x5b\x5c\x5d\x5e\x5f\x60\x7b\x7c\x7d\x7e\x7f"),
        ("Grüße", b"Gr\x7e\x1ee"),
        ("€", b"\x1b\x65"),
        ("{[~]}", b"\x1b\x28\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x29"),
        ("\f^\\|", b"\x1b\x0a\x1b\x14\x1b\x2f\x1b\x40"),
    ],
)
def test_vectors_both_ways(text: str, septets: bytes) -> None:
    assert gsm7.encode(text) == septets
    assert gsm7.decode(septets) == text


@pytest.mark.parametrize("text", ["`", "Привет", "😀", "ç", "\x1b", "\ud800", "ok\x00"])
def test_what_the_alphabet_lacks_is_none(text: str) -> None:
    assert gsm7.encode(text) is None


@pytest.mark.parametrize(
    ("septets", "text"),
    [
        (b"a\x1b", "a "),
        (b"a\x1b\x1bb", "a b"),
        (b"\x1bA", "A"),
        (b"a\x80\xffb", "a\ufffd\ufffdb"),
        (b"\x1b\x80", "\ufffd"),
        (b"\x1b\x65x\x1b\x65", "€x€"),
    ],
)
def test_odd_septets_still_decode(septets: bytes, text: str) -> None:
    assert gsm7.decode(septets) == text


@given(st.binary())
def test_any_octets_decode(octets: bytes) -> None:
    assert isinstance(gsm7.decode(octets), str)


@given(st.text(st.sampled_from(_ALL)))
def test_every_text_of_the_alphabet_comes_back(text: str) -> None:
    septets = gsm7.encode(text)
    assert septets is not None
    assert max(septets, default=0) < 128
    assert gsm7.decode(septets) == text


@pytest.mark.parametrize(
    ("septets", "fill_bits", "packed"),
    [
        (b"", 0, ""),
        (b"hellohello", 0, "e8329bfd4697d9ec37"),
        (b"1234567", 0, "31d98c56b3dd00"),
        (b"12345678", 0, "31d98c56b3dd70"),
        (b"A", 1, "82"),
    ],
)
def test_packed_vectors_both_ways(septets: bytes, fill_bits: int, packed: str) -> None:
    assert gsm7.pack(septets, fill_bits).hex() == packed
    assert gsm7.unpack(bytes.fromhex(packed), len(septets), fill_bits) == septets


@given(st.binary().map(lambda octets: bytes(octet & 0x7F for octet in octets)), st.integers(0, 6))
def test_packing_round_trip(septets: bytes, fill_bits: int) -> None:
    assert gsm7.unpack(gsm7.pack(septets, fill_bits), len(septets), fill_bits) == septets


def test_unpack_leaves_out_what_is_not_there() -> None:
    assert gsm7.unpack(b"\x31", 160) == b"1"
    assert gsm7.unpack(b"", 5) == b""
