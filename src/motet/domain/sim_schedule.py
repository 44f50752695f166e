"""What a SIM is to do later: the states of such a plan, and how far ahead it may lie."""

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from motet.domain.errors import InvalidError

MAX_AHEAD: Final = timedelta(days=3 * 366)
"""A seasonal fleet plans a year ahead, a contract two; beyond that it is a slip of the keyboard."""

MAX_PENDING: Final = 20
"""Of one SIM: two years of a seasonal fleet, with a few more."""

LATE: Final = timedelta(seconds=60)
"""A moment this far gone is taken as now: clocks differ."""


class ScheduleStatus(IntEnum):
    """Where a plan is. The numbers are stored."""

    PENDING = 0
    DONE = 1
    REFUSED = 2
    """When it was due, the SIM's status did not allow it."""
    CANCELLED = 3


def check_due(due: datetime, now: datetime, path: tuple[str, ...]) -> datetime:
    """The moment, if it can be waited for. Raises InvalidError."""
    if due < now - LATE:
        raise InvalidError("This moment is over.", path=path)
    if due > now + MAX_AHEAD:
        raise InvalidError("A moment is at most {most} days ahead.", path=path, most=MAX_AHEAD.days)
    return due
