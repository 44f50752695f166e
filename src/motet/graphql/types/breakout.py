"""Where data sessions leave for the Internet."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.types.relay import described


@strawberry.type(description="A place where data sessions leave for the Internet.")
class BreakoutRegion:
    code: str = described("Its code, such as eu-west-1, which service policies name.")
    name: str = described("Where it is.")
    latitude: float = described("In degrees north.")
    longitude: float = described("In degrees east.")
    available: bool = described("Whether it works, as far as the operator has said.")
    unavailable_since: datetime | None = described("Since when it does not.")


@strawberry.type(description="The way from a country to a region and back.")
class BreakoutWay:
    country: str = described("The serving country, alpha-2.")
    region: BreakoutRegion = described("The region.")
    distance_km: float = described("The great circle from the country's capital.")
    estimated_rtt_ms: float = described(
        "An estimate of the round trip over LTE: light in a cable half as long again, and 30 ms for the access."
    )


@strawberry.enum(description="How a service policy chooses the region.")
class BreakoutMode(Enum):
    AUTO = strawberry.enum_value("AUTO", description="The nearest to the serving country.")
    FIXED = strawberry.enum_value("FIXED", description="The one that it names.")


@strawberry.type(description="Which region a data session takes, and why.")
class BreakoutChoice:
    mode: BreakoutMode = described("How it is chosen.")
    country: str | None = described("The serving country, if the SIM is attached in one.")
    region: BreakoutRegion | None = described("The region; null if every one is out.")
    failover: bool = described("Whether the first one is out and the next one is taken.")
    reason: str = described("Why, in words.")
    order: list[BreakoutRegion] = described("The regions in the order in which they are tried.")
    ways: list[BreakoutWay] = described("The ways from the country, the shortest first.")
