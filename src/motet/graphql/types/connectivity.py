"""Where a device is, whether it is online, and what was done to bring it back."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.types.radio import Rat
from motet.graphql.types.relay import Node, described


@strawberry.enum(description="How far a device is connected.")
class ConnectivityStatus(Enum):
    ATTACHED = strawberry.enum_value("ATTACHED", description="In a network, without a data session.")
    ONLINE = strawberry.enum_value("ONLINE", description="With an open data session.")
    OFFLINE = strawberry.enum_value("OFFLINE", description="In no network, as far as networks have told.")
    BLOCKED = strawberry.enum_value(
        "BLOCKED", description="Kept from data by its IMEI lock, its quota or its monthly limit: `blockedBy` says."
    )


@strawberry.type(description="A place in a visited network, as the network told it.")
class Location(Node):
    id: strawberry.ID = described("The global id.")
    operator: str = described("The network's operator: PLMN code, MCC and MNC digits, such as 26201.")
    operator_name: str | None = described("What the operator is called.")
    country: str | None = described("ISO 3166 alpha-2 code.")
    rat: Rat | None = described("The radio access technology.")
    cell: str | None = described("Cell global identity: MCC-MNC-LAC-CI, or as the network spells it.")
    network_node: str | None = described("VLR, SGSN or MME: a global title or a host name.")
    since: datetime = described("When the device came there.")
    last_updated_at: datetime = described("When the network last said that it is there.")


@strawberry.enum(description="How far a reset is.")
class ResetState(Enum):
    PENDING = strawberry.enum_value("PENDING", description="The network has not answered yet.")
    DONE = strawberry.enum_value("DONE", description="The network did what was asked.")
    FAILED = strawberry.enum_value("FAILED", description="The network refused, or did not answer for three days.")


@strawberry.type(description="A reset of a device's connectivity, and what came of it.")
class ConnectivityReset(Node):
    id: strawberry.ID = described("The global id.")
    state: ResetState = described("How far it is.")
    location: bool = described("Whether the network was to forget where the SIM is, so that it attaches anew.")
    data: bool = described("Whether its data sessions were to be cut.")
    actor: str = described("The subject of the token that asked for it.")
    requested_at: datetime = described("When it was asked for.")
    done_at: datetime | None = described("When the network had done it.")
    failure: str | None = described("Why the network did not do it.")
    reattached_at: datetime | None = described("When the SIM was back: the proof that it worked.")


@strawberry.type(description="What networks say of a device's SIM. A device without a SIM is OFFLINE.")
class Connectivity(Node):
    id: strawberry.ID = described("The global id.")
    status: ConnectivityStatus = described("How far it is connected.")
    blocked_by: str | None = described(
        "Why it is BLOCKED: IMEI_MISMATCH, QUOTA_USED_UP, QUOTA_EXPIRED or MONTH_LIMIT_REACHED."
    )
    attached: bool = described("Whether it is in a network.")
    since: datetime | None = described("Since when it is, or is not; null: no network ever spoke of it.")
    location: Location | None = described("Where it is, or was last.")
    location_is_stale: bool | None = described(
        "Whether the location is old: the device is in no network now, or the network was silent for 24 hours."
    )
    open_sessions: int = described("How many data sessions are open.")
    imei_seen: str | None = described("The equipment that the SIM was last seen in: an IMEI, or IMEISV of 16 digits.")
    imei_seen_at: datetime | None = described("When it was first seen in it.")
    imei_matches: bool | None = described("Whether that is what the SIM is locked to; null without a lock.")
    attach_refused_by: str | None = described("The rule of ours that its last attempt to attach met; null: none did.")
    attach_refused_at: datetime | None = described("When that was.")
    last_reset: ConnectivityReset | None = described("The newest reset of its connectivity.")
