"""Devices: make, change, switch, remove, and put SIMs into them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.devices.device import DeviceService
from motet.fleet.devices.device_changes import DeviceChanges
from motet.fleet.rules import Unchanged
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, given_or_null, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.types.device import Device
from motet.graphql.types.relay import described


@strawberry.input(description="A new device.")
class DeviceCreateInput:
    name: str = strawberry.field(description="What people call it: 1 to 100 characters, one line.")
    sim_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The SIM that is in it; one that is in no other device."
    )
    service_policy_id: strawberry.ID = strawberry.field(
        description="What it may do. Every workspace has a policy named Default from the start."
    )
    coverage_policy_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="On which networks it may be; on all if not given."
    )
    imei: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="15 digits, the last a check digit, which may be left out: the first 14 digits count.",
    )
    imei_lock: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether only the equipment with this IMEI may use the SIM; default false.",
    )
    imei_allowed: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="All equipment that may use the SIM besides `imei`: IMEIs, of which 14 digits count, or the 8 of a"
        " type (TAC); at most 100.",
    )
    tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Labels: at most 50, each of 1 to 50 characters."
    )
    attributes: JSON | None = strawberry.field(
        default=strawberry.UNSET,
        description="What you note of it: an object of at most 50 texts of up to 255 characters, by keys of letters,"
        " digits, `.`, `_` and `-` that begin with a letter.",
    )
    enabled: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it may send and receive; default true."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making a device.")
class DeviceCreatePayload:
    device: Device | None = described("The device.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a device; what is left out stays.")
class DeviceUpdateInput:
    id: strawberry.ID = strawberry.field(description="The device.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="What people call it: 1 to 100 characters, one line."
    )
    imei: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="15 digits, or 14 without the check digit; null: none is known.",
    )
    imei_lock: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether only the equipment with this IMEI may use the SIM."
    )
    imei_allowed: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="All equipment that may use the SIM besides `imei`: IMEIs, of which 14 digits count, or the 8 of a"
        " type (TAC); at most 100.",
    )
    service_policy_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="What it may do, from the next message on; not null."
    )
    coverage_policy_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="On which networks it may be; null: on all."
    )
    tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="All labels that it is to have: at most 50, each of 1 to 50 characters."
    )
    add_tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Labels that it is to have besides its own."
    )
    remove_tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Labels that it is not to have any more."
    )
    attributes: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="All attributes that it is to have: an object of texts by key."
    )
    set_attributes: JSON | None = strawberry.field(
        default=strawberry.UNSET,
        description="Attributes that it is to have besides its own, as an object of texts by key; null removes one.",
    )


@strawberry.type(description="What came of changing a device.")
class DeviceUpdatePayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which device to remove.")
class DeviceDeleteInput:
    id: strawberry.ID = strawberry.field(description="The device.")


@strawberry.type(description="What came of removing a device.")
class DeviceDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the device that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="Which device to enable.")
class DeviceEnableInput:
    id: strawberry.ID = strawberry.field(description="The device.")


@strawberry.type(description="What came of enabling a device.")
class DeviceEnablePayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why it was not enabled; empty if it is.")


@strawberry.input(description="Which device to disable.")
class DeviceDisableInput:
    id: strawberry.ID = strawberry.field(description="The device.")


@strawberry.type(description="What came of disabling a device.")
class DeviceDisablePayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why it was not disabled; empty if it is.")


@strawberry.input(description="Which SIM to put into which device.")
class DeviceAssignSimInput:
    id: strawberry.ID = strawberry.field(description="The device; it has no other SIM.")
    sim_id: strawberry.ID = strawberry.field(description="The SIM; it is in no other device.")


@strawberry.type(description="What came of putting a SIM into a device.")
class DeviceAssignSimPayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why the SIM is not in it; empty if it is.")


@strawberry.input(description="Which device to take the SIM out of.")
class DeviceReleaseSimInput:
    id: strawberry.ID = strawberry.field(description="The device.")


@strawberry.type(description="What came of taking a SIM out of a device.")
class DeviceReleaseSimPayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why no SIM was taken out; empty if one was.")


@strawberry.type
class DeviceMutations:
    """The part of Mutation that is about devices."""

    @mutation(Permission.DEVICE_WRITE, "Make a device.", ("device", "Device"), scoping=Scoping.IDS)
    async def device_create(
        self,
        info: Info,
        input: Annotated[DeviceCreateInput, strawberry.argument(description="The device.")],  # noqa: A002
    ) -> DeviceCreatePayload | None:
        context = context_of(info)
        sim_id = or_none(input.sim_id)
        enabled = given(input.enabled, "enabled")
        device_id = await context.services.devices.create(
            context.workspace_id,
            context.principal.subject,
            _changes(input),
            sim_id=None if sim_id is None else row_id_of(sim_id, "Sim", "sim_id"),
            enabled=enabled is not False,
            within=context.principal.tags,
        )
        return done(device_id)

    @mutation(Permission.DEVICE_WRITE, "Change a device.", ("device", "Device"), scoping=Scoping.IDS)
    async def device_update(
        self,
        info: Info,
        input: Annotated[DeviceUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> DeviceUpdatePayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "Device", "id")
        await context.services.devices.update(
            context.workspace_id,
            context.principal.subject,
            device_id,
            _changes(input),
            within=context.principal.tags,
        )
        return done(device_id)

    @mutation(
        Permission.DEVICE_WRITE,
        "Remove a device. Its SIM is released; its messages and events stay.",
        scoping=Scoping.IDS,
    )
    async def device_delete(
        self,
        info: Info,
        input: Annotated[DeviceDeleteInput, strawberry.argument(description="Which device.")],  # noqa: A002
    ) -> DeviceDeletePayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "Device", "id")
        await context.services.devices.delete(context.workspace_id, context.principal.subject, device_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.DEVICE_WRITE,
        "Let a device send and receive; one that is enabled stays as it is.",
        ("device", "Device"),
        scoping=Scoping.IDS,
    )
    async def device_enable(
        self,
        info: Info,
        input: Annotated[DeviceEnableInput, strawberry.argument(description="Which device.")],  # noqa: A002
    ) -> DeviceEnablePayload | None:
        return await _to_one(info, input.id, DeviceService.enable)

    @mutation(
        Permission.DEVICE_WRITE,
        "Keep a device from sending and receiving: the next SMS is refused. One that is disabled stays as it is.",
        ("device", "Device"),
        scoping=Scoping.IDS,
    )
    async def device_disable(
        self,
        info: Info,
        input: Annotated[DeviceDisableInput, strawberry.argument(description="Which device.")],  # noqa: A002
    ) -> DeviceDisablePayload | None:
        return await _to_one(info, input.id, DeviceService.disable)

    @mutation(Permission.DEVICE_WRITE, "Put a SIM into a device.", ("device", "Device"), scoping=Scoping.IDS)
    async def device_assign_sim(
        self,
        info: Info,
        input: Annotated[DeviceAssignSimInput, strawberry.argument(description="What goes where.")],  # noqa: A002
    ) -> DeviceAssignSimPayload | None:
        context = context_of(info)
        device_id, sim_id = row_id_of(input.id, "Device", "id"), row_id_of(input.sim_id, "Sim", "sim_id")
        await context.services.devices.assign_sim(context.workspace_id, context.principal.subject, device_id, sim_id)
        return done(device_id)

    @mutation(
        Permission.DEVICE_WRITE,
        "Take the SIM out of a device; the SIM keeps its state.",
        ("device", "Device"),
        scoping=Scoping.IDS,
    )
    async def device_release_sim(
        self,
        info: Info,
        input: Annotated[DeviceReleaseSimInput, strawberry.argument(description="Which device.")],  # noqa: A002
    ) -> DeviceReleaseSimPayload | None:
        return await _to_one(info, input.id, DeviceService.release_sim)


async def _to_one(info: Info, global_id: str, do: Callable[[DeviceService, int, str, int], Awaitable[None]]) -> Any:
    """Do something to the device of this id, and show it."""
    context = context_of(info)
    device_id = row_id_of(global_id, "Device", "id")
    await do(context.services.devices, context.workspace_id, context.principal.subject, device_id)
    return done(device_id)


def _changes(device: DeviceCreateInput | DeviceUpdateInput) -> DeviceChanges:
    names = ["name", "tags", "imei_lock", "imei_allowed", "attributes"]
    if isinstance(device, DeviceUpdateInput):
        names += ["add_tags", "remove_tags", "set_attributes"]
    named: dict[str, Any] = {name: given(getattr(device, name), name) for name in names}
    service = given(device.service_policy_id, "service_policy_id")
    coverage = given_or_null(device.coverage_policy_id)
    if not isinstance(service, Unchanged):
        named["service_policy_id"] = row_id_of(service, "ServicePolicy", "service_policy_id")
    if isinstance(coverage, str):
        coverage = row_id_of(coverage, "CoveragePolicy", "coverage_policy_id")
    return DeviceChanges(imei=given_or_null(device.imei), coverage_policy_id=coverage, **named)
