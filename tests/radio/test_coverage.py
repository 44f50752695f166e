"""Coverage as packaged, compared, and as CSV both ways; modules against networks that are known in part."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.radio.band_table import BANDS
from motet.radio.bands import Fit
from motet.radio.coverage import (
    Network,
    Roaming,
    coverage_of,
    differences,
    module_fits,
    months_later,
    packaged_coverage,
)
from motet.radio.coverage_csv import format_coverage, parse_coverage
from motet.radio.rats import Rat
from motet.radio.reference import sunsets

DAY = date(2026, 11, 22)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    rat = draw(st.sampled_from(Rat))
    bands = draw(st.sets(st.sampled_from(sorted(BANDS[rat])), max_size=5))
    possible = draw(st.sets(st.sampled_from(sorted(BANDS[rat])), max_size=3)) - bands
    flags = st.sampled_from([None, True, False])
    return Network(
        draw(st.from_regex(r"[0-9]{5,6}", fullmatch=True)), rat, tuple(sorted(bands)), tuple(sorted(possible)),
        draw(flags), draw(flags), draw(flags), draw(st.none() | st.sampled_from(Roaming)),
        draw(st.none() | st.dates()), draw(st.none() | st.sampled_from(["a notice", 'x, "y"', "é"])), DAY,
    )  # fmt: skip


@given(st.lists(networks(), max_size=20, unique_by=lambda one: (one.plmn, one.rat)))
def test_coverage_goes_out_and_comes_back_the_same(found: list[Network]) -> None:
    before = coverage_of(1, "x", "x", DAY, found)
    sheet = parse_coverage(format_coverage(before.networks.values()), DAY)
    assert sheet.errors == []
    assert list(before.networks.values()) == sheet.networks
    assert differences(before, coverage_of(2, "y", "y", DAY, sheet.networks)) == []


def test_the_packaged_coverage_has_every_known_sunset() -> None:
    coverage = packaged_coverage()
    for sunset in sunsets():
        network = coverage.networks[sunset.plmn, sunset.rat]
        assert network.sunset_on == sunset.on
        assert network.is_on_air(sunset.on)
        assert not network.is_on_air(date(2045, 1, 1))
    assert len(coverage.networks) > 2_500
    assert list(coverage.networks) == sorted(coverage.networks)


def test_versions_differ_by_what_they_say_not_by_when_they_said_it() -> None:
    one = Network("26201", Rat.LTE, (3,), as_of=DAY)
    gone = Network("26201", Rat.GSM, (8,))
    new = Network("26201", Rat.NR, (78,))
    later = Network("26201", Rat.LTE, (3,), psm=True, sunset_source="z", as_of=date(2027, 1, 1))
    same = Network("26202", Rat.LTE, (3,), as_of=DAY)
    again = Network("26202", Rat.LTE, (3,), as_of=date(2027, 1, 1))
    found = differences(
        coverage_of(1, "", "", DAY, [one, gone, same]), coverage_of(2, "", "", DAY, [later, new, again])
    )
    assert [(change.network.rat, change.changed) for change in found] == [
        (Rat.GSM, ()), (Rat.LTE, ("psm",)), (Rat.NR, ()),
    ]  # fmt: skip
    assert (found[0].after, found[2].before) == (None, None)


@pytest.mark.parametrize(
    ("network", "fit", "words"),
    [
        (Network("1", Rat.LTE, (20,)), Fit.YES, "Both have LTE in B20."),
        (Network("1", Rat.LTE, (3,), (20, 26)), Fit.POSSIBLE, "not known for sure: B20"),
        (Network("1", Rat.LTE, (3,), (26,)), Fit.NO, "The module has LTE in B20, the network in B3."),
        (Network("1", Rat.LTE), Fit.NO, "in bands that are not known"),
        (Network("1", Rat.LTE, (20,), sunset_on=date(2026, 1, 1)), None, ""),
    ],
)
def test_a_module_fits_what_is_known_and_may_fit_what_is_not(network: Network, fit: Fit | None, words: str) -> None:
    found = module_fits({Rat.LTE: [20]}, [network], DAY)
    if fit is None:
        assert found == []  # off the air
    else:
        assert found[0].fit.fit is fit
        assert words in found[0].fit.rats[0].reason


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 11, 22), 0, date(2026, 11, 22)), (date(2026, 11, 22), 1, date(2026, 12, 22)),
        (date(2026, 11, 22), 2, date(2027, 1, 22)), (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)), (date(2026, 11, 30), 120, date(2036, 11, 30)),
    ],
)  # fmt: skip
def test_months_end_with_their_last_day(day: date, months: int, then: date) -> None:
    assert months_later(day, months) == then
