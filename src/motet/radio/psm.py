"""Power saving mode: the timers T3412 extended and T3324 as octets, both ways (TS 24.008 §10.5.7)."""

from enum import Enum
from typing import Final, NamedTuple

from motet.radio.coding import RadioError, RadioErrorReason, Rounding, bits_of, number_of, rounded

DEACTIVATED: Final = "11100000"
"""Unit 111: the timer does not run (TS 24.008 tables 10.5.172 and 10.5.163a)."""

DEFAULT_TAU_S: Final = 54 * 60
"""T3412 where the network gives no other: GPRS timer `01001001` (TS 24.301 table 10.2.1)."""

_DEACTIVATED_UNIT: Final = 0b111
_MULTIPLES: Final = 32
_HOUR_S: Final = 3_600


class Timer(Enum):
    """Which timer an octet is for: the same bits mean 4 minutes in one and 4 hours in the other."""

    T3412_EXTENDED = "T3412_EXTENDED"
    """The periodic tracking area update: GPRS timer 3 (TS 24.008 §10.5.7.4a)."""
    T3324 = "T3324"
    """The active time: GPRS timer 2 (TS 24.008 §10.5.7.4), coded as GPRS timer (§10.5.7.3), as T3314 and T3412 are."""


_UNITS_S: Final = {
    Timer.T3412_EXTENDED: {
        0b011: 2,
        0b100: 30,
        0b101: 60,
        0b000: 600,
        0b001: _HOUR_S,
        0b010: 10 * _HOUR_S,
        0b110: 320 * _HOUR_S,
    },
    Timer.T3324: {0b000: 2, 0b001: 60, 0b010: 360},
}
"""Unit bits 8 to 6 to seconds, the smallest unit first (TS 24.008 tables 10.5.163a and 10.5.172)."""

_CODES: Final = {
    timer: {
        unit_s * multiple: unit << 5 | multiple
        for unit, unit_s in reversed(units.items())  # the smallest unit comes last and so wins
        for multiple in range(_MULTIPLES)
    }
    for timer, units in _UNITS_S.items()
}
_ENCODABLE_S: Final = {timer: sorted(codes) for timer, codes in _CODES.items()}

LONGEST_TAU_S: Final = _ENCODABLE_S[Timer.T3412_EXTENDED][-1]
LONGEST_ACTIVE_S: Final = _ENCODABLE_S[Timer.T3324][-1]


class EncodedTimer(NamedTuple):
    """A timer's octet as 8 characters of 0 and 1, what was asked for, and what the octet says, in seconds."""

    requested_s: int
    encoded_s: int
    bits: str


def encode_timer(timer: Timer, seconds: int, rounding: Rounding = Rounding.ERROR) -> EncodedTimer:
    """The octet for a time: 0 to 35,712,000 s for T3412 extended, 0 to 11,160 s for T3324.

    Where several octets say the same, the one with the smallest unit. Raises RadioError (OUT_OF_RANGE, NOT_ENCODABLE).
    """
    encoded_s = rounded(seconds, _ENCODABLE_S[timer], rounding, "s")
    return EncodedTimer(seconds, encoded_s, bits_of(_CODES[timer][encoded_s], 8))


def decode_timer(timer: Timer, bits: str, *, integrity_protected: bool = True) -> int | None:
    """The seconds that 8 characters of 0 and 1 say; None if they deactivate the timer.

    A unit that GPRS timer 2 does not know counts minutes. In a message without integrity protection the unit of
    320 hours of GPRS timer 3 counts hours (TS 24.008 tables 10.5.163a and 10.5.172). Raises RadioError (MALFORMED).
    """
    octet = number_of(bits, 8)
    unit, multiple = octet >> 5, octet & _MULTIPLES - 1
    if unit == _DEACTIVATED_UNIT:
        return None
    if timer is Timer.T3324:
        return _UNITS_S[timer].get(unit, 60) * multiple
    if unit == 0b110 and not integrity_protected:
        return _HOUR_S * multiple
    return _UNITS_S[timer][unit] * multiple


def sleep_s(tau_s: int, active_s: int) -> int:
    """How long a device sleeps in each cycle: T3412 extended less T3324. Raises RadioError (CONFLICTING) if never."""
    if active_s >= tau_s:
        raise RadioError(
            RadioErrorReason.CONFLICTING,
            f"An active time (T3324) of {active_s} s leaves no sleep in a period (T3412 extended) of {tau_s} s.",
        )
    return tau_s - active_s
