"""Explanations: which rule decided what."""

from __future__ import annotations

from enum import Enum

import strawberry

from motet.graphql.types.device import Device
from motet.graphql.types.relay import described
from motet.graphql.types.sim import Sim


@strawberry.enum(description="What a rule says.")
class RuleOutcome(Enum):
    PASSED = strawberry.enum_value("PASSED", description="It lets the message through.")
    REFUSED = strawberry.enum_value("REFUSED", description="It refuses the message.")
    NOT_APPLICABLE = strawberry.enum_value("NOT_APPLICABLE", description="It has nothing to look at.")


@strawberry.type(description="One rule and what it says.")
class RuleDecision:
    rule: str = described("The rule's name, such as SIM_ACTIVE.")
    outcome: RuleOutcome = described("What it says.")
    reason: str | None = described("Where it refuses: the reason, as the event of the refused message has it.")
    description: str = described("What the rule asks for, in words.")


@strawberry.type(description="Whether an SMS would be taken now, and why not.")
class SmsExplanation:
    allowed: bool = described("Whether no rule refuses it.")
    reason: str | None = described("The reason of the first rule that refuses it, such as SIM_NOT_ACTIVE.")
    decisions: list[RuleDecision] = described("Every rule in the order in which they are asked.")
    device: Device | None = described("The device, if the SIM is in one.")
    sim: Sim | None = described("The SIM, if the device has one.")
