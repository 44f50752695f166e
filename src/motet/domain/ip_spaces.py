"""Private address spaces: which there may be, which addresses in them are for devices, which are still free."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from motet.domain.errors import InvalidError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PRIVATE_IPV4: Final = tuple(
    ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
"""RFC 1918, and what carriers share between themselves and their customers (RFC 6598)."""

UNIQUE_LOCAL_IPV6: Final = ipaddress.IPv6Network("fd00::/8")
"""RFC 4193 §3.1, with the L bit: assigned locally."""

PREFIXES: Final = {4: range(8, 31), 6: range(48, 125)}
"""Lengths of prefixes by IP version. A /31 has no address between its network and broadcast addresses."""

DEFAULT_PREFIX: Final = {4: 24, 6: 64}
PROPOSALS: Final = 10
_TRIES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Space:
    """A space: addresses for devices are `first` to `last`. The network's own address is not among them, which is also
    IPv6's router anycast address (RFC 4291 §2.6.1), nor IPv4's broadcast address."""

    network: Network

    @property
    def version(self) -> int:
        return self.network.version

    @property
    def first(self) -> Address:
        return self.network.network_address + 1

    @property
    def last(self) -> Address:
        return self.network.broadcast_address - (1 if self.network.version == 4 else 0)

    @property
    def capacity(self) -> int:
        """How many devices can have an address."""
        return int(self.last) - int(self.first) + 1

    def check(self, address: Address, field: str) -> None:
        """Raises InvalidError for an address outside, or reserved."""
        if address not in self.network:
            raise InvalidError("{address} is not in {network}.", path=(field,), address=address, network=self.network)
        if not self.first <= address <= self.last:  # type: ignore[operator]  # both are of one version
            raise InvalidError(
                "{address} is reserved in {network}.", path=(field,), address=address, network=self.network
            )


def parse_space(cidr: str, field: str = "cidr") -> Space:
    """The space of a CIDR such as 10.20.0.0/16. Raises InvalidError."""
    try:
        network = ipaddress.ip_network(cidr.strip()[:60])
    except ValueError:
        raise InvalidError(
            "This must be the first address and the prefix length of a network, such as 10.20.0.0/16.", path=(field,)
        ) from None
    private = PRIVATE_IPV4 if network.version == 4 else (UNIQUE_LOCAL_IPV6,)
    if not any(network.subnet_of(one) for one in private):  # type: ignore[arg-type]  # of the same version
        ranges = ", ".join(str(one) for one in private)
        raise InvalidError("A private space lies within {ranges}.", path=(field,), ranges=ranges)
    _check_prefix(network.version, network.prefixlen, field)
    return Space(network)


def parse_address(text: str, field: str = "ip_address") -> Address:
    """The address. Raises InvalidError; one with a zone is none."""
    try:
        address = ipaddress.ip_address(text.strip()[:60])
    except ValueError:
        raise InvalidError("This must be an IPv4 or IPv6 address.", path=(field,)) from None
    if getattr(address, "scope_id", None):
        raise InvalidError("This must be an address without a zone.", path=(field,))
    return address


def propose_spaces(
    version: int, prefix: int | None, taken: Collection[Network], dice: random.Random, count: int = PROPOSALS
) -> list[Network]:
    """Up to `count` different spaces at random that overlap none that is taken, in their order.

    Fewer only where so little is free that `_TRIES` throws did not find more. Raises InvalidError (path
    `prefix_length`).
    """
    length = DEFAULT_PREFIX[version] if prefix is None else prefix
    _check_prefix(version, length, "prefix_length")
    ranges: list[Network] = (
        [one for one in PRIVATE_IPV4 if one.prefixlen <= length] if version == 4 else [UNIQUE_LOCAL_IPV6]
    )
    weights = [1 << (length - one.prefixlen) for one in ranges]
    rivals = [one for one in taken if one.version == version]
    found: set[Network] = set()
    for _ in range(_TRIES):
        if len(found) == min(count, sum(weights)):
            break
        chosen = dice.choices(ranges, weights)[0]
        step = 1 << (chosen.max_prefixlen - length)
        start = int(chosen.network_address) + dice.randrange(1 << (length - chosen.prefixlen)) * step
        candidate = ipaddress.ip_network((start, length)) if version == 4 else ipaddress.IPv6Network((start, length))
        if not any(candidate.overlaps(one) for one in rivals):
            found.add(candidate)
    return sorted(found, key=lambda one: int(one.network_address))


def _check_prefix(version: int, prefix: int, field: str) -> None:
    allowed = PREFIXES[version]
    if prefix not in allowed:
        raise InvalidError(
            "An IPv{version} prefix length is {least} to {most}.",
            path=(field,),
            version=version,
            least=allowed[0],
            most=allowed[-1],
        )
