"""Service policies and coverage policies: what they are, what a change would do, and where they let devices be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.coverage_policy import Network
from motet.fleet.policies.policies import PolicyService, Preview
from motet.graphql.fields import context_of, or_none, query, raw
from motet.graphql.lists import root_list
from motet.graphql.mutations.coverage_policy import CoveragePolicyChanges, coverage_policy_changes
from motet.graphql.mutations.service_policy import ServicePolicyChanges, service_policy_changes
from motet.graphql.policy_answers import check_answer, id_in, page_of_devices, preview_answer
from motet.graphql.reads import read_one
from motet.graphql.scoping import Scoping
from motet.graphql.selection import selection_of
from motet.graphql.types.coverage_policy import CoverageCheck, CoveragePolicy, CoveragePolicyFilter
from motet.graphql.types.policy_preview import PolicyPreview
from motet.graphql.types.radio import Rat
from motet.graphql.types.service_policy import PolicyOrder, ServicePolicy, ServicePolicyFilter
from motet.reading.entities.coverage_policy import coverage_changes_told
from motet.reading.entities.service_policy import changes_told
from motet.reading.reader import Answer

Id = Annotated[strawberry.ID, strawberry.argument(description="The global id.")]
FirstDevices = Annotated[
    int | None, strawberry.argument(description="How many of the devices that would be hit to show, 0 to 200; 50.")
]
AfterDevice = Annotated[
    strawberry.ID | None, strawberry.argument(description="Show those behind this device: the last one shown before.")
]
Country = Annotated[
    str | None, strawberry.argument(description="ISO 3166 alpha-2; if not given, as the operator's code says.")
]
Operator = Annotated[str | None, strawberry.argument(description="A PLMN code: MCC and MNC, 5 or 6 digits.")]
OfRat = Annotated[Rat | None, strawberry.argument(description="The RAT.")]


@strawberry.type
class PolicyQueries:
    """The part of Query that is about policies."""

    service_policies = root_list(
        ServicePolicy,
        Permission.SERVICE_POLICY_READ,
        "The service policies of the workspace.",
        filter_by=ServicePolicyFilter,
        order_by=PolicyOrder,
    )
    coverage_policies = root_list(
        CoveragePolicy,
        Permission.COVERAGE_POLICY_READ,
        "The coverage policies of the workspace.",
        filter_by=CoveragePolicyFilter,
        order_by=PolicyOrder,
    )

    @query(Permission.SERVICE_POLICY_READ, "The service policy with this id.")
    async def service_policy(self, info: Info, id: Id) -> ServicePolicy | None:  # noqa: A002
        return await read_one(info, "ServicePolicy")

    @query(Permission.COVERAGE_POLICY_READ, "The coverage policy with this id.")
    async def coverage_policy(self, info: Info, id: Id) -> CoveragePolicy | None:  # noqa: A002
        return await read_one(info, "CoveragePolicy")

    @query(
        Permission.SERVICE_POLICY_READ,
        "What a change of a service policy would do to the devices that have it. Nothing is changed. Null for a policy"
        " that is not yours.",
        Scoping.CLOSED,
    )
    async def service_policy_preview(
        self,
        info: Info,
        id: Id,  # noqa: A002
        changes: Annotated[ServicePolicyChanges, strawberry.argument(description="The changes to try out.")],
        first: FirstDevices = strawberry.UNSET,
        after: AfterDevice = strawberry.UNSET,
    ) -> PolicyPreview | None:
        page = page_of_devices(or_none(first), or_none(after))
        service, named = context_of(info).services.service_policies, service_policy_changes(changes)
        preview = await _preview(info, service, id_in(id, "ServicePolicy"), named, page)
        return _as_answered(await preview_answer(info, preview, changes_told))

    @query(
        Permission.COVERAGE_POLICY_READ,
        "What a change of a coverage policy would do to the devices that have it, by where they are now. Nothing is"
        " changed. Null for a policy that is not yours.",
        Scoping.CLOSED,
    )
    async def coverage_policy_preview(
        self,
        info: Info,
        id: Id,  # noqa: A002
        changes: Annotated[CoveragePolicyChanges, strawberry.argument(description="The changes to try out.")],
        first: FirstDevices = strawberry.UNSET,
        after: AfterDevice = strawberry.UNSET,
    ) -> PolicyPreview | None:
        page = page_of_devices(or_none(first), or_none(after))
        service, named = context_of(info).services.coverage_policies, coverage_policy_changes(changes)
        preview = await _preview(info, service, id_in(id, "CoveragePolicy"), named, page)
        return _as_answered(await preview_answer(info, preview, coverage_changes_told))

    @query(
        Permission.COVERAGE_POLICY_READ,
        "Whether devices of a coverage policy may be on a network. Null for a policy that is not yours.",
    )
    async def coverage_check(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The coverage policy.")],  # noqa: A002
        country: Country = strawberry.UNSET,
        operator: Operator = strawberry.UNSET,
        rat: OfRat = strawberry.UNSET,
    ) -> CoverageCheck | None:
        context = context_of(info)
        network = _network(country, operator, rat)
        policy_id = id_in(id, "CoveragePolicy")
        verdict = None
        if policy_id is not None:
            verdict = await context.services.coverage_checks.check_policy(context.workspace_id, policy_id, network)
        return _as_answered(check_answer(selection_of(raw(info)), verdict))

    @query(
        Permission.DEVICE_READ,
        "Whether a device may be on a network, by its coverage policy, its blocked operators and the RATs of its"
        " service policy. Null for a device that is not yours.",
    )
    async def device_can_attach(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The device.")],  # noqa: A002
        country: Country = strawberry.UNSET,
        operator: Operator = strawberry.UNSET,
        rat: OfRat = strawberry.UNSET,
    ) -> CoverageCheck | None:
        context = context_of(info)
        network = _network(country, operator, rat)
        device_id = id_in(id, "Device")
        verdict = None
        if device_id is not None:
            verdict = await context.services.coverage_checks.check_device(context.workspace_id, device_id, network)
        return _as_answered(check_answer(selection_of(raw(info)), verdict))


async def _preview(
    info: Info, service: PolicyService[Any], policy_id: int | None, named: Mapping[str, Any], page: tuple[int, int]
) -> Preview | None:
    """None for what is no id of a policy. `page`: how many devices, and behind which."""
    if policy_id is None:
        return None
    count, behind = page
    return await service.preview(context_of(info).workspace_id, policy_id, named, after=behind, first=count)


def _network(country: Any, operator: Any, rat: Any) -> Network:
    asked = or_none(rat)
    return Network(or_none(country), or_none(operator), None if asked is None else asked.value)


def _as_answered(answer: Answer) -> Any:
    return answer
