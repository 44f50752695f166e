"""Private address spaces and name servers."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import NotFoundError
from motet.fleet.ip.ip_import import addresses_csv
from motet.graphql.fields import context_of, query, row_id_of
from motet.graphql.lists import root_list
from motet.graphql.plain import answered
from motet.graphql.reads import read_one
from motet.graphql.scoping import Scoping
from motet.graphql.types.ip import DnsConfig, IpAddressSpace, IpVersion


@strawberry.type
class IpQueries:
    """The part of Query that is about addresses."""

    ip_address_spaces = root_list(
        IpAddressSpace, Permission.IP_ADDRESS_SPACE_READ, "The private address spaces of the workspace."
    )
    dns_configs = root_list(DnsConfig, Permission.DNS_CONFIG_READ, "The DNS configurations of the workspace.")

    @query(Permission.IP_ADDRESS_SPACE_READ, "The address space with this id.")
    async def ip_address_space(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> IpAddressSpace | None:
        return await read_one(info, "IpAddressSpace")

    @query(Permission.DNS_CONFIG_READ, "The DNS configuration with this id.")
    async def dns_config(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> DnsConfig | None:
        return await read_one(info, "DnsConfig")

    @query(
        Permission.IP_ADDRESS_SPACE_READ,
        "Up to 10 networks at random, in their order, that the workspace could make a space of: none overlaps another"
        " of its spaces.",
    )
    async def ip_address_space_available(
        self,
        info: Info,
        version: Annotated[
            IpVersion | None, strawberry.argument(description="The IP version; default IPV4.")
        ] = strawberry.UNSET,
        prefix_length: Annotated[
            int | None,
            strawberry.argument(description="8 to 30, default 24; of IPv6 48 to 124, default 64."),
        ] = strawberry.UNSET,
    ) -> list[str] | None:
        context = context_of(info)
        wanted = 6 if version is IpVersion.IPV6 else 4
        length = prefix_length if isinstance(prefix_length, int) else None
        found = await context.services.ip_address_spaces.propose(context.workspace_id, wanted, length)
        return answered([str(one) for one in found])

    @query(
        Permission.IP_ADDRESS_SPACE_READ,
        "The devices with an address of a space as CSV, by address, as `ipAddressImport` reads it: at most 100,000.",
        Scoping.CLOSED,
    )
    async def ip_address_space_export(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The space.")],  # noqa: A002
    ) -> str | None:
        context = context_of(info)
        try:
            space_id = row_id_of(id, "IpAddressSpace", "id")
        except NotFoundError:
            return None
        found = await context.services.ip_address_spaces.export(context.workspace_id, space_id)
        return None if found is None else addresses_csv(found)
