"""Breakout regions, and which one a session takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import InvalidError
from motet.domain.global_ids import decode_global_id
from motet.fleet.ip.breakout import Explained
from motet.graphql.fields import context_of, query, raw
from motet.graphql.plain import answered, shaped
from motet.graphql.selection import selection_of
from motet.graphql.types.breakout import BreakoutChoice, BreakoutRegion, BreakoutWay
from motet.radio import breakout
from motet.radio.breakout import AUTO, REGIONS, ways_from
from motet.reading.errors import ForbiddenError

MAX_COUNTRIES = 100
"""Of one question for ways."""

Outages = Mapping[str, datetime]


@strawberry.type
class BreakoutQueries:
    """The part of Query that is about breakout regions."""

    @query(Permission.REFERENCE_READ, "The breakout regions.")
    async def breakout_regions(self, info: Info) -> list[BreakoutRegion] | None:
        outages = await context_of(info).services.breakout.outages()
        return answered(shaped(selection_of(raw(info)), [region_shown(one, outages) for one in REGIONS.values()]))

    @query(Permission.REFERENCE_READ, "The ways from countries to the breakout regions, by country, shortest first.")
    async def breakout_ways(
        self,
        info: Info,
        country: Annotated[list[str], strawberry.argument(description="Alpha-2 codes, at most 100.")],
    ) -> list[BreakoutWay] | None:
        if len(country) > MAX_COUNTRIES:
            raise InvalidError("Name at most {most} countries.", path=("country",), most=MAX_COUNTRIES)
        outages = await context_of(info).services.breakout.outages()
        ways = [way for code in dict.fromkeys(country) for way in _ways(code.upper(), outages)]
        return answered(shaped(selection_of(raw(info)), ways))

    @query(
        Permission.DEVICE_READ,
        "Which region the next data session of a device takes; or one in a country, under `auto` or the region given."
        " Null for a device that there is not.",
    )
    async def breakout_choice(
        self,
        info: Info,
        device_id: Annotated[strawberry.ID | None, strawberry.argument(description="The device.")] = strawberry.UNSET,
        country: Annotated[
            str | None, strawberry.argument(description="The serving country, alpha-2; not with a device.")
        ] = strawberry.UNSET,
        region: Annotated[
            str | None,
            strawberry.argument(description="What the service policy would say; default auto. Not with a device."),
        ] = strawberry.UNSET,
    ) -> BreakoutChoice | None:
        context, selected = context_of(info), selection_of(raw(info))
        given = {name for name, value in selected.arguments.items() if value is not None}
        if "deviceId" not in given:
            found = await context.services.breakout.explain_country(
                selected.arguments.get("country"), selected.arguments.get("region")
            )
            return answered(shaped(selected, _choice(found)))
        if given != {"deviceId"}:
            raise InvalidError("Name a device, or a country and a region.", path=("device_id",))
        if context.principal.workspace_id is None:
            raise ForbiddenError("This is read inside a workspace: use a token of one.")
        decoded = decode_global_id(selected.arguments["deviceId"])
        if decoded is None or decoded[0] != "Device":
            return answered(None)
        explained = await context.services.breakout.explain(context.workspace_id, decoded[1])
        return answered(None if explained is None else shaped(selected, _choice(explained)))


def region_shown(region: breakout.BreakoutRegion, outages: Outages) -> dict[str, Any]:
    """A BreakoutRegion."""
    return {
        "__typename": "BreakoutRegion",
        "code": region.code,
        "name": region.name,
        "latitude": region.latitude,
        "longitude": region.longitude,
        "available": region.code not in outages,
        "unavailableSince": outages.get(region.code),
    }


def _ways(country: str, outages: Outages) -> list[dict[str, Any]]:
    return [
        {
            "__typename": "BreakoutWay",
            "country": country,
            "region": region_shown(way.region, outages),
            "distanceKm": round(way.distance_km, 1),
            "estimatedRttMs": round(way.rtt_ms, 1),
        }
        for way in ways_from(country)
    ]


def _choice(found: Explained) -> dict[str, Any]:
    choice, outages = found.choice, found.outages
    return {
        "__typename": "BreakoutChoice",
        "mode": "AUTO" if found.wanted == AUTO or found.wanted not in REGIONS else "FIXED",
        "country": found.country,
        "region": None if choice.region is None else region_shown(choice.region, outages),
        "failover": choice.is_failover,
        "reason": choice.reason,
        "order": [region_shown(one, outages) for one in choice.order],
        "ways": _ways(found.country, outages) if found.country else [],
    }
