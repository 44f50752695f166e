"""Coverage policies: make, change, go back, remove; and operators that one device may not use."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.coverage_policy import COVERAGE_POLICY_FIELDS
from motet.fleet.policies.policy_rules import check_operator
from motet.fleet.rules import Unchanged
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, given_or_null, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.types.coverage_policy import CoveragePolicy
from motet.graphql.types.device import Device
from motet.graphql.types.radio import Rat
from motet.graphql.types.relay import described

_NULLABLE = {"countries_allowed", "operators_allowed", "rats_allowed"}


def _setting(text: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=text)


@strawberry.input(description="An operator, or one RAT of it, that may not be used.")
class OperatorDenialInput:
    operator: str = strawberry.field(description="The PLMN code: MCC and MNC, 5 or 6 digits.")
    rat: Rat | None = _setting("The RAT; the whole operator if not given.")


@strawberry.input(description="How much an operator is preferred.")
class OperatorPreferenceInput:
    operator: str = strawberry.field(description="The PLMN code: MCC and MNC, 5 or 6 digits.")
    weight: int = strawberry.field(description="1 to 100.")


@strawberry.input(description="What to change of a coverage policy; what is left out stays.")
class CoveragePolicyChanges:
    name: str | None = _setting("What people call it, unique in the workspace: 1 to 100 characters, one line.")
    description: str | None = _setting("What it is for; at most 1,000 characters.")
    countries_allowed: list[str] | None = _setting(
        "The countries that may be used, ISO 3166 alpha-2; null: all, as in a new policy; empty: none."
    )
    countries_denied: list[str] | None = _setting("Countries that may not be used.")
    operators_allowed: list[str] | None = _setting(
        "The operators that may be used, by PLMN code; null: all, as in a new policy; empty: none."
    )
    operators_denied: list[OperatorDenialInput] | None = _setting(
        "Operators, or single RATs of theirs, that may not be used."
    )
    rats_allowed: list[Rat] | None = _setting("The RATs that may be used; null: all, as in a new policy; empty: none.")
    rats_denied: list[Rat] | None = _setting("RATs that may not be used.")
    steering: list[OperatorPreferenceInput] | None = _setting("The operators that are preferred, in their order.")


@strawberry.input(description="A new coverage policy. Where nothing is said, it lets devices be on every network.")
class CoveragePolicyCreateInput(CoveragePolicyChanges):
    name: str = strawberry.field(
        description="What people call it, unique in the workspace: 1 to 100 characters, one line."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making a coverage policy.")
class CoveragePolicyCreatePayload:
    coverage_policy: CoveragePolicy | None = described("The policy.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a coverage policy; what is left out stays.")
class CoveragePolicyUpdateInput(CoveragePolicyChanges):
    id: strawberry.ID = strawberry.field(description="The policy.")


@strawberry.type(description="What came of changing a coverage policy.")
class CoveragePolicyUpdatePayload:
    coverage_policy: CoveragePolicy | None = described("The policy, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it is as asked for.")


@strawberry.input(description="Which version to go back to.")
class CoveragePolicyRestoreInput:
    id: strawberry.ID = strawberry.field(description="The policy.")
    version: int = strawberry.field(description="The number of one of its versions.")


@strawberry.type(description="What came of going back to a version.")
class CoveragePolicyRestorePayload:
    coverage_policy: CoveragePolicy | None = described("The policy, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it is as asked for.")


@strawberry.input(description="Which coverage policy to remove.")
class CoveragePolicyDeleteInput:
    id: strawberry.ID = strawberry.field(description="The policy.")


@strawberry.type(description="What came of removing a coverage policy.")
class CoveragePolicyDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the policy that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="Which operator to bar a device from.")
class DeviceBlockOperatorInput:
    id: strawberry.ID = strawberry.field(description="The device.")
    operator: str = strawberry.field(description="The PLMN code: MCC and MNC, 5 or 6 digits.")


@strawberry.type(description="What came of barring a device from an operator.")
class DeviceBlockOperatorPayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why it was not barred; empty if it was.")


@strawberry.input(description="Which operator a device may use again.")
class DeviceUnblockOperatorInput:
    id: strawberry.ID = strawberry.field(description="The device.")
    operator: str = strawberry.field(description="The PLMN code.")


@strawberry.type(description="What came of letting a device use an operator again.")
class DeviceUnblockOperatorPayload:
    device: Device | None = described("The device, as it is now.")
    user_errors: list[UserError] = described("Why nothing changed; empty if it did.")


@strawberry.type
class CoveragePolicyMutations:
    """The part of Mutation that is about coverage."""

    @mutation(Permission.COVERAGE_POLICY_WRITE, "Make a coverage policy.", ("coveragePolicy", "CoveragePolicy"))
    async def coverage_policy_create(
        self,
        info: Info,
        input: Annotated[CoveragePolicyCreateInput, strawberry.argument(description="The policy.")],  # noqa: A002
    ) -> CoveragePolicyCreatePayload | None:
        context = context_of(info)
        changes = coverage_policy_changes(input)
        return done(
            await context.services.coverage_policies.create(context.workspace_id, context.principal.subject, changes)
        )

    @mutation(
        Permission.COVERAGE_POLICY_WRITE,
        "Change a coverage policy. It holds for every device that has it at once; what it was is kept as a version.",
        ("coveragePolicy", "CoveragePolicy"),
    )
    async def coverage_policy_update(
        self,
        info: Info,
        input: Annotated[CoveragePolicyUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> CoveragePolicyUpdatePayload | None:
        context = context_of(info)
        policy_id = row_id_of(input.id, "CoveragePolicy", "id")
        await context.services.coverage_policies.update(
            context.workspace_id, context.principal.subject, policy_id, coverage_policy_changes(input)
        )
        return done(policy_id)

    @mutation(
        Permission.COVERAGE_POLICY_WRITE,
        "Make a coverage policy again what it was at a version, as a new version.",
        ("coveragePolicy", "CoveragePolicy"),
    )
    async def coverage_policy_restore(
        self,
        info: Info,
        input: Annotated[CoveragePolicyRestoreInput, strawberry.argument(description="Which version.")],  # noqa: A002
    ) -> CoveragePolicyRestorePayload | None:
        context = context_of(info)
        policy_id = row_id_of(input.id, "CoveragePolicy", "id")
        await context.services.coverage_policies.restore(
            context.workspace_id, context.principal.subject, policy_id, input.version
        )
        return done(policy_id)

    @mutation(Permission.COVERAGE_POLICY_WRITE, "Remove a coverage policy. CONFLICT while devices have it.")
    async def coverage_policy_delete(
        self,
        info: Info,
        input: Annotated[CoveragePolicyDeleteInput, strawberry.argument(description="Which policy.")],  # noqa: A002
    ) -> CoveragePolicyDeletePayload | None:
        context = context_of(info)
        policy_id = row_id_of(input.id, "CoveragePolicy", "id")
        await context.services.coverage_policies.delete(context.workspace_id, context.principal.subject, policy_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.DEVICE_WRITE,
        "Bar one device from an operator, besides what its coverage policy says. CONFLICT if it is barred already.",
        ("device", "Device"),
        scoping=Scoping.IDS,
    )
    async def device_block_operator(
        self,
        info: Info,
        input: Annotated[DeviceBlockOperatorInput, strawberry.argument(description="What is barred.")],  # noqa: A002
    ) -> DeviceBlockOperatorPayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "Device", "id")
        await context.services.coverage_checks.block_operator(
            context.workspace_id, context.principal.subject, device_id, input.operator
        )
        return done(device_id)

    @mutation(
        Permission.DEVICE_WRITE,
        "Let a device use an operator again. NOT_FOUND if it was not barred from it.",
        ("device", "Device"),
        scoping=Scoping.IDS,
    )
    async def device_unblock_operator(
        self,
        info: Info,
        input: Annotated[DeviceUnblockOperatorInput, strawberry.argument(description="What is free.")],  # noqa: A002
    ) -> DeviceUnblockOperatorPayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "Device", "id")
        await context.services.coverage_checks.unblock_operator(
            context.workspace_id, context.principal.subject, device_id, input.operator
        )
        return done(device_id)


def coverage_policy_changes(changes: CoveragePolicyChanges) -> dict[str, Any]:
    """What is named, by the names of the content's fields. Raises InvalidError for a null that cannot be."""
    named: dict[str, Any] = {}
    for name in COVERAGE_POLICY_FIELDS:
        value = getattr(changes, name)
        value = given_or_null(value) if name in _NULLABLE else given(value, name)
        if isinstance(value, Unchanged):
            continue
        named[name] = tuple(_entry(each, name) for each in value) if isinstance(value, list) else value
    return named


def _entry(entry: Any, field: str) -> str:
    """An entry of a list, as it is stored."""
    if isinstance(entry, OperatorDenialInput):
        rat = or_none(entry.rat)
        check_operator(entry.operator, field)
        return entry.operator if rat is None else f"{entry.operator}:{rat.value}"
    if isinstance(entry, OperatorPreferenceInput):
        return f"{check_operator(entry.operator, field)}={entry.weight}"
    return str(entry.value if isinstance(entry, Rat) else entry)
