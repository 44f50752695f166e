"""The reference data of SIM cards as GraphQL shows it: plain values, which name by code what would lead in a circle."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from motet.domain.errors import InvalidError
from motet.domain.sim_cards import (
    FORM_FACTORS,
    PACKAGES,
    QUALITY_GRADES,
    Environment,
    FormFactor,
    Package,
    QualityGrade,
    Warned,
    package_warnings,
)
from motet.graphql.errors import camel
from motet.graphql.fields import or_none
from motet.graphql.types.sim_card import SimEnvironmentInput

MAX_MAGNITUDE = 1_000_000
"""Of a number of an environment: beyond it is no device's."""


def form_factors() -> list[dict[str, Any]]:
    """All form factors."""
    return [_form_factor(one) for one in FORM_FACTORS.values()]


def packages() -> list[dict[str, Any]]:
    """All packages."""
    return [package(one) for one in PACKAGES.values()]


def quality_grades() -> list[dict[str, Any]]:
    """All grades."""
    return [_quality_grade(one) for one in QUALITY_GRADES.values()]


def fits(environment: Environment) -> list[dict[str, Any]]:
    """How well each package suits the environment, the best first."""
    found = [(one, package_warnings(one, environment)) for one in PACKAGES.values()]
    return [
        {
            "package": package(one),
            "fits": not warnings,
            "warnings": warned(warnings),
            "__typename": "SimPackageFit",
        }
        for one, warnings in sorted(found, key=lambda each: len(each[1]))
    ]


def warned(warnings: Iterable[Warned]) -> list[dict[str, Any]]:
    """Warnings as objects of GraphQL."""
    return [object_of("SimCardWarning", one) for one in warnings]


def environment_of(typed: SimEnvironmentInput | None, *path: str) -> Environment:
    """The environment of an input. Raises InvalidError for numbers that are none of this world."""
    if typed is None:
        return Environment()
    given: dict[str, Any] = {}
    for name in Environment._fields:
        value = or_none(getattr(typed, name))
        if value is None:
            continue
        if not isinstance(value, bool) and not (math.isfinite(value) and abs(value) <= MAX_MAGNITUDE):
            raise InvalidError("This number is out of range.", path=(*path, name))
        if name in ("lifetime_years", "writes_per_day", "supply_voltage") and value < 0:
            raise InvalidError("This must not be negative.", path=(*path, name))
        given[name] = value
    environment = Environment(**given)
    low, high = environment.temperature_min_c, environment.temperature_max_c
    if low is not None and high is not None and low > high:
        raise InvalidError("The lowest temperature is above the highest.", path=(*path, "temperature_min_c"))
    return environment


def package(one: Package) -> dict[str, Any]:
    """A package as an object of GraphQL."""
    return object_of(
        "SimPackage",
        one,
        multiCut=one.multi_cut,
        formFactors=[_form_factor(FORM_FACTORS[code]) for code in one.form_factors],
        qualityGrade=_quality_grade(QUALITY_GRADES[one.quality_grade]),
    )


def _form_factor(one: FormFactor) -> dict[str, Any]:
    codes = [each.code for each in PACKAGES.values() if one.code in each.form_factors]
    return object_of("FormFactor", one, packages=codes)


def _quality_grade(one: QualityGrade) -> dict[str, Any]:
    codes = [each.code for each in PACKAGES.values() if each.quality_grade == one.code]
    return object_of("QualityGrade", one, packages=codes)


def object_of(type_name: str, source: Any, **more: Any) -> dict[str, Any]:
    """The fields of a named tuple or a dataclass as an object of the GraphQL type, and what else it has."""
    names = getattr(source, "_fields", None) or source.__dataclass_fields__
    return {camel(name): getattr(source, name) for name in names} | {"__typename": type_name} | more
