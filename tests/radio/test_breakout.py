"""Breakout regions: the nearest one, what the way costs, and what is taken while one is out."""

from __future__ import annotations

import itertools

import pytest

from motet.radio.breakout import (
    FAILOVER,
    REGIONS,
    choose_region,
    great_circle_km,
    is_breakout_region,
    ways_from,
)
from motet.radio.reference import countries


def test_distances_are_great_circles() -> None:
    dublin = REGIONS["eu-west-1"]
    assert great_circle_km(53.35, -6.26, dublin) == pytest.approx(0, abs=0.01)
    assert great_circle_km(-53.35, 173.74, dublin) == pytest.approx(20_015, abs=1)  # the other end of the world
    assert great_circle_km(52.52, 13.40, dublin) == pytest.approx(1_320, rel=0.02)  # Berlin


@pytest.mark.parametrize(
    ("country", "region"),
    [
        ("DE", "eu-west-1"), ("GB", "eu-west-1"), ("ZA", "ap-southeast-1"), ("US", "us-east-1"), ("BR", "us-east-1"),
        ("MX", "us-east-1"), ("JP", "ap-southeast-1"), ("AU", "ap-southeast-1"), ("IN", "ap-southeast-1"),
    ],
)  # fmt: skip
def test_auto_takes_the_region_nearest_to_the_serving_country(country: str, region: str) -> None:
    choice = choose_region("auto", country, ())
    assert choice.region is REGIONS[region]
    assert not choice.is_failover
    assert region in choice.reason


def test_every_country_has_its_ways_in_order() -> None:
    for code in countries():
        ways = ways_from(code)
        assert {way.region.code for way in ways} == set(REGIONS)
        assert [way.distance_km for way in ways] == sorted(way.distance_km for way in ways)
        assert all(30 <= way.rtt_ms < 350 for way in ways)
    assert ways_from("XX") == ()


def test_a_fixed_region_is_taken_wherever_the_device_is() -> None:
    assert choose_region("ap-southeast-1", "DE", ()).region is REGIONS["ap-southeast-1"]
    assert choose_region("ap-southeast-1", None, ()).region is REGIONS["ap-southeast-1"]


def test_without_a_country_there_is_a_region_all_the_same() -> None:
    for country in (None, "", "XX"):
        choice = choose_region("auto", country, ())
        assert choice.region is REGIONS["eu-west-1"]
        assert "not known" in choice.reason


def test_what_is_out_is_passed_over_in_order() -> None:
    for wanted in ("auto", *REGIONS):
        for count in range(len(REGIONS) + 1):
            for out in itertools.combinations(REGIONS, count):
                choice = choose_region(wanted, "US", out)
                left = [one for one in choice.order if one.code not in out]
                assert choice.region is (left[0] if left else None)
                assert choice.is_failover is (choice.region is not choice.order[0])
    assert set(FAILOVER) == set(REGIONS)
    assert all({code, *others} == set(REGIONS) for code, others in FAILOVER.items())


def test_a_service_policy_names_auto_or_a_region() -> None:
    assert all(is_breakout_region(code) for code in ("auto", *REGIONS))
    assert not any(is_breakout_region(code) for code in ("", "AUTO", "eu-central-1", "us-east-1 "))
