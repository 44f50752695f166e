"""Private address spaces and name servers as pure decisions."""

from __future__ import annotations

import ipaddress
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.domain.dns_config import parse_name_servers
from motet.domain.errors import InvalidError
from motet.domain.ip_spaces import PREFIXES, parse_address, parse_space, propose_spaces


@pytest.mark.parametrize(
    ("cidr", "first", "last", "capacity"),
    [
        ("10.0.0.0/8", "10.0.0.1", "10.255.255.254", (1 << 24) - 2),
        ("172.16.4.0/30", "172.16.4.1", "172.16.4.2", 2),
        ("192.168.1.0/24", "192.168.1.1", "192.168.1.254", 254),
        ("100.64.0.0/10", "100.64.0.1", "100.127.255.254", (1 << 22) - 2),
        ("fd12:3456:789a::/48", "fd12:3456:789a::1", "fd12:3456:789a:ffff:ffff:ffff:ffff:ffff", (1 << 80) - 1),
    ],
)
def test_network_and_broadcast_addresses_are_reserved(cidr: str, first: str, last: str, capacity: int) -> None:
    space = parse_space(cidr)
    assert (str(space.first), str(space.last), space.capacity) == (first, last, capacity)
    space.check(space.first, "ip_address")
    space.check(space.last, "ip_address")
    for bad in (space.network.network_address, space.last + 1, space.first - 2, ipaddress.ip_address("8.8.8.8")):
        with pytest.raises(InvalidError):
            space.check(bad, "ip_address")


def test_ipv6_has_no_broadcast_address() -> None:
    assert str(parse_space("fd00::/124").last) == "fd00::f"


@pytest.mark.parametrize(
    "cidr",
    [
        "", "10.0.0.0", "10.0.0.1/24", "10.0.0.0/7", "10.0.0.0/31", "10.0.0.0/32", "8.8.8.0/24", "172.32.0.0/16",
        "100.0.0.0/8", "192.168.0.0/15", "fc00::/64", "fd00::/8", "fd00::/47", "fd00::/125", "2001:db8::/64", "x/8",
        "10.0.0.0/24/24", "::ffff:10.0.0.0/104", "10.0.0.0/255.0.0.0.0",
    ],
)  # fmt: skip
def test_what_is_no_private_space_is_refused(cidr: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_space(cidr)
    assert caught.value.path == ("cidr",)


@settings(deadline=None)  # other tests have the machine, too
@given(st.sampled_from([4, 6]), st.data(), st.integers())
def test_proposals_are_private_spaces_that_overlap_nothing(version: int, data: st.DataObject, seed: int) -> None:
    allowed = PREFIXES[version]
    prefix = data.draw(st.integers(allowed[0], allowed[-1]))
    dice = random.Random(seed)  # noqa: S311 - no secret
    taken = propose_spaces(version, data.draw(st.sampled_from(list(allowed))), [], dice)
    found = propose_spaces(version, prefix, taken, dice)
    assert found == sorted(set(found), key=lambda one: int(one.network_address))
    assert len(found) <= 10
    for one in found:
        assert parse_space(str(one)).network == one
        assert one.prefixlen == prefix
        assert not any(one.overlaps(other) for other in taken)


def test_proposals_say_what_is_left_where_little_is() -> None:
    dice = random.Random(1)  # noqa: S311 - no secret
    assert [str(one) for one in propose_spaces(4, 8, [], dice)] == ["10.0.0.0/8"]
    assert propose_spaces(4, 8, [ipaddress.IPv4Network("10.1.0.0/16")], dice) == []
    assert len(propose_spaces(4, None, [], dice)) == 10
    assert len(propose_spaces(6, None, [], dice)) == 10
    for version, prefix in ((4, 7), (4, 31), (6, 47), (6, 125)):
        with pytest.raises(InvalidError):
            propose_spaces(version, prefix, [], dice)


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.256", "fe80::1%eth0", "fd00::1%1", "10.0.0.1/24", "x" * 100])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        parse_address(text)


@pytest.mark.parametrize(
    ("primary", "secondary", "field"),
    [
        ("8.8.8.8", "8.8.8.8", "secondary"), ("8.8.8.8", "2001:4860:4860::8888", "secondary"),
        ("0.0.0.0", None, "primary"),  # noqa: S104 - an address that is refused
        ("127.0.0.1", None, "primary"), ("224.0.0.1", None, "primary"),
        ("255.255.255.255", None, "primary"), ("169.254.1.1", None, "primary"), ("::1", None, "primary"),
        ("::", None, "primary"), ("ff02::1", None, "primary"), ("fe80::1", None, "primary"), ("", None, "primary"),
        ("dns.google", None, "primary"), ("8.8.8.8", "", "secondary"), ("0.1.2.3", None, "primary"),
        ("2001:db8::0001", "2001:db8:0::1", "secondary"),
    ],
)  # fmt: skip
def test_what_no_name_server_can_be_is_refused(primary: str, secondary: str | None, field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_name_servers(primary, secondary)
    assert caught.value.path == (field,)


def test_name_servers_have_one_version() -> None:
    assert parse_name_servers("8.8.8.8", "10.0.0.53").version == 4
    assert parse_name_servers("2001:4860:4860::8888", None).version == 6
