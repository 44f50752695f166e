"""What SIM cards there are: form factors, packages, quality grades, and what fits what. Tables and pure checks.

The tables are those of emnify's service description §2.2 and §2.3, its lost signs restored (-25, -40) and its humidity
cell read as HA of ETSI TS 102 671.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from motet.domain.errors import InvalidError


@dataclass(frozen=True, slots=True)
class FormFactor:
    """A shape of card. `nominal_thickness_mm` is ETSI's (TS 102 221 §4), the description prints 0.75 for all."""

    code: str
    name: str
    length_mm: float
    width_mm: float
    thickness_mm: float
    nominal_thickness_mm: float | None
    removable: bool
    pins: int | None


@dataclass(frozen=True, slots=True)
class QualityGrade:
    """What a card stands. Standards are those that the grade is tested by; null: no such test is promised."""

    code: str
    name: str
    temperature_min_c: int
    temperature_max_c: int
    moisture: str | None = None
    humidity: str | None = None
    corrosion: str | None = None
    vibration: str | None = None
    shock: str | None = None
    temperature_standard: str = "JESD22-A104"
    voltage_min: float = 1.62
    voltage_max: float = 5.5
    interface: str = "ISO 7816, T=0"
    nvm_kilobytes: int = 704
    ram_kilobytes: int = 20
    erase_cycles_per_page: int = 500_000
    high_endurance_cycles: int = 10_000_000
    retention_years: int = 15
    retention_temperature_c: int = 85
    common_criteria: str = "CCN-CC-5/2019"


@dataclass(frozen=True, slots=True)
class Package:
    """What can be ordered: a card that breaks out to one of its form factors, in one grade."""

    code: str
    name: str
    form_factors: tuple[str, ...]
    quality_grade: str

    @property
    def multi_cut(self) -> bool:
        return len(self.form_factors) > 1


FORM_FACTORS: Final[Mapping[str, FormFactor]] = {
    one.code: one
    for one in (
        FormFactor("2FF", "Mini SIM", 25, 15, 0.75, 0.76, True, None),
        FormFactor("3FF", "Micro SIM", 15, 12, 0.75, 0.76, True, None),
        FormFactor("4FF", "Nano SIM", 12.3, 8.8, 0.75, 0.67, True, None),
        FormFactor("MFF2", "Embedded SIM", 6, 5, 0.75, None, False, 8),
    )
}

QUALITY_GRADES: Final[Mapping[str, QualityGrade]] = {
    one.code: one
    for one in (
        QualityGrade("COMMERCIAL", "Commercial eUICC", -25, 85),
        QualityGrade("INDUSTRIAL", "Industrial eUICC", -40, 105),
        QualityGrade(
            "MFF2",
            "MFF2",
            -40,
            105,
            moisture="MSL3 (J-STD-020)",
            humidity="HA as per ETSI TS 102 671 (JESD22-A101D)",
            corrosion="CX as per ETSI TS 102 671 (JESD22-A107)",
            vibration="VX as per ETSI TS 102 671 (JESD22-B103)",
            shock="SX as per ETSI TS 102 671 (JESD22-B104)",
        ),
    )
}

PACKAGES: Final[Mapping[str, Package]] = {
    one.code: one
    for one in (
        Package("TRIPLE_CUT", "Triple-cut commercial", ("2FF", "3FF", "4FF"), "COMMERCIAL"),
        Package("DUAL_CUT", "Dual-cut commercial", ("2FF", "3FF"), "COMMERCIAL"),
        Package("INDUSTRIAL_2FF", "Single-cut Mini Industrial", ("2FF",), "INDUSTRIAL"),
        Package("INDUSTRIAL_3FF", "Single-cut Micro Industrial", ("3FF",), "INDUSTRIAL"),
        Package("MFF2", "Embedded MFF2", ("MFF2",), "MFF2"),
    )
}

EMBEDDED: Final = "MFF2"

_ALIASES: Final[Mapping[str, str]] = {
    "2ff": "2FF", "mini": "2FF", "minisim": "2FF", "2ffmini": "2FF", "mini2ff": "2FF", "standard": "2FF",
    "3ff": "3FF", "micro": "3FF", "microsim": "3FF", "3ffmicro": "3FF", "micro3ff": "3FF",
    "4ff": "4FF", "nano": "4FF", "nanosim": "4FF", "4ffnano": "4FF", "nano4ff": "4FF",
    "mff2": "MFF2", "esim": "MFF2", "embedded": "MFF2", "mff2esim": "MFF2", "embeddedmff2": "MFF2", "mff": "MFF2",
}  # fmt: skip
"""How carriers' lists spell form factors."""


class CardKind(NamedTuple):
    """The labels of a card, each a code of the tables or null."""

    form_factor: str | None = None
    quality_grade: str | None = None
    package: str | None = None


def check_card(kind: CardKind) -> CardKind:
    """The labels with what follows from the package filled in. Raises InvalidError with the field at fault as its path.

    A card of one of our packages has that package's grade and one of its form factors. One of another carrier may also
    be what no package is, such as an industrial MFF2, but not a contradiction: only embedded cards have the grade MFF2,
    and those are never COMMERCIAL.
    """
    form, grade = kind.form_factor, kind.quality_grade
    if form is not None and form not in FORM_FACTORS:
        raise InvalidError(
            "There is no such form factor: it is one of {known}.", path=("form_factor",), known=FORM_FACTORS
        )
    if grade is not None and grade not in QUALITY_GRADES:
        raise InvalidError(
            "There is no such grade: it is one of {known}.", path=("quality_grade",), known=QUALITY_GRADES
        )
    if kind.package is not None:
        return _of_package(kind)
    if form is not None and grade == "MFF2" and form != EMBEDDED:
        raise InvalidError("The grade MFF2 is for embedded cards (MFF2) only.", path=("quality_grade",))
    if form == EMBEDDED and grade == "COMMERCIAL":
        raise InvalidError("An embedded card (MFF2) is not made in the grade COMMERCIAL.", path=("quality_grade",))
    return kind


def _of_package(kind: CardKind) -> CardKind:
    package = PACKAGES.get(kind.package or "")
    if package is None:
        raise InvalidError("There is no such package: it is one of {known}.", path=("package",), known=PACKAGES)
    if kind.quality_grade not in (None, package.quality_grade):
        raise InvalidError(
            "The package {package} is made in the grade {quality_grade} only.",
            path=("quality_grade",),
            package=package.code,
            quality_grade=package.quality_grade,
        )
    if kind.form_factor is not None and kind.form_factor not in package.form_factors:
        forms = ", ".join(package.form_factors)
        raise InvalidError(
            "The package {package} breaks out to {forms} only.",
            path=("form_factor",),
            package=package.code,
            forms=forms,
        )
    form = kind.form_factor or (None if package.multi_cut else package.form_factors[0])
    return CardKind(form, package.quality_grade, package.code)


def form_factor_of(typed: str) -> str:
    """The code that a carrier's spelling stands for, such as `Nano SIM` for 4FF; what is unknown stays as it is."""
    plain = "".join(character for character in typed.casefold() if character.isalnum())
    return _ALIASES.get(plain, typed)


def code_of(typed: str) -> str:
    """A grade or package as its code is spelled: `industrial 2ff` is INDUSTRIAL_2FF."""
    return "_".join(typed.replace("-", " ").replace("_", " ").upper().split())


class Environment(NamedTuple):
    """What a device meets where it works; null or false: nothing is said of it."""

    temperature_min_c: float | None = None
    temperature_max_c: float | None = None
    supply_voltage: float | None = None
    lifetime_years: float | None = None
    writes_per_day: int | None = None
    """How often the device writes to the same file of the card, such as the location after each attach."""
    vibration: bool = False
    shock: bool = False
    humidity: bool = False
    corrosion: bool = False
    reflow_soldered: bool = False
    mobile: bool = False
    """The device moves: a vehicle, a tracker, a wearable."""


class Warned(NamedTuple):
    """Something about a card that does not suit. `code` is stable."""

    code: str
    message: str


_STRESSES: Final = (
    ("vibration", "VIBRATION", "vibration"),
    ("shock", "SHOCK", "shock"),
    ("humidity", "HUMIDITY", "humidity"),
    ("corrosion", "CORROSION", "corrosive air"),
)


def grade_warnings(grade: QualityGrade, environment: Environment) -> list[Warned]:
    """Where the environment asks for more than the grade promises; empty: it fits."""
    found: list[Warned] = []
    low, high = environment.temperature_min_c, environment.temperature_max_c
    if low is not None and low < grade.temperature_min_c:
        found.append(Warned("TOO_COLD", f"{grade.code} stands {grade.temperature_min_c} °C; it gets to {low:g} °C."))
    if high is not None and high > grade.temperature_max_c:
        found.append(Warned("TOO_HOT", f"{grade.code} stands {grade.temperature_max_c} °C; it gets to {high:g} °C."))
    volts = environment.supply_voltage
    if volts is not None and not grade.voltage_min <= volts <= grade.voltage_max:
        found.append(
            Warned("VOLTAGE", f"The card takes {grade.voltage_min} to {grade.voltage_max} V, not {volts:g} V.")
        )
    for field, code, words in _STRESSES:
        if getattr(environment, field) and getattr(grade, field) is None:
            found.append(Warned(code, f"{grade.code} is not tested for {words}."))
    if environment.reflow_soldered and grade.moisture is None:
        found.append(Warned("REFLOW", f"{grade.code} has no moisture level for reflow soldering."))
    return found + _ageing(grade, environment)


def _ageing(grade: QualityGrade, environment: Environment) -> list[Warned]:
    found: list[Warned] = []
    years = environment.lifetime_years
    if years is not None and years > grade.retention_years:
        message = f"Data is kept {grade.retention_years} years at {grade.retention_temperature_c} °C, not {years:g}."
        found.append(Warned("RETENTION", message))
    if years is not None and environment.writes_per_day is not None:
        writes = years * 365.25 * environment.writes_per_day
        if writes > grade.high_endurance_cycles:
            found.append(Warned("ENDURANCE", f"The card stands {grade.high_endurance_cycles} writes to a file."))
        elif writes > grade.erase_cycles_per_page:
            message = f"More than {grade.erase_cycles_per_page} writes to a page: files need the high-endurance OS."
            found.append(Warned("HIGH_ENDURANCE_NEEDED", message))
    return found


def package_warnings(package: Package, environment: Environment) -> list[Warned]:
    """The same for a package: its grade, and how firmly the card sits."""
    found = grade_warnings(QUALITY_GRADES[package.quality_grade], environment)
    if environment.mobile and package.multi_cut:
        message = (
            "For devices that move choose a card of exactly the form factor that fits: multi-cut cards are less durable"
            " and their contact is less firm."
        )
        found.append(Warned("MULTI_CUT_IN_MOBILE_DEVICE", message))
    if environment.reflow_soldered and package.form_factors != (EMBEDDED,):
        found.append(Warned("NOT_SOLDERABLE", f"{package.code} is a card to be plugged in, not soldered."))
    return found
