"""Ids: unique, rising, never back, and their time can be read from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.ids import EPOCH_MS, MAX_NODE, IdGenerator, first_id_at, ids_in, unix_ms_of

NOW_MS = EPOCH_MS + 60_000_000_000


@given(st.lists(st.integers(-5_000, 5_000), min_size=1, max_size=200), st.integers(0, MAX_NODE))
def test_ids_rise_whatever_the_clock_does(steps: list[int], node: int) -> None:
    ids = IdGenerator(node)
    now = NOW_MS
    made = []
    for step in steps:
        now += step
        made.append(ids.next(now))
    assert made == sorted(set(made))
    assert ids.last == made[-1]
    assert all((i >> 12) & MAX_NODE == node for i in made)


def test_an_id_tells_its_millisecond() -> None:
    made = IdGenerator(5).next(NOW_MS)
    assert unix_ms_of(made) == NOW_MS
    assert first_id_at(NOW_MS) <= made < first_id_at(NOW_MS + 1)


def test_more_than_4096_in_a_millisecond_borrow_from_the_next() -> None:
    ids = IdGenerator(7)
    made = [ids.next(NOW_MS) for _ in range(10_000)]
    assert made == sorted(set(made))
    assert {unix_ms_of(i) - NOW_MS for i in made} == {0, 1, 2}
    assert all((i >> 12) & MAX_NODE == 7 for i in made)


def test_two_nodes_never_meet() -> None:
    one, two = IdGenerator(1), IdGenerator(2)
    assert not {one.next(NOW_MS) for _ in range(5_000)} & {two.next(NOW_MS) for _ in range(5_000)}


def test_after_an_older_id_every_new_one_is_larger() -> None:
    before = IdGenerator(3).next(NOW_MS + 10_000)
    assert IdGenerator(3, after=before).next(NOW_MS) > before


@pytest.mark.parametrize("node", [-1, MAX_NODE + 1])
def test_a_node_has_its_range(node: int) -> None:
    with pytest.raises(ValueError, match="0 to 1023"):
        IdGenerator(node)


def test_times_before_the_epoch_have_the_first_id() -> None:
    assert first_id_at(0) == 0


def test_ids_grow_with_the_time_alone() -> None:
    assert first_id_at(NOW_MS + 10_000) == first_id_at(NOW_MS) + ids_in(10_000)
