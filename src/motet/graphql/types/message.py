"""SMS messages."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from motet.graphql.filters import filter_input, optional
from motet.graphql.types.device import Device
from motet.graphql.types.relay import Node, described
from motet.graphql.types.sim import Sim

if TYPE_CHECKING:
    from motet.graphql.types.esme import SmppAccount


@strawberry.enum(description="Which way a message goes, seen from the network.")
class SmsDirection(Enum):
    MT = strawberry.enum_value("MT", description="Mobile terminated: to a device.")
    MO = strawberry.enum_value("MO", description="Mobile originated: from a device.")


@strawberry.enum(description="Who talks to whom.")
class SmsKind(Enum):
    A2P = strawberry.enum_value("A2P", description="An application and a device.")
    P2P = strawberry.enum_value("P2P", description="Two devices of one workspace.")


@strawberry.enum(description="How far a message has come.")
class SmsStatus(Enum):
    SCHEDULED = strawberry.enum_value("SCHEDULED", description="Accepted, to be sent at `scheduledAt`.")
    PENDING = strawberry.enum_value("PENDING", description="Accepted, about to be sent.")
    IN_PROGRESS = strawberry.enum_value("IN_PROGRESS", description="Accepted upstream, on its way to the device.")
    BUFFERED = strawberry.enum_value(
        "BUFFERED", description="Held by us: the link is down, its window is full, or a new attempt is due."
    )
    DELIVERED = strawberry.enum_value("DELIVERED", description="The device has it.")
    FAILED = strawberry.enum_value("FAILED", description="It could not be delivered.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="Its validity ended before it was delivered.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="It was called back before it was delivered.")
    REJECTED = strawberry.enum_value("REJECTED", description="The network, the device or a rule refused it.")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Accepted upstream, but no receipt came within the validity and a grace."
    )
    RECEIVED = strawberry.enum_value("RECEIVED", description="From a device, and we have it.")


@strawberry.enum(description="The alphabet of the user data.")
class SmsEncoding(Enum):
    GSM7 = strawberry.enum_value("GSM7", description="GSM 7-bit default alphabet (TS 23.038).")
    ASCII = strawberry.enum_value("ASCII", description="ASCII (IA5).")
    LATIN1 = strawberry.enum_value("LATIN1", description="ISO 8859-1.")
    UCS2 = strawberry.enum_value("UCS2", description="UTF-16, big-endian.")
    BINARY = strawberry.enum_value("BINARY", description="Octets, no text.")


@strawberry.type(description="An SMS message, whole: the parts of a long one are our business.")
class SmsMessage(Node):
    id: strawberry.ID = described("The global id.")
    direction: SmsDirection = described("Which way it goes.")
    kind: SmsKind = described("Who talks to whom.")
    status: SmsStatus = described("How far it has come.")
    from_: str = strawberry.field(name="from", description="The sender: a number, a short code or a name.")
    to: str = described("The destination: a number or a short code.")
    text: str | None = described("The text; null for binary.")
    payload_hex: str = described("The user data without its header, in hexadecimal. GSM 7-bit is unpacked.")
    data_coding: int = described("The `data_coding` octet (SMPP 3.4 §5.2.19).")
    encoding: SmsEncoding = described("The alphabet that `dataCoding` says.")
    part_count: int = described("How many short messages it takes or came in.")
    attempts: int = described("How often it was handed to the network, known once the message is final.")
    error: str | None = described("Why it failed, as the network says it: an error code or a command status.")
    error_detail: str | None = described("Why it failed, in words.")
    submitted_at: datetime = described("When we accepted it.")
    scheduled_at: datetime | None = described("When it is to be sent, if not at once.")
    expires_at: datetime = described("Until when delivery is tried.")
    final_at: datetime | None = described("When it reached its last state.")
    origin_id: strawberry.ID | None = described("Of a P2P message to a device: the id of the one it carries on.")
    device: Device | None = described("The device that it goes to or comes from.")
    sim: Sim | None = described("The SIM that was in the device at the time.")
    smpp_account: Annotated[SmppAccount, strawberry.lazy("motet.graphql.types.esme")] | None = described(
        "The SMPP account that submitted it, if one did."
    )


@filter_input("Which messages. Conditions side by side must all hold.")
class SmsMessageFilter:
    direction: list[SmsDirection] | None = strawberry.field(
        default=strawberry.UNSET, description="Going one of these ways."
    )
    kind: list[SmsKind] | None = strawberry.field(default=strawberry.UNSET, description="Of one of these kinds.")
    status: list[SmsStatus] | None = strawberry.field(default=strawberry.UNSET, description="In one of these states.")
    device_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="To or from this device.")
    from_: str | None = strawberry.field(name="from", default=strawberry.UNSET, description="From this address.")
    to: str | None = strawberry.field(default=strawberry.UNSET, description="To this address.")
    from_in: list[str] | None = optional("From one of these addresses.")
    to_in: list[str] | None = optional("To one of these addresses.")
    part_count_at_least: int | None = optional("Of so many short messages or more.")
    part_count_at_most: int | None = optional("Of so many short messages or fewer.")
    submitted_after: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Accepted at this time or later."
    )
    submitted_before: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Accepted before this time."
    )
