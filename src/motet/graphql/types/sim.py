"""SIMs."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from motet.graphql.lists import listed
from motet.graphql.types.event import Event, EventFilter
from motet.graphql.types.ordering import OrderDirection
from motet.graphql.types.relay import Node, described

if TYPE_CHECKING:
    from motet.graphql.types.device import Device


@strawberry.enum(description="Where a SIM is in its life.")
class SimStatus(Enum):
    ISSUED = strawberry.enum_value("ISSUED", description="Made and delivered, not yet in use.")
    FACTORY_TEST = strawberry.enum_value("FACTORY_TEST", description="Usable to a small extent while devices are made.")
    ACTIVATED = strawberry.enum_value("ACTIVATED", description="In use.")
    SUSPENDED = strawberry.enum_value("SUSPENDED", description="Barred for the time being.")
    DELETED = strawberry.enum_value("DELETED", description="Gone for good; its identities are free again.")


@strawberry.enum(description="What moves a SIM from one status to another.")
class SimTrigger(Enum):
    START_FACTORY_TEST = strawberry.enum_value("START_FACTORY_TEST", description="It was put into factory test.")
    ACTIVATE = strawberry.enum_value("ACTIVATE", description="It was activated, or its suspension ended.")
    SUSPEND = strawberry.enum_value("SUSPEND", description="It was suspended.")
    DELETE = strawberry.enum_value("DELETE", description="It was deleted.")
    TEST_USAGE_REACHED = strawberry.enum_value("TEST_USAGE_REACHED", description="It used up what a test may use.")
    TEST_PERIOD_ENDED = strawberry.enum_value("TEST_PERIOD_ENDED", description="Its test has lasted its time.")
    TEST_WITHDRAWN = strawberry.enum_value("TEST_WITHDRAWN", description="There is no factory test any more.")
    DEVICE_STATUS_CHANGED = strawberry.enum_value(
        "DEVICE_STATUS_CHANGED", description="Its device was enabled or disabled, which ends a test."
    )
    CONNECTIVITY_RESET = strawberry.enum_value(
        "CONNECTIVITY_RESET", description="Its connectivity was reset, which ends a test."
    )


@strawberry.type(description="A step of a SIM's life.")
class SimStatusChange(Node):
    id: strawberry.ID = described("The global id.")
    from_: SimStatus | None = strawberry.field(
        name="from", description="What the SIM was before; null: it was registered."
    )
    to: SimStatus = described("What it was from then on.")
    trigger: SimTrigger | None = described("What moved it; null: it was registered.")
    actor: str | None = described("Who did it, as the viewer's `subject` shows them; null if nobody in person.")
    created_at: datetime = described("When it happened.")
    sim: Sim | None = described("The SIM.")


@strawberry.type(description="A SIM and the identities it holds.")
class Sim(Node):
    id: strawberry.ID = described("The global id.")
    iccid: str = described("Integrated circuit card identifier, digits, with its check digit.")
    eid: str | None = described("Identifier of the eUICC, 32 digits, if it is one.")
    imsi: str = described("The active international mobile subscriber identity, digits.")
    msisdn: str = described("The telephone number, E.164 digits without plus.")
    status: SimStatus = described("Where the SIM is in its life.")
    form_factor: str | None = described("Shape of the card, such as 2FF, 4FF or MFF2.")
    quality_grade: str | None = described("What the card is made for, such as INDUSTRIAL.")
    created_at: datetime = described("When the SIM was registered.")
    activated_at: datetime | None = described("When the SIM was first activated.")
    device: Annotated[Device, strawberry.lazy("motet.graphql.types.device")] | None = described(
        "The device that the SIM is in."
    )
    history = listed(SimStatusChange, "The steps of its life, newest first.")
    events = listed(Event, "What happened to the SIM, newest first.", filter_by=EventFilter)


@strawberry.input(description="Which SIMs. Conditions side by side must all hold.")
class SimFilter:
    status: list[SimStatus] | None = strawberry.field(
        default=strawberry.UNSET,
        description="In one of these states; without such a condition deleted ones are left out.",
    )
    iccid: str | None = strawberry.field(default=strawberry.UNSET, description="With this ICCID.")
    imsi: str | None = strawberry.field(default=strawberry.UNSET, description="With this IMSI.")
    msisdn: str | None = strawberry.field(default=strawberry.UNSET, description="With this MSISDN.")
    unassigned: bool | None = strawberry.field(
        default=strawberry.UNSET, description="True: in no device. False: in a device."
    )
    and_: list[SimFilter] | None = strawberry.field(
        name="and", default=strawberry.UNSET, description="All of these hold."
    )
    or_: list[SimFilter] | None = strawberry.field(
        name="or", default=strawberry.UNSET, description="At least one of these holds; an empty list lets nothing pass."
    )
    not_: SimFilter | None = strawberry.field(name="not", default=strawberry.UNSET, description="This does not hold.")


@strawberry.enum(description="What SIMs can be sorted by.")
class SimOrderField(Enum):
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="In the order in which they were made.")
    ICCID = strawberry.enum_value("ICCID", description="By ICCID.")


@strawberry.input(description="How SIMs are sorted.")
class SimOrder:
    field: SimOrderField = strawberry.field(description="What by.")
    direction: OrderDirection | None = strawberry.field(
        default=strawberry.UNSET, description="Which way; ascending if not given."
    )
