"""The ports to and from a mobile network. Orders go out through a durable queue, so that nothing waits for a network.

Outbound: a service writes an order in its own transaction (`Orders.add`); the dispatcher hands it to one of the ports
until the network has answered. Inbound: the edge hands notifications to `fleet/devices/connectivity.py`, which tells
those that take part here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from motet.domain.network import (
    Barring,
    EsimProgress,
    EuiccOperation,
    OperationResult,
    OperatorOutage,
    OrderKind,
    Outcome,
    Reply,
    SessionRecord,
    Subscriber,
)
from motet.storage.database import PooledConnection


class SubscriberPort(Protocol):
    """What a home network does for a SIM. Idempotent by `order_id`. Raises NetworkUnreachableError."""

    async def put(self, order_id: int, subscriber: Subscriber, barring: Barring | None) -> Reply:
        """Know this SIM from now on, or know it anew; without `barring` it is no longer ours."""
        ...

    async def cancel_location(self, order_id: int, subscriber: Subscriber) -> Reply: ...

    async def cut_data(self, order_id: int, subscriber: Subscriber, reason: str | None) -> Reply: ...


class EuiccPort(Protocol):
    """Remote SIM provisioning (SGP.02, SGP.32). Raises NetworkUnreachableError."""

    async def submit(self, order_id: int, operation: EuiccOperation) -> Reply: ...


class ImsiPort(Protocol):
    """Multi-IMSI cards. Raises NetworkUnreachableError."""

    async def switch(self, order_id: int, subscriber: Subscriber, imsi: str) -> Reply: ...


class Orders(Protocol):
    """The queue of orders, as services see it."""

    async def add(
        self,
        connection: PooledConnection,
        workspace_id: int,
        kind: OrderKind,
        sim_ids: Sequence[int],
        body: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """Order this of the network for each SIM, in the caller's transaction: the orders' ids, in the SIMs' order.

        `body` by kind: CUT_DATA `{"reason"}`, EUICC `{"eid", "name", "iccid", "parameters"}`, SWITCH_IMSI `{"imsi"}`;
        others none. Without a network the ids are there all the same, and the orders end as refused.
        """
        ...

    def wake(self) -> None:
        """The transaction of `add` has ended well."""
        ...


class SessionRecords(Protocol):
    """Who counts data sessions, and says whether they may go on."""

    async def ingest(self, records: Sequence[SessionRecord]) -> Sequence[Outcome]:
        """The answer to each record, in their order; what is answered is committed."""
        ...


class OperationResults(Protocol):
    """Who waits for orders of a kind to end. Called in the transaction that notes the end, once per order."""

    async def ended(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, kind: OrderKind, result: OperationResult
    ) -> None: ...


class Attachments(Protocol):
    """Who chooses among a card's IMSIs. Called in the transaction that notes the attachment."""

    async def attached(
        self,
        connection: PooledConnection,
        workspace_id: int,
        sim_id: int,
        used: str | None,
        country: str | None,
        at: datetime,
    ) -> bool:
        """A SIM has come into a network with the IMSI `used`, None if that was not told. Whether it has another now."""
        ...

    async def attach_failed(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, country: str | None
    ) -> bool:
        """A SIM could not attach, for its network's reasons. Whether it has another IMSI now."""
        ...


class Esims(Protocol):
    """Who issued activation codes."""

    async def progressed(self, connection: PooledConnection, told: EsimProgress) -> Outcome:
        """A phone takes a step with a code: whether it may, and of a DONE one the profile. In the transaction that
        notes the answer."""
        ...

    def committed(self) -> None:
        """That transaction has ended well."""
        ...


class Outages(Protocol):
    """Who acts when a visited network fails or is back. After a restart the same may be told again."""

    async def changed(self, outage: OperatorOutage) -> None: ...
