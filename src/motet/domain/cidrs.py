"""Networks that may connect, and the addresses that are asked about: IPv4 and IPv6."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

MAX_CIDR_CHARACTERS = 49
"""Of the longest IPv6 network in text."""

IPV6_HOST_PREFIX = 64
"""What one customer of a provider has at the least: addresses within it are one peer's."""


def parse_cidr(text: str) -> Network:
    """A network such as 192.0.2.0/24 or 2001:db8::/32; an address alone is a network of one.

    Raises ValueError for anything else, and for a network with bits set behind its prefix: that is a slip.
    """
    if len(text) > MAX_CIDR_CHARACTERS or "%" in text:
        raise ValueError("this is not a network")
    network = ip_network(text, strict=True)
    if isinstance(network, IPv6Network) and network.prefixlen >= 96 and network.network_address.ipv4_mapped is not None:
        raise ValueError("write an IPv4 network as one")
    return network


def address_of(text: str) -> Address | None:
    """The address, None for what is none. An IPv4 one that came mapped into IPv6 is IPv4; a zone is left out."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def permits(networks: Sequence[Network], address: Address | None) -> bool:
    """Whether the address is in one of the networks; with no networks, any is."""
    return not networks or (address is not None and within(networks, address))


def within(networks: Iterable[Network], address: Address) -> bool:
    """Whether the address is in one of the networks."""
    return any(address.version == network.version and address in network for network in networks)


def peer_of(address: Address) -> Address:
    """What stands for the peer in counts: an IPv4 address, or the first address of an IPv6 one's /64."""
    if isinstance(address, IPv4Address):
        return address
    return IPv6Address(int(address) >> IPV6_HOST_PREFIX << IPV6_HOST_PREFIX)


def peer_name(text: str) -> str:
    """`peer_of` for an address in text. What is none, such as a socket's path, stands for itself."""
    address = address_of(text)
    return text if address is None else str(peer_of(address))
