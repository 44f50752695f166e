"""RATs and bands."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.fields import query, raw
from motet.graphql.plain import answered, shaped
from motet.graphql.selection import selection_of
from motet.graphql.types.bands import Band, RatInfo
from motet.graphql.types.radio import Rat
from motet.radio import band_table, rats
from motet.radio.categories import CATEGORIES
from motet.radio.edrx import CYCLES_MS, WINDOWS_MS

_GENERATIONS = {
    rats.Rat.GSM: "2G",
    rats.Rat.UMTS: "3G",
    rats.Rat.LTE: "4G",
    rats.Rat.LTE_M: "4G",
    rats.Rat.NB_IOT: "4G",
    rats.Rat.NR: "5G",
}
_WITH_PSM = frozenset((rats.Rat.LTE, rats.Rat.LTE_M, rats.Rat.NB_IOT))
"""5G has timers of its own; 2G and 3G have T3312 in place of T3412."""


@strawberry.type
class BandQueries:
    """The part of Query that is about RATs and bands."""

    @query(Permission.REFERENCE_READ, "The RATs.")
    async def rats(self, info: Info) -> list[RatInfo] | None:
        return answered(shaped(selection_of(raw(info)), [_rat(one) for one in rats.Rat]))

    @query(Permission.REFERENCE_READ, "The bands that IoT devices use, by RAT and number.")
    async def bands(
        self,
        info: Info,
        rat: Annotated[Rat | None, strawberry.argument(description="Of this RAT; default all.")] = strawberry.UNSET,
    ) -> list[Band] | None:
        selected = selection_of(raw(info))
        wanted = selected.arguments.get("rat")
        found = [band for one in rats.Rat if wanted in (None, one.name) for band in _bands(one)]
        return answered(shaped(selected, found))


def _rat(rat: rats.Rat) -> dict[str, Any]:
    mode = rats.EDRX_MODE_OF_RAT.get(rat)
    return {
        "__typename": "RatInfo",
        "code": rat.name,
        "generation": _GENERATIONS[rat],
        "gtpTypes": [number for number, one in rats.RAT_OF_GTP.items() if one is rat],
        "accessTechnologies": [number for number, one in rats.RAT_OF_ACT.items() if one is rat],
        "bands": lambda _: _bands(rat),
        "edrxCyclesSeconds": [] if mode is None else [ms / 1_000 for ms in CYCLES_MS[mode].values()],
        "pagingTimeWindowsSeconds": [] if mode is None else [ms / 1_000 for ms in WINDOWS_MS.get(mode, ())],
        "psmTimers": rat in _WITH_PSM,
        "categories": [
            {
                "__typename": "DeviceCategory",
                "code": one.name,
                "downlinkKbps": one.downlink_kbps,
                "uplinkKbps": one.uplink_kbps,
                "source": one.source,
            }
            for one in CATEGORIES
            if one.rat is rat
        ],
    }


def _bands(rat: rats.Rat) -> list[dict[str, Any]]:
    return [
        {
            "__typename": "Band",
            "code": band_table.band_name(rat, band.number),
            "number": band.number,
            "rat": rat.name,
            "duplex": "TDD" if band.is_tdd else "FDD",
            "uplinkLowMhz": band.uplink_khz[0] / 1_000,
            "uplinkHighMhz": band.uplink_khz[1] / 1_000,
            "downlinkLowMhz": band.downlink_khz[0] / 1_000,
            "downlinkHighMhz": band.downlink_khz[1] / 1_000,
        }
        for band in band_table.BANDS[rat].values()
    ]
