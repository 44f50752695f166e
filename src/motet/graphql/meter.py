"""What a subscription takes while it lives: each look at what changed is its workspace's turn, and is paid for.

To listen costs little, and what is heard may be shown to thousands of subscriptions at length: so a caller whose bucket
is empty hears of changes later, several at once, and is told if it falls too far behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from motet.graphql.cost import LEAST_COST, OBJECT_COST, Price
from motet.graphql.throttle import Key, Throttle
from motet.storage.shares import Turns


class Meter:
    """Of one subscription."""

    def __init__(self, throttle: Throttle, key: Key, price: Price, turns: Turns, line: Hashable) -> None:
        """`key` is whose bucket it is, `line` with whom it waits for its turn."""
        self._throttle = throttle
        self._key = key
        self._price = price
        self._turns = turns
        self._line = line

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Inside, something may be read: there is something in the bucket, and not too much else is read."""
        while wait_s := self._throttle.wait_s(self._key, LEAST_COST):  # noqa: ASYNC110 - it flows back with time
            await asyncio.sleep(wait_s)
        async with self._turns.of(self._line):
            yield

    def spend(self, items: Iterable[Any]) -> None:
        """Takes what was read, be it more than there is: the next turn is later then."""
        cost = LEAST_COST
        for item in items:
            cost += sum(OBJECT_COST + part.below.actual(item) for part in self._price.parts)
        self._throttle.charge(self._key, cost)
