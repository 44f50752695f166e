"""SIMs and devices."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from motet.graphql.types.ordering import OrderDirection
from motet.graphql.types.relay import (
    After,
    Before,
    Connection,
    First,
    Last,
    Node,
    declared,
    described,
    read_elsewhere,
)

if TYPE_CHECKING:
    from motet.graphql.types.message import SmsMessage, SmsMessageFilter


@strawberry.enum(description="Where a SIM is in its life.")
class SimStatus(Enum):
    ISSUED = strawberry.enum_value("ISSUED", description="Made and delivered, not yet in use.")
    FACTORY_TEST = strawberry.enum_value("FACTORY_TEST", description="Usable to a small extent while devices are made.")
    ACTIVATED = strawberry.enum_value("ACTIVATED", description="In use.")
    SUSPENDED = strawberry.enum_value("SUSPENDED", description="Barred for the time being.")
    DELETED = strawberry.enum_value("DELETED", description="Gone for good; its identities are free again.")


@strawberry.enum(description="Whether a device takes part.")
class DeviceStatus(Enum):
    ENABLED = strawberry.enum_value("ENABLED", description="May send and receive.")
    DISABLED = strawberry.enum_value("DISABLED", description="Neither sends nor receives.")
    DELETED = strawberry.enum_value("DELETED", description="Gone for good.")


@strawberry.type(description="A SIM and the identities it holds.")
class Sim(Node):
    id: strawberry.ID = described("The global id.")
    iccid: str = described("Integrated circuit card identifier, digits, without the check digit.")
    eid: str | None = described("Identifier of the eUICC, 32 digits, if it is one.")
    imsi: str = described("The active international mobile subscriber identity, digits.")
    msisdn: str = described("The telephone number, E.164 digits without plus.")
    status: SimStatus = described("Where the SIM is in its life.")
    form_factor: str | None = described("Shape of the card, such as 2FF, 4FF or MFF2.")
    created_at: datetime = described("When the SIM was registered.")
    activated_at: datetime | None = described("When the SIM was first activated.")
    device: Device | None = described("The device that the SIM is in.")


@strawberry.type(description="A thing with a SIM: what SMS go to and come from.")
class Device(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it.")
    status: DeviceStatus = described("Whether the device takes part.")
    tags: list[str] = described("Labels, for filters.")
    imei: str | None = described("International mobile equipment identity, digits.")
    imei_lock: bool = described("Whether only the equipment with this IMEI may use the SIM.")
    ip_address: str | None = described("The device's address in the data network.")
    created_at: datetime = described("When the device was made.")
    sim: Sim | None = described("The SIM in the device.")

    @declared("The messages to and from the device, newest first.")
    def sms_messages(
        self,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: Annotated[  # noqa: A002 - GraphQL's name
            Annotated[SmsMessageFilter, strawberry.lazy("motet.graphql.types.message")] | None,
            strawberry.argument(description="Which of them."),
        ] = strawberry.UNSET,
    ) -> Connection[Annotated[SmsMessage, strawberry.lazy("motet.graphql.types.message")]] | None:
        read_elsewhere()


@strawberry.input(description="Which SIMs. Conditions side by side must all hold.")
class SimFilter:
    status: list[SimStatus] | None = strawberry.field(default=strawberry.UNSET, description="In one of these states.")
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


@strawberry.input(description="Which devices. Conditions side by side must all hold.")
class DeviceFilter:
    status: list[DeviceStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states."
    )
    tags: list[str] | None = strawberry.field(default=strawberry.UNSET, description="With all of these tags.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="With this in the name, whatever the case."
    )
    imei: str | None = strawberry.field(default=strawberry.UNSET, description="With this IMEI.")
    msisdn: str | None = strawberry.field(default=strawberry.UNSET, description="With the SIM of this MSISDN.")
    and_: list[DeviceFilter] | None = strawberry.field(
        name="and", default=strawberry.UNSET, description="All of these hold."
    )
    or_: list[DeviceFilter] | None = strawberry.field(
        name="or", default=strawberry.UNSET, description="At least one of these holds; an empty list lets nothing pass."
    )
    not_: DeviceFilter | None = strawberry.field(
        name="not", default=strawberry.UNSET, description="This does not hold."
    )


@strawberry.enum(description="What devices can be sorted by.")
class DeviceOrderField(Enum):
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="In the order in which they were made.")
    NAME = strawberry.enum_value("NAME", description="By name.")


@strawberry.input(description="How devices are sorted.")
class DeviceOrder:
    field: DeviceOrderField = strawberry.field(description="What by.")
    direction: OrderDirection | None = strawberry.field(
        default=strawberry.UNSET, description="Which way; ascending if not given."
    )
