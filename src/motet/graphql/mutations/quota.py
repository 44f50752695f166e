"""Quotas, their pools, and extensions of monthly limits."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain import quota as domain
from motet.domain.errors import InvalidError
from motet.fleet.rules import UNCHANGED, Unchanged
from motet.fleet.usage.quota import QuotaChanges
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
from motet.graphql.types.quota import Quota, QuotaAction, QuotaPool, QuotaRefill, QuotaService
from motet.graphql.types.relay import described

_REFILL = "When it is full again; default NEVER."
_ZONE = "Whose midnight is meant, by its name in the IANA database; default UTC."
_ROLLOVER = "Whether a refill keeps what is left, up to one refill more; default false."
_THRESHOLDS = "Percentages used, 1 to 99, at most 10: each is told once a period."
_ACTION = "What follows when it is used up; default BLOCK."
_RATE = "With THROTTLE: kbit/s of data up to 1,000,000, parts a minute of SMS up to 10,000."


@strawberry.input(description="A new quota: of a device or of a pool.")
class QuotaCreateInput:
    device_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The device.")
    pool_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The pool.")
    service: QuotaService = strawberry.field(description="What it is of.")
    volume: float = strawberry.field(description="Octets of data or parts of SMS: what may pass, and a refill gives.")
    refill: QuotaRefill | None = strawberry.field(default=strawberry.UNSET, description=_REFILL)
    time_zone: str | None = strawberry.field(default=strawberry.UNSET, description=_ZONE)
    rollover: bool | None = strawberry.field(default=strawberry.UNSET, description=_ROLLOVER)
    threshold_percents: list[int] | None = strawberry.field(default=strawberry.UNSET, description=_THRESHOLDS)
    action: QuotaAction | None = strawberry.field(default=strawberry.UNSET, description=_ACTION)
    throttle_rate: int | None = strawberry.field(default=strawberry.UNSET, description=_RATE)
    expires_at: datetime | None = strawberry.field(default=strawberry.UNSET, description="Its end; default none.")
    enabled: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it is there for the rules; default true."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making a quota.")
class QuotaCreatePayload:
    quota: Quota | None = described("The quota.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a quota; what is left out stays.")
class QuotaUpdateInput:
    id: strawberry.ID = strawberry.field(description="The quota.")
    volume: float | None = strawberry.field(
        default=strawberry.UNSET,
        description="What a refill gives. This period has as much more or less; top-ups stay.",
    )
    refill: QuotaRefill | None = strawberry.field(default=strawberry.UNSET, description="When it is full again.")
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET, description="Whose midnight is meant, by its name in the IANA database."
    )
    rollover: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether a refill keeps what is left, up to one refill more."
    )
    threshold_percents: list[int] | None = strawberry.field(default=strawberry.UNSET, description=_THRESHOLDS)
    action: QuotaAction | None = strawberry.field(
        default=strawberry.UNSET, description="What follows when it is used up."
    )
    throttle_rate: int | None = strawberry.field(default=strawberry.UNSET, description=_RATE)
    expires_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Its end; null: none. One that has expired is in force again."
    )
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether it is there for the rules.")


@strawberry.type(description="What came of changing a quota.")
class QuotaUpdatePayload:
    quota: Quota | None = described("The quota, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which quota to remove.")
class QuotaDeleteInput:
    id: strawberry.ID = strawberry.field(description="The quota.")


@strawberry.type(description="What came of removing a quota.")
class QuotaDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the quota that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="How much to add to a quota.")
class QuotaTopUpInput:
    id: strawberry.ID = strawberry.field(description="The quota.")
    amount: float = strawberry.field(description="Octets of data or parts of SMS, for this period.")
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of adding to a quota.")
class QuotaTopUpPayload:
    quota: Quota | None = described("The quota, as it is now.")
    user_errors: list[UserError] = described("Why nothing was added; empty if it was.")


@strawberry.input(description="A new pool.")
class QuotaPoolCreateInput:
    name: str = strawberry.field(description="What people call it: 1 to 100 characters, no other pool's.")
    tag: str = strawberry.field(description="The tag of its devices: 1 to 50 characters, no other pool's.")
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making a pool.")
class QuotaPoolCreatePayload:
    quota_pool: QuotaPool | None = described("The pool.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a pool; what is left out stays.")
class QuotaPoolUpdateInput:
    id: strawberry.ID = strawberry.field(description="The pool.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What people call it.")
    tag: str | None = strawberry.field(default=strawberry.UNSET, description="The tag of its devices.")


@strawberry.type(description="What came of changing a pool.")
class QuotaPoolUpdatePayload:
    quota_pool: QuotaPool | None = described("The pool, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which pool to remove.")
class QuotaPoolDeleteInput:
    id: strawberry.ID = strawberry.field(description="The pool; it has no quotas.")


@strawberry.type(description="What came of removing a pool.")
class QuotaPoolDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the pool that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.enum(description="What a service policy limits by calendar month in UTC, for each device.")
class MonthLimit(Enum):
    SMS_MT = strawberry.enum_value("SMS_MT", description="SMS to the device, in parts.")
    SMS_MO = strawberry.enum_value("SMS_MO", description="SMS from the device, in parts.")
    DATA = strawberry.enum_value("DATA", description="Data up and down, in octets.")


@strawberry.input(description="How far a device may pass a monthly limit until the month ends.")
class DeviceExtendLimitInput:
    id: strawberry.ID = strawberry.field(description="The device.")
    limit: MonthLimit = strawberry.field(description="Which limit.")
    amount: float = strawberry.field(description="How much more: parts or octets; it adds to earlier extensions.")


@strawberry.type(description="What came of extending a limit.")
class DeviceExtendLimitPayload:
    device: Device | None = described("The device.")
    extension: float | None = described("By how much it may pass the limit in all.")
    user_errors: list[UserError] = described("Why it was not extended; empty if it was.")


@strawberry.type
class QuotaMutations:
    """The part of Mutation that is about quotas."""

    @mutation(Permission.QUOTA_WRITE, "Give a device or a pool a quota.", ("quota", "Quota"), scoping=Scoping.IDS)
    async def quota_create(
        self,
        info: Info,
        input: Annotated[QuotaCreateInput, strawberry.argument(description="The quota.")],  # noqa: A002
    ) -> QuotaCreatePayload | None:
        context = context_of(info)
        device_id, pool_id = or_none(input.device_id), or_none(input.pool_id)
        quota_id = await context.services.quotas.create(
            context.workspace_id,
            context.principal.subject,
            domain.QuotaService[given(input.service, "service")],
            _changes(input),
            device_id=None if device_id is None else row_id_of(device_id, "Device", "device_id"),
            pool_id=None if pool_id is None else row_id_of(pool_id, "QuotaPool", "pool_id"),
        )
        return done(quota_id)

    @mutation(Permission.QUOTA_WRITE, "Change a quota.", ("quota", "Quota"), scoping=Scoping.IDS)
    async def quota_update(
        self,
        info: Info,
        input: Annotated[QuotaUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> QuotaUpdatePayload | None:
        context = context_of(info)
        quota_id = row_id_of(input.id, "Quota", "id")
        await context.services.quotas.update(context.workspace_id, context.principal.subject, quota_id, _changes(input))
        return done(quota_id)

    @mutation(
        Permission.QUOTA_WRITE,
        "Remove a quota. Devices whose service policy asks for one can neither send nor receive after that.",
        scoping=Scoping.IDS,
    )
    async def quota_delete(
        self,
        info: Info,
        input: Annotated[QuotaDeleteInput, strawberry.argument(description="Which quota.")],  # noqa: A002
    ) -> QuotaDeletePayload | None:
        context = context_of(info)
        quota_id = row_id_of(input.id, "Quota", "id")
        await context.services.quotas.delete(context.workspace_id, context.principal.subject, quota_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.QUOTA_WRITE,
        "Add to what may pass in this period. Atomic, and it holds from the next message on.",
        ("quota", "Quota"),
        scoping=Scoping.IDS,
    )
    async def quota_top_up(
        self,
        info: Info,
        input: Annotated[QuotaTopUpInput, strawberry.argument(description="How much.")],  # noqa: A002
    ) -> QuotaTopUpPayload | None:
        context = context_of(info)
        quota_id = row_id_of(input.id, "Quota", "id")
        await context.services.quotas.top_up(
            context.workspace_id, context.principal.subject, quota_id, _whole(input.amount, "amount")
        )
        return done(quota_id)

    @mutation(Permission.QUOTA_WRITE, "Make a pool of all devices with a tag.", ("quotaPool", "QuotaPool"))
    async def quota_pool_create(
        self,
        info: Info,
        input: Annotated[QuotaPoolCreateInput, strawberry.argument(description="The pool.")],  # noqa: A002
    ) -> QuotaPoolCreatePayload | None:
        context = context_of(info)
        pool_id = await context.services.quotas.create_pool(
            context.workspace_id, context.principal.subject, input.name, input.tag
        )
        return done(pool_id)

    @mutation(Permission.QUOTA_WRITE, "Change a pool.", ("quotaPool", "QuotaPool"))
    async def quota_pool_update(
        self,
        info: Info,
        input: Annotated[QuotaPoolUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> QuotaPoolUpdatePayload | None:
        context = context_of(info)
        pool_id = row_id_of(input.id, "QuotaPool", "id")
        await context.services.quotas.update_pool(
            context.workspace_id,
            context.principal.subject,
            pool_id,
            name=given(input.name, "name"),
            tag=given(input.tag, "tag"),
        )
        return done(pool_id)

    @mutation(Permission.QUOTA_WRITE, "Remove a pool without quotas.")
    async def quota_pool_delete(
        self,
        info: Info,
        input: Annotated[QuotaPoolDeleteInput, strawberry.argument(description="Which pool.")],  # noqa: A002
    ) -> QuotaPoolDeletePayload | None:
        context = context_of(info)
        pool_id = row_id_of(input.id, "QuotaPool", "id")
        await context.services.quotas.delete_pool(context.workspace_id, context.principal.subject, pool_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.QUOTA_WRITE,
        "Let a device pass a monthly limit of its service policy until the month ends.",
        ("device", "Device"),
        scoping=Scoping.IDS,
    )
    async def device_extend_limit(
        self,
        info: Info,
        input: Annotated[DeviceExtendLimitInput, strawberry.argument(description="How far.")],  # noqa: A002
    ) -> DeviceExtendLimitPayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "Device", "id")
        total = await context.services.quotas.extend_limit(
            context.workspace_id,
            context.principal.subject,
            device_id,
            domain.MonthLimit[given(input.limit, "limit")],
            _whole(input.amount, "amount"),
        )
        return done(device_id, extension=float(total))


def _changes(input_: QuotaCreateInput | QuotaUpdateInput) -> QuotaChanges:
    volume = given(input_.volume, "volume")
    refill = given(input_.refill, "refill")
    action = given(input_.action, "action")
    return QuotaChanges(
        volume=UNCHANGED if isinstance(volume, Unchanged) else _whole(volume, "volume"),
        refill=UNCHANGED if isinstance(refill, Unchanged) else domain.Refill[refill],
        time_zone=given(input_.time_zone, "time_zone"),
        rollover=given(input_.rollover, "rollover"),
        thresholds=given(input_.threshold_percents, "threshold_percents"),
        action=UNCHANGED if isinstance(action, Unchanged) else domain.ExhaustionAction[action],
        throttle_rate=given_or_null(input_.throttle_rate),
        expires_at=given_or_null(input_.expires_at),
        enabled=given(input_.enabled, "enabled"),
    )


def _whole(number: Any, field: str) -> int:
    """The integer that a Float stands for. Raises InvalidError."""
    if abs(number) > domain.MAX_VOLUME or number != int(number):
        raise InvalidError("This must be a whole number up to {most}.", path=(field,), most=domain.MAX_VOLUME)
    return int(number)
