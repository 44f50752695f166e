"""Global ids: one spelling for each row, and any string is safe to read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.global_ids import decode_global_id, encode_global_id

IDENTIFIERS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,30}", fullmatch=True)


@given(IDENTIFIERS, st.integers(0, (1 << 63) - 1))
def test_round_trip(type_name: str, row_id: int) -> None:
    assert decode_global_id(encode_global_id(type_name, row_id)) == (type_name, row_id)


def test_the_spelling() -> None:
    assert encode_global_id("Device", 42) == "RGV2aWNlOjQy"
    assert decode_global_id("RGV2aWNlOjQy") == ("Device", 42)


@given(st.text(max_size=200))
def test_any_string_is_safe(text: str) -> None:
    found = decode_global_id(text)
    assert found is None or encode_global_id(*found) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RGV2aWNlOjQy=",
        "RGV2aWNlOjQy\n",
        "RGV2aWNl",
        "é",
        "A" * 129,
        encode_global_id("Device", 1 << 63),
        "RGV2aWNlOjA0Mg",  # Device:042
        "RGV2aWNlOi0x",  # Device:-1
        "OjQy",  # :42
    ],
)
def test_what_no_encoder_made_is_none(text: str) -> None:
    assert decode_global_id(text) is None
