"""Which addresses are in which networks: CIDR blocks of both kinds, IPv4 inside IPv6 counted as IPv4."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from motet.domain.errors import InvalidError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NETWORK_CHARACTERS = 64
"""Longer than any CIDR block."""


def parse_address(text: str | None) -> Address | None:
    """The address in the text, `::ffff:192.0.2.1` as 192.0.2.1 and without the zone of a link-local one; None for what
    is none."""
    try:
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_within(text: str | None, networks: Iterable[Network]) -> bool:
    """Whether the text is an address in one of the networks. What is no address is in none."""
    address = parse_address(text)
    return address is not None and any(address in network for network in networks)


def parse_network(text: str, *path: str) -> Network:
    """A block such as `192.0.2.0/24`, or one address. Raises InvalidError for what is none, and where bits are set
    behind the prefix: it is a slip, and would let in more than was meant."""
    try:
        if len(text) > NETWORK_CHARACTERS or "%" in text:
            raise ValueError(text)
        network = ip_network(text.strip())
    except ValueError:
        raise InvalidError(
            "This must be an address or a block in CIDR notation, such as 192.0.2.0/24 or 2001:db8::/32.", path=path
        ) from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None and network.prefixlen >= 96:
        return ip_network(f"{network.network_address.ipv4_mapped}/{network.prefixlen - 96}")
    return network
