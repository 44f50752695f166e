"""Which IMSI of a multi-IMSI SIM to use in a country: a ranking that is the same for the same facts, and says why.

Hard factors rule an IMSI out; the others are weights. A list of the customer's own for the country goes before weights.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

WEIGHT_RAT: Final = 100
"""The RAT that is asked for outweighs all networks and features together: without it the device has nothing."""

WEIGHT_NETWORK: Final = 10
MAX_COUNTED_NETWORKS: Final = 6
"""More networks than a country usually has make nothing better."""

WEIGHT_FEATURE: Final = 8
"""Of PSM and eDRX each: less than a network to fall back on."""

DEFAULT_ATTACH_TRIES: Final = 3
"""Failures to attach in a row after which an IMSI is given up."""


class SwitchReason(IntEnum):
    """Why a SIM uses another IMSI. The numbers are stored."""

    REQUEST = 0
    OPERATOR_OUTAGE = 1
    ATTACH_FAILURES = 2
    STAY_ENDED = 3
    """The days of permanent roaming that the old one may spend in the country are over."""
    CARD = 4
    """The applet on the card chose by itself."""


class FactorName(StrEnum):
    """What is looked at. The hard ones first."""

    OPERATOR_IN_SERVICE = "OPERATOR_IN_SERVICE"
    ATTACHES = "ATTACHES"
    COUNTRY_COVERED = "COUNTRY_COVERED"
    NETWORK_IN_SERVICE = "NETWORK_IN_SERVICE"
    PERMANENT_ROAMING_ALLOWED = "PERMANENT_ROAMING_ALLOWED"
    PREFERENCE = "PREFERENCE"
    RAT = "RAT"
    NETWORKS = "NETWORKS"
    PSM = "PSM"
    EDRX = "EDRX"


class Terms(NamedTuple):
    """What an IMSI may and can do in one country."""

    country: str
    """ISO 3166 alpha-2."""
    networks: Sequence[str]
    """PLMNs of the networks that let it in."""
    rats: Collection[str]
    """Names of radio.rats.Rat."""
    permanent_roaming: bool = True
    max_stay_days: int | None = None
    """Where permanent roaming is barred: how many days it may stay; None: not at all."""
    psm: bool = False
    edrx: bool = False


class Candidate(NamedTuple):
    """An IMSI of the SIM, and what is known of it."""

    id: int
    imsi: str
    plmn: str | None
    """Its home operator."""
    terms: Terms | None
    """For the country that is asked about; None: it has none there."""
    stay_days: float = 0.0
    """How long it has been used in the country so far."""
    attach_failures: int = 0
    """In a row, and since it last attached."""
    preference: int | None = None
    """Its place in the customer's list for the country, from 1 on."""
    is_active: bool = False


class Factor(NamedTuple):
    """One decision about one IMSI. `met` is null where a weight only counts; `points` are 0 for hard factors."""

    name: FactorName
    is_hard: bool
    met: bool | None
    points: int
    words: str


class Ranked(NamedTuple):
    """An IMSI with its place: 1 is used; None: it is ruled out."""

    candidate: Candidate
    rank: int | None
    score: int
    factors: tuple[Factor, ...]


class Selection(NamedTuple):
    """The answer: the winner or None, all candidates from best to worst, and why in words."""

    winner: Candidate | None
    ranked: tuple[Ranked, ...]
    words: str


def select(
    candidates: Sequence[Candidate],
    country: str,
    *,
    outages: Collection[str] = (),
    rat: str | None = None,
    attach_tries: int = DEFAULT_ATTACH_TRIES,
) -> Selection:
    """Rank the IMSIs of a SIM for a country, while the operators in `outages` (PLMNs) are out.

    The order: what is possible; the customer's list; points; the active one, so that nothing changes without a gain;
    the IMSI itself. The same facts give the same ranking, in whatever order they come.
    """
    judged = [(one, _factors(one, country, frozenset(outages), rat, attach_tries)) for one in candidates]
    possible = [(one, factors) for one, factors in judged if all(f.met is not False for f in factors if f.is_hard)]
    possible.sort(key=lambda pair: _order(*pair))
    ruled_out = sorted((pair for pair in judged if pair not in possible), key=lambda pair: pair[0].imsi)
    ranked = (
        *(Ranked(one, place, _score(factors), factors) for place, (one, factors) in enumerate(possible, 1)),
        *(Ranked(one, None, 0, factors) for one, factors in ruled_out),
    )
    winner = possible[0][0] if possible else None
    return Selection(winner, ranked, _words(ranked, country))


def _order(candidate: Candidate, factors: Sequence[Factor]) -> tuple[float, int, bool, str]:
    preference = float("inf") if candidate.preference is None else float(candidate.preference)
    return (preference, -_score(factors), not candidate.is_active, candidate.imsi)


def _score(factors: Sequence[Factor]) -> int:
    return sum(factor.points for factor in factors)


def _factors(
    one: Candidate, country: str, outages: frozenset[str], rat: str | None, attach_tries: int
) -> tuple[Factor, ...]:
    terms = one.terms
    in_service = one.plmn is None or one.plmn not in outages
    factors = [
        _hard(
            FactorName.OPERATOR_IN_SERVICE,
            in_service,
            f"Its operator {one.plmn or 'is not known and'} {'works' if in_service else 'is out'}.",
        ),
        _hard(
            FactorName.ATTACHES,
            one.attach_failures < attach_tries,
            f"It failed to attach {one.attach_failures} times in a row; {attach_tries} rule it out.",
        ),
        _hard(
            FactorName.COUNTRY_COVERED,
            terms is not None,
            f"It {'has' if terms is not None else 'has no'} terms for {country}.",
        ),
    ]
    if terms is None:
        return tuple(factors)
    up = [plmn for plmn in terms.networks if plmn not in outages]
    out = len(terms.networks) - len(up)
    counted = min(len(up), MAX_COUNTED_NETWORKS)
    has_rat = rat is None or rat in terms.rats
    return (
        *factors,
        _hard(
            FactorName.NETWORK_IN_SERVICE,
            bool(up),
            f"{len(up)} of the {len(terms.networks)} networks that let it in work.",
        ),
        _roaming(terms, one.stay_days),
        Factor(FactorName.PREFERENCE, False, None, 0, _preference(one.preference, country)),
        Factor(
            FactorName.RAT,
            False,
            None if rat is None else has_rat,
            WEIGHT_RAT if rat is not None and has_rat else 0,
            "No RAT is asked for." if rat is None else f"{rat} is {'there' if has_rat else 'not there'}.",
        ),
        Factor(
            FactorName.NETWORKS,
            False,
            None,
            counted * WEIGHT_NETWORK,
            f"{len(up)} networks to choose from{f', {out} more are out' if out else ''}.",
        ),
        _feature(FactorName.PSM, terms.psm),
        _feature(FactorName.EDRX, terms.edrx),
    )


def _roaming(terms: Terms, stay_days: float) -> Factor:
    name = FactorName.PERMANENT_ROAMING_ALLOWED
    if terms.permanent_roaming:
        return _hard(name, True, "It may stay as long as it likes.")
    if terms.max_stay_days is None:
        return _hard(name, False, "It may not roam there permanently, not for a day.")
    met = stay_days < terms.max_stay_days
    return _hard(name, met, f"It has been there for {int(stay_days)} days; after {terms.max_stay_days} it is barred.")


def _hard(name: FactorName, met: bool, words: str) -> Factor:
    return Factor(name, True, met, 0, words)


def _feature(name: FactorName, there: bool) -> Factor:
    return Factor(name, False, there, WEIGHT_FEATURE if there else 0, f"{name} is {'there' if there else 'not there'}.")


def _preference(place: int | None, country: str) -> str:
    return (
        f"It is not in your list for {country}."
        if place is None
        else f"It is number {place} in your list for {country}."
    )


def _words(ranked: Sequence[Ranked], country: str) -> str:
    if not ranked:
        return "The SIM has no IMSI."
    best = ranked[0]
    if best.rank is None:
        return f"No IMSI can be used in {country}: each is ruled out by a hard factor."
    imsi = best.candidate.imsi
    others = [one for one in ranked[1:] if one.rank is not None]
    if not others:
        return f"{imsi} is the only one that can be used in {country}."
    second = others[0]
    if best.candidate.preference != second.candidate.preference:
        return f"{imsi} is before the others in your list for {country}."
    if best.score != second.score:
        return f"{imsi} has {best.score} points, the next best {second.score}."
    if best.candidate.is_active:
        return f"{imsi} is in use, and no other has more than its {best.score} points."
    return f"{imsi} and others have {best.score} points; it comes first by number."
