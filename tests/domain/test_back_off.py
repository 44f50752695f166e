"""How long who fails has to wait."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from motet.domain.back_off import BackOff


def back_off(limit: int = 100) -> BackOff:
    return BackOff(free=3, first_s=1.0, longest_s=10.0, forget_s=60.0, limit=limit)


def test_a_few_failures_are_free_then_each_doubles_the_wait_up_to_the_longest() -> None:
    made, waits = back_off(), []
    for _ in range(9):
        made.failed("a", 100.0)
        waits.append(made.wait_s("a", 100.0))
    assert waits == [0.0, 0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert (made.wait_s("a", 104.0), made.wait_s("a", 110.0), made.wait_s("b", 100.0)) == (6.0, 0.0, 0.0)


def test_who_succeeds_or_does_not_fail_for_long_begins_anew() -> None:
    made = back_off()
    for _ in range(5):
        made.failed("a", 0.0)
        made.failed("b", 0.0)
    made.succeeded("a")
    made.failed("a", 1.0)
    made.failed("b", 60.0)
    assert (made.wait_s("a", 1.0), made.wait_s("b", 60.0)) == (0.0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 1e6)), max_size=200))
def test_what_is_remembered_and_waited_for_is_bounded(failures: list[tuple[int, float]]) -> None:
    made = back_off(limit=5)
    for key, now in failures:
        made.failed(key, now)
        assert 0.0 <= made.wait_s(key, now) <= 10.0
        assert len(made) <= 5


def test_a_long_run_of_failures_does_not_overflow() -> None:
    made = back_off()
    for _ in range(5_000):
        made.failed("a", 0.0)
    assert made.wait_s("a", 0.0) == 10.0
