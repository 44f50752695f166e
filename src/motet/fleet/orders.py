"""The queue of orders to a mobile network: what services put into it, in their own transactions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from motet.domain.ids import IdGenerator
from motet.domain.network import OrderKind
from motet.storage import network_order
from motet.storage.database import PooledConnection

REPEATABLE: Final = frozenset({OrderKind.SUBSCRIBER, OrderKind.CANCEL_LOCATION, OrderKind.CUT_DATA})
"""Kinds of which one that waits unsent does for any number: what they tell is what holds when they are sent. It bounds
what piles up while a network is away."""


class OrderQueue:
    """The queue, one per node. Implements the port `Orders`."""

    def __init__(
        self,
        ids: IdGenerator,
        *,
        has_network: bool = True,
        wake: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`wake` is called when there is something new to send. Without a network nothing of `REPEATABLE` is kept."""
        self._ids = ids
        self._has_network = has_network
        self._wake = wake
        self._clock = clock

    async def add(
        self,
        connection: PooledConnection,
        workspace_id: int,
        kind: OrderKind,
        sim_ids: Sequence[int],
        body: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """See `Orders.add`. Of REPEATABLE kinds an order that says the same and was not sent yet is not added again."""
        now = self._clock()
        text = dict(body or {})
        if kind in REPEATABLE and not self._has_network:
            return [self._ids.next(int(now * 1_000)) for _ in sim_ids]
        found = await network_order.unsent(connection, workspace_id, sim_ids, kind, text) if kind in REPEATABLE else {}
        added: list[tuple[int, int]] = []
        ids: list[int] = []
        for sim_id in sim_ids:
            order_id = found.get(sim_id)
            if order_id is None:
                order_id = self._ids.next(int(now * 1_000))
                added.append((order_id, sim_id))
                if kind in REPEATABLE:
                    found[sim_id] = order_id
            ids.append(order_id)
        if added:
            at = datetime.fromtimestamp(now, UTC)
            await network_order.insert(connection, workspace_id, added, kind, text, at)
        return ids

    def wake(self) -> None:
        """The transaction of `add` has ended well."""
        self._wake()
