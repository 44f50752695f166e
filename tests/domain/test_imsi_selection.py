"""The ranking of IMSIs: what rules one out, what weighs, and that it does not depend on chance."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.imsi_selection import Candidate, FactorName, Ranked, Selection, Terms, select

GERMANY = Terms("DE", ["26201", "26202", "26203"], {"4G", "LTE_M"}, psm=True, edrx=True)
A = Candidate(1, "001010000000001", "00101", GERMANY, is_active=True)
B = Candidate(2, "001020000000002", "00102", GERMANY._replace(networks=["26201", "26202"]))
C = Candidate(3, "001030000000003", "00103", GERMANY._replace(networks=["26203"], rats={"2G"}, psm=False, edrx=False))


def ranks(selection: Selection) -> list[tuple[int, int | None, int]]:
    return [(one.candidate.id, one.rank, one.score) for one in selection.ranked]


def failed(ranked: Ranked) -> list[FactorName]:
    return [factor.name for factor in ranked.factors if factor.is_hard and factor.met is False]


def test_networks_and_features_weigh() -> None:
    found = select([C, B, A], "DE")
    assert ranks(found) == [(1, 1, 46), (2, 2, 36), (3, 3, 10)]
    assert found.winner == A
    assert found.words == "001010000000001 has 46 points, the next best 36."


def test_the_rat_asked_for_outweighs_all_else() -> None:
    assert ranks(select([A, B, C], "DE", rat="2G")) == [(3, 1, 110), (1, 2, 46), (2, 3, 36)]


def test_an_outage_of_its_operator_rules_an_imsi_out() -> None:
    found = select([A, B, C], "DE", outages=["00101"])
    assert ranks(found) == [(2, 1, 36), (3, 2, 10), (1, None, 0)]
    assert failed(found.ranked[-1]) == [FactorName.OPERATOR_IN_SERVICE]


def test_a_visited_network_that_is_out_counts_no_more_and_the_last_one_rules_out() -> None:
    found = select([A, B, C], "DE", outages=["26203"])
    assert ranks(found) == [(1, 1, 36), (2, 2, 36), (3, None, 0)]
    assert failed(found.ranked[-1]) == [FactorName.NETWORK_IN_SERVICE]
    assert found.words == "001010000000001 is in use, and no other has more than its 36 points."


@pytest.mark.parametrize(
    ("days", "limit", "allowed"), [(0, 90, True), (89.9, 90, True), (90, 90, False), (400, 90, False), (0, None, False)]
)
def test_an_imsi_whose_days_in_the_country_are_over_is_never_chosen(
    days: float, limit: int | None, allowed: bool
) -> None:
    barred = A._replace(terms=GERMANY._replace(permanent_roaming=False, max_stay_days=limit), stay_days=days)
    found = select([barred], "DE")
    assert (found.winner is not None) is allowed
    if not allowed:
        assert failed(found.ranked[0]) == [FactorName.PERMANENT_ROAMING_ALLOWED]
        assert found.words == "No IMSI can be used in DE: each is ruled out by a hard factor."


def test_an_imsi_that_keeps_failing_to_attach_or_has_no_terms_is_ruled_out() -> None:
    found = select([A._replace(attach_failures=3), B._replace(attach_failures=2), C._replace(terms=None)], "DE")
    assert ranks(found) == [(2, 1, 36), (1, None, 0), (3, None, 0)]
    assert [failed(one) for one in found.ranked[1:]] == [[FactorName.ATTACHES], [FactorName.COUNTRY_COVERED]]
    assert found.words == "001020000000002 is the only one that can be used in DE."


def test_the_customers_list_goes_before_weights_but_not_before_what_is_possible() -> None:
    listed = [A, B._replace(preference=2), C._replace(preference=1)]
    assert [one.candidate.id for one in select(listed, "DE").ranked] == [3, 2, 1]
    assert select(listed, "DE").words == "001030000000003 is before the others in your list for DE."
    assert [one.candidate.id for one in select(listed, "DE", outages=["00103"]).ranked] == [2, 1, 3]


def test_a_sim_without_imsis_has_none_to_choose() -> None:
    assert select([], "DE") == Selection(None, (), "The SIM has no IMSI.")


TERMS = st.none() | st.builds(
    Terms,
    st.just("DE"),
    st.lists(st.sampled_from(["26201", "26202", "26203"]), unique=True),
    st.frozensets(st.sampled_from(["2G", "4G", "LTE_M"])),
    st.booleans(),
    st.none() | st.integers(1, 100),
    st.booleans(),
    st.booleans(),
)
CANDIDATES = st.lists(
    st.builds(
        Candidate, st.integers(1, 99), st.integers(0, 10**10).map(lambda n: f"00101{n:010}"),
        st.sampled_from([None, "00101", "00102"]), TERMS, st.floats(0, 200), st.integers(0, 4),
        st.none() | st.integers(1, 5), st.booleans(),
    ),
    max_size=8, unique_by=(lambda one: one.id, lambda one: one.imsi),
)  # fmt: skip
OUTAGES = st.sets(st.sampled_from(["00101", "00102", "26201", "26202", "26203"]))


@given(CANDIDATES, OUTAGES, st.sampled_from([None, "4G", "LTE_M"]), st.randoms())
def test_the_ranking_is_the_same_in_whatever_order_facts_come_and_never_breaks_a_hard_rule(
    candidates: list[Candidate], outages: set[str], rat: str | None, chance: random.Random
) -> None:
    found = select(candidates, "DE", outages=outages, rat=rat)
    shuffled = list(candidates)
    chance.shuffle(shuffled)
    assert select(shuffled, "DE", outages=outages, rat=rat) == found
    assert {one.candidate.id for one in found.ranked} == {one.id for one in candidates}
    places = [one.rank for one in found.ranked if one.rank is not None]
    assert places == list(range(1, len(places) + 1))
    for one in found.ranked:
        assert (one.rank is None) == bool(failed(one))
        assert one.score == (0 if one.rank is None else sum(factor.points for factor in one.factors))
    if found.winner is not None:
        terms = found.winner.terms
        assert terms is not None
        assert found.winner.plmn not in outages
        assert set(terms.networks) - outages
        assert terms.permanent_roaming or (
            terms.max_stay_days is not None and found.winner.stay_days < terms.max_stay_days
        )
    else:
        assert not places
