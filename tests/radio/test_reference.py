"""The reference data is whole: every code fits its form and leads to what it names."""

from __future__ import annotations

from datetime import date

import pytest

from motet.radio.band_table import BANDS
from motet.radio.frequencies import bands_at
from motet.radio.rats import Rat
from motet.radio.reference import (
    OperatorKind,
    as_of,
    countries,
    country_of,
    operators,
    operators_of,
    sunsets,
)


def test_countries_have_the_codes_of_iso_3166() -> None:
    assert len(countries()) >= 249
    for code, country in countries().items():
        assert code == country.code
        assert (len(code), len(country.code3), len(country.number)) == (2, 3, 3)
        assert code.isalpha()
        assert code.isupper()
        assert country.name == country.name.strip() != ""
        assert all(len(mcc) == 3 and mcc.isdigit() for mcc in country.mccs)
        assert -90 <= country.latitude <= 90
        assert -180 <= country.longitude <= 180
    germany = countries()["DE"]
    assert (germany.name, germany.code3, germany.number, germany.mccs) == ("Germany", "DEU", "276", ("262",))
    assert (germany.latitude, germany.longitude) == (52.52, 13.4)


def test_operators_have_plmn_codes_and_are_in_countries_that_there_are() -> None:
    assert len(operators()) > 3_000
    for plmn, operator in operators().items():
        assert plmn == operator.plmn == operator.mcc + operator.mnc
        assert len(plmn) in (5, 6)
        assert plmn.isdigit()
        assert set(operator.countries) <= set(countries())
        assert operator.name == operator.name.strip() != ""
        assert (operator.kind is OperatorKind.NETWORK) == bool(operator.frequencies) or plmn.startswith("001")
    assert operators()["26202"].brand == "Vodafone"
    assert operators()["90143"].kind is OperatorKind.MVNO
    assert operators()["310260"].countries[0] == "US"
    assert {one.plmn for one in operators_of("LI")} >= {"29501", "29502"}
    assert operators_of("XX") == ()


def test_a_plmn_code_has_a_country_even_if_nobody_has_it_yet() -> None:
    for plmn, code in (("26201", "DE"), ("26297", "DE"), ("310260", "US"), ("23450", "JE")):
        country = country_of(plmn)
        assert country is not None
        assert country.code == code
    assert country_of("00101") is None
    assert country_of("90143") is None
    assert country_of("") is None


def test_sunsets_name_operators_that_there_are_and_say_who_said_so() -> None:
    seen = set()
    for one in sunsets():
        assert one.plmn in operators()
        assert (one.plmn, one.rat) not in seen
        seen.add((one.plmn, one.rat))
        assert one.source
        assert date(2010, 1, 1) < one.on < date(2040, 1, 1)
        assert date(2010, 1, 1) < one.as_of <= date(2026, 11, 22)
    assert as_of() == date(2026, 9, 1)


def test_every_band_that_a_frequency_can_mean_is_one_of_its_rat() -> None:
    unknown = 0
    for operator in operators().values():
        for rat, frequencies in operator.frequencies.items():
            for frequency in frequencies:
                bands = bands_at(rat, frequency.mhz, operator.mcc, is_tdd=frequency.is_tdd)
                assert set(bands) <= set(BANDS[rat])
                unknown += not bands
    assert unknown < 20


@pytest.mark.parametrize(
    ("rat", "mhz", "mcc", "bands"),
    [
        (Rat.GSM, 900, "262", (8,)), (Rat.GSM, 1900, "310", (2,)), (Rat.UMTS, 2100, "262", (1,)),
        (Rat.UMTS, 800, "440", (6, 19)), (Rat.LTE, 800, "262", (20,)), (Rat.LTE, 800, "440", (18, 19, 26)),
        (Rat.LTE, 700, "208", (28,)), (Rat.LTE, 700, "310", (12, 13, 14, 17)), (Rat.LTE, 850, "505", (5, 26)),
        (Rat.LTE, 2600, "262", (7,)), (Rat.NR, 3500, "262", (78,)), (Rat.LTE, 1234, "262", ()),
        (Rat.LTE_M, 800, "262", ()),
    ],
)  # fmt: skip
def test_a_frequency_means_the_band_of_its_part_of_the_world(
    rat: Rat, mhz: int, mcc: str, bands: tuple[int, ...]
) -> None:
    assert bands_at(rat, mhz, mcc) == bands


def test_tdd_is_told_from_fdd() -> None:
    assert bands_at(Rat.LTE, 2600, "262", is_tdd=True) == (38, 41)
    assert bands_at(Rat.LTE, 2600, "460", is_tdd=True) == (41,)
    assert bands_at(Rat.LTE, 800, "262", is_tdd=True) == ()
