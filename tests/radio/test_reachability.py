"""When a sleeping device can be reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.radio.at_commands import parse_cereg, parse_edrx_report
from motet.radio.reachability import (
    PowerProfile,
    Reachability,
    ReachabilityState,
    granted_profile,
    next_window,
    profile_warnings,
)

_UPLINK_MS = 1_800_000_000_000
_HOUR_MS = 3_600_000
_METER = PowerProfile(tau_s=4 * 3_600, active_s=60)


def _at(profile: PowerProfile, after_ms: int) -> Reachability:
    return next_window(profile, _UPLINK_MS, _UPLINK_MS + after_ms)


@pytest.mark.parametrize(
    ("after_ms", "state", "opens_after_ms", "silent_periods"),
    [
        (0, ReachabilityState.OPEN, 0, 0),
        (59_999, ReachabilityState.OPEN, 0, 0),
        (60_000, ReachabilityState.ASLEEP, 4 * _HOUR_MS, 0),
        (4 * _HOUR_MS - 1, ReachabilityState.ASLEEP, 4 * _HOUR_MS, 0),
        (4 * _HOUR_MS, ReachabilityState.OPEN, 4 * _HOUR_MS, 1),
        (4 * _HOUR_MS + 59_999, ReachabilityState.OPEN, 4 * _HOUR_MS, 1),
        (4 * _HOUR_MS + 60_000, ReachabilityState.ASLEEP, 8 * _HOUR_MS, 1),
        (41 * _HOUR_MS, ReachabilityState.ASLEEP, 44 * _HOUR_MS, 10),
        (-5_000, ReachabilityState.OPEN, -5_000, 0),
    ],
)
def test_a_meter_listens_after_each_uplink_and_each_update(
    after_ms: int, state: ReachabilityState, opens_after_ms: int, silent_periods: int
) -> None:
    window = _at(_METER, after_ms)
    assert window.state is state
    assert window.opens_ms == _UPLINK_MS + opens_after_ms
    assert window.closes_ms == _UPLINK_MS + opens_after_ms + 60_000
    assert window.silent_periods == silent_periods
    assert (window.page_within_ms, window.is_page_certain) == (2_560, True)


def test_the_reasons_say_why() -> None:
    assert _at(_METER, 0).reason == "The device has sent something and listens for 60 s."
    assert _at(_METER, _HOUR_MS).reason == "The device sleeps until its next update, which it makes every 14400 s."
    assert _at(_METER, 4 * _HOUR_MS).reason == "The device should just have made its periodic update."


def test_without_power_saving_mode_it_is_always_reachable() -> None:
    window = next_window(PowerProfile(tau_s=3_240), None, _UPLINK_MS)
    assert window == Reachability(
        ReachabilityState.ALWAYS, _UPLINK_MS, None, 2_560, 0, True, "The device does not use power saving mode."
    )


def test_edrx_alone_is_a_delay() -> None:
    window = next_window(PowerProfile(edrx_cycle_ms=143_360), _UPLINK_MS, _UPLINK_MS + _HOUR_MS)
    assert (window.state, window.page_within_ms) == (ReachabilityState.ALWAYS, 143_360)


def test_an_active_time_as_long_as_the_period_never_sleeps() -> None:
    window = _at(PowerProfile(tau_s=60, active_s=60), _HOUR_MS)
    assert (window.state, window.closes_ms) == (ReachabilityState.ALWAYS, None)


def test_a_device_never_heard_is_unknown() -> None:
    window = next_window(_METER, None, _UPLINK_MS)
    assert (window.state, window.opens_ms, window.closes_ms) == (ReachabilityState.UNKNOWN, None, None)


def test_without_periodic_update_only_the_device_ends_its_sleep() -> None:
    profile = PowerProfile(active_s=10)
    assert _at(profile, 9_999).closes_ms == _UPLINK_MS + 10_000
    asleep = _at(profile, 10_000)
    assert (asleep.state, asleep.opens_ms, asleep.closes_ms) == (ReachabilityState.ASLEEP, None, None)
    assert next_window(profile, None, _UPLINK_MS).state is ReachabilityState.UNKNOWN


def test_an_active_time_of_zero_leaves_an_empty_window() -> None:
    window = _at(PowerProfile(tau_s=3_600, active_s=0), 0)
    assert (window.state, window.opens_ms, window.closes_ms) == (
        ReachabilityState.ASLEEP,
        _UPLINK_MS + _HOUR_MS,
        _UPLINK_MS + _HOUR_MS,
    )
    assert not window.is_page_certain


def test_a_window_shorter_than_the_edrx_cycle_is_uncertain() -> None:
    assert not _at(PowerProfile(3_600, 60, 81_920), 0).is_page_certain
    assert _at(PowerProfile(3_600, 60, 20_480), 0).is_page_certain


def test_the_profile_is_what_the_network_granted() -> None:
    registration = parse_cereg('+CEREG: 5,"002F","0012BEEF",9,,,"00100001","00000110"')
    report = parse_edrx_report('+CEDRXP: 5,"1010","0010","0011"')
    assert granted_profile(registration, report) == PowerProfile(3_600, 60, 20_480)
    assert granted_profile(registration) == PowerProfile(3_600, 60)
    assert granted_profile(parse_cereg("+CEREG: 1"), parse_edrx_report("+CEDRXP: 0")) == PowerProfile()
    assert granted_profile(registration, parse_edrx_report('+CEDRXP: 4,"1000"')).edrx_cycle_ms is None


@pytest.mark.parametrize(
    ("profile", "warnings"),
    [
        (_METER, ()),
        (PowerProfile(), ()),
        (PowerProfile(edrx_cycle_ms=10_485_760), ()),
        (PowerProfile(3_600, 60, 20_480), ()),
        (
            PowerProfile(active_s=60),
            ("Without a periodic update the device can be reached only after it has sent something.",),
        ),
        (
            PowerProfile(60, 60),
            ("The active time (T3324) is not shorter than the period (T3412): the device never sleeps.",),
        ),
        (
            PowerProfile(3_600, 60, 40_960),
            ("The active time of 60 s holds less than 2 eDRX cycles of 40.96 s: a page may miss it.",),
        ),
    ],
)
def test_warnings_about_a_profile(profile: PowerProfile, warnings: tuple[str, ...]) -> None:
    assert profile_warnings(profile) == warnings


@given(
    st.builds(
        PowerProfile,
        st.none() | st.integers(2, 35_712_000),
        st.none() | st.integers(0, 11_160),
        st.none() | st.integers(5_120, 10_485_760),
    ),
    st.none() | st.integers(_UPLINK_MS - 10 * _HOUR_MS, _UPLINK_MS + _HOUR_MS),
    st.integers(0, 10_000 * _HOUR_MS),
)
def test_any_window_is_open_now_or_lies_ahead(profile: PowerProfile, uplink_ms: int | None, after_ms: int) -> None:
    now_ms = _UPLINK_MS + after_ms
    window = next_window(profile, uplink_ms, now_ms)
    if window.state is ReachabilityState.OPEN:
        assert window.opens_ms is not None
        assert window.closes_ms is not None
        assert window.opens_ms <= now_ms < window.closes_ms
    elif window.state is ReachabilityState.ASLEEP and window.opens_ms is not None:
        assert profile.tau_s is not None
        assert now_ms < window.opens_ms <= now_ms + profile.tau_s * 1_000
        assert profile.active_s is not None
        assert window.closes_ms == window.opens_ms + profile.active_s * 1_000
        then = next_window(profile, uplink_ms, window.opens_ms)
        assert then.opens_ms == window.opens_ms or profile.active_s == 0
    elif window.state is ReachabilityState.UNKNOWN:
        assert uplink_ms is None
    assert window.page_within_ms > 0
