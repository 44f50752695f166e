"""Orders of cards: every status x every step, what an order may hold, and the code on the box."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.errors import ConflictError, DomainError, InvalidError, LimitReachedError
from motet.domain.sim_ordering import (
    EVENT_OF_ORDER,
    MAX_CARDS,
    Item,
    OrderStatus,
    OrderStep,
    check_items,
    make_bic,
    order_after,
    parse_bic,
)

S, T = OrderStatus, OrderStep
ALLOWED = {
    (S.DRAFT, T.PLACE): S.PLACED,
    (S.DRAFT, T.CANCEL): S.CANCELLED,
    (S.PLACED, T.CANCEL): S.CANCELLED,
    (S.PLACED, T.PRODUCE): S.PRODUCED,
    (S.PLACED, T.DECLINE): S.CANCELLED,
    (S.PRODUCED, T.SHIP): S.SHIPPED,
    (S.PRODUCED, T.DECLINE): S.CANCELLED,
    (S.SHIPPED, T.DELIVER): S.DELIVERED,
}


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("step", OrderStep)
def test_every_status_takes_just_its_steps(status: OrderStatus, step: OrderStep) -> None:
    if (status, step) in ALLOWED:
        after = order_after(status, step)
        assert after is ALLOWED[status, step]
        assert after in EVENT_OF_ORDER
    else:
        with pytest.raises(ConflictError):
            order_after(status, step)


@pytest.mark.parametrize(
    ("items", "error", "path"),
    [
        ([], InvalidError, ("items",)),
        ([Item("QUAD_CUT", 1)], InvalidError, ("items", 0, "package")),
        ([Item("MFF2", 0)], InvalidError, ("items", 0, "quantity")),
        ([Item("MFF2", 1), Item("DUAL_CUT", MAX_CARDS + 1)], InvalidError, ("items", 1, "quantity")),
        ([Item("MFF2", 1), Item("MFF2", 1)], InvalidError, ("items", 1, "package")),
        ([Item("MFF2", MAX_CARDS), Item("DUAL_CUT", 1)], LimitReachedError, ("items",)),
        ([Item("MFF2", 1)] * 11, LimitReachedError, ("items",)),
    ],
)
def test_what_is_no_order_is_refused(items: list[Item], error: type[DomainError], path: tuple[object, ...]) -> None:
    with pytest.raises(error) as refused:
        check_items(items)
    assert refused.value.path == path


serials = st.integers(0, 10**12 - 1)


@given(serials)
def test_a_code_is_read_however_it_is_typed(serial: int) -> None:
    bic = make_bic(serial)
    assert len(bic) == 14
    assert parse_bic(bic) == bic
    assert parse_bic(f" {bic[:4]}-{bic[4:8]} {bic[8:12]}.{bic[12:]} ") == bic


@given(serials, st.integers(0, 13), st.integers(1, 9))
def test_any_wrong_digit_is_noticed(serial: int, place: int, by: int) -> None:
    bic = make_bic(serial)
    wrong = bic[:place] + str((int(bic[place]) + by) % 10) + bic[place + 1 :]
    with pytest.raises(InvalidError):
        parse_bic(wrong)


@given(serials, st.integers(0, 12))
def test_two_neighbours_swapped_are_noticed(serial: int, place: int) -> None:
    bic = make_bic(serial)
    swapped = bic[:place] + bic[place + 1] + bic[place] + bic[place + 2 :]
    if swapped != bic:
        with pytest.raises(InvalidError):
            parse_bic(swapped)


@pytest.mark.parametrize("typed", ["", "1", "x" * 14, "9" * 15, "\u0663" * 14])
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(InvalidError):
        parse_bic(typed, ("bic",))
