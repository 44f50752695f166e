"""Alert rules and alerts."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.filters import filter_input
from motet.graphql.lists import listed
from motet.graphql.types.device import Device
from motet.graphql.types.event import Event, EventSeverity
from motet.graphql.types.relay import Node, described
from motet.graphql.types.sim import Sim


@strawberry.enum(description="Where an alert is in its life.")
class AlertState(Enum):
    OPEN = strawberry.enum_value("OPEN", description="It lasts, and nobody has seen it yet.")
    ACKNOWLEDGED = strawberry.enum_value("ACKNOWLEDGED", description="It lasts, and someone has seen it.")
    RESOLVED = strawberry.enum_value("RESOLVED", description="It is over.")


@strawberry.enum(description="What has an alert of its own; further events of the same are counted with it.")
class AlertGrouping(Enum):
    WORKSPACE = strawberry.enum_value("WORKSPACE", description="All events of the rule are one alert.")
    DEVICE = strawberry.enum_value("DEVICE", description="One alert for each device.")
    SIM = strawberry.enum_value("SIM", description="One alert for each SIM.")
    EVENT_TYPE = strawberry.enum_value("EVENT_TYPE", description="One alert for each type of event.")


@filter_input("Which alerts. Conditions side by side must all hold.")
class AlertFilter:
    state: list[AlertState] | None = strawberry.field(default=strawberry.UNSET, description="In one of these states.")
    severity: list[EventSeverity] | None = strawberry.field(
        default=strawberry.UNSET, description="Of one of these severities."
    )
    rule_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Raised by this rule.")
    device_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="About this device.")


@strawberry.type(description="Something that needs looking at: one of a group of events, which counts all the others.")
class Alert(Node):
    id: strawberry.ID = described("The global id.")
    state: AlertState = described("Where it is in its life.")
    severity: EventSeverity = described("How much it matters, as its rule says.")
    rule_name: str = described("The name of the rule, as it was when the alert was raised.")
    event_count: int = described("How many events were counted, the one that raised it included.")
    first_event_at: datetime = described("When the first of them happened.")
    last_event_at: datetime = described("When the newest of them happened.")
    acknowledged_at: datetime | None = described("When someone saw it.")
    acknowledged_by: str | None = described("Who saw it, as the viewer's `subject` shows them.")
    resolved_at: datetime | None = described("When it was over.")
    created_at: datetime = described("When it was raised.")
    rule: AlertRule | None = described("The rule, if it is still there.")
    last_event: Event | None = described("The newest of its events, while it is kept.")
    device: Device | None = described("The device that it is about.")
    sim: Sim | None = described("The SIM that it is about.")


@strawberry.type(description="Which events are told as alerts, and how often.")
class AlertRule(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it.")
    enabled: bool = described("Whether it looks at events.")
    event_types: list[str] = described("The types that it looks for, such as `sms.refused`, `sim.*` or `*`.")
    minimum_severity: EventSeverity = described("Events that matter less are left out.")
    device_tags: list[str] = described("The event's device must have all of these tags.")
    group_by: AlertGrouping = described("What has an alert of its own.")
    threshold: int = described("So many events within `windowS` raise an alert.")
    window_s: int = described("The seconds within which they must happen.")
    severity: EventSeverity = described("How much its alerts matter.")
    quiet_s: int = described("After so many seconds without an event an alert is over.")
    resolved_by: list[str] = described(
        "Event types that end an alert of the same group at once, such as `sim.activated`."
    )
    remind_s: int | None = described(
        "While events go on and nobody acknowledges the alert, it is told again after so many seconds; null: never."
    )
    created_at: datetime = described("When it was made.")
    alerts = listed(Alert, "Its alerts, newest first.", filter_by=AlertFilter)
