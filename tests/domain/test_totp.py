"""RFC 6238: the codes of its appendix B both ways, the window, and that a step is taken once."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.totp import code_at, matching_step, otpauth_uri, shown_secret, step_at

SECRET = b"12345678901234567890"

# RFC 6238 appendix B, SHA-1: the last six of its eight digits.
VECTORS = [
    (59, 0x1, "94287082"),
    (1111111109, 0x23523EC, "07081804"),
    (1111111111, 0x23523ED, "14050471"),
    (1234567890, 0x273EF07, "89005924"),
    (2000000000, 0x3F940AA, "69279037"),
    (20000000000, 0x27BC86AA, "65353130"),
]

secrets = st.binary(min_size=14, max_size=40)
moments = st.integers(0, 2**40)


@pytest.mark.parametrize(("now", "step", "code"), VECTORS)
def test_the_rfcs_vectors_both_ways(now: int, step: int, code: str) -> None:
    assert step_at(now) == step
    assert code_at(SECRET, step) == code[-6:]
    assert matching_step(SECRET, code[-6:], now, after=0) == step


@pytest.mark.parametrize(("seconds", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_one_step_off(seconds: int, taken: bool) -> None:
    code = code_at(SECRET, step_at(1_111_111_111 + seconds))
    assert (matching_step(SECRET, code, 1_111_111_111, after=0) is not None) == taken


@given(secrets, moments)
def test_a_step_is_never_taken_twice(secret: bytes, now: int) -> None:
    code = code_at(secret, step_at(now))
    step = matching_step(secret, code, now, after=-1)
    assert step is not None
    again = matching_step(secret, code, now, after=step)
    assert again is None or code_at(secret, again) == code  # one code in a million stands for two steps


@given(secrets, moments, st.text(max_size=10))
def test_only_a_step_of_the_window_matches_and_nothing_breaks(secret: bytes, now: int, code: str) -> None:
    step = matching_step(secret, code, now, after=-1)
    near = {code_at(secret, each) for each in range(max(step_at(now) - 1, 0), step_at(now) + 2)}
    assert (step is not None) == (code in near)


def test_what_the_qr_code_holds() -> None:
    uri = urlsplit(otpauth_uri(SECRET, "ada@example.org", "Motet"))
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", "/Motet:ada@example.org")
    assert parse_qs(uri.query)["secret"] == ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"]
    assert parse_qs(uri.query)["issuer"] == ["Motet"]
    assert shown_secret(SECRET) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
