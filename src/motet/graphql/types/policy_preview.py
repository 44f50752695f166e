"""Dry runs: what a change of a policy would do."""

from __future__ import annotations

from enum import Enum

import strawberry

from motet.graphql.types.device import Device
from motet.graphql.types.relay import described
from motet.graphql.types.service_policy import PolicyChange


@strawberry.enum(description="A kind of traffic, seen from the device.")
class Traffic(Enum):
    SMS_MT = strawberry.enum_value("SMS_MT", description="SMS from an application to the device.")
    SMS_MO = strawberry.enum_value("SMS_MO", description="SMS from the device to an application: a short number.")
    P2P_INSIDE = strawberry.enum_value("P2P_INSIDE", description="SMS from the device to another of the workspace.")
    P2P_OUTSIDE = strawberry.enum_value(
        "P2P_OUTSIDE", description="SMS from the device to a long number that is nobody's in the workspace."
    )
    P2P_IN = strawberry.enum_value("P2P_IN", description="SMS to the device from another of the workspace.")
    DATA = strawberry.enum_value("DATA", description="A data session of the device.")
    ATTACH = strawberry.enum_value("ATTACH", description="Being in a network at all.")


@strawberry.type(description="How many devices would be refused, or let through, for one reason.")
class PolicyEffectReason:
    reason: str = described("The reason of a refusal, such as SMS_MT_NOT_ALLOWED.")
    devices: int = described("How many devices.")


@strawberry.type(description="What a change would do to one kind of traffic.")
class PolicyEffect:
    traffic: Traffic = described("The kind of traffic.")
    newly_refused: int = described("For how many devices it passes now, and would be refused.")
    newly_allowed: int = described("For how many devices it is refused now, and would pass.")
    newly_refused_reasons: list[PolicyEffectReason] = described("Why it would be refused.")
    newly_allowed_reasons: list[PolicyEffectReason] = described("Why it is refused now.")


@strawberry.type(
    description="What a change of a policy would do, by the rules and what is known of the devices now. What is"
    " counted, such as a quota or a limit, is not foreseen."
)
class PolicyPreview:
    changes: list[PolicyChange] = described("The fields that would change.")
    device_count: int = described("How many devices have the policy.")
    hit_count: int = described("Of how many of them some traffic would be newly refused or newly let through.")
    devices: list[Device] | None = described("The devices that would be hit, the oldest first: `first` of them.")
    effects: list[PolicyEffect] = described("What would change, for each kind of traffic.")
