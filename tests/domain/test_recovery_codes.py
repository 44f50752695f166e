"""Recovery codes: how they look, and that a copy from paper is forgiven."""

from __future__ import annotations

import re

import pytest

from motet.domain.recovery_codes import CODES, code_hash, new_codes


def test_there_are_ten_that_differ() -> None:
    codes = new_codes()
    assert len(set(codes)) == CODES == 10
    assert all(re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}", code) for code in codes)


@pytest.mark.parametrize("typed", ["7K3M P9XQ 2WVT H4N0", "7k3mp9xq2wvth4no", " 7k3m-p9xq-2wvt-h4nO "])
def test_case_spaces_and_misread_letters_do_not_matter(typed: str) -> None:
    assert code_hash(typed) == code_hash("7k3m-p9xq-2wvt-h4n0") is not None


@pytest.mark.parametrize("typed", ["", "7k3m-p9xq-2wvt-h4n", "7k3m-p9xq-2wvt-h4nu", "7k3m-p9xq-2wvt-h4n00", "é" * 16])
def test_what_is_no_code_has_no_hash(typed: str) -> None:
    assert code_hash(typed) is None
