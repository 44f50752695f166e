"""Service policies: make, change, go back, remove."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import InvalidError
from motet.domain.service_policy import SERVICE_POLICY_FIELDS
from motet.fleet.rules import Unchanged
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, given_or_null, idempotency_key, mutation, row_id_of
from motet.graphql.types.radio import Rat
from motet.graphql.types.relay import described
from motet.graphql.types.service_policy import ImeiLockMode, ServicePolicy

_NULLABLE = {
    "p2p_limit_per_day",
    "allowed_rats",
    "dns_config_id",
    "apn",
    "sms_mt_limit_per_month",
    "sms_mo_limit_per_month",
    "data_limit_per_month_octets",
    "limit_warning_percent",
}


def _setting(text: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=text)


@strawberry.input(description="What to change of a service policy; what is left out stays.")
class ServicePolicyChanges:
    name: str | None = _setting("What people call it, unique in the workspace: 1 to 100 characters, one line.")
    description: str | None = _setting("What it is for; at most 1,000 characters.")
    data_enabled: bool | None = _setting("Whether devices may use data; in a new policy true.")
    sms_mt_enabled: bool | None = _setting("Whether SMS may be sent to devices; in a new policy true.")
    sms_mo_enabled: bool | None = _setting("Whether devices may send SMS, of any kind; in a new policy true.")
    p2p_inside: bool | None = _setting(
        "Whether devices of the workspace may send SMS to each other; in a new policy true."
    )
    p2p_outside: bool | None = _setting(
        "Whether devices may send SMS to numbers of more than 7 digits that are nobody's in the workspace; in a new"
        " policy false."
    )
    p2p_limit_per_day: int | None = _setting(
        "P2P messages that one device may send in the 24 hours that begin with the first of them, 0 to 1,000,000,000;"
        " null: no limit; in a new policy 5."
    )
    allowed_rats: list[Rat] | None = _setting("The RATs that devices may use; null: all; in a new policy all.")
    breakout_region: str | None = _setting("A region's code, or `auto` for the nearest; in a new policy `auto`.")
    dns_config_id: strawberry.ID | None = _setting(
        "The DNS configuration that data sessions get; null: 8.8.8.8 and 8.8.4.4; in a new policy null."
    )
    apn: str | None = _setting("The access point name; null: the network's own.")
    internet_breakout: bool | None = _setting("Whether data may leave for the internet; in a new policy true.")
    inter_device: bool | None = _setting(
        "Whether devices of one address space may exchange data; in a new policy false."
    )
    imei_lock_mode: ImeiLockMode | None = _setting(
        "What happens when a SIM is seen in other equipment; in a new policy ENFORCE."
    )
    imei_lock_applies_to_sms: bool | None = _setting(
        "Whether an IMEI lock that is enforced refuses SMS, too; in a new policy false."
    )
    apply_sms_quota: bool | None = _setting("Whether SMS need a quota; in a new policy false.")
    apply_data_quota: bool | None = _setting("Whether data needs a quota; in a new policy false.")
    sms_mt_limit_per_month: int | None = _setting("SMS parts that one device may get in a month; null: no limit.")
    sms_mo_limit_per_month: int | None = _setting("SMS parts that one device may send in a month; null: no limit.")
    data_limit_per_month_octets: float | None = _setting(
        "Octets that one device may use in a month, a whole number up to 10^15; null: no limit."
    )
    limit_warning_percent: int | None = _setting(
        "At how much of a monthly limit an event warns, 1 to 100; null: never."
    )
    sms_on_nb_iot_refused: bool | None = _setting(
        "Whether SMS to and from devices that are on NB-IoT are refused; in a new policy false."
    )


@strawberry.input(description="A new service policy; what is left out has its default.")
class ServicePolicyCreateInput(ServicePolicyChanges):
    name: str = strawberry.field(
        description="What people call it, unique in the workspace: 1 to 100 characters, one line."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making a service policy.")
class ServicePolicyCreatePayload:
    service_policy: ServicePolicy | None = described("The policy.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a service policy; what is left out stays.")
class ServicePolicyUpdateInput(ServicePolicyChanges):
    id: strawberry.ID = strawberry.field(description="The policy.")


@strawberry.type(description="What came of changing a service policy.")
class ServicePolicyUpdatePayload:
    service_policy: ServicePolicy | None = described("The policy, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it is as asked for.")


@strawberry.input(description="Which version to go back to.")
class ServicePolicyRestoreInput:
    id: strawberry.ID = strawberry.field(description="The policy.")
    version: int = strawberry.field(description="The number of one of its versions.")


@strawberry.type(description="What came of going back to a version.")
class ServicePolicyRestorePayload:
    service_policy: ServicePolicy | None = described("The policy, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it is as asked for.")


@strawberry.input(description="Which service policy to remove.")
class ServicePolicyDeleteInput:
    id: strawberry.ID = strawberry.field(description="The policy.")


@strawberry.type(description="What came of removing a service policy.")
class ServicePolicyDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the policy that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.type
class ServicePolicyMutations:
    """The part of Mutation that is about service policies."""

    @mutation(Permission.SERVICE_POLICY_WRITE, "Make a service policy.", ("servicePolicy", "ServicePolicy"))
    async def service_policy_create(
        self,
        info: Info,
        input: Annotated[ServicePolicyCreateInput, strawberry.argument(description="The policy.")],  # noqa: A002
    ) -> ServicePolicyCreatePayload | None:
        context = context_of(info)
        changes = service_policy_changes(input)
        return done(
            await context.services.service_policies.create(context.workspace_id, context.principal.subject, changes)
        )

    @mutation(
        Permission.SERVICE_POLICY_WRITE,
        "Change a service policy. The next message of every device that has it goes by what it says then; what it was"
        " is kept as a version.",
        ("servicePolicy", "ServicePolicy"),
    )
    async def service_policy_update(
        self,
        info: Info,
        input: Annotated[ServicePolicyUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> ServicePolicyUpdatePayload | None:
        context = context_of(info)
        policy_id = row_id_of(input.id, "ServicePolicy", "id")
        await context.services.service_policies.update(
            context.workspace_id, context.principal.subject, policy_id, service_policy_changes(input)
        )
        return done(policy_id)

    @mutation(
        Permission.SERVICE_POLICY_WRITE,
        "Make a service policy again what it was at a version, as a new version.",
        ("servicePolicy", "ServicePolicy"),
    )
    async def service_policy_restore(
        self,
        info: Info,
        input: Annotated[ServicePolicyRestoreInput, strawberry.argument(description="Which version.")],  # noqa: A002
    ) -> ServicePolicyRestorePayload | None:
        context = context_of(info)
        policy_id = row_id_of(input.id, "ServicePolicy", "id")
        await context.services.service_policies.restore(
            context.workspace_id, context.principal.subject, policy_id, input.version
        )
        return done(policy_id)

    @mutation(
        Permission.SERVICE_POLICY_WRITE,
        "Remove a service policy. CONFLICT while devices have it; DENIED for the one that came with the workspace.",
    )
    async def service_policy_delete(
        self,
        info: Info,
        input: Annotated[ServicePolicyDeleteInput, strawberry.argument(description="Which policy.")],  # noqa: A002
    ) -> ServicePolicyDeletePayload | None:
        context = context_of(info)
        policy_id = row_id_of(input.id, "ServicePolicy", "id")
        await context.services.service_policies.delete(context.workspace_id, context.principal.subject, policy_id)
        return done(deletedId=input.id)


def service_policy_changes(changes: ServicePolicyChanges) -> dict[str, Any]:
    """What is named, by the names of the content's fields. Raises InvalidError for a null that cannot be."""
    named: dict[str, Any] = {}
    for name in SERVICE_POLICY_FIELDS:
        value = getattr(changes, name, strawberry.UNSET)
        value = given_or_null(value) if name in _NULLABLE else given(value, name)
        if not isinstance(value, Unchanged):
            named[name] = value
    if named.get("allowed_rats") is not None:
        named["allowed_rats"] = tuple(rat.value for rat in named["allowed_rats"])
    if named.get("dns_config_id") is not None:
        named["dns_config_id"] = row_id_of(named["dns_config_id"], "DnsConfig", "dns_config_id")
    octets = named.get("data_limit_per_month_octets")
    if octets is not None:
        if octets != octets // 1:
            raise InvalidError("This must be a whole number.", path=("data_limit_per_month_octets",))
        named["data_limit_per_month_octets"] = int(octets)
    return named
