"""AT commands about power saving: built as modems want them, read as modems and documents print them (TS 27.007).

Reading takes quotes or none, spaces, square brackets round the arguments, typographic quotes and small letters, since
documents have all of those; building gives the one standard form.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeVar

from motet.radio.coding import RadioError, RadioErrorReason, Rounding, number_of
from motet.radio.edrx import EdrxMode, encode_cycle
from motet.radio.psm import Timer, decode_timer, encode_timer, sleep_s
from motet.radio.rats import RAT_OF_ACT, Rat

MAX_LINE_CHARACTERS: Final = 256
"""The longest answer of these (+CEREG with everything) has about 60."""

REGISTERED: Final = frozenset((1, 5, 6, 7, 9, 10))
"""`<stat>` of +CEREG: home, roaming; the same for SMS only; the same with CSFB not preferred (TS 27.007 §10.1.22)."""

_LINE: Final = re.compile(r"(?:AT)?\+([A-Z]+)([=:])(.*)", re.DOTALL)
_QUOTES: Final = str.maketrans("", "", "\"'“”„‟«»")
_HEX: Final = re.compile(r"[0-9A-F]{1,16}")

E = TypeVar("E", bound=IntEnum)


class PsmMode(IntEnum):
    """`<mode>` of AT+CPSMS (TS 27.007 §7.38)."""

    OFF = 0
    ON = 1
    RESET = 2
    """Off, and the timers as the maker had them."""


@dataclass(frozen=True, slots=True)
class PsmSetting:
    """AT+CPSMS: what a device asks for. Timers are octets of 8 characters, None where left out."""

    mode: PsmMode
    periodic_rau: str | None = None
    gprs_ready_timer: str | None = None
    periodic_tau: str | None = None
    """T3412 extended."""
    active_time: str | None = None
    """T3324."""


class EdrxSwitch(IntEnum):
    """`<mode>` of AT+CEDRXS (TS 27.007 §7.40)."""

    OFF = 0
    ON = 1
    ON_WITH_REPORTS = 2
    """On, and tell changes by +CEDRXP."""
    RESET = 3


@dataclass(frozen=True, slots=True)
class EdrxSetting:
    """AT+CEDRXS: what a device asks for; `requested` is the cycle's 4 characters."""

    switch: EdrxSwitch
    mode: EdrxMode | None = None
    requested: str | None = None


@dataclass(frozen=True, slots=True)
class EdrxReport:
    """What a modem tells of eDRX: `mode` None if it is not in use; cycle asked for, cycle and window given, as bits."""

    mode: EdrxMode | None
    requested: str | None = None
    provided: str | None = None
    window: str | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """+CEREG: where a device is registered, and with n = 4 or 5 the timers that the network granted, as octets."""

    stat: int
    n: int | None = None
    """Only in the answer to AT+CEREG?."""
    tac: str | None = None
    ci: str | None = None
    act: int | None = None
    cause_type: int | None = None
    reject_cause: int | None = None
    active_time: str | None = None
    periodic_tau: str | None = None

    @property
    def is_registered(self) -> bool:
        return self.stat in REGISTERED

    @property
    def rat(self) -> Rat | None:
        return None if self.act is None else RAT_OF_ACT.get(self.act)

    @property
    def active_s(self) -> int | None:
        """T3324 as granted, in seconds; None if the network refused power saving or does not say."""
        return None if self.active_time is None else decode_timer(Timer.T3324, self.active_time)

    @property
    def tau_s(self) -> int | None:
        """T3412 extended as granted, in seconds; None if it is deactivated or not said."""
        return None if self.periodic_tau is None else decode_timer(Timer.T3412_EXTENDED, self.periodic_tau)


def psm_setting(tau_s: int, active_s: int, rounding: Rounding = Rounding.ERROR) -> PsmSetting:
    """The setting that asks for these times. Raises RadioError if they have no code, or leave no sleep."""
    tau = encode_timer(Timer.T3412_EXTENDED, tau_s, rounding)
    active = encode_timer(Timer.T3324, active_s, rounding)
    sleep_s(tau.encoded_s, active.encoded_s)
    return PsmSetting(PsmMode.ON, periodic_tau=tau.bits, active_time=active.bits)


def edrx_setting(
    mode: EdrxMode, cycle_ms: int, rounding: Rounding = Rounding.ERROR, *, reports: bool = False
) -> EdrxSetting:
    """The setting that asks for this cycle. Raises RadioError if the mode has no code for it."""
    switch = EdrxSwitch.ON_WITH_REPORTS if reports else EdrxSwitch.ON
    return EdrxSetting(switch, mode, encode_cycle(mode, cycle_ms, rounding).bits)


def build_cpsms(setting: PsmSetting) -> str:
    """`AT+CPSMS=1,,,"01001110","00000101"` (TS 27.007 §7.38)."""
    timers = (setting.periodic_rau, setting.gprs_ready_timer, setting.periodic_tau, setting.active_time)
    return "AT+CPSMS=" + _joined(str(int(setting.mode)), *(_quoted(timer, 8) for timer in timers))


def parse_cpsms(line: str) -> PsmSetting:
    """The setting of an `AT+CPSMS=` command, or of the `+CPSMS:` that answers AT+CPSMS?: what is asked for, not what
    the network granted (that is in +CEREG). Raises RadioError (MALFORMED)."""
    _, fields = _split(line, {"CPSMS"}, 5)
    mode = _member(PsmMode, fields[0] or "0")
    return PsmSetting(mode, *(_bits(field, 8) for field in fields[1:]))


def build_cedrxs(setting: EdrxSetting) -> str:
    """`AT+CEDRXS=1,4,"1000"` (TS 27.007 §7.40)."""
    mode = "" if setting.mode is None else str(int(setting.mode))
    return "AT+CEDRXS=" + _joined(str(int(setting.switch)), mode, _quoted(setting.requested, 4))


def parse_cedrxs(line: str) -> EdrxSetting:
    """The setting of an `AT+CEDRXS=` command. Raises RadioError (MALFORMED)."""
    sign, fields = _split(line, {"CEDRXS"}, 3)
    if sign != "=":
        raise _malformed("an AT+CEDRXS= command", line)
    switch = _member(EdrxSwitch, fields[0] or "0")
    return EdrxSetting(switch, _mode(fields[1]), _bits(fields[2], 4))


def build_cedrxp(report: EdrxReport) -> str:
    """`+CEDRXP: 4,"1000","1000","0111"`, the unsolicited report (TS 27.007 §7.40)."""
    mode = "0" if report.mode is None else str(int(report.mode))
    bits = (report.requested, report.provided, report.window)
    return "+CEDRXP: " + _joined(mode, *(_quoted(one, 4) for one in bits))


def parse_edrx_report(line: str) -> EdrxReport:
    """What `+CEDRXP:`, `+CEDRXRDP:`, or one line `+CEDRXS:` of the answer to AT+CEDRXS? tells (TS 27.007 §7.40, §7.41).

    +CEDRXS has only the cycle that was asked for. Raises RadioError (MALFORMED).
    """
    sign, fields = _split(line, {"CEDRXS", "CEDRXP", "CEDRXRDP"}, 4)
    if sign != ":":
        raise _malformed("a report of eDRX", line)
    requested, provided, window = (_bits(field, 4) for field in fields[1:])
    return EdrxReport(_mode(fields[0]), requested, provided, window)


def build_cereg_command(n: int) -> str:
    """`AT+CEREG=5`: what to report from now on; 4 and 5 include the granted timers (TS 27.007 §10.1.22)."""
    if not 0 <= n <= 5:
        raise RadioError(RadioErrorReason.OUT_OF_RANGE, f"AT+CEREG takes 0 to 5, not {n}.")
    return f"AT+CEREG={n}"


def build_cereg(registration: Registration) -> str:
    """`+CEREG: 5,1,"002F","0012BEEF",9,,,"00000101","01001110"`: an answer with `n`, a report without."""
    one = registration
    texts = [str(one.stat), *("" if text is None else f'"{text}"' for text in (one.tac, one.ci))]
    texts += ["" if number is None else str(number) for number in (one.act, one.cause_type, one.reject_cause)]
    texts += [_quoted(one.active_time, 8), _quoted(one.periodic_tau, 8)]
    return "+CEREG: " + _joined(*(texts if one.n is None else [str(one.n), *texts]))


def parse_cereg(line: str) -> Registration:
    """What `+CEREG:` tells, as a report or as the answer to AT+CEREG?. Raises RadioError (MALFORMED).

    The two differ by the answer's `<n>` in front: it is there if the second field is a short number, for a report has
    a tracking area of four hexadecimal digits there, or nothing.
    """
    sign, fields = _split(line, {"CEREG"}, 9)
    if sign != ":":
        raise _malformed("a report of the registration", line)
    n = None
    if fields[1].isdigit() and len(fields[1]) <= 2:
        n, fields = _number(fields[0]), [*fields[1:], ""]
    stat = _number(fields[0])
    if stat is None:
        raise _malformed("a report of the registration", line)
    act, cause_type, reject_cause = (_number(field) for field in fields[3:6])
    active_time, periodic_tau = (_bits(field, 8) for field in fields[6:8])
    return Registration(
        stat, n, _hex(fields[1]), _hex(fields[2]), act, cause_type, reject_cause, active_time, periodic_tau
    )


def _split(line: str, names: set[str], most: int) -> tuple[str, list[str]]:
    """The sign after the name, and exactly `most` arguments, empty where left out."""
    if len(line) > MAX_LINE_CHARACTERS:
        raise RadioError(RadioErrorReason.MALFORMED, f"A line of {len(line)} characters is no AT command of ours.")
    packed = "".join(line.translate(_QUOTES).split())
    match = _LINE.fullmatch(packed.upper())
    if match is None or match[1] not in names:
        raise _malformed(" or ".join(f"+{name}" for name in sorted(names)), line)
    arguments = match[3]
    if arguments.startswith("[") and arguments.endswith("]"):
        arguments = arguments[1:-1]
    fields = arguments.split(",")
    if len(fields) > most:
        raise RadioError(RadioErrorReason.MALFORMED, f"+{match[1]} has at most {most} fields, this has {len(fields)}.")
    return match[2], fields + [""] * (most - len(fields))


def _bits(field: str, width: int) -> str | None:
    if not field:
        return None
    number_of(field, width)
    return field


def _quoted(bits: str | None, width: int) -> str:
    if bits is None:
        return ""
    number_of(bits, width)
    return f'"{bits}"'


def _number(field: str) -> int | None:
    if not field:
        return None
    if not (field.isascii() and field.isdigit() and len(field) <= 5):
        raise _malformed("a number", field)
    return int(field)


def _hex(field: str) -> str | None:
    if field and not _HEX.fullmatch(field):
        raise _malformed("a hexadecimal number", field)
    return field or None


def _mode(field: str) -> EdrxMode | None:
    number = _number(field)
    return _member(EdrxMode, field) if number else None


def _member(kind: type[E], field: str) -> E:
    number = _number(field)
    if number not in set(kind):
        raise _malformed(f"one of {', '.join(str(int(one)) for one in kind)}", field)
    return kind(number)


def _joined(*fields: str) -> str:
    return ",".join(fields).rstrip(",")


def _malformed(wanted: str, got: str) -> RadioError:
    return RadioError(RadioErrorReason.MALFORMED, f"This should be {wanted}, not {got[:60]!a}.")
