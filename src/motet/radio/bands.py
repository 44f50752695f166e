"""Whether a module works on a network, by the bands of both, with the reasons."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum

from motet.radio.band_table import BANDS, Band, band_name
from motet.radio.rats import Rat

BandSet = Mapping[Rat, Collection[int]]
"""The numbers of the bands that a module or a network has, by RAT; a RAT without bands counts as not there."""

_MAY_OVERLAP = frozenset((Rat.UMTS, Rat.LTE, Rat.LTE_M, Rat.NB_IOT, Rat.NR))
"""Whose networks can announce one cell under several band numbers (TS 36.331 `multiBandInfoList` and its like)."""


class Fit(IntEnum):
    """How well a module and a network go together; more is better."""

    NO = 0
    POSSIBLE = 1
    """Only through a wider band: the network has to announce the cell under the module's number too."""
    YES = 2


@dataclass(frozen=True, slots=True)
class RatFit:
    """The answer for one RAT. `possible` pairs a band of the module with one of the network that lies within it;
    `unused` are the network's bands that this module cannot hear: with them goes their coverage."""

    rat: Rat
    fit: Fit
    shared: tuple[int, ...]
    possible: tuple[tuple[int, int], ...]
    unused: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ModuleFit:
    """The best of all RATs, and each RAT that either side has."""

    fit: Fit
    rats: tuple[RatFit, ...]

    @property
    def usable(self) -> tuple[Rat, ...]:
        """The RATs that surely work."""
        return tuple(one.rat for one in self.rats if one.fit is Fit.YES)


def check_module(module: BandSet, network: BandSet) -> ModuleFit:
    """Whether a module with these bands works on a network with those, RAT by RAT.

    Bands are compared by number, so that one that `BANDS` does not know yet counts as well; only what lies within
    what needs the table.
    """
    rats = tuple(
        _check_rat(rat, frozenset(module.get(rat, ())), network) for rat in Rat if module.get(rat) or network.get(rat)
    )
    return ModuleFit(max((one.fit for one in rats), default=Fit.NO), rats)


def _check_rat(rat: Rat, module: frozenset[int], network: BandSet) -> RatFit:
    offered = frozenset(network.get(rat, ()))
    shared = tuple(sorted(module & offered))
    possible = tuple(
        (own, other)
        for own in sorted(module - offered)
        for other in sorted(offered - module)
        if _lies_within(rat, other, own)
    )
    unused = tuple(sorted(offered - module - {other for _, other in possible}))
    fit = Fit.YES if shared else Fit.POSSIBLE if possible else Fit.NO
    return RatFit(rat, fit, shared, possible, unused, _reason(rat, module, network, shared, possible, unused))


def _lies_within(rat: Rat, inner: int, outer: int) -> bool:
    bands: dict[int, Band] = BANDS[rat]
    return rat in _MAY_OVERLAP and inner in bands and outer in bands and bands[outer].holds(bands[inner])


def _reason(
    rat: Rat,
    module: frozenset[int],
    network: BandSet,
    shared: tuple[int, ...],
    possible: tuple[tuple[int, int], ...],
    unused: tuple[int, ...],
) -> str:
    offered = network.get(rat, ())
    name = rat.name.replace("_", "-")
    if not offered:
        without = (
            " Its LTE does not serve such modules." if rat in (Rat.LTE_M, Rat.NB_IOT) and network.get(Rat.LTE) else ""
        )
        return f"The network has no {name}.{without}"
    if not module:
        return f"The module has no {name}."
    sentences = []
    if shared:
        sentences.append(f"Both have {name} in {_list(rat, shared)}.")
    else:
        sentences.append(f"The module has {name} in {_list(rat, module)}, the network in {_list(rat, offered)}.")
    sentences += [
        f"{band_name(rat, other)} of the network lies within {band_name(rat, own)} of the module, which helps if the "
        f"network announces {band_name(rat, own)} too."
        for own, other in possible
    ]
    if unused and (shared or possible):
        sentences.append(f"The module does not hear {_list(rat, unused)} of the network.")
    return " ".join(sentences)


def _list(rat: Rat, numbers: Collection[int]) -> str:
    return ", ".join(band_name(rat, number) for number in sorted(numbers))
