"""Which network offers what: each operator's RATs with bands and features, as packaged, imported, compared.

What is not known is None, never false. A network is named by its operator's PLMN code and its RAT.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from motet.radio import reference
from motet.radio.bands import Fit, ModuleFit, RatFit, check_module
from motet.radio.frequencies import bands_at
from motet.radio.rats import Rat

PACKAGED = 0
"""The number of the version that comes with Motet."""


class Roaming(StrEnum):
    """Whether a guest's SIM may use a network."""

    AVAILABLE = "AVAILABLE"
    RESTRICTED = "RESTRICTED"
    """Within limits, such as no permanent roaming."""
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Network:
    """One RAT of one operator. `possible_bands` are those of which it is not known whether they are the ones."""

    plmn: str
    rat: Rat
    bands: tuple[int, ...] = ()
    possible_bands: tuple[int, ...] = ()
    psm: bool | None = None
    edrx: bool | None = None
    sms: bool | None = None
    roaming: Roaming | None = None
    sunset_on: date | None = None
    """The last day, at the latest."""
    sunset_source: str | None = None
    as_of: date | None = None

    def is_on_air(self, today: date) -> bool:
        """Whether it has not been switched off yet, as far as is known."""
        return self.sunset_on is None or today <= self.sunset_on


Key = tuple[str, Rat]


@dataclass(frozen=True, slots=True)
class Coverage:
    """A version of what is known of all networks, by PLMN code and RAT in their order."""

    version: int
    name: str
    source: str
    as_of: date
    networks: Mapping[Key, Network]
    by_plmn: Mapping[str, tuple[Network, ...]]

    def of_country(self, country: str) -> list[Network]:
        """The networks of a country's operators."""
        operators = reference.operators_of(country)
        return [network for operator in operators for network in self.by_plmn.get(operator.plmn, ())]


class NetworkChange(NamedTuple):
    """What is different of a network from one version to another: `before` None where it came, `after` where it
    went; `changed` names the fields."""

    before: Network | None
    after: Network | None
    changed: tuple[str, ...]

    @property
    def network(self) -> Network:
        network = self.after or self.before
        assert network is not None  # noqa: S101 - a change has one side at least
        return network


class NetworkFit(NamedTuple):
    """How a module goes with one operator's networks."""

    plmn: str
    fit: ModuleFit


def coverage_of(version: int, name: str, source: str, as_of: date, networks: Iterable[Network]) -> Coverage:
    """A version that holds these networks; of two with the same key the later one."""
    by_key = {(one.plmn, one.rat): one for one in networks}
    ordered = {key: by_key[key] for key in sorted(by_key)}
    by_plmn: dict[str, tuple[Network, ...]] = {}
    for network in ordered.values():
        by_plmn[network.plmn] = (*by_plmn.get(network.plmn, ()), network)
    return Coverage(version, name, source, as_of, ordered, by_plmn)


@functools.cache
def packaged_coverage() -> Coverage:
    """What comes with Motet: the networks of operators known to be in operation, and the known sunsets."""
    found: dict[Key, Network] = {}
    for operator in reference.operators().values():
        if not operator.operational:
            continue
        for rat, frequencies in operator.frequencies.items():
            meant = [bands_at(rat, one.mhz, operator.mcc, is_tdd=one.is_tdd) for one in frequencies]
            sure = {bands[0] for bands in meant if len(bands) == 1}
            possible = {band for bands in meant if len(bands) > 1 for band in bands} - sure
            found[operator.plmn, rat] = Network(
                operator.plmn, rat, tuple(sorted(sure)), tuple(sorted(possible)), as_of=reference.as_of()
            )
    for sunset in reference.sunsets():
        known = found.get((sunset.plmn, sunset.rat), Network(sunset.plmn, sunset.rat))
        source = sunset.source if sunset.note is None else f"{sunset.source}: {sunset.note}"
        found[sunset.plmn, sunset.rat] = Network(
            known.plmn, known.rat, known.bands, known.possible_bands,
            sunset_on=sunset.on, sunset_source=source, as_of=sunset.as_of,
        )  # fmt: skip
    return coverage_of(PACKAGED, "packaged", reference.SOURCE, reference.as_of(), found.values())


_COMPARED = tuple(
    field.name for field in fields(Network) if field.name not in {"plmn", "rat", "as_of", "sunset_source"}
)


def differences(before: Coverage, after: Coverage) -> list[NetworkChange]:
    """What came, went or changed, by PLMN code and RAT; new dates and sources of the same facts do not count."""
    changes = []
    for key in sorted(before.networks.keys() | after.networks.keys()):
        old, new = before.networks.get(key), after.networks.get(key)
        if old is None or new is None:
            changes.append(NetworkChange(old, new, ()))
            continue
        changed = tuple(name for name in _COMPARED if getattr(old, name) != getattr(new, name))
        if changed:
            changes.append(NetworkChange(old, new, changed))
    return changes


def months_later(day: date, months: int) -> date:
    """The same day so many months on, or the last day of that month."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def module_fits(module: Mapping[Rat, Iterable[int]], networks: Iterable[Network], today: date) -> list[NetworkFit]:
    """How a module with these bands goes with each operator's networks, the best first.

    What is off the air does not count. Bands that a network only may have make POSSIBLE, not YES.
    """
    own = {rat: frozenset(bands) for rat, bands in module.items()}
    by_plmn: dict[str, dict[Rat, Network]] = {}
    for network in networks:
        if network.is_on_air(today):
            by_plmn.setdefault(network.plmn, {})[network.rat] = network
    found = []
    for plmn, rats in by_plmn.items():
        sure = check_module(own, {rat: one.bands for rat, one in rats.items()})
        known = {one.rat: one for one in sure.rats}
        for rat, network in rats.items():
            shared = own.get(rat, frozenset()) & set(network.possible_bands)
            better = _unsure(network, known.get(rat), shared)
            if better is not None:
                known[rat] = better
        ordered = tuple(known[rat] for rat in Rat if rat in known)
        found.append(NetworkFit(plmn, ModuleFit(max((one.fit for one in ordered), default=Fit.NO), ordered)))
    return sorted(found, key=lambda one: (-one.fit.fit, one.plmn))


def _unsure(network: Network, answer: RatFit | None, shared: frozenset[int]) -> RatFit | None:
    """The answer for a network whose bands are not all known, where that makes a difference."""
    if answer is not None and answer.fit is not Fit.NO:
        return None
    if shared:
        bands = ", ".join(_band(network.rat, band) for band in sorted(shared))
        reason = f"Which bands the network's {_name(network.rat)} uses is not known for sure: {bands} may be one."
        return RatFit(network.rat, Fit.POSSIBLE, (), tuple((band, band) for band in sorted(shared)), (), reason)
    if not network.bands and not network.possible_bands:
        reason = f"The network has {_name(network.rat)}, in bands that are not known."
        return RatFit(network.rat, Fit.NO, (), (), (), reason)
    return None


def _name(rat: Rat) -> str:
    return rat.name.replace("_", "-")


def _band(rat: Rat, number: int) -> str:
    return f"n{number}" if rat is Rat.NR else f"B{number}"
