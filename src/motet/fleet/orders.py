"""The queue of orders to a mobile network: what services put into it, in their own transactions."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from motet.domain.event_types import (
    DEVICE_DISABLED,
    DEVICE_ENABLED,
    SIM_ACTIVATED,
    SIM_ASSIGNED,
    SIM_DELETED,
    SIM_FACTORY_TEST,
    SIM_MOVED_IN,
    SIM_REGISTERED,
    SIM_RELEASED,
    SIM_SUSPENDED,
)
from motet.domain.ids import IdGenerator
from motet.domain.network import OperationResult, OrderKind, OrderState
from motet.fleet.journal import Change
from motet.fleet.network_ports import OperationResults, Orders
from motet.storage import network_order
from motet.storage.database import PooledConnection

REPEATABLE: Final = frozenset({OrderKind.SUBSCRIBER, OrderKind.CANCEL_LOCATION, OrderKind.CUT_DATA})
"""Kinds of which one that waits unsent does for any number: what they tell is what holds when they are sent. It bounds
what piles up while a network is away."""

TOLD_TO_NETWORKS: Final = frozenset(
    {
        SIM_REGISTERED, SIM_MOVED_IN, SIM_FACTORY_TEST, SIM_ACTIVATED, SIM_SUSPENDED, SIM_DELETED, SIM_ASSIGNED,
        SIM_RELEASED, DEVICE_ENABLED, DEVICE_DISABLED,
    }
)  # fmt: skip
"""What makes a SIM another one for its network."""


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


class OrderEnds:
    """Notes how orders end, and tells those who wait for it, in one transaction."""

    def __init__(self, *, committed: Callable[[], None] = lambda: None) -> None:
        """`committed` is called after each transaction in which an order ended: events may be on their way."""
        self._waiting: dict[OrderKind, OperationResults] = {}
        self._accepted: dict[OrderKind, Callable[[int], Awaitable[None]]] = {}
        self.committed = committed

    def listen(self, kind: OrderKind, waiting: OperationResults) -> None:
        """Tell this one of orders of the kind."""
        self._waiting[kind] = waiting

    def on_accepted(self, kind: OrderKind, note: Callable[[int], Awaitable[None]]) -> None:
        """Call this with the id of each order of the kind that the network has taken and will tell the end of."""
        self._accepted[kind] = note

    async def accepted(self, kind: OrderKind, order_id: int) -> None:
        """The network has taken an order."""
        note = self._accepted.get(kind)
        if note is not None:
            await note(order_id)

    async def end(
        self, connection: PooledConnection, workspace_id: int, state: OrderState, result: OperationResult
    ) -> bool:
        """The order ended in `state`; False for one that had ended before."""
        settled = await network_order.settle(
            connection, workspace_id, result.order_id, state, result.reason, result.at, result.at
        )
        if settled is None:
            return False
        kind = OrderKind(settled["kind"])
        waiting = self._waiting.get(kind)
        if waiting is not None:
            await waiting.ended(connection, workspace_id, settled["sim_id"], kind, result)
        return True


class SubscriberFollower:
    """Orders that the network know a SIM anew whenever something was done that bars it or lets it be used."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    async def follow(self, connection: PooledConnection, workspace_id: int, changes: Sequence[Change]) -> None:
        """Called by the journal, in the transaction of the changes."""
        sim_ids = list(dict.fromkeys(c.sim_id for c in changes if c.sim_id is not None and c.type in TOLD_TO_NETWORKS))
        if sim_ids:
            await self._orders.add(connection, workspace_id, OrderKind.SUBSCRIBER, sim_ids)

    def committed(self) -> None:
        """The transaction has ended well."""
        self._orders.wake()
