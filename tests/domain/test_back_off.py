"""Who failed waits, longer each time, and nobody else does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from motet.domain.back_off import FORGET_S, BackOff, Pace

PACE = Pace(free=3, first_s=0.5, most_s=8.0, patience_s=5.0)


def failed(back_off: BackOff, peer: str, times: int, now: float) -> None:
    for _ in range(times):
        back_off.failed(peer, now)


def test_a_few_failures_cost_nothing_and_each_further_one_twice_as_long_up_to_a_bound() -> None:
    assert [PACE.interval_s(failures) for failures in range(11)] == [0, 0, 0, 0, 0.5, 1, 2, 4, 8, 8, 8]
    assert PACE.interval_s(1e9) == 8.0


def test_an_attempt_waits_for_its_turn_and_one_too_many_is_refused_unheard() -> None:
    back_off = BackOff(PACE, 10)
    failed(back_off, "a", 5, 100.0)
    assert back_off.turn("a", 100.0) == 1.0
    assert back_off.turn("a", 100.0) == 2.0
    assert back_off.turn("a", 100.0) == 3.0
    assert back_off.turn("b", 100.0) == 0.0
    assert [back_off.turn("a", 100.0) for _ in range(5)] == [4.0, 5.0, None, None, None]
    assert back_off.turn("a", 101.0) == 5.0, "what was refused has taken no turn"


def test_failures_are_forgotten_one_by_one() -> None:
    back_off = BackOff(PACE, 10)
    failed(back_off, "a", 4, 0.0)
    assert back_off.turn("a", FORGET_S - 1) == 0.0
    assert back_off.turn("a", FORGET_S + 1) == 0.0
    failed(back_off, "a", 1, FORGET_S + 1)
    assert back_off.turn("a", FORGET_S + 2) == 0.0, "three failures are free"
    assert len(back_off) == 1
    assert back_off.turn("a", FORGET_S * 10) == 0.0
    assert len(back_off) == 0


def test_who_failed_longest_ago_is_forgotten_first_when_the_table_is_full() -> None:
    back_off = BackOff(PACE, 3)
    for number in range(1_000):
        failed(back_off, f"stranger {number}", 5, 0.0)
        failed(back_off, "persistent", 1, 0.0)
    assert len(back_off) == 3
    assert back_off.turn("persistent", 0.0) is None or back_off.turn("persistent", 0.0)


def test_a_shared_name_is_slowed_and_takes_no_turn() -> None:
    back_off = BackOff(PACE, 3)
    failed(back_off, "account", 50, 0.0)
    assert [back_off.delay_s("account", 0.0) for _ in range(100)] == [8.0] * 100
    assert back_off.delay_s("another", 0.0) == 0.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 100)), max_size=200))
def test_whatever_happens_no_wait_is_longer_than_the_patience_and_looks_keep_their_distance(
    steps: list[tuple[str, bool, float]],
) -> None:
    back_off = BackOff(PACE, 2)
    now = 0.0
    for peer, wrong, passes in steps:
        now += passes
        wait_s = back_off.turn(peer, now)
        assert wait_s is None or 0.0 <= wait_s <= PACE.patience_s
        if wait_s is not None and wrong:
            back_off.failed(peer, now + wait_s)
        assert len(back_off) <= 2


def test_guesses_of_one_address_are_bounded_however_many_connections_it_has() -> None:
    back_off = BackOff(PACE, 10)
    judged = 0
    for tenth in range(10 * 3_600):
        now = tenth / 10
        for _ in range(10):
            wait_s = back_off.turn("attacker", now)
            if wait_s is not None:
                judged += 1
                back_off.failed("attacker", now + wait_s)
    assert judged < 3_600 / PACE.most_s + 20
