"""Why a device is offline, and why an SMS was refused."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.types.device import Device
from motet.graphql.types.event import Event
from motet.graphql.types.explanation import RuleOutcome, SmsExplanation
from motet.graphql.types.message import SmsMessage
from motet.graphql.types.relay import described
from motet.graphql.types.sim import Sim


@strawberry.enum(description="What a diagnosis comes to.")
class DeviceVerdict(Enum):
    ONLINE = strawberry.enum_value("ONLINE", description="A network has it, and nothing keeps anything from passing.")
    LIMITED = strawberry.enum_value("LIMITED", description="A network has it, but something is wrong: see `cause`.")
    OFFLINE = strawberry.enum_value(
        "OFFLINE", description="No network has it, or everything of it would be refused: see `cause`."
    )
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="No network has told where it is, and nothing here keeps it away."
    )


@strawberry.enum(description="A kind of traffic, seen from the device.")
class DeviceTraffic(Enum):
    SMS_MT = strawberry.enum_value("SMS_MT", description="SMS to the device, from an application.")
    SMS_MO = strawberry.enum_value("SMS_MO", description="SMS from the device, to an application.")
    P2P_INSIDE = strawberry.enum_value("P2P_INSIDE", description="SMS from the device to another of the workspace.")
    P2P_OUTSIDE = strawberry.enum_value("P2P_OUTSIDE", description="SMS from the device to numbers outside.")
    P2P_IN = strawberry.enum_value("P2P_IN", description="SMS from another device of the workspace.")
    DATA = strawberry.enum_value("DATA", description="A data session.")
    ATTACH = strawberry.enum_value("ATTACH", description="Being in a network at all.")


@strawberry.type(description="One thing that was looked at, and what it says.")
class DiagnosisStep:
    rule: str = described("Its name: a traffic rule's, such as SIM_ACTIVE, or ATTACHED, OPERATOR_WORKS and the like.")
    outcome: RuleOutcome = described("What it says.")
    description: str = described("What is asked for, in words.")
    reason: str | None = described("Where it is not met: the reason that a refused SMS or session has, if it has one.")
    detail: str | None = described("Where it is not met: what is the case, in words.")
    advice: str | None = described("Where it is not met: what to do about it.")
    blocks: list[DeviceTraffic] = described("What does not pass where it is not met.")


@strawberry.type(description="Why a device is offline, or what of it does not pass.")
class DeviceDiagnosis:
    verdict: DeviceVerdict = described("What it comes to.")
    cause: DiagnosisStep | None = described("The likeliest cause: the first step that is not met; null if all are.")
    steps: list[DiagnosisStep] = described("Everything that was looked at, the likeliest causes first.")
    blocked: list[DeviceTraffic] = described("What does not pass now.")
    last_seen_at: datetime | None = described("When a network told of it last, or an SMS passed.")
    attached: bool | None = described("Whether a network has it now; null if none has ever told.")
    attached_since: datetime | None = described("Since when it is, or is not.")
    operator: str | None = described("The PLMN code of the operator that it is at, or was last.")
    device: Device | None = described("The device.")


@strawberry.type(description="Why an SMS was refused.")
class SmsRefusal:
    at: datetime = described("When.")
    from_device: bool = described("Whether the device sent it; false: it was to go to the device.")
    reason: str | None = described("The reason, such as SIM_NOT_ACTIVE.")
    description: str = described("The reason in words, as they were told then.")
    rule: str | None = described("The rule that refused it; null if that was a quota, a limit, or no rule at all.")
    rule_description: str | None = described("What that rule asks for, in words.")
    event: Event | None = described("The event that told of it.")
    sms: SmsMessage | None = described("The message, if it was stored: those from devices are.")
    device: Device | None = described("The device.")
    sim: Sim | None = described("The SIM.")
    now: SmsExplanation | None = described("What would become of an SMS to the device now; null if there is no device.")
