"""Timers, cycles and AT commands as GraphQL shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from motet.domain.errors import InvalidError
from motet.radio import at_commands
from motet.radio.at_commands import EdrxReport, EdrxSetting, PsmSetting, Registration
from motet.radio.band_table import band_name, parse_band
from motet.radio.bands import Fit, RatFit
from motet.radio.coding import RadioError, RadioErrorReason, Rounding
from motet.radio.coverage import NetworkFit
from motet.radio.edrx import EdrxMode, EncodedCycle, decode_cycle, decode_window
from motet.radio.psm import EncodedTimer, Timer, decode_timer, encode_timer
from motet.radio.rats import EDRX_MODE_OF_RAT, Rat
from motet.radio.reference import operators

MAX_BANDS = 60
"""Of one RAT of a module: more than any table has."""

Plain = dict[str, Any]


@contextmanager
def radio_errors(*path: str) -> Iterator[None]:
    """Turns what radio cannot carry into the domain's InvalidError, whose message begins with the reason."""
    try:
        yield
    except RadioError as error:
        raise InvalidError("{reason}: {message}", path=path, reason=error.reason, message=error.message) from None


def rounding_of(name: str | None, default: Rounding) -> Rounding:
    """The rounding of a name of GraphQL's enum."""
    return default if name is None else Rounding[name]


def edrx_mode_of(rat: str) -> EdrxMode:
    """The table that a RAT follows. Raises RadioError for 5G, which has none here."""
    mode = EDRX_MODE_OF_RAT.get(Rat[rat])
    if mode is None:
        raise RadioError(RadioErrorReason.INVALID_FOR_RAT, f"There is no table of eDRX values for {rat}.")
    return mode


def milliseconds(seconds: float) -> int:
    """Whole milliseconds. Raises RadioError for what is no time."""
    if not 0 <= seconds < 1e9:  # refuses NaN, too
        raise RadioError(RadioErrorReason.OUT_OF_RANGE, f"{seconds} s is no time for this.")
    return round(seconds * 1_000)


def encoded_timer(timer: Timer, encoded: EncodedTimer) -> Plain:
    """An EncodedTimer."""
    return {
        "__typename": "EncodedTimer",
        "timer": timer.name,
        "bits": encoded.bits,
        "requestedSeconds": encoded.requested_s,
        "encodedSeconds": encoded.encoded_s,
        "exact": encoded.requested_s == encoded.encoded_s,
    }


def decoded_timer(timer: Timer, bits: str | None) -> Plain | None:
    """A DecodedTimer; None where there are no bits. Raises RadioError."""
    if bits is None:
        return None
    seconds = decode_timer(timer, bits)
    return {
        "__typename": "DecodedTimer",
        "timer": timer.name,
        "bits": bits,
        "seconds": seconds,
        "deactivated": seconds is None,
        "canonicalBits": None if seconds is None else encode_timer(timer, seconds).bits,
    }


def encoded_cycle(encoded: EncodedCycle | None) -> Plain | None:
    """An EncodedCycle."""
    if encoded is None:
        return None
    return {
        "__typename": "EncodedCycle",
        "bits": encoded.bits,
        "requestedSeconds": encoded.requested_ms / 1_000,
        "encodedSeconds": encoded.encoded_ms / 1_000,
        "exact": encoded.requested_ms == encoded.encoded_ms,
    }


def parsed_line(line: str) -> Plain:
    """An AtCommand. Raises RadioError for a line that is none of them."""
    name = line.upper().replace(" ", "")
    if "CPSMS" in name:
        return psm_command(at_commands.parse_cpsms(line))
    if "CEREG" in name:
        return registration(at_commands.parse_cereg(line))
    if "CEDRXS=" in name:
        return edrx_command(at_commands.parse_cedrxs(line))
    return edrx_report(at_commands.parse_edrx_report(line))


def psm_command(setting: PsmSetting) -> Plain:
    """The AtCommand of AT+CPSMS."""
    return _command(
        "CPSMS",
        at_commands.build_cpsms(setting),
        psmMode=setting.mode.name,
        tau=decoded_timer(Timer.T3412_EXTENDED, setting.periodic_tau),
        active=decoded_timer(Timer.T3324, setting.active_time),
    )


def edrx_command(setting: EdrxSetting) -> Plain:
    """The AtCommand of AT+CEDRXS."""
    return _command(
        "CEDRXS",
        at_commands.build_cedrxs(setting),
        edrxSwitch=setting.switch.name,
        edrxMode=None if setting.mode is None else setting.mode.name,
        requestedCycleSeconds=_cycle_s(setting.mode, setting.requested),
    )


def edrx_report(report: EdrxReport) -> Plain:
    """The AtCommand of what a modem tells of eDRX."""
    window = None
    if report.mode is not None and report.window is not None:
        window = decode_window(report.mode, report.window) / 1_000
    return _command(
        "EDRX_REPORT",
        at_commands.build_cedrxp(report),
        edrxMode=None if report.mode is None else report.mode.name,
        requestedCycleSeconds=_cycle_s(report.mode, report.requested),
        providedCycleSeconds=_cycle_s(report.mode, report.provided),
        pagingTimeWindowSeconds=window,
    )


def registration(told: Registration) -> Plain:
    """The AtCommand of +CEREG."""
    return _command(
        "CEREG",
        at_commands.build_cereg(told),
        registered=told.is_registered,
        stat=told.stat,
        rat=None if told.rat is None else told.rat.name,
        trackingArea=told.tac,
        cell=told.ci,
        tau=decoded_timer(Timer.T3412_EXTENDED, told.periodic_tau),
        active=decoded_timer(Timer.T3324, told.active_time),
    )


def module_of(given: list[Mapping[str, Any]]) -> dict[Rat, list[int]]:
    """The bands of a module by RAT, from ModuleBandsInputs. Raises InvalidError (path `bands`)."""
    module: dict[Rat, list[int]] = {}
    for one in given:
        if len(one["bands"]) > MAX_BANDS:
            raise InvalidError("A RAT of a module has at most {most} bands.", path=("bands",), most=MAX_BANDS)
        rat = Rat[one["rat"]]
        with radio_errors("bands"):
            module.setdefault(rat, []).extend(parse_band(rat, name).number for name in one["bands"])
    return module


def operator_fit(found: NetworkFit) -> Plain:
    """An OperatorFit."""
    operator = operators().get(found.plmn)
    return {
        "__typename": "OperatorFit",
        "code": found.plmn,
        "name": found.plmn if operator is None else operator.brand or operator.name,
        "fit": found.fit.fit.name,
        "usableRats": [rat.name for rat in found.fit.usable],
        "rats": [_rat_fit(one) for one in found.fit.rats],
    }


def best_fit(found: list[NetworkFit]) -> str:
    """The best fit of all."""
    return max((one.fit.fit for one in found), default=Fit.NO).name


def _rat_fit(one: RatFit) -> Plain:
    return {
        "__typename": "RatFit",
        "rat": one.rat.name,
        "fit": one.fit.name,
        "sharedBands": [band_name(one.rat, band) for band in one.shared],
        "unheardBands": [band_name(one.rat, band) for band in one.unused],
        "reason": one.reason,
    }


_FIELDS = (
    "psmMode", "edrxSwitch", "edrxMode", "registered", "stat", "rat", "trackingArea", "cell", "tau", "active",
    "requestedCycleSeconds", "providedCycleSeconds", "pagingTimeWindowSeconds",
)  # fmt: skip


def _command(kind: str, line: str, **values: Any) -> Plain:
    return {"__typename": "AtCommand", "kind": kind, "line": line, **dict.fromkeys(_FIELDS), **values}


def _cycle_s(mode: EdrxMode | None, bits: str | None) -> float | None:
    if mode is None or bits is None:
        return None
    cycle_ms = decode_cycle(mode, bits)
    return None if cycle_ms is None else cycle_ms / 1_000
