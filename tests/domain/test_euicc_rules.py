"""What can be done with the profiles of an eUICC: the table, and that no sequence of operations breaks its card."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.errors import ConflictError, DeniedError, DomainError, LimitReachedError, NotFoundError
from motet.domain.euicc import (
    OPERATION_MOVES,
    REFUSALS,
    Card,
    CardProfile,
    Effect,
    OperationState,
    OperationType,
    ProfileState,
    check_room,
    confirmed,
    failed,
    plan,
)

AVAILABLE, DOWNLOADING, DISABLED, ENABLED, DELETED = ProfileState
CARD = Card([CardProfile(1, ENABLED, True, 1.0), CardProfile(2, DISABLED), CardProfile(3, AVAILABLE)])


def test_the_table_knows_every_operation_in_every_state() -> None:
    assert set(REFUSALS) == set(itertools.product(OperationType, ProfileState))
    assert set(OPERATION_MOVES) == set(OperationState)


def test_enabling_disables_the_profile_before_first() -> None:
    done = plan(CARD, OperationType.ENABLE, 2)
    assert done.at_once == ()
    assert done.when_done == (Effect(1, ENABLED, DISABLED, True), Effect(2, DISABLED, ENABLED, False))


def test_a_download_shows_at_once_and_can_fail() -> None:
    done = plan(CARD, OperationType.DOWNLOAD, 3)
    assert done.at_once == (Effect(3, AVAILABLE, DOWNLOADING, False),)
    assert done.when_done == (Effect(3, DOWNLOADING, DISABLED, False),)
    coming = Card([*CARD.profiles[:2], CardProfile(3, DOWNLOADING)], is_busy=True)
    assert failed(coming, OperationType.DOWNLOAD, 3) == (Effect(3, DOWNLOADING, AVAILABLE, False),)
    assert failed(coming, OperationType.ENABLE, 2) == ()


def test_deleting_what_was_never_downloaded_needs_no_card() -> None:
    done = plan(CARD, OperationType.DELETE, 3)
    assert (done.at_once, done.needs_card) == ((Effect(3, AVAILABLE, DELETED, False),), False)


@pytest.mark.parametrize(
    ("kind", "profile_id", "error"),
    [
        (OperationType.DELETE, 1, DeniedError),
        (OperationType.DISABLE, 1, DeniedError),
        (OperationType.ENABLE, 1, DeniedError),
        (OperationType.ENABLE, 3, DeniedError),
        (OperationType.DOWNLOAD, 2, DeniedError),
        (OperationType.SET_FALLBACK, 1, DeniedError),
        (OperationType.ROLLBACK, None, DeniedError),
        (OperationType.ENABLE, 4, NotFoundError),
    ],
)
def test_what_is_refused(kind: OperationType, profile_id: int | None, error: type[DomainError]) -> None:
    with pytest.raises(error):
        plan(CARD, kind, profile_id)


def test_one_operation_at_a_time() -> None:
    with pytest.raises(ConflictError):
        plan(CARD._replace(is_busy=True), OperationType.ENABLE, 2)
    with pytest.raises(DeniedError):  # what is never possible is said first
        plan(CARD._replace(is_busy=True), OperationType.DELETE, 1)


def test_disabling_lets_the_fallback_profile_take_over() -> None:
    card = Card([CardProfile(1, DISABLED, True, 1.0), CardProfile(2, ENABLED, False, 2.0)])
    assert plan(card, OperationType.DISABLE, 2).when_done == (
        Effect(2, ENABLED, DISABLED, False),
        Effect(1, DISABLED, ENABLED, True),
    )


def test_a_rollback_goes_to_the_profile_enabled_before_else_to_the_fallback() -> None:
    third = CardProfile(3, DISABLED, False, 2.0)
    card = Card([CardProfile(1, DISABLED, True, 1.0), CardProfile(2, ENABLED, False, 3.0), third])
    assert plan(card, OperationType.ROLLBACK).profile_id == 3
    never = [CardProfile(1, DISABLED, True), CardProfile(2, ENABLED, False, 3.0), CardProfile(4, DISABLED)]
    assert plan(Card(never), OperationType.ROLLBACK).profile_id == 1


def test_the_eleventh_profile_is_refused_and_deleted_ones_make_room() -> None:
    ten = [CardProfile(number, AVAILABLE) for number in range(10)]
    with pytest.raises(LimitReachedError):
        check_room(Card(ten))
    check_room(Card([*ten[:9], CardProfile(9, DELETED)]))


STEPS = st.lists(
    st.tuples(
        st.sampled_from([*OperationType, None]), st.integers(1, 12), st.sampled_from(["ok", "failed", "late", "twice"])
    ),
    max_size=40,
)


@given(STEPS)
def test_no_sequence_of_operations_and_results_breaks_the_card(
    steps: list[tuple[OperationType | None, int, str]],
) -> None:
    """None adds a profile. "late": another operation was done before the confirmation came."""
    profiles = {1: CardProfile(1, ENABLED, True, 1.0)}
    late: list[tuple[OperationType, int]] = []
    clock = 1.0

    def apply(effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            before = profiles[effect.profile_id]
            assert before.state is effect.before
            at = clock if effect.after is ENABLED else before.enabled_at
            profiles[before.id] = before._replace(state=effect.after, is_fallback=effect.is_fallback, enabled_at=at)
            assert sum(one.state is ENABLED for one in profiles.values()) <= 1  # nor on the way
        assert sum(one.state is ENABLED for one in profiles.values()) == 1
        assert sum(one.is_fallback for one in profiles.values()) == 1
        assert sum(one.state is not DELETED for one in profiles.values()) <= 10

    for kind, number, end in steps:
        clock += 1
        card = Card(list(profiles.values()))
        try:
            if kind is None:
                check_room(card)
                profiles[len(profiles) + 1] = CardProfile(len(profiles) + 1, AVAILABLE)
                continue
            made = plan(card, kind, None if kind is OperationType.ROLLBACK else number)
        except DomainError:
            continue
        apply(made.at_once)
        if not made.needs_card:
            continue
        now = Card(list(profiles.values()))
        if end in ("ok", "twice"):
            assert confirmed(now, kind, made.profile_id) == made.when_done
            apply(made.when_done)
            if end == "twice":
                apply(confirmed(Card(list(profiles.values())), kind, made.profile_id))
        else:
            apply(failed(now, kind, made.profile_id))
            if end == "late":
                late.append((kind, made.profile_id))
        if late and number % 2:
            told = late.pop(0)
            apply(confirmed(Card(list(profiles.values())), *told))
