"""Name servers that a workspace can give to its data sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from motet.domain.errors import InvalidError
from motet.domain.ip_spaces import Address, parse_address

DEFAULT_SERVERS: Final = ("8.8.8.8", "8.8.4.4")
"""What a session gets whose service policy names no configuration."""


@dataclass(frozen=True, slots=True)
class NameServers:
    """One or two servers of the same IP version."""

    primary: Address
    secondary: Address | None

    @property
    def version(self) -> int:
        return self.primary.version


def parse_name_servers(primary: str, secondary: str | None) -> NameServers:
    """The servers. Raises InvalidError for an address that no server can have, two versions, or one server twice."""
    first = _server(primary, "primary")
    if secondary is None:
        return NameServers(first, None)
    second = _server(secondary, "secondary")
    if first.version != second.version:
        raise InvalidError("Both servers must have addresses of one IP version.", path=("secondary",))
    if first == second:
        raise InvalidError("The second server must be another than the first.", path=("secondary",))
    return NameServers(first, second)


def _server(text: str, field: str) -> Address:
    address = parse_address(text, field)
    if address.is_multicast or address.is_unspecified or address.is_loopback or address.is_link_local:
        raise InvalidError("No name server that a device can reach has this address.", path=(field,))
    if address.version == 4 and (address.is_reserved or int(address) >> 24 == 0):
        raise InvalidError("This address is reserved.", path=(field,))
    return address
