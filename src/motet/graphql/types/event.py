"""Events."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from motet.graphql.types.relay import Node, described

if TYPE_CHECKING:
    from motet.graphql.types.device import Device
    from motet.graphql.types.message import SmsMessage
    from motet.graphql.types.sim import Sim


@strawberry.enum(description="How much an event matters.")
class EventSeverity(Enum):
    INFO = strawberry.enum_value("INFO", description="Something happened as it should.")
    WARN = strawberry.enum_value("WARN", description="Something was refused, or is near a bound.")
    CRITICAL = strawberry.enum_value("CRITICAL", description="Something does not work.")


@strawberry.enum(description="Who made an event.")
class EventSource(Enum):
    NETWORK = strawberry.enum_value("NETWORK", description="The mobile network.")
    POLICY = strawberry.enum_value("POLICY", description="A rule: a policy, a quota, a state.")
    API = strawberry.enum_value("API", description="Someone, through an API.")


@strawberry.type(description="Something that happened.")
class Event(Node):
    id: strawberry.ID = described("The global id.")
    type: str = described("What kind of thing happened, such as `sim.suspended` or `sms.refused`.")
    type_number: int | None = described("The number that emnify's API gives this type, where it has one.")
    severity: EventSeverity = described("How much it matters.")
    source: EventSource = described("Who made it.")
    description: str = described("What happened, in words; of a refusal, why.")
    detail: JSON = described("What else is known: names and numbers as they were then.")
    actor: str | None = described("Who did it, as the viewer's `subject` shows them; null if nobody in person.")
    created_at: datetime = described("When it happened, to the millisecond.")
    device: Annotated[Device, strawberry.lazy("motet.graphql.types.device")] | None = described(
        "The device that it is about."
    )
    sim: Annotated[Sim, strawberry.lazy("motet.graphql.types.sim")] | None = described("The SIM that it is about.")
    sms: Annotated[SmsMessage, strawberry.lazy("motet.graphql.types.message")] | None = described(
        "The message that it is about, if that is stored."
    )


@strawberry.type(description="A kind of event.")
class EventType:
    code: str = described("What `Event.type` holds, filters take and webhooks ask for, such as `sim.suspended`.")
    number: int | None = described("The number that emnify's API gives it, where it has one.")
    severity: EventSeverity = described("How much such an event matters, as a rule.")
    description: str = described("What happened, in words.")


@strawberry.input(description="Which events. Conditions side by side must all hold.")
class EventFilter:
    type: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Of one of these types, such as `sms.refused`, or families, `sim.*`."
    )
    type_number: list[int] | None = strawberry.field(
        default=strawberry.UNSET, description="Of a type with one of these numbers of emnify's."
    )
    severity: list[EventSeverity] | None = strawberry.field(
        default=strawberry.UNSET, description="Of one of these severities."
    )
    source: list[EventSource] | None = strawberry.field(default=strawberry.UNSET, description="Made by one of these.")
    actor: str | None = strawberry.field(
        default=strawberry.UNSET, description="Done by this one, as the viewer's `subject` shows them."
    )
    text: str | None = strawberry.field(
        default=strawberry.UNSET, description="With this in the description or the detail, whatever the case."
    )
    device_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="About this device.")
    device_tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="About a device that has all of these tags now."
    )
    imei: str | None = strawberry.field(
        default=strawberry.UNSET, description="About the device with this IMEI; the first 14 digits are compared."
    )
    ip_address: str | None = strawberry.field(
        default=strawberry.UNSET, description="About the device that has this IP address now."
    )
    sim_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="About this SIM.")
    iccid: str | None = strawberry.field(default=strawberry.UNSET, description="About the SIM with this ICCID.")
    imsi: str | None = strawberry.field(default=strawberry.UNSET, description="About the SIM with this IMSI.")
    msisdn: str | None = strawberry.field(default=strawberry.UNSET, description="About the SIM with this MSISDN.")
    sms_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="About this message.")
    since: datetime | None = strawberry.field(default=strawberry.UNSET, description="At this time or later.")
    until: datetime | None = strawberry.field(default=strawberry.UNSET, description="Before this time.")
    and_: list[EventFilter] | None = strawberry.field(
        name="and", default=strawberry.UNSET, description="All of these hold."
    )
    or_: list[EventFilter] | None = strawberry.field(
        name="or", default=strawberry.UNSET, description="At least one of these holds; an empty list lets nothing pass."
    )
    not_: EventFilter | None = strawberry.field(name="not", default=strawberry.UNSET, description="This does not hold.")
