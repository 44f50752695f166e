"""Who has a connection: bounds for each address and in all. At a bound, who has proved nothing yet makes room first."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Sitter(Protocol):
    """A connection."""

    def abort(self, reason: str) -> None:
        """Close at once; `leave` follows sooner or later."""


S = TypeVar("S", bound=Sitter)


@dataclass(frozen=True, slots=True)
class SeatLimits:
    """Connections at one time."""

    sessions: int = 10_000
    """In all, bound or not."""
    unbound: int = 2_000
    """Not bound yet, in all: what strangers can take of the places."""
    sessions_per_address: int = 1_000
    unbound_per_address: int = 100
    """Not bound yet, from one address: an account's binds may all connect at once."""


class Seats(Generic[S]):
    """The connections of one server. Each sits from its arrival to its end, unbound until it is bound."""

    __slots__ = ("_address_of", "_by_address", "_limits", "_unbound", "_unbound_by_address")

    def __init__(self, limits: SeatLimits) -> None:
        self._limits = limits
        self._address_of: dict[S, Hashable] = {}
        self._by_address: dict[Hashable, int] = {}
        self._unbound: dict[S, None] = {}  # dicts keep the order of arrival
        self._unbound_by_address: dict[Hashable, dict[S, None]] = {}

    def __len__(self) -> int:
        return len(self._address_of)

    @property
    def unbound(self) -> int:
        return len(self._unbound)

    def take(self, one: S, address: Hashable) -> bool:
        """Sit down. Where too many are unbound, the oldest of them is cut; False where all places are taken by those
        who are bound."""
        limits = self._limits
        mine = self._unbound_by_address.get(address, {})
        if len(mine) >= limits.unbound_per_address or (
            self._by_address.get(address, 0) >= limits.sessions_per_address and mine
        ):
            self._cut(next(iter(mine)), "too many connections of this address that are not bound")
        elif self._unbound and (len(self._unbound) >= limits.unbound or len(self) >= limits.sessions):
            self._cut(next(iter(self._unbound)), "too many connections that are not bound")
        if len(self) >= limits.sessions or self._by_address.get(address, 0) >= limits.sessions_per_address:
            return False
        self._address_of[one] = address
        self._by_address[address] = self._by_address.get(address, 0) + 1
        self._unbound[one] = None
        self._unbound_by_address.setdefault(address, {})[one] = None
        return True

    def bound(self, one: S) -> None:
        """It has proved who it is."""
        if one in self._address_of:
            self._no_longer_unbound(one, self._address_of[one])

    def unbound_again(self, one: S) -> None:
        """What it was bound for is over; it is the youngest of the unbound."""
        address = self._address_of.get(one)
        if address is not None:
            self._unbound[one] = None
            self._unbound_by_address.setdefault(address, {})[one] = None

    def give(self, one: S, other: S) -> None:
        """The place of one is another's, unbound, from here on: the connection is the same."""
        address = self._address_of.get(one)
        if address is None:
            return
        self._no_longer_unbound(one, address)
        del self._address_of[one]
        self._address_of[other] = address
        self.unbound_again(other)

    def leave(self, one: S) -> None:
        """Its connection has ended. Leaving twice is leaving once."""
        address = self._address_of.pop(one, None)
        if address is None:
            return
        self._no_longer_unbound(one, address)
        left = self._by_address[address] - 1
        if left:
            self._by_address[address] = left
        else:
            del self._by_address[address]

    def _no_longer_unbound(self, one: S, address: Hashable) -> None:
        self._unbound.pop(one, None)
        mine = self._unbound_by_address.get(address)
        if mine is not None:
            mine.pop(one, None)
            if not mine:
                del self._unbound_by_address[address]

    def _cut(self, one: S, reason: str) -> None:
        self.leave(one)
        one.abort(reason)
