"""Cards as they are made: what the tables say, and what fits what."""

from __future__ import annotations

import pytest

from motet.domain.errors import InvalidError
from motet.domain.sim_cards import (
    FORM_FACTORS,
    PACKAGES,
    QUALITY_GRADES,
    CardKind,
    Environment,
    check_card,
    code_of,
    form_factor_of,
    grade_warnings,
    package_warnings,
)
from motet.domain.sim_compliance import SOFTWARE_FEATURES, STANDARDS, compliance_export


def test_the_tables_say_what_the_description_prints() -> None:
    assert {f.code: (f.length_mm, f.width_mm, f.thickness_mm, f.pins) for f in FORM_FACTORS.values()} == {
        "2FF": (25, 15, 0.75, None),
        "3FF": (15, 12, 0.75, None),
        "4FF": (12.3, 8.8, 0.75, None),
        "MFF2": (6, 5, 0.75, 8),
    }
    assert {g.code: (g.temperature_min_c, g.temperature_max_c) for g in QUALITY_GRADES.values()} == {
        "COMMERCIAL": (-25, 85),
        "INDUSTRIAL": (-40, 105),
        "MFF2": (-40, 105),
    }
    assert {g.code for g in QUALITY_GRADES.values() if g.shock and g.vibration and g.humidity and g.moisture} == {
        "MFF2"
    }
    assert {p.code: (p.form_factors, p.quality_grade) for p in PACKAGES.values()} == {
        "TRIPLE_CUT": (("2FF", "3FF", "4FF"), "COMMERCIAL"),
        "DUAL_CUT": (("2FF", "3FF"), "COMMERCIAL"),
        "INDUSTRIAL_2FF": (("2FF",), "INDUSTRIAL"),
        "INDUSTRIAL_3FF": (("3FF",), "INDUSTRIAL"),
        "MFF2": (("MFF2",), "MFF2"),
    }
    assert {s.code: s.version for s in STANDARDS if s.version} == {
        "SGP.01": "1.1",
        "SGP.02": "3.2",
        "SGP.16": "1.1",
        "TCA_PROFILE": "2.1",
    }
    assert next(f.value for f in SOFTWARE_FEATURES if f.code == "MAX_PROFILES") == 10


@pytest.mark.parametrize(
    ("typed", "checked"),
    [
        (CardKind(), CardKind()),
        (CardKind("4FF"), CardKind("4FF")),
        (CardKind("4FF", "COMMERCIAL", "TRIPLE_CUT"), CardKind("4FF", "COMMERCIAL", "TRIPLE_CUT")),
        (CardKind(package="TRIPLE_CUT"), CardKind(None, "COMMERCIAL", "TRIPLE_CUT")),
        (CardKind(package="INDUSTRIAL_3FF"), CardKind("3FF", "INDUSTRIAL", "INDUSTRIAL_3FF")),
        (CardKind(package="MFF2"), CardKind("MFF2", "MFF2", "MFF2")),
        (CardKind("MFF2", "INDUSTRIAL"), CardKind("MFF2", "INDUSTRIAL")),
    ],
)
def test_what_follows_from_a_package_is_filled_in(typed: CardKind, checked: CardKind) -> None:
    assert check_card(typed) == checked


@pytest.mark.parametrize(
    ("typed", "at_fault"),
    [
        (CardKind("5FF"), "form_factor"),
        (CardKind(""), "form_factor"),
        (CardKind("2FF", "AUTOMOTIVE"), "quality_grade"),
        (CardKind(package="QUAD_CUT"), "package"),
        (CardKind("MFF2", "COMMERCIAL"), "quality_grade"),
        (CardKind("2FF", "MFF2"), "quality_grade"),
        (CardKind("4FF", package="DUAL_CUT"), "form_factor"),
        (CardKind(None, "INDUSTRIAL", "TRIPLE_CUT"), "quality_grade"),
        (CardKind("MFF2", "INDUSTRIAL", "MFF2"), "quality_grade"),
    ],
)
def test_what_is_no_card_is_refused_with_the_field_at_fault(typed: CardKind, at_fault: str) -> None:
    with pytest.raises(InvalidError) as refused:
        check_card(typed)
    assert refused.value.path == (at_fault,)


def test_every_package_is_a_card_in_each_of_its_forms() -> None:
    for package in PACKAGES.values():
        for form in package.form_factors:
            assert check_card(CardKind(form, package.quality_grade, package.code))


@pytest.mark.parametrize(
    ("typed", "code"),
    [("2ff", "2FF"), ("Nano SIM", "4FF"), ("4FF (Nano)", "4FF"), ("micro", "3FF"), ("MFF2 eSIM", "MFF2"), ("?", "?")],
)
def test_carriers_spellings_of_form_factors(typed: str, code: str) -> None:
    assert form_factor_of(typed) == code


def test_codes_are_told_however_they_are_spaced() -> None:
    assert code_of(" industrial-2ff ") == "INDUSTRIAL_2FF"


def codes(grade: str, **environment: object) -> list[str]:
    return [one.code for one in grade_warnings(QUALITY_GRADES[grade], Environment(**environment))]  # type: ignore[arg-type]


def test_a_grade_is_matched_with_an_environment() -> None:
    assert codes("COMMERCIAL") == []
    assert codes("COMMERCIAL", temperature_min_c=-25, temperature_max_c=85) == []
    assert codes("COMMERCIAL", temperature_min_c=-25.1, temperature_max_c=85.1) == ["TOO_COLD", "TOO_HOT"]
    assert codes("INDUSTRIAL", temperature_min_c=-40, temperature_max_c=105, vibration=True) == ["VIBRATION"]
    everything = {"vibration": True, "shock": True, "humidity": True, "corrosion": True, "reflow_soldered": True}
    assert codes("MFF2", **everything) == []
    assert codes("INDUSTRIAL", **everything) == ["VIBRATION", "SHOCK", "HUMIDITY", "CORROSION", "REFLOW"]
    assert codes("MFF2", supply_voltage=1.2) == codes("MFF2", supply_voltage=5.6) == ["VOLTAGE"]
    assert codes("MFF2", lifetime_years=16) == ["RETENTION"]
    assert codes("MFF2", lifetime_years=10, writes_per_day=24 * 10) == ["HIGH_ENDURANCE_NEEDED"]
    assert codes("MFF2", lifetime_years=10, writes_per_day=24 * 60 * 4) == ["ENDURANCE"]


def test_a_multi_cut_card_for_a_device_that_moves_gets_a_hint() -> None:
    moving = Environment(mobile=True)
    hinted = {code for code, package in PACKAGES.items() if package_warnings(package, moving)}
    assert hinted == {"TRIPLE_CUT", "DUAL_CUT"}


def test_the_export_holds_every_table() -> None:
    export = compliance_export()
    assert export["format"] == "motet-sim-compliance-1"
    assert [one["code"] for one in export["qualityGrades"]] == ["COMMERCIAL", "INDUSTRIAL", "MFF2"]
    assert len(export["standards"]) == 6
    assert [one["packages"] for one in export["qualityGrades"]] == [
        ["TRIPLE_CUT", "DUAL_CUT"],
        ["INDUSTRIAL_2FF", "INDUSTRIAL_3FF"],
        ["MFF2"],
    ]
