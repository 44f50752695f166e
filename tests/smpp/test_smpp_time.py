"""SMPP times both ways, with offsets, months and nonsense."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.smpp.smpp_time import (
    TimeFormatError,
    absolute_time,
    parse_receipt_date,
    parse_time,
    receipt_date,
    relative_time,
)


def us(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1_000_000


NOW_US = us(2026, 1, 31, 12)
SECOND_US = 1_000_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("261121221030000+", us(2026, 11, 21, 22, 10, 30)),
        ("261121221030700+", us(2026, 11, 21, 22, 10, 30) + 700_000),
        ("261121221030004+", us(2026, 11, 21, 21, 10, 30)),
        ("261121221030022-", us(2026, 11, 22, 3, 40, 30)),
        ("000101000000000+", us(2000, 1, 1)),
        ("991231235959000+", us(2099, 12, 31, 23, 59, 59)),
        ("280229000000000+", us(2028, 2, 29)),
        ("000000000000000R", NOW_US),
        ("000000000130000R", NOW_US + 90 * SECOND_US),
        ("000001020304000R", NOW_US + (86_400 + 7_384) * SECOND_US),
        ("000100000000000R", us(2026, 2, 28, 12)),
        ("010000000000000R", us(2027, 1, 31, 12)),
        ("001300000000000R", us(2027, 2, 28, 12)),
        ("000099000000000R", NOW_US + 99 * 86_400 * SECOND_US),
    ],
)
def test_a_time_is_read(value: str, expected: int) -> None:
    assert parse_time(value, NOW_US) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "261121221030000",
        "261121221030000Z",
        "261321221030000+",
        "260230000000000+",
        "261121251030000+",
        "261121226030000+",
        "261121221030049+",
        "26112122103000 +",
        "２６１１２１２２１０３００００+",
        "a00000000000000R",
        "0000000000000000R",
    ],
)
def test_what_is_no_time_is_refused(value: str) -> None:
    with pytest.raises(TimeFormatError):
        parse_time(value, NOW_US)


def test_an_absolute_time_is_written_in_utc() -> None:
    assert absolute_time(us(2026, 11, 21, 22, 10, 30) + 790_000) == "261121221030700+"
    with pytest.raises(ValueError, match="1999"):
        absolute_time(us(1999, 12, 31))


def test_a_relative_time_is_written_in_days_and_less() -> None:
    assert relative_time(0) == "000000000000000R"
    assert relative_time(86_400 + 7_384) == "000001020304000R"
    assert relative_time(27 * 86_400) == "000027000000000R"
    for span_s in (-1, 28 * 86_400):
        with pytest.raises(ValueError, match="27 days"):
            relative_time(span_s)


def test_receipt_dates() -> None:
    assert receipt_date(us(2026, 11, 21, 22, 10, 30)) == "2611212210"
    assert parse_receipt_date("2611212210") == us(2026, 11, 21, 22, 10)
    assert parse_receipt_date("261121221030") == us(2026, 11, 21, 22, 10, 30)
    for nonsense in ("", "26112122", "2613212210", "26112122xx", "²⁶¹¹²¹²²¹⁰"):
        assert parse_receipt_date(nonsense) is None


@given(st.integers(us(2000, 1, 1) // 100_000, us(2100, 1, 1) // 100_000 - 1), st.integers(0, 28 * 86_400 - 1))
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read(tenths: int, span_s: int) -> None:
    assert parse_time(absolute_time(tenths * 100_000), 0) == tenths * 100_000
    assert parse_time(relative_time(span_s), NOW_US) == NOW_US + span_s * SECOND_US


@given(st.text("0123456789R+-", min_size=16, max_size=16), st.integers(0, us(2099, 1, 1)))
@settings(max_examples=200, deadline=None)
def test_any_sixteen_characters_are_a_time_or_refused(value: str, now_us: int) -> None:
    with suppress(TimeFormatError):
        assert isinstance(parse_time(value, now_us), int)
