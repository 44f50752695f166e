"""Networks and addresses in all their spellings."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.cidrs import address_of, parse_cidr, peer_of, permits


@pytest.mark.parametrize("text", ["192.0.2.0/24", "192.0.2.7/32", "0.0.0.0/0", "2001:db8::/32", "::/0"])
def test_a_network_reads_as_it_is_written(text: str) -> None:
    assert str(parse_cidr(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "x", "192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/24 ", "fe80::1%eth0/64", "::ffff:192.0.2.0/120", "1" * 60],
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_cidr(text)


def test_an_ipv4_address_is_itself_however_it_arrives() -> None:
    assert address_of("::ffff:192.0.2.7") == address_of("192.0.2.7") == ip_address("192.0.2.7")
    assert address_of("fe80::1%eth0") == ip_address("fe80::1")
    assert address_of("motet.example") is None


def test_no_networks_permit_all_and_some_permit_their_own_family() -> None:
    assert permits((), None)
    only = (parse_cidr("192.0.2.0/24"),)
    assert permits(only, address_of("::ffff:192.0.2.255"))
    for outside in (None, address_of("192.0.3.0"), address_of("2001:db8::1")):
        assert not permits(only, outside)


@given(st.ip_addresses(), st.integers(0, (1 << 64) - 1))
def test_a_peer_is_an_ipv4_address_or_a_64(address: object, host: int) -> None:
    found = address_of(str(address))
    assert found is not None
    peer = peer_of(found)
    if found.version == 4:
        assert peer == found
    else:
        assert peer_of(type(found)(int(peer) | host)) == peer
