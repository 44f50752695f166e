"""Service policies: what devices may do."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from motet.graphql.filters import filter_input
from motet.graphql.lists import later, listed
from motet.graphql.types.ip import DnsConfig
from motet.graphql.types.ordering import OrderDirection
from motet.graphql.types.radio import Rat
from motet.graphql.types.relay import Node, described


@strawberry.enum(description="What happens when a SIM is seen in other equipment than it is locked to.")
class ImeiLockMode(Enum):
    ENFORCE = strawberry.enum_value("ENFORCE", description="Traffic is refused, and an event tells it.")
    ALERT = strawberry.enum_value("ALERT", description="An event tells it, and traffic passes.")


@strawberry.type(description="A field of a policy that differs between two of its versions.")
class PolicyChange:
    field: str = described("The policy's field, such as `smsMtEnabled`.")
    before: JSON | None = described("Its value before.")
    after: JSON | None = described("Its value after.")


@strawberry.type(
    description="What a service policy was from a moment on. Versions never change and outlive the policy."
)
class ServicePolicyVersion(Node):
    id: strawberry.ID = described("The global id.")
    number: int = described("1 for the first, and so on.")
    created_at: datetime = described("From when on the policy was like this.")
    actor: str | None = described("Who did it, as the viewer's `subject` shows them; null: it came with the workspace.")
    restored_from: int | None = described("The number of the version that it repeats, if it went back to one.")
    content: JSON = described("The whole policy, by the names of its fields.")
    diff: list[PolicyChange] | None = described("What differs from the version before; empty in the first.")
    policy: Annotated[ServicePolicy, strawberry.lazy("motet.graphql.types.service_policy")] | None = described(
        "The policy; null once it is deleted."
    )


@strawberry.type(
    description="What devices may do. Every device has one; a change takes effect on the next message of all of them."
)
class ServicePolicy(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it, unique in the workspace.")
    description: str = described("What it is for.")
    is_default: bool = described("Whether it came with the workspace: it cannot be deleted.")
    version: int = described("The number of its current version.")
    used_count: int = described("How many devices have it. Only one that no device has can be deleted.")
    created_at: datetime = described("When it was made.")
    updated_at: datetime = described("When it was last changed.")
    data_enabled: bool = described("Whether devices may use data.")
    sms_mt_enabled: bool = described("Whether SMS may be sent to devices.")
    sms_mo_enabled: bool = described("Whether devices may send SMS, of any kind.")
    p2p_inside: bool = described("Whether devices of the workspace may send SMS to each other.")
    p2p_outside: bool = described(
        "Whether devices may send SMS to numbers of more than 7 digits that are nobody's in the workspace."
    )
    p2p_limit_per_day: int | None = described(
        "P2P messages that one device may send in the 24 hours that begin with the first of them; null: no limit."
    )
    allowed_rats: list[Rat] | None = described("The RATs that devices may use; null: all.")
    dns_config: DnsConfig | None = described("The name servers of data sessions; null: 8.8.8.8 and 8.8.4.4.")
    breakout_region: str = described("Where data leaves for the internet: a region's code, or `auto` for the nearest.")
    apn: str | None = described("The access point name; null: the network's own.")
    internet_breakout: bool = described("Whether data may leave for the internet.")
    inter_device: bool = described("Whether devices of one address space may exchange data.")
    imei_lock_mode: ImeiLockMode = described("What happens when a SIM is seen in other equipment.")
    imei_lock_applies_to_sms: bool = described("Whether an IMEI lock that is enforced refuses SMS, too.")
    apply_sms_quota: bool = described("Whether SMS need a quota.")
    apply_data_quota: bool = described("Whether data needs a quota.")
    sms_mt_limit_per_month: int | None = described(
        "SMS that one device may get in a calendar month (UTC), counted in parts; null: no limit."
    )
    sms_mo_limit_per_month: int | None = described(
        "SMS that one device may send in a calendar month (UTC), counted in parts; null: no limit."
    )
    data_limit_per_month_octets: float | None = described(
        "Octets up and down that one device may use in a calendar month (UTC); null: no limit."
    )
    limit_warning_percent: int | None = described("At how much of a monthly limit an event warns; null: never.")
    sms_on_nb_iot_refused: bool = described("Whether SMS to and from devices that are on NB-IoT are refused.")
    devices = listed(
        later("Device", "device"),
        "The devices that have it.",
        filter_by=later("DeviceFilter", "device"),
        order_by=later("DeviceOrder", "device"),
    )
    versions = listed(ServicePolicyVersion, "What it was, newest first.")


@filter_input("Which service policies.")
class ServicePolicyFilter:
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="With this in the name, whatever the case."
    )


@strawberry.enum(description="What policies can be sorted by.")
class PolicyOrderField(Enum):
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="In the order in which they were made.")
    NAME = strawberry.enum_value("NAME", description="By name.")


@strawberry.input(description="How policies are sorted.")
class PolicyOrder:
    field: PolicyOrderField = strawberry.field(description="What by.")
    direction: OrderDirection | None = strawberry.field(
        default=strawberry.UNSET, description="Which way; ascending if not given."
    )
