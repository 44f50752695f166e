"""Private address spaces and name servers."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.lists import later, listed
from motet.graphql.types.relay import Node, described


@strawberry.enum(description="A version of the Internet Protocol.")
class IpVersion(Enum):
    IPV4 = strawberry.enum_value("IPV4", description="IPv4.")
    IPV6 = strawberry.enum_value("IPV6", description="IPv6.")


@strawberry.type(description="A private network of which devices get static addresses.")
class IpAddressSpace(Node):
    id: strawberry.ID = described("The global id.")
    cidr: str = described("The network, such as 10.20.0.0/16.")
    version: IpVersion = described("Its IP version.")
    description: str = described("What it is for.")
    capacity: float = described("How many devices can have an address of it.")
    used_count: int = described("How many have.")
    created_at: datetime = described("When it was made.")
    devices = listed(later("Device", "device"), "The devices with an address of it.")


@strawberry.type(description="Name servers that data sessions get whose service policy names them.")
class DnsConfig(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it, unique in the workspace.")
    primary: str = described("The first server's address.")
    secondary: str | None = described("The second server's address.")
    version: IpVersion = described("The IP version of both.")
    created_at: datetime = described("When it was made.")
