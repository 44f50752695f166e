"""Text to user data and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.sms.data_coding import Alphabet
from motet.sms.text import decode_text, encode_text, whole_text


@pytest.mark.parametrize(
    ("text", "data_coding", "payload"),
    [
        ("", 0, b""),
        ("hi", 0, b"hi"),
        ("5 €", 0, b"5 \x1b\x65"),
        ("Привет", 8, bytes.fromhex("041f04400438043204350442")),
        ("Grüße 😀", 8, "Grüße 😀".encode("utf-16-be")),
        ("😀", 8, bytes.fromhex("d83dde00")),
    ],
)
def test_vectors_both_ways(text: str, data_coding: int, payload: bytes) -> None:
    assert encode_text(text) == (data_coding, payload)
    assert decode_text(payload, data_coding) == text


@given(st.text())
def test_every_text_comes_back(text: str) -> None:
    encoded = encode_text(text)
    assert decode_text(encoded.payload, encoded.data_coding) == text


def test_a_lone_surrogate_becomes_the_replacement_and_a_split_pair_is_joined() -> None:
    assert encode_text("a\ud83d") == (8, "a\ufffd".encode("utf-16-be"))
    assert encode_text("\ud83d\ude00") == (8, bytes.fromhex("d83dde00"))
    assert whole_text("a\ud83d\ude00\ude00") == "a😀\ufffd"


@pytest.mark.parametrize(
    ("payload", "data_coding", "text"),
    [
        (b"caf\xe9", 3, "café"),
        (b"caf\xe9", 1, "caf\ufffd"),
        (b"\xd8\x3d\x00A", 8, "\ufffdA"),
        (b"\x00A\x00", 8, "A\ufffd"),
        (b"\x00A", 0x18, "A"),
        (b"flash", 0x10, "flash"),
        (b"\x01\x02", 2, None),
        (b"\x01\x02", 4, None),
        (b"\x01\x02", 0xF5, None),
    ],
)
def test_decoding_by_data_coding(payload: bytes, data_coding: int, text: str | None) -> None:
    assert decode_text(payload, data_coding) == text


def test_the_default_alphabet_of_the_peer() -> None:
    assert decode_text(b"caf\xe9 @", 0, Alphabet.LATIN1) == "café @"
    assert decode_text(b"@", 0, Alphabet.ASCII) == "@"
    assert decode_text(b"\x00", 0) == "@"


@given(st.binary(), st.integers(0, 255))
def test_any_octets_decode(payload: bytes, data_coding: int) -> None:
    text = decode_text(payload, data_coding)
    assert text is None or text.encode("utf-8") is not None
