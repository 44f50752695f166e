"""Quotas: how much data or SMS may pass until the next refill, and what each step of using it up comes to.

Pure: a quota goes in, a quota and what happened come out. Data are octets, SMS are parts. Times are aware.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

MAX_VOLUME = 1 << 53
"""What JSON numbers hold exactly: eight petabytes."""

MAX_THRESHOLDS = 10
"""Thresholds of one quota: one in ten percent."""


class QuotaService(IntEnum):
    """What a quota is of. Stored."""

    DATA = 0
    SMS = 1


class QuotaStatus(IntEnum):
    """Stored. A quota of another status than ACTIVE lets nothing pass, unless it throttles when EXHAUSTED."""

    ACTIVE = 0
    EXHAUSTED = 1
    EXPIRED = 2
    DISABLED = 3


class Refill(IntEnum):
    """When a quota is full again: at 00:00 of its time zone. Stored."""

    NEVER = 0
    DAILY = 1
    MONTHLY = 2


class ExhaustionAction(IntEnum):
    """What becomes of traffic once the quota is used up. Stored."""

    BLOCK = 0
    THROTTLE = 1


class Happening(IntEnum):
    """What is worth telling of a quota."""

    THRESHOLD_REACHED = 0
    USED_UP = 1
    EXPIRED = 2
    REFILLED = 3


class Told(NamedTuple):
    """One thing that happened; `percent` is the threshold that was reached."""

    what: Happening
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """The part of a quota that decides."""

    service: QuotaService
    status: QuotaStatus
    volume: int
    """What this period's traffic may come to, top-ups and what was carried over included."""
    used: int
    """What it has come to; more than `volume` by what was under way when it was used up, or by throttled traffic."""
    refill_volume: int
    refill: Refill
    time_zone: str
    rollover: bool
    """Whether a refill keeps what is left, up to one more refill's worth."""
    thresholds: tuple[int, ...]
    """Percentages of `volume` used, ascending."""
    told: tuple[int, ...]
    """The thresholds that were told in this period; 100 stands for the end."""
    action: ExhaustionAction
    throttle_rate: int | None
    """kbit/s of data, SMS parts a minute; with THROTTLE only."""
    period_started_at: datetime
    """What passed before is not counted."""
    next_refill_at: datetime | None
    expires_at: datetime | None

    @property
    def remaining(self) -> int:
        return max(0, self.volume - self.used)

    @property
    def due_at(self) -> datetime | None:
        """When time alone changes it next; None: never."""
        if self.status is QuotaStatus.EXPIRED:
            return None
        moments = [moment for moment in (self.next_refill_at, self.expires_at) if moment is not None]
        return min(moments, default=None)


def next_refill(refill: Refill, time_zone: str, after: datetime) -> datetime | None:
    """The first refill later than `after`, in UTC: the next 00:00 of a day or of a 1st in the time zone.

    Where the clock jumps over 00:00 it is the moment of the jump; where 00:00 comes twice, it is the first.
    """
    if refill is Refill.NEVER:
        return None
    zone = ZoneInfo(time_zone)
    local = after.astimezone(zone)
    day = local.date()
    while True:
        day = (
            day + timedelta(days=1)
            if refill is Refill.DAILY
            else (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        )
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        if midnight > after:
            return midnight


def brought_to(quota: Quota, now: datetime) -> tuple[Quota, list[Told]]:
    """The quota with what the time until `now` has done to it: refills, then its expiry."""
    told: list[Told] = []
    end = quota.expires_at
    while quota.next_refill_at is not None and quota.status is not QuotaStatus.EXPIRED:
        due = quota.next_refill_at
        if due > now or (end is not None and end <= due):
            break
        quota = _refilled(quota, due, now)
        told = [Told(Happening.REFILLED)]
    if end is not None and end <= now and quota.status is not QuotaStatus.EXPIRED:
        quota = replace(quota, status=QuotaStatus.EXPIRED, next_refill_at=None)
        told.append(Told(Happening.EXPIRED))
    return quota, told


def _refilled(quota: Quota, due: datetime, now: datetime) -> Quota:
    """The quota as a new period starts. Periods in which nobody looked are passed over, each with nothing used."""
    carried = min(quota.remaining, quota.refill_volume) if quota.rollover else 0
    following = next_refill(quota.refill, quota.time_zone, due)
    if following is not None and following <= now - timedelta(days=62):
        due = now - timedelta(days=62)
        carried = quota.refill_volume if quota.rollover else 0
        following = next_refill(quota.refill, quota.time_zone, due)
    disabled = quota.status is QuotaStatus.DISABLED
    return replace(
        quota,
        status=QuotaStatus.DISABLED if disabled else QuotaStatus.ACTIVE,
        volume=min(quota.refill_volume + carried, MAX_VOLUME),
        used=0,
        told=(),
        period_started_at=due,
        next_refill_at=following,
    )


def charged(quota: Quota, amount: int) -> tuple[Quota, list[Told]]:
    """The quota after `amount` more has passed."""
    return judged(replace(quota, used=quota.used + amount))


def topped_up(quota: Quota, amount: int) -> Quota:
    """The quota with more volume in this period. Thresholds that are no longer reached will be told again."""
    return judged(replace(quota, volume=quota.volume + amount))[0]


def judged(quota: Quota) -> tuple[Quota, list[Told]]:
    """The quota with the status that its numbers give, and what has to be told once for that."""
    if quota.status not in (QuotaStatus.ACTIVE, QuotaStatus.EXHAUSTED):
        return quota, []
    reached = tuple(percent for percent in quota.thresholds if quota.used * 100 >= percent * quota.volume)
    used_up = quota.used >= quota.volume
    told = [Told(Happening.THRESHOLD_REACHED, percent) for percent in reached if percent not in quota.told]
    known = set(reached)
    if used_up:
        known.add(USED_UP_PERCENT)
        if USED_UP_PERCENT not in quota.told:
            told.append(Told(Happening.USED_UP, USED_UP_PERCENT))
    status = QuotaStatus.EXHAUSTED if used_up else QuotaStatus.ACTIVE
    return replace(quota, status=status, told=tuple(sorted(known))), told


USED_UP_PERCENT = 100


class MonthLimit(IntEnum):
    """What a service policy limits by calendar month in UTC, for each device. Stored."""

    SMS_MT = 0
    SMS_MO = 1
    DATA = 2


def month_of(moment: datetime) -> datetime:
    """The start of the month in UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_after(moment: datetime) -> datetime:
    """The start of the next month in UTC."""
    return (month_of(moment) + timedelta(days=32)).replace(day=1)


def limit_reached(used: int, limit: int | None, extension: int) -> bool:
    """Whether nothing more may pass this month."""
    return limit is not None and used >= limit + extension


def limit_warns(used: int, limit: int | None, extension: int, percent: int | None) -> bool:
    """Whether the warning is due."""
    return limit is not None and percent is not None and used * 100 >= percent * (limit + extension)
