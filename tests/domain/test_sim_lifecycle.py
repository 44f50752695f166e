"""The life of a SIM: every status x every trigger x every actor."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.errors import DeniedError
from motet.domain.sim_lifecycle import (
    CARRIES_TRAFFIC,
    MAY_TRIGGER,
    SCHEDULABLE,
    TRANSITIONS,
    FactoryTestLimits,
    Move,
    Refusal,
    SimActor,
    SimTransition,
    SimTrigger,
    Stay,
    is_test_over,
    statuses_before,
    transition,
)
from motet.domain.states import SimStatus

_LETTERS = {
    SimStatus.ISSUED: "I",
    SimStatus.FACTORY_TEST: "T",
    SimStatus.ACTIVATED: "A",
    SimStatus.SUSPENDED: "S",
    SimStatus.DELETED: "D",
}

_TABLE = """
                       I  T  A  S  D
START_FACTORY_TEST     T  =  x  x  x
ACTIVATE               A  A  =  A  x
SUSPEND                x  x  S  =  x
DELETE                 D  D  D  D  =
TEST_USAGE_REACHED     =  A  =  =  =
TEST_PERIOD_ENDED      =  A  =  =  =
TEST_WITHDRAWN         =  A  =  =  =
DEVICE_STATUS_CHANGED  =  A  =  =  =
CONNECTIVITY_RESET     =  A  =  =  =
"""
"""Where a trigger leads from each status; = changes nothing, x is illegal."""


def _actor(trigger: SimTrigger) -> SimActor:
    return min(MAY_TRIGGER[trigger])


def test_the_whole_table_is_as_spelled_out() -> None:
    header, *rows = [line.split() for line in _TABLE.strip().splitlines()]
    assert {SimTrigger[name] for name, *_ in rows} == set(SimTrigger)
    for name, *cells in rows:
        for letter, cell in zip(header, cells, strict=True):
            status = next(status for status, one in _LETTERS.items() if one == letter)
            outcome = TRANSITIONS[status, SimTrigger[name]]
            if isinstance(outcome, Move):
                assert _LETTERS[outcome.to] == cell, (status, name)
            else:
                assert isinstance(outcome, Stay if cell == "=" else Refusal), (status, name)


def test_every_status_and_trigger_is_defined() -> None:
    assert set(TRANSITIONS) == set(itertools.product(SimStatus, SimTrigger))
    assert set(MAY_TRIGGER) == set(SimTrigger)


@pytest.mark.parametrize(
    ("status", "trigger", "actor", "to", "event_type"),
    [
        (SimStatus.ISSUED, SimTrigger.ACTIVATE, SimActor.USER, SimStatus.ACTIVATED, "sim.activated"),
        (
            SimStatus.ISSUED,
            SimTrigger.START_FACTORY_TEST,
            SimActor.USER,
            SimStatus.FACTORY_TEST,
            "sim.factory_test_started",
        ),
        (SimStatus.FACTORY_TEST, SimTrigger.TEST_USAGE_REACHED, SimActor.NETWORK, SimStatus.ACTIVATED, "sim.activated"),
        (SimStatus.FACTORY_TEST, SimTrigger.TEST_PERIOD_ENDED, SimActor.SCHEDULE, SimStatus.ACTIVATED, "sim.activated"),
        (SimStatus.ACTIVATED, SimTrigger.SUSPEND, SimActor.SCHEDULE, SimStatus.SUSPENDED, "sim.suspended"),
        (SimStatus.SUSPENDED, SimTrigger.ACTIVATE, SimActor.USER, SimStatus.ACTIVATED, "sim.activated"),
        (SimStatus.SUSPENDED, SimTrigger.DELETE, SimActor.USER, SimStatus.DELETED, "sim.deleted"),
    ],
)
def test_a_transition_says_what_the_history_keeps(
    status: SimStatus, trigger: SimTrigger, actor: SimActor, to: SimStatus, event_type: str
) -> None:
    change = transition(status, trigger, actor, has_device=False)
    assert change == SimTransition(status, to, trigger, actor, event_type)


@pytest.mark.parametrize(
    ("status", "trigger", "reason"),
    [
        (SimStatus.ISSUED, SimTrigger.SUSPEND, "The SIM was never activated, so it cannot be suspended."),
        (
            SimStatus.FACTORY_TEST,
            SimTrigger.SUSPEND,
            "The SIM is in factory test, which only activation ends: activate it, then suspend it.",
        ),
        (
            SimStatus.ACTIVATED,
            SimTrigger.START_FACTORY_TEST,
            "A factory test is only for a SIM that was never activated.",
        ),
        (SimStatus.DELETED, SimTrigger.ACTIVATE, "The SIM is deleted; that cannot be undone."),
    ],
)
def test_an_illegal_trigger_is_denied_with_its_reason(status: SimStatus, trigger: SimTrigger, reason: str) -> None:
    with pytest.raises(DeniedError) as raised:
        transition(status, trigger, SimActor.USER, has_device=False, path=("input", "status"))
    assert (raised.value.message, raised.value.path) == (reason, ("input", "status"))


@pytest.mark.parametrize("status", [status for status in SimStatus if status is not SimStatus.DELETED])
def test_a_sim_that_a_device_holds_is_not_deleted(status: SimStatus) -> None:
    with pytest.raises(DeniedError, match="A device holds this SIM: release it first"):
        transition(status, SimTrigger.DELETE, SimActor.USER, has_device=True)


def test_holding_a_device_hinders_nothing_else() -> None:
    change = transition(SimStatus.ACTIVATED, SimTrigger.SUSPEND, SimActor.USER, has_device=True)
    assert change is not None
    assert change.to_status is SimStatus.SUSPENDED


def test_deleting_again_changes_nothing() -> None:
    assert transition(SimStatus.DELETED, SimTrigger.DELETE, SimActor.USER, has_device=True) is None


@pytest.mark.parametrize(("trigger", "actor"), list(itertools.product(SimTrigger, SimActor)))
def test_who_may_trigger_is_checked_before_the_status(trigger: SimTrigger, actor: SimActor) -> None:
    if actor in MAY_TRIGGER[trigger]:
        return
    for status in SimStatus:
        with pytest.raises(DeniedError, match=f"{trigger.name} is not for the {actor.name.lower()} to trigger"):
            transition(status, trigger, actor, has_device=False)


def test_only_the_network_reports_usage_and_users_do_not_end_a_period() -> None:
    assert MAY_TRIGGER[SimTrigger.TEST_USAGE_REACHED] == {SimActor.NETWORK}
    assert MAY_TRIGGER[SimTrigger.TEST_PERIOD_ENDED] == {SimActor.SCHEDULE}
    assert all(MAY_TRIGGER[trigger] == {SimActor.USER, SimActor.SCHEDULE} for trigger in SCHEDULABLE)


def test_the_statuses_before_a_trigger() -> None:
    assert statuses_before(SimTrigger.ACTIVATE) == {SimStatus.ISSUED, SimStatus.FACTORY_TEST, SimStatus.SUSPENDED}
    assert statuses_before(SimTrigger.SUSPEND) == {SimStatus.ACTIVATED}
    assert statuses_before(SimTrigger.TEST_USAGE_REACHED) == {SimStatus.FACTORY_TEST}


@given(st.lists(st.tuples(st.sampled_from(SimTrigger), st.booleans()), max_size=30))
def test_any_life_keeps_to_its_rules(triggers: list[tuple[SimTrigger, bool]]) -> None:
    status = SimStatus.ISSUED
    was_activated = False
    for trigger, has_device in triggers:
        try:
            change = transition(status, trigger, _actor(trigger), has_device=has_device)
        except DeniedError:
            continue
        if change is None:
            continue
        assert change.from_status is status is not SimStatus.DELETED
        assert change.to_status not in (SimStatus.ISSUED, status)
        assert not (was_activated and change.to_status is SimStatus.FACTORY_TEST)
        assert change.event_type.startswith("sim.")
        status = change.to_status
        was_activated = was_activated or status is SimStatus.ACTIVATED


@pytest.mark.parametrize(
    ("sms", "data_octets", "over"),
    [(0, 0, False), (9, 99_999, False), (10, 0, True), (0, 100_000, True), (11, 200_000, True)],
)
def test_the_tenth_sms_or_100_kb_ends_a_test(sms: int, data_octets: int, over: bool) -> None:
    assert is_test_over(sms, data_octets) is over


def test_other_limits_of_a_test() -> None:
    assert is_test_over(2, 0, FactoryTestLimits(sms=2, data_octets=5))
    assert is_test_over(0, 5, FactoryTestLimits(sms=2, data_octets=5))
    assert not is_test_over(1, 4, FactoryTestLimits(sms=2, data_octets=5))


def test_traffic_goes_through_in_test_and_when_activated() -> None:
    assert {SimStatus.FACTORY_TEST, SimStatus.ACTIVATED} == CARRIES_TRAFFIC
