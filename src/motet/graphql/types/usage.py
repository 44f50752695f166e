"""Usage and data sessions."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from motet.graphql.types.relay import Node, described

if TYPE_CHECKING:
    from motet.graphql.types.device import Device
    from motet.graphql.types.sim import Sim


@strawberry.enum(description="How long a time usage is added up for, in UTC.")
class UsageGranularity(Enum):
    HOUR = strawberry.enum_value("HOUR", description="An hour.")
    DAY = strawberry.enum_value("DAY", description="A day.")
    MONTH = strawberry.enum_value("MONTH", description="A calendar month.")


@strawberry.type(description="What a device has used with one SIM in an hour, a day or a month.")
class Usage(Node):
    id: strawberry.ID = described("The global id.")
    granularity: UsageGranularity = described("Whether this is an hour, a day or a month.")
    start: datetime = described("When it began.")
    sms_mt: float = described("Messages to the device that were accepted; whole.")
    sms_mt_parts: float = described("The same in parts, which is what quotas and limits count.")
    sms_mo: float = described("Messages from the device that were accepted.")
    sms_mo_parts: float = described("The same in parts.")
    octets_up: float = described("Octets of data from the device, as networks reported them.")
    octets_down: float = described("Octets of data to the device.")
    device: Annotated[Device, strawberry.lazy("motet.graphql.types.device")] | None = described("The device.")
    sim: Annotated[Sim, strawberry.lazy("motet.graphql.types.sim")] | None = described("The SIM that was in it.")


@strawberry.type(description="What all devices of the workspace have used in an hour, a day or a month.")
class WorkspaceUsage(Node):
    id: strawberry.ID = described("The global id.")
    granularity: UsageGranularity = described("Whether this is an hour, a day or a month.")
    start: datetime = described("When it began.")
    sms_mt: float = described("Messages to devices that were accepted; whole.")
    sms_mt_parts: float = described("The same in parts, which is what quotas and limits count.")
    sms_mo: float = described("Messages from devices that were accepted.")
    sms_mo_parts: float = described("The same in parts.")
    octets_up: float = described("Octets of data from devices, as networks reported them.")
    octets_down: float = described("Octets of data to devices.")


@strawberry.input(description="Which usage. All conditions must hold.")
class UsageFilter:
    granularity: list[UsageGranularity] | None = strawberry.field(
        default=strawberry.UNSET, description="Of one of these; days without such a condition."
    )
    since: datetime | None = strawberry.field(default=strawberry.UNSET, description="What began at this time or later.")
    until: datetime | None = strawberry.field(default=strawberry.UNSET, description="What began before this time.")


@strawberry.input(description="Which usage. All conditions must hold.")
class WorkspaceUsageFilter:
    granularity: list[UsageGranularity] | None = strawberry.field(
        default=strawberry.UNSET, description="Of one of these; days without such a condition."
    )
    since: datetime | None = strawberry.field(default=strawberry.UNSET, description="What began at this time or later.")
    until: datetime | None = strawberry.field(default=strawberry.UNSET, description="What began before this time.")


@strawberry.enum(description="What became of a data session.")
class DataSessionStatus(Enum):
    OPEN = strawberry.enum_value("OPEN", description="It goes on.")
    CLOSED = strawberry.enum_value("CLOSED", description="It has ended.")
    REFUSED = strawberry.enum_value("REFUSED", description="It was not to be opened.")


@strawberry.type(description="A data session (PDP context), as its network tells of it.")
class DataSession(Node):
    id: strawberry.ID = described("The global id.")
    session_id: str = described("Its name in the network.")
    status: DataSessionStatus = described("What became of it.")
    apn: str | None = described("The access point name.")
    ip_address: str | None = described("The device's address in it.")
    region: str | None = described("The code of the breakout region.")
    operator: str | None = described("The visited network: MCC and MNC digits.")
    rat: str | None = described("The radio access technology.")
    imei: str | None = described("The equipment, as the network saw it.")
    cause: str | None = described("Why it ended, in the network's words.")
    reason: str | None = described("Why it was refused or is being cut, such as QUOTA_USED_UP.")
    octets_up: float = described("Octets from the device; whole.")
    octets_down: float = described("Octets to the device.")
    record_count: int = described("How many records the network has sent of it.")
    opened_at: datetime = described("When it was opened.")
    updated_at: datetime = described("The time of its newest record.")
    closed_at: datetime | None = described("When it ended.")
    device: Annotated[Device, strawberry.lazy("motet.graphql.types.device")] | None = described(
        "The device that the SIM was in when it was opened."
    )
    sim: Annotated[Sim, strawberry.lazy("motet.graphql.types.sim")] | None = described("The SIM.")


@strawberry.input(description="Which data sessions. All conditions must hold.")
class DataSessionFilter:
    status: list[DataSessionStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states."
    )
    device_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Of this device.")
    sim_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Of this SIM.")
    operator: str | None = strawberry.field(
        default=strawberry.UNSET, description="In this visited network: MCC and MNC digits."
    )
    since: datetime | None = strawberry.field(default=strawberry.UNSET, description="Opened at this time or later.")
    until: datetime | None = strawberry.field(default=strawberry.UNSET, description="Opened before this time.")
