"""Where a coverage policy lets devices be, and which of its lists objects."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.coverage_policy import CoveragePolicy, Network, can_attach
from motet.domain.policy_effect import differences

HERE = Network("DE", "26201", "LTE")


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        ({}, None),
        ({"countries_denied": ("DE",)}, "COUNTRY_DENIED"),
        ({"countries_denied": ("FR",)}, None),
        ({"countries_allowed": ("FR",)}, "COUNTRY_NOT_ALLOWED"),
        ({"countries_allowed": ()}, "COUNTRY_NOT_ALLOWED"),
        ({"countries_allowed": ("DE",), "countries_denied": ("DE",)}, "COUNTRY_DENIED"),
        ({"operators_denied": ("26201",)}, "OPERATOR_DENIED"),
        ({"operators_denied": ("26201:LTE",)}, "OPERATOR_RAT_DENIED"),
        ({"operators_denied": ("26201:GSM", "26202")}, None),
        ({"operators_allowed": ("26202",)}, "OPERATOR_NOT_ALLOWED"),
        ({"operators_allowed": ("26201",), "operators_denied": ("26201:LTE",)}, "OPERATOR_RAT_DENIED"),
        ({"rats_denied": ("LTE",)}, "RAT_DENIED"),
        ({"rats_allowed": ("NB_IOT", "LTE_M")}, "RAT_NOT_ALLOWED"),
        ({"rats_allowed": ("LTE",), "steering": ("26202=100",)}, None),
    ],
)
def test_the_list_that_objects_is_the_reason(lists: dict[str, Any], reason: str | None) -> None:
    found = can_attach(CoveragePolicy(**lists), HERE)
    assert (found.allowed, found.reason) == (reason is None, reason)
    assert (found.words is None) == found.allowed


def test_without_a_policy_every_network_is_free_but_what_the_device_itself_may_not_use() -> None:
    assert can_attach(None, HERE).allowed
    assert can_attach(None, HERE, ("26202",)).allowed
    assert can_attach(None, HERE, ("26201",)).reason == "DEVICE_BLOCKS_OPERATOR"


def test_what_is_not_known_is_no_reason() -> None:
    nothing = CoveragePolicy(countries_allowed=(), operators_allowed=(), rats_allowed=())
    assert can_attach(nothing, Network()).allowed
    assert can_attach(nothing, Network(rat="LTE")).reason == "RAT_NOT_ALLOWED"


COUNTRIES, OPERATORS, RATS = ("DE", "FR"), ("26201", "20801"), ("LTE", "GSM")
POLICIES = st.builds(
    CoveragePolicy,
    countries_allowed=st.none() | st.lists(st.sampled_from(COUNTRIES), unique=True).map(tuple),
    countries_denied=st.lists(st.sampled_from(COUNTRIES), unique=True).map(tuple),
    operators_allowed=st.none() | st.lists(st.sampled_from(OPERATORS), unique=True).map(tuple),
    operators_denied=st.lists(st.sampled_from([*OPERATORS, "26201:LTE"]), unique=True).map(tuple),
    rats_allowed=st.none() | st.lists(st.sampled_from(RATS), unique=True).map(tuple),
    rats_denied=st.lists(st.sampled_from(RATS), unique=True).map(tuple),
)
NETWORKS = st.builds(
    Network,
    st.none() | st.sampled_from(COUNTRIES),
    st.none() | st.sampled_from(OPERATORS),
    st.none() | st.sampled_from(RATS),
)


@given(POLICIES, NETWORKS)
def test_a_denial_can_only_take_away_and_an_allow_list_of_null_only_give(
    policy: CoveragePolicy, network: Network
) -> None:
    allowed = can_attach(policy, network).allowed
    content = policy.as_json()
    wider = CoveragePolicy.of({**content, "countries_denied": [], "operators_denied": [], "rats_denied": []})
    widest = CoveragePolicy.of(
        {**wider.as_json(), "countries_allowed": None, "operators_allowed": None, "rats_allowed": None}
    )
    assert not allowed or can_attach(wider, network).allowed
    assert can_attach(widest, network).allowed


@given(POLICIES, POLICIES)
def test_differences_make_the_one_of_the_other(before: CoveragePolicy, after: CoveragePolicy) -> None:
    changes = differences(before.as_json(), after.as_json())
    assert CoveragePolicy.of({**before.as_json(), **{one["field"]: one["after"] for one in changes}}) == after
    assert all(one["before"] == before.as_json()[one["field"]] != one["after"] for one in changes)
    assert CoveragePolicy.of(after.as_json()) == after
