"""Countries, operators by PLMN code, and which RAT ends when: read once from the files beside this one.

README.md there names their sources and licences. `as_of` is the date of countries and operators; a sunset has its own.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType

from motet.radio.rats import Rat

SOURCE = "Wikipedia, mobile network codes by ITU region (CC BY-SA 4.0)"


class OperatorKind(StrEnum):
    """What stands behind a PLMN code."""

    NETWORK = "NETWORK"
    """Cells of its own."""
    MVNO = "MVNO"
    SATELLITE = "SATELLITE"
    RAILWAY = "RAILWAY"
    """GSM-R."""
    TEST = "TEST"
    OTHER = "OTHER"
    """What it has is not known, or none of our RATs."""


@dataclass(frozen=True, slots=True)
class Country:
    """A country or territory of ISO 3166-1, with the mobile country codes in use there and the place of its capital, or
    its middle where it has none, in degrees, north and east positive."""

    code: str
    """Alpha-2."""
    code3: str
    number: str
    name: str
    mccs: tuple[str, ...]
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Frequency:
    """Where a network sends, as operators name it: 900 for what is 880-915 and 925-960 MHz."""

    mhz: int
    is_tdd: bool


@dataclass(frozen=True, slots=True)
class Operator:
    """Who has a PLMN code (MCC and MNC, 5 or 6 digits); its frequencies by RAT, none where they are not known."""

    plmn: str
    countries: tuple[str, ...]
    """Alpha-2 codes, the chief one first; empty for international and test networks."""
    name: str
    brand: str | None
    kind: OperatorKind
    operational: bool
    """Known to be in operation."""
    frequencies: Mapping[Rat, tuple[Frequency, ...]]

    @property
    def mcc(self) -> str:
        return self.plmn[:3]

    @property
    def mnc(self) -> str:
        return self.plmn[3:]


@dataclass(frozen=True, slots=True)
class Sunset:
    """An operator switches a RAT off: `on` is the last day at the latest, `source` said so at `as_of`."""

    plmn: str
    rat: Rat
    on: date
    as_of: date
    source: str
    note: str | None


@functools.cache
def countries() -> Mapping[str, Country]:
    """All countries by alpha-2 code, in the order of the codes."""
    return MappingProxyType(
        {
            row["code"]: Country(
                row["code"], row["code3"], row["number"], row["name"], tuple(row["mccs"].split()),
                float(row["latitude"]), float(row["longitude"]),
            )
            for row in _rows("countries.csv")
        }
    )  # fmt: skip


@functools.cache
def operators() -> Mapping[str, Operator]:
    """All operators by PLMN code, in the order of the codes."""
    return MappingProxyType(
        {
            row["plmn"]: Operator(
                row["plmn"], tuple(row["countries"].split()), row["name"], row["brand"] or None,
                OperatorKind(row["kind"]), bool(row["operational"]), _frequencies(row["networks"]),
            )
            for row in _rows("operators.csv")
        }
    )  # fmt: skip


@functools.cache
def operators_of(country: str) -> tuple[Operator, ...]:
    """The operators of a country, by its alpha-2 code."""
    return tuple(one for one in operators().values() if country in one.countries)


@functools.cache
def sunsets() -> tuple[Sunset, ...]:
    """What is known to end or have ended, by PLMN code."""
    return tuple(
        Sunset(
            row["plmn"], Rat[row["rat"]], date.fromisoformat(row["on"]), date.fromisoformat(row["as_of"]),
            row["source"], row["note"] or None,
        )
        for row in _rows("sunsets.csv")
    )  # fmt: skip


@functools.cache
def as_of() -> date:
    """The date of `countries` and `operators`."""
    return date.fromisoformat(_text("as_of").strip())


def country_of(plmn: str) -> Country | None:
    """The country of a PLMN code: its operator's chief one, else the only one that uses its MCC."""
    operator = operators().get(plmn)
    if operator is not None and operator.countries:
        return countries()[operator.countries[0]]
    using = _by_mcc().get(plmn[:3], ())
    return using[0] if len(using) == 1 else None


@functools.cache
def _by_mcc() -> Mapping[str, tuple[Country, ...]]:
    found: dict[str, tuple[Country, ...]] = {}
    for country in countries().values():
        for mcc in country.mccs:
            found[mcc] = (*found.get(mcc, ()), country)
    return found


def _frequencies(text: str) -> Mapping[Rat, tuple[Frequency, ...]]:
    """What `GSM 900 1800;LTE 800 2600t` says."""
    found: dict[Rat, tuple[Frequency, ...]] = {}
    for part in filter(None, text.split(";")):
        rat, *numbers = part.split(" ")
        found[Rat[rat]] = tuple(Frequency(int(one.rstrip("t")), one.endswith("t")) for one in numbers)
    return MappingProxyType(found)


def _rows(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(_text(name).splitlines())


def _text(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")
