"""Who may give, change and take away whose role."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.access.principals import ROLE_PERMISSIONS, Permission, Role, member, operator
from motet.access.standings import actor_of, custom_standing, standing_of
from motet.domain.errors import DeniedError
from motet.domain.role_rules import (
    Actor,
    Standing,
    check_change,
    check_grant,
    check_not_last,
    check_super_admin,
    check_touch,
)

OBSERVER, USER, ADMINISTRATOR, SUPER_ADMIN = (
    standing_of(role) for role in (Role.OBSERVER, Role.USER, Role.ADMINISTRATOR, Role.SUPER_ADMIN)
)
ROOT = Actor(1, None)

permissions = st.frozensets(st.sampled_from(sorted(Permission)), max_size=6)
tags = st.none() | st.frozensets(st.sampled_from("abc"))
customs = st.builds(custom_standing, permissions, tags)
standings = st.sampled_from([OBSERVER, USER, ADMINISTRATOR, SUPER_ADMIN]) | customs
actors = st.builds(Actor, st.none() | st.integers(1, 5), st.none() | standings)


def allowed(check, *args, **named) -> bool:
    try:
        check(*args, **named)
    except DeniedError:
        return False
    return True


def test_the_four_roles_stand_in_one_line():
    line = [OBSERVER, USER, ADMINISTRATOR, SUPER_ADMIN]
    for place, lower in enumerate(line):
        assert [lower.is_within(other) for other in line] == [at >= place for at in range(4)]


def test_an_administrator_gives_every_role_but_super_administrator():
    administrator = Actor(1, ADMINISTRATOR)
    assert [allowed(check_grant, administrator, role) for role in (OBSERVER, USER, ADMINISTRATOR, SUPER_ADMIN)] == [
        True,
        True,
        True,
        False,
    ]


def test_the_operator_gives_every_role():
    assert allowed(check_grant, ROOT, SUPER_ADMIN)


def test_a_scope_cannot_be_widened_by_giving_a_role():
    scoped = Actor(1, custom_standing({Permission.USER_WRITE, Permission.DEVICE_READ}, {"north"}))
    assert allowed(check_grant, scoped, custom_standing({Permission.DEVICE_READ}, {"north"}))
    assert not allowed(check_grant, scoped, custom_standing({Permission.DEVICE_READ}, None))
    assert not allowed(check_grant, scoped, custom_standing({Permission.DEVICE_READ}, {"south"}))
    assert not allowed(check_grant, scoped, custom_standing({Permission.SIM_READ}, {"north"}))


def test_the_last_administrator_stays_one():
    above = Actor(1, SUPER_ADMIN)
    assert not allowed(check_change, above, 2, ADMINISTRATOR, None, other_administrators=0)
    assert not allowed(check_change, above, 2, ADMINISTRATOR, USER, other_administrators=0)
    assert not allowed(
        check_change, above, 2, ADMINISTRATOR, custom_standing(ADMINISTRATOR.permissions, None), other_administrators=0
    )
    assert allowed(check_change, above, 2, ADMINISTRATOR, ADMINISTRATOR, other_administrators=0)
    assert allowed(check_change, above, 2, ADMINISTRATOR, USER, other_administrators=1)
    assert allowed(check_change, above, 2, USER, None, other_administrators=0)


def test_why_not_is_said():
    with pytest.raises(DeniedError, match="Nobody changes their own role"):
        check_change(Actor(2, ADMINISTRATOR), 2, ADMINISTRATOR, USER, other_administrators=3)
    with pytest.raises(DeniedError, match="Only a super administrator"):
        check_change(Actor(1, ADMINISTRATOR), 2, SUPER_ADMIN, None, other_administrators=3)
    with pytest.raises(DeniedError, match="allows more than yours"):
        check_change(Actor(1, USER), 2, ADMINISTRATOR, None, other_administrators=3)
    with pytest.raises(DeniedError, match="last administrator") as error:
        check_not_last(0)
    assert error.value.path == ("id",)


@settings(deadline=None)
@given(actors, st.integers(1, 5), standings, st.none() | standings, st.integers(0, 2))
def test_no_change_gives_more_than_the_actor_has(actor, user_id, now, wanted, others):
    if not allowed(check_change, actor, user_id, now, wanted, other_administrators=others):
        return
    assert actor.user_id != user_id
    assert actor.is_super_admin or not now.is_super_admin
    assert others or not now.is_administrator or (wanted is not None and wanted.is_administrator)
    if actor.standing is not None:
        for role in (now, *(() if wanted is None else (wanted,))):
            assert role.permissions <= actor.standing.permissions
            assert role.is_within(actor.standing)


@settings(deadline=None)
@given(actors, st.integers(1, 5))
def test_only_super_administrators_make_and_touch_super_administrators(actor, user_id):
    may = actor.user_id != user_id and (actor.standing is None or actor.standing.is_super_admin)
    assert allowed(check_touch, actor, user_id, is_super_admin=True) == may
    assert allowed(check_super_admin, actor, user_id) == may
    assert allowed(check_touch, actor, user_id, is_super_admin=False) == (actor.user_id != user_id)


@settings(deadline=None)
@given(standings, standings, standings)
def test_within_is_an_order(one, other, third):
    assert one.is_within(one)
    if one.is_within(other) and other.is_within(third):
        assert one.is_within(third)


def test_a_principal_is_an_actor_with_what_its_token_allows():
    assert actor_of(operator("operator", 9)) == Actor(None, None)
    assert actor_of(member("a@b", 7, "b", Role.USER, 9)) == Actor(None, Standing("USER", ROLE_PERMISSIONS[Role.USER]))
