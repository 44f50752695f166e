"""Usage: what was sent and received, added up by hours, days and months in UTC."""

from __future__ import annotations

from enum import IntEnum


class Granularity(IntEnum):
    """Stored."""

    HOUR = 0
    DAY = 1
    MONTH = 2
