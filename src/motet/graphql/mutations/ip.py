"""Private address spaces, the addresses of devices in them, and name servers."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.ip.ip_import import MAX_ROW_ERRORS
from motet.graphql.errors import UserError
from motet.graphql.fields import (
    context_of,
    done,
    given,
    given_or_null,
    idempotency_key,
    mutation,
    or_none,
    row_id_of,
)
from motet.graphql.scoping import Scoping
from motet.graphql.types.device import Device
from motet.graphql.types.ip import DnsConfig, IpAddressSpace
from motet.graphql.types.relay import described


@strawberry.input(description="A new private address space.")
class IpAddressSpaceCreateInput:
    cidr: str = strawberry.field(
        description="A network within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 (prefix lengths 8 to 30)"
        " or fd00::/8 (48 to 124) that overlaps no other space of the workspace."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making an address space.")
class IpAddressSpaceCreatePayload:
    ip_address_space: IpAddressSpace | None = described("The space.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of an address space.")
class IpAddressSpaceUpdateInput:
    id: strawberry.ID = strawberry.field(description="The space.")
    description: str = strawberry.field(description="What it is for.")


@strawberry.type(description="What came of changing an address space.")
class IpAddressSpaceUpdatePayload:
    ip_address_space: IpAddressSpace | None = described("The space, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which address space to remove.")
class IpAddressSpaceDeleteInput:
    id: strawberry.ID = strawberry.field(description="The space; no device has an address of it.")


@strawberry.type(description="What came of removing an address space.")
class IpAddressSpaceDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the space that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="Which device gets which address. Name a space, an address or both.")
class DeviceAssignIpInput:
    id: strawberry.ID = strawberry.field(description="The device.")
    ip_address_space_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The space; default the one that holds the address.",
    )
    ip_address: str | None = strawberry.field(
        default=strawberry.UNSET, description="The address; default the lowest free one of the space."
    )


@strawberry.type(description="What came of giving a device an address.")
class DeviceAssignIpPayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why it has no address; empty if it has.")


@strawberry.input(description="Which device loses its address.")
class DeviceReleaseIpInput:
    id: strawberry.ID = strawberry.field(description="The device.")


@strawberry.type(description="What came of taking a device's address.")
class DeviceReleaseIpPayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why it has kept its address; empty if it has not.")


@strawberry.input(description="Addresses of devices, from an inventory elsewhere.")
class IpAddressImportInput:
    csv: str = strawberry.field(
        description="CSV with a header: `ip_address`, and `device_id`, `iccid` or `msisdn`, which name the device."
        " At most 5,000 lines."
    )
    dry_run: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only check and count; default false."
    )


@strawberry.type(description="What is wrong with a line.")
class IpAddressImportError:
    line: int = described("The line; the header is 1.")
    field: str | None = described("The column at fault.")
    code: str = described("One of the codes of `userErrors`.")
    message: str = described("What is wrong, in words.")


@strawberry.type(description="What came of importing addresses.")
class IpAddressImportPayload:
    row_count: int | None = described("How many lines there were.")
    assigned_count: int | None = described("How many devices got an address, or would.")
    errors: list[IpAddressImportError] | None = described("Why lines were not taken, at most 1,000 of them.")
    user_errors: list[UserError] = described("Why nothing was read; empty if it was.")


@strawberry.input(description="A new DNS configuration.")
class DnsConfigCreateInput:
    name: str = strawberry.field(description="What people call it: 1 to 100 characters, unique in the workspace.")
    primary: str = strawberry.field(description="The first server's IPv4 or IPv6 address.")
    secondary: str | None = strawberry.field(
        default=strawberry.UNSET, description="The second server's: of the same IP version, and another."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making a DNS configuration.")
class DnsConfigCreatePayload:
    dns_config: DnsConfig | None = described("The configuration.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a DNS configuration; what is left out stays.")
class DnsConfigUpdateInput:
    id: strawberry.ID = strawberry.field(description="The configuration.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What people call it.")
    primary: str | None = strawberry.field(default=strawberry.UNSET, description="The first server's address.")
    secondary: str | None = strawberry.field(
        default=strawberry.UNSET, description="The second server's address; null: there is none."
    )


@strawberry.type(description="What came of changing a DNS configuration.")
class DnsConfigUpdatePayload:
    dns_config: DnsConfig | None = described("The configuration, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which DNS configuration to remove.")
class DnsConfigDeleteInput:
    id: strawberry.ID = strawberry.field(description="The configuration; no service policy names it.")


@strawberry.type(description="What came of removing a DNS configuration.")
class DnsConfigDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the configuration that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.type
class IpMutations:
    """The part of Mutation that is about addresses."""

    @mutation(Permission.IP_ADDRESS_SPACE_WRITE, "Make a private address space.", ("ipAddressSpace", "IpAddressSpace"))
    async def ip_address_space_create(
        self,
        info: Info,
        input: Annotated[IpAddressSpaceCreateInput, strawberry.argument(description="The space.")],  # noqa: A002
    ) -> IpAddressSpaceCreatePayload | None:
        context = context_of(info)
        description = given(input.description, "description")
        space_id = await context.services.ip_address_spaces.create(
            context.workspace_id, input.cidr, description=description if isinstance(description, str) else ""
        )
        return done(space_id)

    @mutation(
        Permission.IP_ADDRESS_SPACE_WRITE,
        "Change the description of an address space.",
        ("ipAddressSpace", "IpAddressSpace"),
    )
    async def ip_address_space_update(
        self,
        info: Info,
        input: Annotated[IpAddressSpaceUpdateInput, strawberry.argument(description="The change.")],  # noqa: A002
    ) -> IpAddressSpaceUpdatePayload | None:
        context = context_of(info)
        space_id = row_id_of(input.id, "IpAddressSpace", "id")
        await context.services.ip_address_spaces.update(context.workspace_id, space_id, input.description)
        return done(space_id)

    @mutation(Permission.IP_ADDRESS_SPACE_WRITE, "Remove an address space that no device has an address of.")
    async def ip_address_space_delete(
        self,
        info: Info,
        input: Annotated[IpAddressSpaceDeleteInput, strawberry.argument(description="Which space.")],  # noqa: A002
    ) -> IpAddressSpaceDeletePayload | None:
        context = context_of(info)
        space_id = row_id_of(input.id, "IpAddressSpace", "id")
        await context.services.ip_address_spaces.delete(context.workspace_id, space_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.DEVICE_WRITE,
        "Give a device a static address, which it keeps over a change of its SIM. One that has it already keeps it.",
        ("device", "Device"),
        scoping=Scoping.IDS,
    )
    async def device_assign_ip(
        self,
        info: Info,
        input: Annotated[DeviceAssignIpInput, strawberry.argument(description="What goes where.")],  # noqa: A002
    ) -> DeviceAssignIpPayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "Device", "id")
        space_id = or_none(input.ip_address_space_id)
        await context.services.ip_address_spaces.assign(
            context.workspace_id,
            context.principal.subject,
            device_id,
            space_id=None if space_id is None else row_id_of(space_id, "IpAddressSpace", "ip_address_space_id"),
            address=or_none(input.ip_address),
        )
        return done(device_id)

    @mutation(
        Permission.DEVICE_WRITE,
        "Take a device's static address; it is free then.",
        ("device", "Device"),
        scoping=Scoping.IDS,
    )
    async def device_release_ip(
        self,
        info: Info,
        input: Annotated[DeviceReleaseIpInput, strawberry.argument(description="Which device.")],  # noqa: A002
    ) -> DeviceReleaseIpPayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "Device", "id")
        await context.services.ip_address_spaces.release(context.workspace_id, context.principal.subject, device_id)
        return done(device_id)

    @mutation(Permission.DEVICE_WRITE, "Give devices the addresses of a CSV text; every good line is taken.")
    async def ip_address_import(
        self,
        info: Info,
        input: Annotated[IpAddressImportInput, strawberry.argument(description="The lines.")],  # noqa: A002
    ) -> IpAddressImportPayload | None:
        context = context_of(info)
        came = await context.services.address_importer.run(
            context.workspace_id, context.principal.subject, input.csv, dry_run=or_none(input.dry_run) is True
        )
        return done(
            rowCount=came.row_count,
            assignedCount=came.assigned_count,
            errors=[
                {
                    "__typename": "IpAddressImportError",
                    "line": one.line,
                    "field": one.field,
                    "code": one.code,
                    "message": one.message,
                }
                for one in came.errors[:MAX_ROW_ERRORS]
            ],
        )

    @mutation(Permission.DNS_CONFIG_WRITE, "Make a DNS configuration.", ("dnsConfig", "DnsConfig"))
    async def dns_config_create(
        self,
        info: Info,
        input: Annotated[DnsConfigCreateInput, strawberry.argument(description="The configuration.")],  # noqa: A002
    ) -> DnsConfigCreatePayload | None:
        context = context_of(info)
        config_id = await context.services.dns_configs.create(
            context.workspace_id, input.name, input.primary, or_none(input.secondary)
        )
        return done(config_id)

    @mutation(
        Permission.DNS_CONFIG_WRITE,
        "Change a DNS configuration; sessions from then on get it.",
        ("dnsConfig", "DnsConfig"),
    )
    async def dns_config_update(
        self,
        info: Info,
        input: Annotated[DnsConfigUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> DnsConfigUpdatePayload | None:
        context = context_of(info)
        config_id = row_id_of(input.id, "DnsConfig", "id")
        await context.services.dns_configs.update(
            context.workspace_id,
            config_id,
            name=given(input.name, "name"),
            primary=given(input.primary, "primary"),
            secondary=given_or_null(input.secondary),
        )
        return done(config_id)

    @mutation(Permission.DNS_CONFIG_WRITE, "Remove a DNS configuration that no service policy names.")
    async def dns_config_delete(
        self,
        info: Info,
        input: Annotated[DnsConfigDeleteInput, strawberry.argument(description="Which configuration.")],  # noqa: A002
    ) -> DnsConfigDeletePayload | None:
        context = context_of(info)
        config_id = row_id_of(input.id, "DnsConfig", "id")
        await context.services.dns_configs.delete(context.workspace_id, config_id)
        return done(deletedId=input.id)
