"""The rules of the tree of organisations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.domain.errors import ConflictError, DeniedError, DomainError, InvalidError, LimitReachedError
from motet.domain.organisations import (
    MAX_BRANCH,
    MAX_CHILDREN,
    MAX_DEPTH,
    OrganisationKind,
    check_empty,
    check_number,
    check_organisation_name,
    check_place,
    check_workspace_name,
    may_hold,
)

KINDS = list(OrganisationKind)


def test_kinds_go_down_or_stay_and_only_the_root_is_the_operator():
    assert [[may_hold(parent, child) for child in KINDS] for parent in KINDS] == [
        [False, True, True, True],
        [False, True, True, True],
        [False, False, True, True],
        [False, False, False, True],
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_whatever_is_moved_where_the_tree_stays_a_tree_and_shallow(moves):
    parent_of = {0: None} | {child: child // 2 for child in range(1, 31)}

    def path(one):
        found = []
        while one is not None:
            found.insert(0, one)
            one = parent_of[one]
        return found

    def height(one):
        return 1 + max((height(child) for child, parent in parent_of.items() if parent == one), default=0)

    for moved, target in moves:
        if moved == 0:
            continue
        try:
            check_place(path(target), height(moved), moved=moved)
        except DomainError:
            assert moved in path(target) or len(path(target)) + height(moved) > MAX_DEPTH
            continue
        parent_of[moved] = target
    for one in parent_of:
        assert path(one)[0] == 0
        assert len(path(one)) <= MAX_DEPTH


def test_a_branch_below_itself_and_one_too_deep_are_told_apart():
    with pytest.raises(ConflictError):
        check_place([1, 2, 3], 1, moved=2)
    with pytest.raises(LimitReachedError):
        check_place(list(range(MAX_DEPTH)), 1)
    check_place(list(range(MAX_DEPTH - 1)), 1)


def test_the_tree_is_bounded():
    check_number(MAX_CHILDREN - 1, MAX_BRANCH - 1)
    with pytest.raises(LimitReachedError):
        check_number(MAX_CHILDREN, 0)
    with pytest.raises(LimitReachedError):
        check_number(0, MAX_BRANCH)
    with pytest.raises(LimitReachedError):
        check_number(0, MAX_BRANCH - 4, added=5)


def test_what_an_organisation_still_holds_is_said():
    check_empty(0, 0, 0)
    with pytest.raises(DeniedError, match=r"organisations \(1\), users \(2\)"):
        check_empty(1, 0, 2)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x00b"])
def test_names_of_organisations_can_be_read(name):
    with pytest.raises(InvalidError):
        check_organisation_name(name)


def test_a_name_is_kept_without_the_space_round_it():
    assert check_organisation_name("  Ærø & Søn  ") == "Ærø & Søn"


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a b", "a" * 64, "a_b"])
def test_names_of_workspaces_can_stand_in_a_url(name):
    with pytest.raises(InvalidError):
        check_workspace_name(name)
