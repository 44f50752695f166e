"""Devices."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

import strawberry
from strawberry.scalars import JSON

from motet.graphql.filters import filter_input, optional
from motet.graphql.lists import later, listed
from motet.graphql.types.connectivity import Connectivity, Location
from motet.graphql.types.coverage_policy import CoveragePolicy
from motet.graphql.types.event import Event, EventFilter
from motet.graphql.types.ip import IpAddressSpace
from motet.graphql.types.ordering import OrderDirection
from motet.graphql.types.power import PowerProfile, Reachability
from motet.graphql.types.quota import Quota, QuotaFilter
from motet.graphql.types.relay import Node, described
from motet.graphql.types.service_policy import ServicePolicy
from motet.graphql.types.sim import Sim
from motet.graphql.types.usage import DataSession, DataSessionFilter, Usage, UsageFilter


@strawberry.enum(description="Whether a device takes part.")
class DeviceStatus(Enum):
    ENABLED = strawberry.enum_value("ENABLED", description="May send and receive.")
    DISABLED = strawberry.enum_value("DISABLED", description="Neither sends nor receives.")
    DELETED = strawberry.enum_value("DELETED", description="Gone for good.")


@strawberry.type(description="A thing with a SIM: what SMS go to and come from.")
class Device(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it.")
    status: DeviceStatus = described("Whether the device takes part.")
    tags: list[str] = described("Labels, for filters.")
    attributes: JSON = described("What the workspace notes of it: an object of texts by key.")
    imei: str | None = described("International mobile equipment identity: 15 digits, the last a check digit.")
    imei_lock: bool = described("Whether only the equipment with this IMEI may use the SIM.")
    ip_address: str | None = described("The device's address in the data network.")
    ip_address_space: IpAddressSpace | None = described("The space that its address is of.")
    power_profile: PowerProfile | None = described("How the device saves power; null if nobody has said.")
    next_reachability: Reachability | None = described(
        "When the device listens, reckoned from its power profile and from when it was heard last; null without a"
        " profile."
    )
    created_at: datetime = described("When the device was made.")
    sim: Sim | None = described("The SIM in the device.")
    connectivity: Connectivity | None = described("Where the device is, and whether it is online.")
    location_history = listed(Location, "The places where the device was, newest first: the last hundred of its SIM.")
    imei_allowed: list[str] = described(
        "Equipment that may use the SIM besides `imei`: 14 digits of an IMEI, or the 8 of a type (TAC)."
    )
    service_policy: ServicePolicy | None = described("What the device may do; null once it is deleted.")
    coverage_policy: CoveragePolicy | None = described("On which networks the device may be; null: on all.")
    blocked_operators: list[str] = described("Operators that this device may not use, by PLMN code.")
    sms_messages = listed(
        later("SmsMessage", "message"),
        "The messages to and from the device, newest first.",
        filter_by=later("SmsMessageFilter", "message"),
    )
    events = listed(Event, "What happened to the device, newest first.", filter_by=EventFilter)
    usage = listed(
        Usage,
        "What the device has used with each SIM, by day unless the filter says otherwise, newest first.",
        filter_by=UsageFilter,
    )
    data_sessions = listed(DataSession, "The device's data sessions, newest first.", filter_by=DataSessionFilter)
    quotas = listed(Quota, "The device's own quotas: at most one of each service.", filter_by=QuotaFilter)


@strawberry.input(
    description="What an attribute is like. Conditions side by side must all hold; at least one is given."
)
class DeviceAttributeFilter:
    key: str = strawberry.field(description="The attribute's key.")
    equals: str | None = strawberry.field(default=strawberry.UNSET, description="It has this value.")
    exists: bool | None = strawberry.field(
        default=strawberry.UNSET, description="The device has it, if true; has not, if false."
    )


@strawberry.type(description="A tag and how common it is.")
class DeviceTag:
    name: str = described("The tag.")
    device_count: int = described("How many devices have it.")


@filter_input("Which devices. Conditions side by side must all hold.")
class DeviceFilter:
    status: list[DeviceStatus] | None = strawberry.field(
        default=strawberry.UNSET,
        description="In one of these states; without such a condition deleted ones are left out.",
    )
    tags: list[str] | None = strawberry.field(default=strawberry.UNSET, description="With all of these tags.")
    tags_any: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="With at least one of these tags; an empty list lets nothing pass."
    )
    attributes: list[DeviceAttributeFilter] | None = strawberry.field(
        default=strawberry.UNSET, description="With attributes like all of these."
    )
    has_sim: bool | None = strawberry.field(
        default=strawberry.UNSET, description="With a SIM in it, if true; without one, if false."
    )
    service_policy_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="With this service policy."
    )
    coverage_policy_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="With this coverage policy."
    )
    created_after: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Made at this time or later."
    )
    created_before: datetime | None = strawberry.field(default=strawberry.UNSET, description="Made before this time.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="With this in the name, whatever the case.",
        deprecation_reason="Use `nameContains`, which is called what it does.",
    )
    name_in: list[str] | None = optional("With one of these names.")
    name_contains: str | None = optional("With this in the name, whatever the case.")
    name_starts_with: str | None = optional("With a name that begins so, whatever the case.")
    imei_in: list[str] | None = optional("With one of these IMEIs, of 15 digits.")
    imei: str | None = strawberry.field(
        default=strawberry.UNSET, description="With this IMEI; the first 14 digits are compared."
    )
    msisdn: str | None = strawberry.field(default=strawberry.UNSET, description="With the SIM of this MSISDN.")
    ip_address: str | None = strawberry.field(default=strawberry.UNSET, description="With this IP address.")
    sunset_before: date | None = strawberry.field(
        default=strawberry.UNSET, description="Last seen on a network known to end, or to have ended, before this day."
    )
    ip_address_space_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="With an address of this space."
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
