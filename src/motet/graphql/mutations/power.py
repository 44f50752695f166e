"""Power profiles of devices."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import InvalidError
from motet.fleet.devices.power_profile import WantedProfile, with_path
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, mutation, or_none, row_id_of
from motet.graphql.power_view import milliseconds, rounding_of
from motet.graphql.scoping import Scoping
from motet.graphql.types import power
from motet.graphql.types.device import Device
from motet.graphql.types.radio import Rat
from motet.graphql.types.relay import described
from motet.radio import coding, rats


@strawberry.input(
    description="How a device saves power: all of it, what is left out is not used. Or what its modem told."
)
class DevicePowerProfileSetInput:
    id: strawberry.ID = strawberry.field(description="The device.")
    rat: Rat | None = strawberry.field(
        default=strawberry.UNSET, description="The RAT; needed with an eDRX cycle. A modem says LTE for LTE-M, too."
    )
    tau_seconds: int | None = strawberry.field(
        default=strawberry.UNSET, description="The period of its updates (T3412 extended)."
    )
    active_seconds: int | None = strawberry.field(
        default=strawberry.UNSET, description="How long it listens (T3324): shorter than the period. Null: no PSM."
    )
    edrx_cycle_seconds: float | None = strawberry.field(default=strawberry.UNSET, description="Its eDRX cycle.")
    paging_time_window_seconds: float | None = strawberry.field(
        default=strawberry.UNSET, description="Its paging time window: shorter than the cycle."
    )
    rounding: power.Rounding | None = strawberry.field(
        default=strawberry.UNSET, description="What to do with a time that no code says exactly; default ERROR."
    )
    at_lines: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="In place of times: what the modem told, `+CEREG:` (after AT+CEREG=4 or 5), `+CEDRXP:` or"
        " `+CEDRXRDP:`; at most 10 lines.",
    )


@strawberry.type(description="What came of it.")
class DevicePowerProfileSetPayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Whose power profile to forget.")
class DevicePowerProfileClearInput:
    id: strawberry.ID = strawberry.field(description="The device.")


@strawberry.type(description="What came of it.")
class DevicePowerProfileClearPayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.type
class PowerMutations:
    """The part of Mutation that is about saving power."""

    @mutation(
        Permission.DEVICE_WRITE,
        "Say how a device saves power, or let its modem's answers say it.",
        ("device", "Device"),
        scoping=Scoping.IDS,
    )
    async def device_power_profile_set(
        self,
        info: Info,
        input: Annotated[DevicePowerProfileSetInput, strawberry.argument(description="The profile.")],  # noqa: A002
    ) -> DevicePowerProfileSetPayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "Device", "id")
        service, who = context.services.power_profiles, context.principal.subject
        given_rat, lines = or_none(input.rat), or_none(input.at_lines)
        rat = None if given_rat is None else rats.Rat[given_rat.value]
        times = {
            "tau_seconds": or_none(input.tau_seconds),
            "active_seconds": or_none(input.active_seconds),
            "edrx_cycle_seconds": or_none(input.edrx_cycle_seconds),
            "paging_time_window_seconds": or_none(input.paging_time_window_seconds),
        }
        if lines is not None:
            if any(value is not None for value in times.values()):
                raise InvalidError("Give times, or what the modem told.", path=("at_lines",))
            await service.learn(context.workspace_id, who, device_id, lines, rat)
            return done(device_id)
        rounding = or_none(input.rounding)
        wanted = WantedProfile(
            rat=rat,
            tau_s=times["tau_seconds"],
            active_s=times["active_seconds"],
            cycle_ms=_milliseconds(times["edrx_cycle_seconds"], "edrx_cycle_seconds"),
            window_ms=_milliseconds(times["paging_time_window_seconds"], "paging_time_window_seconds"),
            rounding=rounding_of(None if rounding is None else rounding.value, coding.Rounding.ERROR),
        )
        await service.set(context.workspace_id, who, device_id, wanted)
        return done(device_id)

    @mutation(Permission.DEVICE_WRITE, "Forget how a device saves power.", ("device", "Device"), scoping=Scoping.IDS)
    async def device_power_profile_clear(
        self,
        info: Info,
        input: Annotated[DevicePowerProfileClearInput, strawberry.argument(description="Which device.")],  # noqa: A002
    ) -> DevicePowerProfileClearPayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "Device", "id")
        await context.services.power_profiles.forget(context.workspace_id, context.principal.subject, device_id)
        return done(device_id)


def _milliseconds(seconds: float | None, field: str) -> int | None:
    if seconds is None:
        return None
    found: int = with_path(lambda: milliseconds(seconds), field)
    return found
