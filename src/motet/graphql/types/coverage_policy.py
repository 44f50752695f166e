"""Coverage policies: on which networks devices may be."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from motet.graphql.filters import filter_input
from motet.graphql.lists import later, listed
from motet.graphql.types.radio import Rat
from motet.graphql.types.relay import Node, described
from motet.graphql.types.service_policy import PolicyChange


@strawberry.type(description="An operator, or one RAT of it, that may not be used.")
class OperatorDenial:
    operator: str = described("The PLMN code: MCC and MNC.")
    rat: Rat | None = described("The RAT; null: the whole operator.")


@strawberry.type(description="How much an operator is preferred.")
class OperatorPreference:
    operator: str = described("The PLMN code: MCC and MNC.")
    weight: int = described("1 to 100: of two operators that a device could use, the greater one's is to be taken.")


@strawberry.type(
    description="What a coverage policy was from a moment on. Versions never change, and outlive the policy."
)
class CoveragePolicyVersion(Node):
    id: strawberry.ID = described("The global id.")
    number: int = described("1 for the first, and so on.")
    created_at: datetime = described("From when on the policy was like this.")
    actor: str | None = described("Who did it, as the viewer's `subject` shows them.")
    restored_from: int | None = described("The number of the version that it repeats, if it went back to one.")
    content: JSON = described("The whole policy, by the names of its fields.")
    diff: list[PolicyChange] | None = described("What differs from the version before; empty in the first.")
    policy: Annotated[CoveragePolicy, strawberry.lazy("motet.graphql.types.coverage_policy")] | None = described(
        "The policy; null once it is deleted."
    )


@strawberry.type(
    description="On which networks devices may be. A device without one may be on all. An allow list that is null lets"
    " everything pass, an empty one nothing; what is denied may not be used, whatever is allowed."
)
class CoveragePolicy(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it, unique in the workspace.")
    description: str = described("What it is for.")
    version: int = described("The number of its current version.")
    used_count: int = described("How many devices have it. Only one that no device has can be deleted.")
    created_at: datetime = described("When it was made.")
    updated_at: datetime = described("When it was last changed.")
    countries_allowed: list[str] | None = described("The countries that may be used, ISO 3166 alpha-2; null: all.")
    countries_denied: list[str] = described("Countries that may not be used.")
    operators_allowed: list[str] | None = described("The operators that may be used, by PLMN code; null: all.")
    operators_denied: list[OperatorDenial] | None = described(
        "Operators, or single RATs of theirs, that may not be used."
    )
    rats_allowed: list[Rat] | None = described("The RATs that may be used; null: all.")
    rats_denied: list[Rat] = described("RATs that may not be used.")
    steering: list[OperatorPreference] | None = described("The operators that are preferred, in their order.")
    devices = listed(
        later("Device", "device"),
        "The devices that have it.",
        filter_by=later("DeviceFilter", "device"),
        order_by=later("DeviceOrder", "device"),
    )
    versions = listed(CoveragePolicyVersion, "What it was, newest first.")


@filter_input("Which coverage policies.")
class CoveragePolicyFilter:
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="With this in the name, whatever the case."
    )


@strawberry.type(description="Whether a device may be on a network.")
class CoverageCheck:
    allowed: bool = described("Whether nothing objects.")
    reason: str | None = described(
        "What objects: COUNTRY_DENIED, COUNTRY_NOT_ALLOWED, OPERATOR_DENIED, OPERATOR_RAT_DENIED, OPERATOR_NOT_ALLOWED,"
        " RAT_DENIED, RAT_NOT_ALLOWED, DEVICE_BLOCKS_OPERATOR or RAT_NOT_ALLOWED_BY_SERVICE_POLICY."
    )
    description: str | None = described("The same in words.")
    country: str | None = described("The country that was looked at: as given, or as the operator's code says.")
    operator: str | None = described("The operator that was asked for.")
    rat: Rat | None = described("The RAT that was asked for.")
    weight: int | None = described("How much the policy prefers the operator; null: it says nothing.")
