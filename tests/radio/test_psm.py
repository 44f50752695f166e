"""Power saving timers as octets: TS 24.008 §10.5.7.3, §10.5.7.4, §10.5.7.4a."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.radio.coding import RadioError, RadioErrorReason, Rounding
from motet.radio.psm import (
    DEACTIVATED,
    DEFAULT_TAU_S,
    LONGEST_ACTIVE_S,
    LONGEST_TAU_S,
    EncodedTimer,
    Timer,
    decode_timer,
    encode_timer,
    sleep_s,
)

_HOUR = 3_600
_LONGEST = {Timer.T3412_EXTENDED: 35_712_000, Timer.T3324: 11_160}


@pytest.mark.parametrize(
    ("bits", "seconds"),
    [
        ("01001110", 140 * _HOUR),
        ("01000111", 70 * _HOUR),
        ("00111000", 24 * _HOUR),
        ("01011111", 310 * _HOUR),
        ("11000001", 320 * _HOUR),
        ("11011111", 9_920 * _HOUR),
        ("00000110", _HOUR),
        ("00000001", 600),
        ("10000001", 30),
        ("01111111", 62),
        ("01100000", 0),
        ("10011111", 930),
        ("10111111", 1_860),
        ("00011111", 18_600),
        ("00111111", 111_600),
    ],
)
def test_t3412_extended_vectors(bits: str, seconds: int) -> None:
    assert decode_timer(Timer.T3412_EXTENDED, bits) == seconds
    assert decode_timer(Timer.T3412_EXTENDED, encode_timer(Timer.T3412_EXTENDED, seconds).bits) == seconds


@pytest.mark.parametrize(
    ("seconds", "bits"),
    [
        (140 * _HOUR, "01001110"),
        (70 * _HOUR, "01000111"),
        (24 * _HOUR, "00111000"),
        (310 * _HOUR, "01011111"),
        (320 * _HOUR, "11000001"),
        (9_920 * _HOUR, "11011111"),
        (_HOUR, "00000110"),  # not 00100001: 10 minutes is the smaller unit
        (4 * _HOUR, "00011000"),
        (600, "10010100"),  # not 10101010, 00000001
        (300, "10001010"),
        (62, "01111111"),
        (0, "01100000"),
    ],
)
def test_t3412_extended_takes_the_smallest_unit_that_is_exact(seconds: int, bits: str) -> None:
    assert encode_timer(Timer.T3412_EXTENDED, seconds) == EncodedTimer(seconds, seconds, bits)


@pytest.mark.parametrize(
    ("bits", "seconds"),
    [("00100100", 4 * _HOUR), ("00100001", _HOUR), ("10100101", 300), ("10101010", 600), ("00000001", 600)],
)
def test_t3412_extended_reads_the_other_codes_of_a_time(bits: str, seconds: int) -> None:
    assert decode_timer(Timer.T3412_EXTENDED, bits) == seconds


@pytest.mark.parametrize(
    ("bits", "seconds"),
    [
        ("00000101", 10),
        ("00100100", 240),
        ("00101100", 720),
        ("01011111", 11_160),
        ("00000000", 0),
        ("00011111", 62),
        ("00111111", 1_860),
    ],
)
def test_t3324_vectors_both_ways(bits: str, seconds: int) -> None:
    assert decode_timer(Timer.T3324, bits) == seconds
    assert encode_timer(Timer.T3324, seconds) == EncodedTimer(seconds, seconds, bits)


@pytest.mark.parametrize(
    ("bits", "seconds"), [("01100001", 60), ("10000010", 120), ("10100011", 180), ("11000100", 240)]
)
def test_t3324_reads_an_unknown_unit_as_minutes(bits: str, seconds: int) -> None:
    assert decode_timer(Timer.T3324, bits) == seconds


def test_t3324_reads_the_other_code_of_12_minutes() -> None:
    assert decode_timer(Timer.T3324, "01000010") == 720


def test_the_same_bits_are_hours_in_one_timer_and_minutes_in_the_other() -> None:
    assert decode_timer(Timer.T3412_EXTENDED, "00100100") == 4 * _HOUR
    assert decode_timer(Timer.T3324, "00100100") == 4 * 60


def test_the_ordinary_periodic_update_is_54_minutes() -> None:
    assert DEFAULT_TAU_S == 3_240
    assert decode_timer(Timer.T3324, "01001001") == DEFAULT_TAU_S


@pytest.mark.parametrize("timer", Timer)
def test_deactivated_is_no_time(timer: Timer) -> None:
    assert DEACTIVATED == "11100000"
    assert decode_timer(timer, "11100000") is None
    assert decode_timer(timer, "11111111") is None


def test_320_hours_shrink_to_hours_without_integrity_protection() -> None:
    assert decode_timer(Timer.T3412_EXTENDED, "11000010", integrity_protected=False) == 2 * _HOUR
    assert decode_timer(Timer.T3412_EXTENDED, "01000010", integrity_protected=False) == 20 * _HOUR
    assert decode_timer(Timer.T3324, "11000010", integrity_protected=False) == 120


@pytest.mark.parametrize(
    ("timer", "seconds", "down", "nearest", "up"),
    [
        (Timer.T3412_EXTENDED, 54 * 60, 54 * 60 - 240, 54 * 60 - 240, 3_600),
        (Timer.T3412_EXTENDED, 64, 62, 62, 90),
        (Timer.T3412_EXTENDED, 72 * _HOUR, 70 * _HOUR, 70 * _HOUR, 80 * _HOUR),
        (Timer.T3412_EXTENDED, 75 * _HOUR, 70 * _HOUR, 70 * _HOUR, 80 * _HOUR),
        (Timer.T3412_EXTENDED, 30 * 24 * _HOUR, 640 * _HOUR, 640 * _HOUR, 960 * _HOUR),
        (Timer.T3324, 63, 62, 62, 120),
        (Timer.T3324, 91, 62, 62, 120),
        (Timer.T3324, 92, 62, 120, 120),
        (Timer.T3324, 2_000, 1_860, 1_860, 2_160),
    ],
)
def test_a_time_without_code_is_rounded_only_when_told_to(
    timer: Timer, seconds: int, down: int, nearest: int, up: int
) -> None:
    with pytest.raises(RadioError, match=f"{seconds} s has no code; the nearest that have are {down} and {up} s") as no:
        encode_timer(timer, seconds)
    assert no.value.reason is RadioErrorReason.NOT_ENCODABLE
    for rounding, expected in ((Rounding.DOWN, down), (Rounding.NEAREST, nearest), (Rounding.UP, up)):
        encoded = encode_timer(timer, seconds, rounding)
        assert (encoded.requested_s, encoded.encoded_s) == (seconds, expected)
        assert decode_timer(timer, encoded.bits) == expected


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize(
    ("timer", "seconds"),
    [(Timer.T3412_EXTENDED, 35_712_001), (Timer.T3412_EXTENDED, -1), (Timer.T3324, 11_161), (Timer.T3324, -2)],
)
def test_out_of_range_is_never_rounded(timer: Timer, seconds: int, rounding: Rounding) -> None:
    with pytest.raises(RadioError, match="is outside of 0 to") as raised:
        encode_timer(timer, seconds, rounding)
    assert raised.value.reason is RadioErrorReason.OUT_OF_RANGE


def test_the_limits() -> None:
    assert (LONGEST_TAU_S, LONGEST_ACTIVE_S) == (35_712_000, 11_160)


@pytest.mark.parametrize("bits", ["", "0100111", "010011100", "0100111x", "01001110\n", "٠1001110", " 1001110"])
@pytest.mark.parametrize("timer", Timer)
def test_only_eight_characters_of_0_and_1_are_read(timer: Timer, bits: str) -> None:
    with pytest.raises(RadioError, match="8 characters of 0 and 1") as raised:
        decode_timer(timer, bits)
    assert raised.value.reason is RadioErrorReason.MALFORMED


@pytest.mark.parametrize("timer", Timer)
def test_every_octet_that_says_a_time_can_be_encoded_again(timer: Timer) -> None:
    for octet in range(256):
        seconds = decode_timer(timer, f"{octet:08b}")
        if seconds is None:
            assert octet >> 5 == 0b111
        else:
            assert decode_timer(timer, encode_timer(timer, seconds).bits) == seconds


@given(st.sampled_from(Timer), st.integers(0, 35_712_000))
def test_rounding_brackets_what_was_asked(timer: Timer, seconds: int) -> None:
    seconds = min(seconds, _LONGEST[timer])
    down = encode_timer(timer, seconds, Rounding.DOWN).encoded_s
    up = encode_timer(timer, seconds, Rounding.UP).encoded_s
    nearest = encode_timer(timer, seconds, Rounding.NEAREST).encoded_s
    assert down <= seconds <= up
    assert nearest in (down, up)
    assert abs(nearest - seconds) == min(seconds - down, up - seconds)


def test_sleep_is_the_period_less_the_active_time() -> None:
    assert sleep_s(140 * _HOUR, 10) == 503_990
    for active in (60, 61):
        with pytest.raises(RadioError, match="leaves no sleep") as raised:
            sleep_s(60, active)
        assert raised.value.reason is RadioErrorReason.CONFLICTING
