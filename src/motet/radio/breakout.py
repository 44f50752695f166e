"""Where data sessions leave for the Internet: the regions, which is nearest, and what the way costs in time.

Distances are great circles to the capital of the serving country; the time is an estimate from them, no measurement.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

from motet.radio import reference

AUTO: Final = "auto"
EARTH_RADIUS_KM: Final = 6_371.0
FIBRE_KM_PER_MS: Final = 200.0
"""Light in glass."""
DETOUR: Final = 1.5
"""Cables do not lie on great circles."""
ACCESS_RTT_MS: Final = 30.0
"""Radio and the visited network's core, as LTE has it; NB-IoT and 2G add hundreds."""


@dataclass(frozen=True, slots=True)
class BreakoutRegion:
    """A place where sessions leave; codes are those of Amazon's regions there."""

    code: str
    name: str
    latitude: float
    longitude: float


REGIONS: Final = {
    one.code: one
    for one in (
        BreakoutRegion("us-east-1", "Virginia", 39.04, -77.49),
        BreakoutRegion("eu-west-1", "Ireland", 53.35, -6.26),
        BreakoutRegion("ap-southeast-1", "Singapore", 1.35, 103.82),
    )
}
"""By code."""

FAILOVER: Final = {
    "us-east-1": ("eu-west-1", "ap-southeast-1"),
    "eu-west-1": ("us-east-1", "ap-southeast-1"),
    "ap-southeast-1": ("eu-west-1", "us-east-1"),
}
"""Where the sessions of a fixed region go while it is out."""

WITHOUT_COUNTRY: Final = "eu-west-1"
"""What `auto` takes for a SIM that is nowhere, or on a network of no country."""


class Way(NamedTuple):
    """From a country to a region and back."""

    region: BreakoutRegion
    distance_km: float
    rtt_ms: float


class Choice(NamedTuple):
    """The region that a session takes: None if every one is out. `order` is what was tried, the best first."""

    region: BreakoutRegion | None
    order: tuple[BreakoutRegion, ...]
    is_failover: bool
    reason: str


def great_circle_km(latitude: float, longitude: float, region: BreakoutRegion) -> float:
    """The shortest way over the ground between a place and a region (haversine)."""
    north, other_north = math.radians(latitude), math.radians(region.latitude)
    east = math.radians(region.longitude - longitude)
    half = math.sin((other_north - north) / 2) ** 2
    half += math.cos(north) * math.cos(other_north) * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(half, 1.0)))


def ways_from(country: str) -> tuple[Way, ...]:
    """The ways to all regions, the shortest first; none from a country that is unknown."""
    found = reference.countries().get(country)
    if found is None:
        return ()
    ways = []
    for region in REGIONS.values():
        distance_km = great_circle_km(found.latitude, found.longitude, region)
        ways.append(Way(region, distance_km, ACCESS_RTT_MS + 2 * distance_km * DETOUR / FIBRE_KM_PER_MS))
    return tuple(sorted(ways, key=lambda way: way.distance_km))


def choose_region(wanted: str, country: str | None, out: Collection[str]) -> Choice:
    """The region for a session: the one that is `wanted`, or for `auto` the nearest to the serving country; the next
    one if that is out. A code that there is no longer counts as `auto`."""
    ways = ways_from(country) if country else ()
    if wanted in REGIONS:
        order = (REGIONS[wanted], *(REGIONS[code] for code in FAILOVER[wanted]))
        reason = f"The service policy says {wanted}."
    elif ways:
        order = tuple(way.region for way in ways)
        reason = f"Of all regions {order[0].code} is nearest to {country}: {ways[0].distance_km:.0f} km."
    else:
        order = (REGIONS[WITHOUT_COUNTRY], *(REGIONS[code] for code in FAILOVER[WITHOUT_COUNTRY]))
        reason = f"The serving country is not known: {WITHOUT_COUNTRY} is taken."
    for place, region in enumerate(order):
        if region.code not in out:
            if place:
                reason += f" Out: {', '.join(one.code for one in order[:place])}; {region.code} is next."
            return Choice(region, order, place > 0, reason)
    return Choice(None, order, True, f"{reason} Every region is out.")


def is_breakout_region(code: str) -> bool:
    """Whether a service policy may say this: `auto`, or a region's code."""
    return code == AUTO or code in REGIONS
