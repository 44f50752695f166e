"""Quotas: refills by time zone, thresholds, what use and time do to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.quota import (
    ExhaustionAction,
    Happening,
    Quota,
    QuotaService,
    QuotaStatus,
    Refill,
    Told,
    brought_to,
    charged,
    limit_reached,
    limit_warns,
    month_after,
    month_of,
    next_refill,
    topped_up,
)

START = datetime(2026, 11, 10, 12, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime"})


def quota(**more: object) -> Quota:
    plain = Quota(
        QuotaService.SMS,
        QuotaStatus.ACTIVE,
        100,
        0,
        100,
        Refill.NEVER,
        "UTC",
        False,
        (50, 80),
        (),
        ExhaustionAction.BLOCK,
        None,
        START,
        None,
        None,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        ("UTC", "2026-11-10T12:00Z", "2026-11-11T00:00Z"),
        ("UTC", "2026-11-11T00:00Z", "2026-11-12T00:00Z"),
        ("Asia/Kolkata", "2026-11-10T18:29Z", "2026-11-10T18:30Z"),
        ("Europe/Berlin", "2026-03-28T22:59Z", "2026-03-28T23:00Z"),  # the clock goes forward two hours later
        ("Europe/Berlin", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),  # a day of 23 hours
        ("Europe/Berlin", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),  # a day of 25 hours
        ("Africa/Cairo", "2026-04-23T12:00Z", "2026-04-23T22:00Z"),  # 00:00 is skipped: the moment of the jump
        ("America/Havana", "2026-10-31T12:00Z", "2026-11-01T04:00Z"),  # 00:00 comes twice: the first
        ("America/Havana", "2026-11-01T04:30Z", "2026-11-02T05:00Z"),
        ("America/Havana", "2026-11-01T05:30Z", "2026-11-02T05:00Z"),
    ],
)
def test_a_daily_refill_comes_at_midnight_of_its_time_zone(zone: str, after: str, expected: str) -> None:
    assert next_refill(Refill.DAILY, zone, datetime.fromisoformat(after)) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        ("UTC", "2026-11-10T12:00Z", "2026-12-01T00:00Z"),
        ("UTC", "2026-12-31T23:59Z", "2027-01-01T00:00Z"),
        ("Europe/Berlin", "2026-03-20T00:00Z", "2026-03-31T22:00Z"),
        ("Pacific/Auckland", "2026-01-31T10:59Z", "2026-01-31T11:00Z"),
    ],
)
def test_a_monthly_refill_comes_on_the_first_of_its_time_zone(zone: str, after: str, expected: str) -> None:
    assert next_refill(Refill.MONTHLY, zone, datetime.fromisoformat(after)) == datetime.fromisoformat(expected)


def test_there_may_be_no_refill() -> None:
    assert next_refill(Refill.NEVER, "UTC", START) is None


@given(
    zone=st.sampled_from(ZONES),
    refill=st.sampled_from([Refill.DAILY, Refill.MONTHLY]),
    after=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)),  # noqa: DTZ001 - made aware below
)
def test_a_refill_is_later_than_now_and_on_another_local_date(zone: str, refill: Refill, after: datetime) -> None:
    now = after.replace(tzinfo=UTC)
    due = next_refill(refill, zone, now)
    assert due is not None
    assert now < due <= now + timedelta(days=2 if refill is Refill.DAILY else 33)
    local = due.astimezone(ZoneInfo(zone))
    assert local.date() > now.astimezone(ZoneInfo(zone)).date()
    assert (due - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() < local.date()
    assert refill is Refill.DAILY or local.day == 1


def test_each_threshold_is_told_once_and_the_end_once() -> None:
    one, told = charged(quota(), 49)
    assert (told, one.status) == ([], QuotaStatus.ACTIVE)
    one, told = charged(one, 1)
    assert told == [Told(Happening.THRESHOLD_REACHED, 50)]
    one, told = charged(one, 1)
    assert told == []
    one, told = charged(one, 60)
    assert told == [Told(Happening.THRESHOLD_REACHED, 80), Told(Happening.USED_UP, 100)]
    assert (one.status, one.remaining, one.used) == (QuotaStatus.EXHAUSTED, 0, 111)
    assert charged(one, 5)[1] == []


def test_a_top_up_lets_traffic_pass_again_and_thresholds_be_told_again() -> None:
    one = charged(quota(), 100)[0]
    one = topped_up(one, 100)
    assert (one.status, one.remaining, one.told) == (QuotaStatus.ACTIVE, 100, (50,))
    assert charged(one, 60)[1] == [Told(Happening.THRESHOLD_REACHED, 80)]


def test_a_refill_starts_a_period_with_nothing_used() -> None:
    one = quota(refill=Refill.DAILY, next_refill_at=datetime(2026, 11, 11, tzinfo=UTC))
    one = charged(one, 200)[0]
    assert brought_to(one, datetime(2026, 11, 10, 23, 59, 59, tzinfo=UTC)) == (one, [])
    one, told = brought_to(one, datetime(2026, 11, 13, 5, tzinfo=UTC))
    assert told == [Told(Happening.REFILLED)]
    assert (one.status, one.volume, one.used, one.told) == (QuotaStatus.ACTIVE, 100, 0, ())
    assert one.period_started_at == datetime(2026, 11, 13, tzinfo=UTC)
    assert one.next_refill_at == datetime(2026, 11, 14, tzinfo=UTC)


@pytest.mark.parametrize(("used", "volume"), [(30, 170), (0, 200), (150, 100)])
def test_a_rollover_keeps_at_most_one_refill(used: int, volume: int) -> None:
    one = quota(refill=Refill.DAILY, next_refill_at=datetime(2026, 11, 11, tzinfo=UTC), rollover=True)
    one = brought_to(charged(one, used)[0], datetime(2026, 11, 11, tzinfo=UTC))[0]
    assert one.volume == volume


def test_rollovers_of_days_that_nobody_looked_at_do_not_pile_up() -> None:
    one = quota(refill=Refill.DAILY, next_refill_at=datetime(2026, 11, 11, tzinfo=UTC), rollover=True)
    assert brought_to(charged(one, 30)[0], datetime(2027, 11, 13, tzinfo=UTC))[0].volume == 200


def test_an_expired_quota_stays_expired() -> None:
    end = datetime(2026, 11, 12, tzinfo=UTC)
    one = quota(refill=Refill.DAILY, next_refill_at=datetime(2026, 11, 11, tzinfo=UTC), expires_at=end)
    assert one.due_at == datetime(2026, 11, 11, tzinfo=UTC)
    one, told = brought_to(one, end)
    assert told == [Told(Happening.REFILLED), Told(Happening.EXPIRED)]
    assert (one.status, one.due_at) == (QuotaStatus.EXPIRED, None)
    assert brought_to(one, end + timedelta(days=5)) == (one, [])
    assert topped_up(one, 100).status is QuotaStatus.EXPIRED


def test_a_disabled_quota_is_refilled_but_stays_disabled() -> None:
    one = quota(
        status=QuotaStatus.DISABLED, used=70, refill=Refill.DAILY, next_refill_at=datetime(2026, 11, 11, tzinfo=UTC)
    )
    one, _ = brought_to(one, datetime(2026, 11, 11, tzinfo=UTC))
    assert (one.status, one.used) == (QuotaStatus.DISABLED, 0)


@given(steps=st.lists(st.tuples(st.sampled_from(["charge", "top up", "day"]), st.integers(0, 90)), max_size=40))
def test_status_and_told_follow_from_the_numbers_whatever_happens(steps: list[tuple[str, int]]) -> None:
    one, now, told_in_period = quota(refill=Refill.DAILY, next_refill_at=datetime(2026, 11, 11, tzinfo=UTC)), START, []
    for what, amount in steps:
        told: list[Told] = []
        if what == "charge":
            one, told = charged(one, amount)
        elif what == "top up":
            one = topped_up(one, amount)
            told_in_period = [each for each in told_in_period if each.percent in one.told]
        else:
            now += timedelta(days=1)
            one, _ = brought_to(one, now)
            told_in_period = []
        told_in_period += told
        assert len(set(told_in_period)) == len(told_in_period)
        assert {each.percent for each in told_in_period} == set(one.told)
        assert (one.status is QuotaStatus.EXHAUSTED) == (one.used >= one.volume)
        assert one.remaining == max(0, one.volume - one.used)


def test_months_are_those_of_utc() -> None:
    moment = datetime(2026, 12, 1, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert month_of(moment) == datetime(2026, 11, 1, tzinfo=UTC)
    assert month_after(moment) == datetime(2026, 12, 1, tzinfo=UTC)
    assert month_after(datetime(2026, 12, 31, 23, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)


def test_limits_warn_before_they_are_reached() -> None:
    assert limit_reached(10, 10, 0)
    assert not limit_reached(10, 10, 1)
    assert not limit_reached(10, None, 0)
    assert limit_warns(8, 10, 0, 80)
    assert not limit_warns(8, 10, 1, 80)
    assert not limit_warns(8, 10, 0, None)
