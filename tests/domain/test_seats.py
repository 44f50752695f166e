"""Connections have bounds, and at a bound those who have proved nothing make room."""

from __future__ import annotations

import random

from motet.domain.seats import SeatLimits, Seats


class Sitter:
    def __init__(self) -> None:
        self.aborted = ""

    def abort(self, reason: str) -> None:
        self.aborted = reason


LIMITS = SeatLimits(sessions=10, unbound=6, sessions_per_address=5, unbound_per_address=3)


def some(seats: Seats[Sitter], address: str, count: int, *, bound: bool = False) -> list[Sitter]:
    made = [Sitter() for _ in range(count)]
    for one in made:
        assert seats.take(one, address)
        if bound:
            seats.bound(one)
    return made


def test_the_oldest_unbound_connection_of_an_address_makes_room_for_its_next() -> None:
    seats: Seats[Sitter] = Seats(LIMITS)
    first, second, third = some(seats, "a", 3)
    [fourth] = some(seats, "a", 1)
    assert (bool(first.aborted), second.aborted, third.aborted, fourth.aborted) == (True, "", "", "")
    assert (len(seats), seats.unbound) == (3, 3)


def test_strangers_of_many_addresses_cut_each_other_and_nobody_who_is_bound() -> None:
    seats: Seats[Sitter] = Seats(LIMITS)
    esmes = some(seats, "esme", 4, bound=True)
    strangers = [some(seats, f"stranger {number}", 1)[0] for number in range(50)]
    assert [one.aborted for one in esmes] == [""] * 4
    assert [bool(one.aborted) for one in strangers] == [True] * 44 + [False] * 6
    [more] = some(seats, "another", 1)
    seats.bound(more)
    assert (len(seats), seats.unbound) == (10, 5)


def test_an_address_has_a_bound_of_sessions_too() -> None:
    seats: Seats[Sitter] = Seats(LIMITS)
    some(seats, "a", 5, bound=True)
    assert not seats.take(Sitter(), "a")
    assert seats.take(Sitter(), "b")


def test_when_all_places_are_bound_nobody_is_let_in() -> None:
    seats: Seats[Sitter] = Seats(LIMITS)
    for number in range(2):
        some(seats, f"address {number}", 5, bound=True)
    assert not seats.take(Sitter(), "another")


def test_leaving_frees_everything_whatever_came_before() -> None:
    dice = random.Random(4)  # noqa: S311 - the same every time
    seats: Seats[Sitter] = Seats(LIMITS)
    there: list[Sitter] = []
    for _ in range(5_000):
        action = dice.randrange(3)
        if action == 0:
            one = Sitter()
            if seats.take(one, f"address {dice.randrange(4)}"):
                there.append(one)
        elif there and action == 1:
            seats.bound(dice.choice(there))
        elif there:
            seats.leave(there.pop(dice.randrange(len(there))))
        there = [one for one in there if not one.aborted]
        assert len(seats) == len(there) <= 10
        assert seats.unbound <= 6
    for one in there:
        seats.leave(one)
        seats.leave(one)
    assert (len(seats), seats.unbound, seats._by_address, seats._unbound_by_address) == (0, 0, {}, {})


def test_a_place_that_is_given_on_is_the_others_and_unbound() -> None:
    seats: Seats[Sitter] = Seats(LIMITS)
    [head] = some(seats, "a", 1, bound=True)
    socket = Sitter()
    seats.give(head, socket)
    assert (len(seats), seats.unbound) == (1, 1)
    seats.leave(head)
    assert len(seats) == 1, "it has no place any more"
    some(seats, "a", 3)
    assert socket.aborted
    seats.give(socket, Sitter())
    assert len(seats) == 3, "who has no place has none to give"
