"""The Luhn digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.numbering import has_luhn_digit, luhn_digit


@pytest.mark.parametrize(("digits", "digit"), [("7992739871", "3"), ("49015420323751", "8"), ("0", "0"), ("1", "8")])
def test_known_digits(digits: str, digit: str) -> None:
    assert luhn_digit(digits) == digit


@given(st.from_regex(r"[0-9]{1,20}", fullmatch=True), st.integers(1, 9))
def test_one_wrong_digit_shows(digits: str, change: int) -> None:
    whole = digits + luhn_digit(digits)
    assert has_luhn_digit(whole)
    assert not has_luhn_digit(whole[:-1] + str((int(whole[-1]) + change) % 10))


@pytest.mark.parametrize("text", ["", "0", "12a", "٣٤"])
def test_other_texts_have_none(text: str) -> None:
    assert not has_luhn_digit(text)
