"""The times of SMPP 3.4 §7.1.1: "YYMMDDhhmmsstnnp", absolute or relative, to and from Unix microseconds.

Absolute is a local time with its offset from UTC in quarter hours ("261121221030000+" is UTC); relative ("R") counts
from the SMSC's clock. Empty means that the field is not set and is for the caller to tell.
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_TIME_CHARACTERS: Final = 16
_QUARTER_HOUR = timedelta(minutes=15)
_MAX_OFFSET_QUARTERS = 48
_CENTURY = 2000
"""The two digits of the year are of this century: the specification says nothing."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TENTH_US = 100_000
_SECOND_US = 1_000_000
_DAY_S = 86_400

MAX_RELATIVE_DAYS: Final = 27
"""The longest span that `relative_time` writes, in days: a month's length would be the reader's guess."""


class TimeFormatError(ValueError):
    """The text is no time of §7.1.1; answered with ESME_RINVSCHED or ESME_RINVEXPIRY by field."""


def parse_time(value: str, now_us: int) -> int:
    """The Unix microseconds that an absolute time says, or that a relative one means at `now_us`.

    Months and years of a relative time are the calendar's, a day past the month's end becomes its last one.
    TimeFormatError for anything else, such as the empty string.
    """
    if len(value) != _TIME_CHARACTERS or not value.isascii() or not value[:15].isdecimal():
        raise TimeFormatError(f"{value!r} is no SMPP time")
    kind = value[15]
    numbers = [int(value[at : at + 2]) for at in range(0, 12, 2)]
    try:
        if kind == "R":
            return _after(now_us, *numbers)
        if kind not in "+-":
            raise TimeFormatError(f"{value!r} ends in {kind!r}, not in +, - or R")
        return _at(*numbers, tenths=int(value[12]), quarters=int(value[13:15]), east=kind == "+")
    except (ValueError, OverflowError) as error:
        raise TimeFormatError(f"{value!r} is no SMPP time: {error}") from None


def absolute_time(unix_us: int) -> str:
    """The absolute form in UTC, to a tenth of a second. ValueError outside of the years 2000 to 2099."""
    moment = _EPOCH + timedelta(microseconds=unix_us)
    if not _CENTURY <= moment.year < _CENTURY + 100:
        raise ValueError(f"the year {moment.year} has no two digits here")
    return f"{moment:%y%m%d%H%M%S}{moment.microsecond // _TENTH_US}00+"


def relative_time(span_s: int) -> str:
    """The relative form of a span from now, 0 to 27 days. ValueError beyond."""
    days, rest = divmod(span_s, _DAY_S)
    if not 0 <= days <= MAX_RELATIVE_DAYS:
        raise ValueError(f"{span_s} s are not 0 to {MAX_RELATIVE_DAYS} days")
    minutes, seconds = divmod(rest, 60)
    hours, minutes = divmod(minutes, 60)
    return f"0000{days:02}{hours:02}{minutes:02}{seconds:02}000R"


def receipt_date(unix_us: int) -> str:
    """YYMMDDhhmm in UTC, as dates are in receipts (appendix B)."""
    return _receipt_date(unix_us // (60 * _SECOND_US))


@lru_cache(maxsize=4096)
def _receipt_date(minute: int) -> str:
    return f"{_EPOCH + timedelta(minutes=minute):%y%m%d%H%M}"


def parse_receipt_date(value: str) -> int | None:
    """Unix microseconds of YYMMDDhhmm or YYMMDDhhmmss, taken as UTC; None for anything else."""
    if len(value) not in (10, 12) or not value.isascii() or not value.isdecimal():
        return None
    numbers = [int(value[at : at + 2]) for at in range(0, len(value), 2)]
    try:
        return _at(*numbers)
    except ValueError:
        return None


def _at(
    year: int,
    month: int,
    day: int,
    hour: int,
    minute: int,
    second: int = 0,
    *,
    tenths: int = 0,
    quarters: int = 0,
    east: bool = True,
) -> int:
    if quarters > _MAX_OFFSET_QUARTERS:
        raise ValueError(f"{quarters} quarter hours are no offset")
    local = datetime(_CENTURY + year, month, day, hour, minute, second, tenths * _TENTH_US, tzinfo=UTC)
    offset = quarters * _QUARTER_HOUR
    return (local - _EPOCH - (offset if east else -offset)) // _MICROSECOND


def _after(now_us: int, years: int, months: int, days: int, hours: int, minutes: int, seconds: int) -> int:
    span_us = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * _SECOND_US
    if not years and not months:
        return now_us + span_us
    now = _EPOCH + timedelta(microseconds=now_us)
    year, month = divmod(now.year * 12 + now.month - 1 + years * 12 + months, 12)
    month += 1
    moved = now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))
    return (moved - _EPOCH) // _MICROSECOND + span_us
