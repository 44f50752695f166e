"""Quotas and their pools."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from motet.graphql.filters import filter_input
from motet.graphql.lists import later, listed
from motet.graphql.types.relay import Node, described

if TYPE_CHECKING:
    from motet.graphql.types.device import Device


@strawberry.enum(description="What a quota is of.")
class QuotaService(Enum):
    DATA = strawberry.enum_value("DATA", description="Data, in octets up and down together.")
    SMS = strawberry.enum_value("SMS", description="SMS to and from the device, in parts.")


@strawberry.enum(description="Whether a quota lets traffic pass.")
class QuotaStatus(Enum):
    ACTIVE = strawberry.enum_value("ACTIVE", description="Something is left of it.")
    EXHAUSTED = strawberry.enum_value("EXHAUSTED", description="It is used up: `action` says what follows.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="Its end has come: nothing passes.")
    DISABLED = strawberry.enum_value("DISABLED", description="It is as if it were not there.")


@strawberry.enum(description="When a quota is full again: at 00:00 of its time zone.")
class QuotaRefill(Enum):
    NEVER = strawberry.enum_value("NEVER", description="Only by a top-up.")
    DAILY = strawberry.enum_value("DAILY", description="Every day.")
    MONTHLY = strawberry.enum_value("MONTHLY", description="On every first of a month.")


@strawberry.enum(description="What becomes of traffic once a quota is used up.")
class QuotaAction(Enum):
    BLOCK = strawberry.enum_value("BLOCK", description="It is refused, and data sessions are cut.")
    THROTTLE = strawberry.enum_value("THROTTLE", description="It passes at `throttleRate`.")


@strawberry.type(
    description="How much data or SMS may pass. It is in force for devices whose service policy asks for it; what a"
    " policy asks for and is not there lets nothing pass. A device's own quota comes before that of a pool."
)
class Quota(Node):
    id: strawberry.ID = described("The global id.")
    service: QuotaService = described("What it is of.")
    status: QuotaStatus = described("Whether it lets traffic pass.")
    volume: float = described("What may pass in this period, top-ups and what was carried over included; whole.")
    used: float = described("What has passed, as of a few seconds ago.")
    remaining: float = described("What is left.")
    refill_volume: float = described("What a refill gives.")
    refill: QuotaRefill = described("When it is full again.")
    time_zone: str = described("Whose midnight is meant, such as Europe/Berlin.")
    rollover: bool = described("Whether a refill keeps what is left, up to one refill more.")
    threshold_percents: list[int] = described("Told, once a period each, when so much of the volume is used.")
    action: QuotaAction = described("What follows when it is used up.")
    throttle_rate: int | None = described("With THROTTLE: kbit/s of data, parts a minute of SMS.")
    period_started_at: datetime = described("What passed before is not counted.")
    next_refill_at: datetime | None = described("When it is full again.")
    expires_at: datetime | None = described("Its end.")
    status_changed_at: datetime = described("When its status last changed.")
    created_at: datetime = described("When it was made.")
    device: Annotated[Device, strawberry.lazy("motet.graphql.types.device")] | None = described(
        "The device whose own it is."
    )
    pool: QuotaPool | None = described("The pool that shares it.")
    top_ups = listed(later("QuotaTopUp", "quota"), "Who added to it, newest first.")


@strawberry.type(description="All devices with a tag: they share the pool's quotas.")
class QuotaPool(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it.")
    tag: str = described("The devices' tag. A device with the tags of several pools uses the oldest pool's quota.")
    created_at: datetime = described("When it was made.")
    quotas = listed(later("Quota", "quota"), "Its quotas: at most one of each service.")


@strawberry.type(description="An addition to a quota.")
class QuotaTopUp(Node):
    id: strawberry.ID = described("The global id.")
    amount: float = described("How much: octets or parts; whole.")
    actor: str = described("Who did it, as the viewer's `subject` shows them.")
    at: datetime = described("When.")
    quota: Quota | None = described("The quota; null if it was deleted.")


@filter_input("Which quotas. Conditions side by side must all hold.")
class QuotaFilter:
    service: list[QuotaService] | None = strawberry.field(
        default=strawberry.UNSET, description="Of one of these services."
    )
    status: list[QuotaStatus] | None = strawberry.field(default=strawberry.UNSET, description="In one of these states.")
    device_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="This device's own.")
    pool_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="This pool's.")


@filter_input("Which pools.")
class QuotaPoolFilter:
    tag: str | None = strawberry.field(default=strawberry.UNSET, description="Of the devices with this tag.")
