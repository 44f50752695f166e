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


@strawberry.input(description="Which events. All conditions must hold.")
class EventFilter:
    type: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Of one of these types, such as `sms.refused`."
    )
    severity: list[EventSeverity] | None = strawberry.field(
        default=strawberry.UNSET, description="Of one of these severities."
    )
    device_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="About this device.")
    sim_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="About this SIM.")
    since: datetime | None = strawberry.field(default=strawberry.UNSET, description="At this time or later.")
    until: datetime | None = strawberry.field(default=strawberry.UNSET, description="Before this time.")
