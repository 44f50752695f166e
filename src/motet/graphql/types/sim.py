"""SIMs."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from motet.graphql.filters import filter_input, optional
from motet.graphql.lists import later, listed
from motet.graphql.types.event import Event, EventFilter
from motet.graphql.types.ordering import OrderDirection
from motet.graphql.types.relay import Node, described
from motet.graphql.types.usage import DataSession, DataSessionFilter, Usage, UsageFilter

if TYPE_CHECKING:
    from motet.graphql.types.device import Device
    from motet.graphql.types.euicc import Euicc
    from motet.graphql.types.sim_order import SimBatch


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


@strawberry.enum(description="What a SIM can be asked to do later.")
class SimTransition(Enum):
    START_FACTORY_TEST = strawberry.enum_value("START_FACTORY_TEST", description="Go into factory test.")
    ACTIVATE = strawberry.enum_value("ACTIVATE", description="Come into use, or out of its suspension.")
    SUSPEND = strawberry.enum_value("SUSPEND", description="Be suspended.")
    DELETE = strawberry.enum_value("DELETE", description="Be deleted; it must be in no device then.")


@strawberry.enum(description="Where a plan for a SIM is.")
class SimScheduledTransitionStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="Its time has not come.")
    DONE = strawberry.enum_value("DONE", description="It was done.")
    REFUSED = strawberry.enum_value("REFUSED", description="When it was due, the SIM's status did not allow it.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="It was called off.")


@strawberry.type(description="Something that a SIM is to do later.")
class SimScheduledTransition(Node):
    id: strawberry.ID = described("The global id.")
    transition: SimTransition = described("What it is to do.")
    due_at: datetime = described("When; it is done within seconds, and after a time without any node, at its start.")
    status: SimScheduledTransitionStatus = described("Where the plan is.")
    reason: str | None = described("Why it was refused.")
    actor: str = described("Who asked for it, as the viewer's `subject` shows them.")
    created_at: datetime = described("When it was asked for.")
    done_at: datetime | None = described("When it was done, refused or called off.")
    sim: Sim | None = described("The SIM.")


@filter_input("Which plans. Conditions side by side must all hold.")
class SimScheduledTransitionFilter:
    status: list[SimScheduledTransitionStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states."
    )
    sim_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="For this SIM.")


@strawberry.type(description="A SIM and the identities it holds.")
class Sim(Node):
    id: strawberry.ID = described("The global id.")
    iccid: str = described("Integrated circuit card identifier, digits, with its check digit.")
    eid: str | None = described("Identifier of the eUICC, 32 digits, if it is one.")
    imsi: str = described("The active international mobile subscriber identity, digits.")
    msisdn: str = described("The telephone number, E.164 digits without plus.")
    status: SimStatus = described("Where the SIM is in its life.")
    form_factor: str | None = described("Shape of the card: a code of `formFactors`.")
    quality_grade: str | None = described("What the card is made for: a code of `qualityGrades`.")
    created_at: datetime = described("When the SIM was registered.")
    activated_at: datetime | None = described("When the SIM was first activated.")
    package: str | None = described("The package that the card came in, such as TRIPLE_CUT, if it is one of ours.")
    batch: Annotated[SimBatch, strawberry.lazy("motet.graphql.types.sim_order")] | None = described(
        "The batch that it was registered with."
    )
    test_ends_at: datetime | None = described("When its factory test ends or ended at the latest; null: it had none.")
    test_sms_count: int = described("SMS of both directions in its factory test.")
    test_data_octets: int = described("Octets up and down in its factory test.")
    device: Annotated[Device, strawberry.lazy("motet.graphql.types.device")] | None = described(
        "The device that the SIM is in."
    )
    history = listed(SimStatusChange, "The steps of its life, newest first.")
    scheduled_transitions = listed(
        later("SimScheduledTransition", "sim"),
        "What it is to do later, and what became of that.",
        filter_by=SimScheduledTransitionFilter,
    )
    events = listed(Event, "What happened to the SIM, newest first.", filter_by=EventFilter)
    usage = listed(
        Usage,
        "What was used with the SIM in each device, by day unless the filter says otherwise, newest first.",
        filter_by=UsageFilter,
    )
    data_sessions = listed(DataSession, "The SIM's data sessions, newest first.", filter_by=DataSessionFilter)
    euicc: Annotated[Euicc, strawberry.lazy("motet.graphql.types.euicc")] | None = described(
        "The eUICC, if the SIM is one."
    )
    imsis = listed(later("Imsi", "imsi"), "The IMSIs that the SIM holds; of an eUICC those of all its profiles.")
    imsi_switches = listed(later("ImsiSwitch", "imsi"), "Its changes from one IMSI to another, newest first.")
    activation_codes = listed(
        later("ActivationCode", "activation_code"), "The codes by which a phone gets it as an eSIM, newest first."
    )


@filter_input("Which SIMs. Conditions side by side must all hold.")
class SimFilter:
    status: list[SimStatus] | None = strawberry.field(
        default=strawberry.UNSET,
        description="In one of these states; without such a condition deleted ones are left out.",
    )
    iccid: str | None = strawberry.field(default=strawberry.UNSET, description="With this ICCID.")
    imsi: str | None = strawberry.field(default=strawberry.UNSET, description="With this IMSI.")
    msisdn: str | None = strawberry.field(default=strawberry.UNSET, description="With this MSISDN.")
    form_factor: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="With one of these form factors."
    )
    quality_grade: list[str] | None = strawberry.field(default=strawberry.UNSET, description="In one of these grades.")
    package: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="That came in one of these packages."
    )
    batch_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Registered with this batch."
    )
    created_after: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Registered at this time or later."
    )
    created_before: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Registered before this time."
    )
    iccid_in: list[str] | None = optional("With one of these ICCIDs.")
    iccid_starts_with: str | None = optional("With an ICCID that begins so.")
    iccid_contains: str | None = optional("With this in the ICCID.")
    eid: str | None = optional("With this EID.")
    eid_starts_with: str | None = optional("With an EID that begins so.")
    imsi_in: list[str] | None = optional("With one of these IMSIs.")
    imsi_starts_with: str | None = optional("With an IMSI that begins so: a country's, a network's.")
    msisdn_in: list[str] | None = optional("With one of these MSISDNs.")
    msisdn_starts_with: str | None = optional("With an MSISDN that begins so.")
    activated_after: datetime | None = optional("Activated at this time or later.")
    activated_before: datetime | None = optional("Activated before this time.")
    unassigned: bool | None = strawberry.field(
        default=strawberry.UNSET, description="True: in no device. False: in a device."
    )


@strawberry.enum(description="What SIMs can be sorted by.")
class SimOrderField(Enum):
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="In the order in which they were made.")
    ICCID = strawberry.enum_value("ICCID", description="By ICCID.")
    IMSI = strawberry.enum_value("IMSI", description="By IMSI.")
    MSISDN = strawberry.enum_value("MSISDN", description="By MSISDN.")
    ACTIVATED_AT = strawberry.enum_value(
        "ACTIVATED_AT", description="By when they were activated; those that never were come last, descending first."
    )


@strawberry.input(description="How SIMs are sorted.")
class SimOrder:
    field: SimOrderField = strawberry.field(description="What by.")
    direction: OrderDirection | None = strawberry.field(
        default=strawberry.UNSET, description="Which way; ascending if not given."
    )
