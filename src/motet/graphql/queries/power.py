"""Calculators of power saving, AT commands both ways, and whether a module fits."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import InvalidError
from motet.graphql import power_view
from motet.graphql.fields import context_of, query, raw
from motet.graphql.network_view import ReferenceView
from motet.graphql.plain import answered, shaped
from motet.graphql.power_view import milliseconds, radio_errors, rounding_of
from motet.graphql.selection import selection_of
from motet.graphql.types.power import (
    AtCommand,
    AtEdrxInput,
    AtPsmInput,
    DecodedEdrx,
    DecodedTimer,
    EncodedEdrx,
    EncodedTimer,
    ModuleBandsInput,
    ModuleCheck,
    PsmTimer,
    Rounding,
    SunsetAlert,
)
from motet.graphql.types.radio import Rat
from motet.radio import coding, edrx, psm, reference
from motet.radio.at_commands import EdrxSetting, EdrxSwitch, PsmMode, PsmSetting
from motet.radio.coverage import module_fits, months_later

MAX_MONTHS = 120
"""How far sunset alerts look ahead."""

_Rounding = Annotated[
    Rounding | None,
    strawberry.argument(description="What to do with a time that no code says exactly; default NEAREST."),
]
_Rat = Annotated[Rat, strawberry.argument(description="The RAT, whose table counts.")]
_Timer = Annotated[PsmTimer, strawberry.argument(description="Which timer.")]


@strawberry.type
class PowerQueries:
    """The part of Query that reckons with power saving."""

    @query(
        Permission.REFERENCE_READ,
        "A time of power saving mode as an octet; of several that say the same, the one with the smallest unit.",
    )
    async def psm_encode(
        self,
        info: Info,
        timer: _Timer,
        seconds: Annotated[int, strawberry.argument(description="The time.")],
        rounding: _Rounding = strawberry.UNSET,
    ) -> EncodedTimer | None:
        selected = selection_of(raw(info))
        which = psm.Timer[selected.arguments["timer"]]
        how = rounding_of(selected.arguments.get("rounding"), coding.Rounding.NEAREST)
        with radio_errors("seconds"):
            return answered(shaped(selected, power_view.encoded_timer(which, psm.encode_timer(which, seconds, how))))

    @query(Permission.REFERENCE_READ, "What an octet of power saving mode says.")
    async def psm_decode(
        self,
        info: Info,
        timer: _Timer,
        bits: Annotated[str, strawberry.argument(description="8 characters of 0 and 1.")],
    ) -> DecodedTimer | None:
        selected = selection_of(raw(info))
        with radio_errors("bits"):
            return answered(shaped(selected, power_view.decoded_timer(psm.Timer[selected.arguments["timer"]], bits)))

    @query(Permission.REFERENCE_READ, "An eDRX cycle, and a paging time window shorter than it, as bits.")
    async def edrx_encode(
        self,
        info: Info,
        rat: _Rat,
        cycle_seconds: Annotated[float, strawberry.argument(description="The cycle.")],
        paging_time_window_seconds: Annotated[
            float | None, strawberry.argument(description="The window; default none.")
        ] = strawberry.UNSET,
        rounding: _Rounding = strawberry.UNSET,
    ) -> EncodedEdrx | None:
        selected = selection_of(raw(info))
        how = rounding_of(selected.arguments.get("rounding"), coding.Rounding.NEAREST)
        window_s = selected.arguments.get("pagingTimeWindowSeconds")
        with radio_errors("cycle_seconds"):
            mode = power_view.edrx_mode_of(selected.arguments["rat"])
            cycle = edrx.encode_cycle(mode, milliseconds(cycle_seconds), how)
            window = None if window_s is None else edrx.encode_window(mode, milliseconds(window_s), how)
            edrx.check_edrx(mode, cycle.encoded_ms, None if window is None else window.encoded_ms)
        shown = {
            "__typename": "EncodedEdrx",
            "rat": selected.arguments["rat"],
            "cycle": power_view.encoded_cycle(cycle),
            "pagingTimeWindow": power_view.encoded_cycle(window),
        }
        return answered(shaped(selected, shown))

    @query(Permission.REFERENCE_READ, "What bits of an eDRX cycle, and of a paging time window, say.")
    async def edrx_decode(
        self,
        info: Info,
        rat: _Rat,
        bits: Annotated[str, strawberry.argument(description="The cycle: 4 characters of 0 and 1.")],
        paging_time_window: Annotated[
            str | None, strawberry.argument(description="The window: 4 characters of 0 and 1.")
        ] = strawberry.UNSET,
    ) -> DecodedEdrx | None:
        selected = selection_of(raw(info))
        window = selected.arguments.get("pagingTimeWindow")
        with radio_errors("bits"):
            mode = power_view.edrx_mode_of(selected.arguments["rat"])
            cycle_ms = edrx.decode_cycle(mode, bits)
            shown = {
                "__typename": "DecodedEdrx",
                "rat": selected.arguments["rat"],
                "bits": bits,
                "cycleSeconds": None if cycle_ms is None else cycle_ms / 1_000,
                "valid": edrx.is_valid_cycle(mode, bits),
                "pagingTimeWindowSeconds": None if window is None else edrx.decode_window(mode, window) / 1_000,
            }
        return answered(shaped(selected, shown))

    @query(Permission.REFERENCE_READ, "An AT command in its standard form: give exactly one of `psm` and `edrx`.")
    async def at_command_build(
        self,
        info: Info,
        psm: Annotated[AtPsmInput | None, strawberry.argument(description="AT+CPSMS.")] = strawberry.UNSET,
        edrx: Annotated[AtEdrxInput | None, strawberry.argument(description="AT+CEDRXS.")] = strawberry.UNSET,
        rounding: Annotated[
            Rounding | None,
            strawberry.argument(description="What to do with a time that no code says exactly; default ERROR."),
        ] = strawberry.UNSET,
    ) -> AtCommand | None:
        selected = selection_of(raw(info))
        how = rounding_of(selected.arguments.get("rounding"), coding.Rounding.ERROR)
        given = {name: value for name, value in selected.arguments.items() if value is not None}
        if ("psm" in given) == ("edrx" in given):
            raise InvalidError("Give exactly one of `psm` and `edrx`.", path=("psm",))
        with radio_errors(*(name for name in ("psm", "edrx") if name in given)):
            built = _psm_setting(given["psm"], how) if "psm" in given else _edrx_setting(given["edrx"], how)
            shown = power_view.psm_command(built) if isinstance(built, PsmSetting) else power_view.edrx_command(built)
        return answered(shaped(selected, shown))

    @query(
        Permission.REFERENCE_READ,
        "What a line says: `AT+CPSMS=`, `+CPSMS:`, `AT+CEDRXS=`, `+CEDRXS:`, `+CEDRXP:`, `+CEDRXRDP:` or `+CEREG:`,"
        " quoted or not.",
    )
    async def at_command_parse(
        self,
        info: Info,
        line: Annotated[str, strawberry.argument(description="The line, of at most 256 characters.")],
    ) -> AtCommand | None:
        with radio_errors("line"):
            return answered(shaped(selection_of(raw(info)), power_view.parsed_line(line)))

    @query(
        Permission.DEVICE_READ,
        "Networks that end within so many months, or have ended, on which devices of the workspace were last seen: the"
        " soonest first. `devices(filter: {sunsetBefore: …})` lists the devices.",
    )
    async def sunset_alerts(
        self,
        info: Info,
        within_months: Annotated[
            int | None, strawberry.argument(description="0 to 120; default 12.")
        ] = strawberry.UNSET,
    ) -> list[SunsetAlert] | None:
        context, selected = context_of(info), selection_of(raw(info))
        months = selected.arguments.get("withinMonths")
        if months is not None and not 0 <= months <= MAX_MONTHS:
            raise InvalidError("This is 0 to {most}.", path=("within_months",), most=MAX_MONTHS)
        book = context.services.coverage
        coverage, today = await book.current(), book.today()
        until = months_later(today, 12 if months is None else months)
        ending = sorted(
            ((one.sunset_on, one) for one in coverage.networks.values() if one.sunset_on and one.sunset_on <= until),
            key=lambda pair: (pair[0], pair[1].plmn, pair[1].rat),
        )
        counts = await context.services.power_profiles.devices_on(
            context.workspace_id, [(one.plmn, one.rat) for _, one in ending], context.principal.tags
        )
        view = ReferenceView(coverage, today)
        alerts = [
            {
                "__typename": "SunsetAlert",
                "network": view.network(one),
                "daysLeft": (on - today).days,
                "deviceCount": counts[one.plmn, one.rat],
            }
            for on, one in ending
            if counts.get((one.plmn, one.rat))
        ]
        return answered(shaped(selected, alerts))

    @query(Permission.REFERENCE_READ, "Whether a module with these bands works in a country, operator by operator.")
    async def module_check(
        self,
        info: Info,
        country: Annotated[str, strawberry.argument(description="ISO 3166-1 alpha-2; null is answered for none.")],
        bands: Annotated[
            list[ModuleBandsInput], strawberry.argument(description="What the module has, by RAT: at most 6.")
        ],
    ) -> ModuleCheck | None:
        selected = selection_of(raw(info))
        if len(bands) > len(Rat):
            raise InvalidError("There are only {count} RATs.", path=("bands",), count=len(Rat))
        module = power_view.module_of(selected.arguments["bands"])
        known = reference.countries().get(country.upper())
        if known is None:
            return answered(None)
        book = context_of(info).services.coverage
        coverage, today = await book.current(), book.today()
        found = module_fits(module, coverage.of_country(known.code), today)
        shown = {
            "__typename": "ModuleCheck",
            "country": ReferenceView(coverage, today).country(known),
            "fit": power_view.best_fit(found),
            "operators": [power_view.operator_fit(one) for one in found],
        }
        return answered(shaped(selected, shown))


def _psm_setting(given: dict[str, object], how: coding.Rounding) -> PsmSetting:
    tau, active = given.get("tauSeconds"), given.get("activeSeconds")
    tau_code = psm.encode_timer(psm.Timer.T3412_EXTENDED, tau, how) if isinstance(tau, int) else None
    active_code = psm.encode_timer(psm.Timer.T3324, active, how) if isinstance(active, int) else None
    if tau_code is not None and active_code is not None:
        psm.sleep_s(tau_code.encoded_s, active_code.encoded_s)
    return PsmSetting(
        PsmMode[str(given["mode"])],
        periodic_tau=None if tau_code is None else tau_code.bits,
        active_time=None if active_code is None else active_code.bits,
    )


def _edrx_setting(given: dict[str, object], how: coding.Rounding) -> EdrxSetting:
    rat, cycle = given.get("rat"), given.get("cycleSeconds")
    mode = None if rat is None else power_view.edrx_mode_of(str(rat))
    switch = EdrxSwitch[str(given["switch"])]
    if not isinstance(cycle, int | float):
        return EdrxSetting(switch, mode)
    if mode is None:
        raise coding.RadioError(coding.RadioErrorReason.CONFLICTING, "A cycle needs a RAT.")
    return EdrxSetting(switch, mode, edrx.encode_cycle(mode, milliseconds(cycle), how).bits)
