"""Two tenants, and what faces mobile networks, on a real database."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from motet.domain.ids import IdGenerator
from motet.domain.network import Attached, Notification, OrderKind, Outcome, Place, SessionRecord, Verdict
from motet.fleet.devices.connectivity import ConnectivityService
from motet.fleet.devices.connectivity_reset import ConnectivityResetService
from motet.fleet.devices.whereabouts import Whereabouts
from motet.fleet.journal import Journal
from motet.fleet.orders import OrderEnds, OrderQueue, SubscriberFollower
from motet.storage.database import Database
from tenants import Tenant, Tenants, two_tenants

T0 = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)


class Counting:
    """Stands at the port for session records: says yes, and keeps what it was told."""

    def __init__(self) -> None:
        self.records: list[SessionRecord] = []

    async def ingest(self, records: Sequence[SessionRecord]) -> list[Outcome]:
        self.records += records
        return [Outcome(Verdict.DONE) for _ in records]


@dataclass
class NetworkWorld:
    """Services of one node. `clock` moves only when a test moves it."""

    tenants: Tenants
    demo: Tenant
    other: Tenant
    now: float
    changed: list[str] = field(default_factory=list)
    sessions: Counting = field(default_factory=Counting)

    def __post_init__(self) -> None:
        ids = IdGenerator(3)

        def clock() -> float:
            return self.now

        async def on_change() -> None:
            self.changed.append("fleet")

        self.orders = OrderQueue(ids, clock=clock)
        self.journal = Journal(ids, followers=(SubscriberFollower(self.orders),), clock=clock)
        self.ends = OrderEnds()
        self.connectivity = ConnectivityService(
            self.tenants.database,
            self.journal,
            Whereabouts(ids, country_of={"26201": "DE", "22802": "CH"}.get, clock=clock),
            self.sessions,
            ends=self.ends,
            line_changed=self.changed.append,
            clock=clock,
        )
        self.resets = ConnectivityResetService(
            self.tenants.database, ids, self.journal, self.orders, has_network=True, on_change=on_change, clock=clock
        )
        for kind in (OrderKind.CANCEL_LOCATION, OrderKind.CUT_DATA):
            self.ends.listen(kind, self.resets)
        self._told = 0

    @property
    def database(self) -> Database:
        return self.tenants.database

    async def tell(self, *told: Notification) -> list[Outcome]:
        """Each with an id of its own."""
        named = []
        for one in told:
            self._told += 1
            named.append((f"n{self._told}", one))
        return await self.connectivity.take("network:test", named)

    async def sim_of(self, device_id: int) -> Any:
        return await self.database.pool.fetchrow(
            "SELECT s.* FROM sim s JOIN device v ON v.sim_id = s.id WHERE v.id = $1", device_id
        )

    async def attachment(self, device_id: int) -> Any:
        return await self.database.pool.fetchrow(
            "SELECT a.* FROM attachment a JOIN device v ON v.sim_id = a.sim_id WHERE v.id = $1", device_id
        )

    async def events(self, tenant: Tenant) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.database.pool.fetch(
            "SELECT type, data FROM event WHERE workspace_id = $1 AND type LIKE 'device.%' ORDER BY id",
            tenant.workspace_id,
        )
        return [(row["type"], row["data"]) for row in rows if row["type"] not in SEEDED]

    async def order_rows(self) -> list[tuple[str, int, int]]:
        """(kind, state, attempts) of every order, oldest first."""
        rows = await self.database.pool.fetch("SELECT kind, state, attempts FROM network_order ORDER BY id")
        return [tuple(row) for row in rows]


SEEDED = ("device.created",)
"""Events that the tenants come with."""


async def network_world(database: Database) -> NetworkWorld:
    tenants, demo, other = await two_tenants(database)
    for table in ("connectivity_reset", "attachment", "location"):
        await tenants.execute(f"DELETE FROM {table}")  # noqa: S608 - nothing was told yet
    return NetworkWorld(tenants, demo, other, time.time())


def attached(sim: str, minute: float = 0, operator: str = "26201", rat: str | None = "LTE", **more: Any) -> Attached:
    cell = more.pop("cell", None)
    return Attached(T0 + timedelta(minutes=minute), sim, Place(operator, None, rat, cell), **more)
