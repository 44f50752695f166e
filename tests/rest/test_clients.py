"""Whose request it is behind proxies: nobody can pass for another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.cidrs import address_of, parse_cidr
from motet.rest.clients import Origin, origin_of

PROXIES = (parse_cidr("10.0.0.0/8"), parse_cidr("2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "host"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        ("10.0.0.1", ["nonsense, 10.2.2.2"], "10.2.2.2"),
        ("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::7]:443"], "2001:db8::7"),
        ("10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("2001:db8:1::1", ["203.0.113.9"], "203.0.113.9"),
        (None, ["203.0.113.9"], None),
        ("a socket", ["203.0.113.9"], "a socket"),
    ],
)
def test_the_last_that_is_no_proxy_is_the_client(peer: str | None, forwarded: list[str], host: str | None) -> None:
    assert origin_of(peer, False, PROXIES, forwarded, []) == Origin(host, False)


def test_tls_in_front_of_us_counts_if_a_proxy_says_so() -> None:
    assert origin_of("10.0.0.1", False, PROXIES, [], ["https"]).secure
    assert not origin_of("10.0.0.1", True, PROXIES, [], ["http"]).secure
    assert not origin_of("10.0.0.1", False, PROXIES, [], ["gopher"]).secure
    assert not origin_of("192.0.2.1", False, PROXIES, [], ["https"]).secure
    assert origin_of("192.0.2.1", True, (), [], ["http"]).secure


@given(st.lists(st.text(max_size=40), max_size=5))
def test_whatever_it_says_a_client_is_an_address_and_a_stranger_is_itself(forwarded: list[str]) -> None:
    assert origin_of("192.0.2.1", False, PROXIES, forwarded, forwarded).host == "192.0.2.1"
    host = origin_of("10.0.0.1", False, PROXIES, [*forwarded, "203.0.113.9"], []).host
    assert host == "203.0.113.9"
    found = origin_of("10.0.0.1", False, PROXIES, forwarded, []).host
    assert found is not None
    assert address_of(found) is not None
