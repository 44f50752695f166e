"""A workspace whose traffic is counted, under a clock that a test sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from motet.domain.ids import IdGenerator
from motet.domain.network import OrderKind, SessionRecord
from motet.fleet.journal import Journal
from motet.fleet.usage.session import SessionService
from motet.fleet.usage.session_cut import SessionCutter
from motet.storage.database import Database, Row
from tenants import NOW, Tenant, Tenants, two_tenants

PLMN = "26201"


@dataclass
class Ordered:
    """Stands for the queue of orders to a network: what was ordered, by SIM."""

    orders: list[tuple[OrderKind, int, Any]] = field(default_factory=list)

    async def add(
        self, connection: Any, workspace_id: int, kind: OrderKind, sim_ids: Any, body: Any = None
    ) -> list[int]:
        self.orders += [(kind, sim_id, body) for sim_id in sim_ids]
        return [0 for _ in sim_ids]

    def wake(self) -> None:
        pass


class Metered:
    """Two tenants, the services that count, and the time."""

    def __init__(self, database: Database, tenants: Tenants, demo: Tenant, other: Tenant) -> None:
        self.database = database
        self.tenants = tenants
        self.demo = demo
        self.other = other
        self.now = NOW
        self.ids = IdGenerator(7)
        self.journal = Journal(self.ids, clock=self.clock)
        self.pokes = 0
        self.orders = Ordered()
        self.sessions = SessionService(database, self.ids, self.journal, on_exhausted=self._poke, clock=self.clock)
        self.cutter = SessionCutter(database, self.journal, self.orders, clock=self.clock)

    @classmethod
    async def make(cls, database: Database) -> Metered:
        tenants, demo, other = await two_tenants(database)
        await database.pool.execute(
            "DELETE FROM event; DELETE FROM device_usage; DELETE FROM workspace_usage; DELETE FROM data_session;"
            " DELETE FROM quota; DELETE FROM quota_pool"
        )
        return cls(database, tenants, demo, other)

    def clock(self) -> float:
        return self.now.timestamp()

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    def _poke(self) -> None:
        self.pokes += 1

    async def identities(self, number: int = 0, tenant: Tenant | None = None) -> Row:
        """ICCID, IMSI and MSISDN of a SIM."""
        sim_id = (tenant or self.demo).sims[number]
        row: Row = await self.database.pool.fetchrow("SELECT iccid, imsi, msisdn FROM sim WHERE id = $1", sim_id)
        return row

    async def policy(self, **columns: Any) -> None:
        """Set columns of the demo's default policy."""
        for name, value in columns.items():
            await self.database.pool.execute(
                f"UPDATE service_policy SET {name} = $2 WHERE id = $1",  # noqa: S608 - of the test
                self.demo.workspace_id, value,
            )  # fmt: skip

    async def quota(
        self, service: int, volume: int, *, number: int | None = 0, pool: int | None = None, **more: Any
    ) -> int:
        """A quota of the demo's device of this number, or of a pool."""
        quota_id = self.tenants.new_id()
        columns = {
            "workspace_id": self.demo.workspace_id, "id": quota_id, "service": service, "volume": volume,
            "refill_volume": volume, "refill": 0, "status": 0, "status_changed_at": self.now, "action": 0,
            "period_started_at": self.now - timedelta(days=1), "pool_id": pool,
            "device_id": None if pool is not None else self.demo.devices[number], **more,
        }  # fmt: skip
        names, marks = ", ".join(columns), ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        await self.database.pool.execute(f"INSERT INTO quota ({names}) VALUES ({marks})", *columns.values())  # noqa: S608
        return quota_id

    async def pool(self, tag: str) -> int:
        pool_id = self.tenants.new_id()
        await self.database.pool.execute(
            "INSERT INTO quota_pool (workspace_id, id, name, tag) VALUES ($1, $2, $3, $3)",
            self.demo.workspace_id, pool_id, tag,
        )  # fmt: skip
        return pool_id

    async def tag(self, tag: str, *numbers: int) -> None:
        await self.database.pool.execute(
            "UPDATE device SET tags = $2 WHERE id = ANY ($1)", [self.demo.devices[n] for n in numbers], [tag]
        )

    async def events(self, like: str = "%") -> list[tuple[str, int, int, str]]:
        """(type, severity, source, reason or description) in their order."""
        rows = await self.database.pool.fetch("SELECT * FROM event WHERE type LIKE $1 ORDER BY id", like)
        return [(r["type"], r["severity"], r["source"], r["data"].get("reason") or r["description"]) for r in rows]

    async def value(self, query: str, *arguments: Any) -> Any:
        return await self.database.pool.fetchval(query, *arguments)

    async def rows(self, query: str, *arguments: Any) -> list[Row]:
        rows: list[Row] = await self.database.pool.fetch(query, *arguments)
        return rows

    async def record(self, sequence: int, up: int = 0, down: int = 0, number: int = 0, **more: Any) -> SessionRecord:
        """A record of a session of the demo's device of this number."""
        given: dict[str, Any] = {
            "at": self.now, "session_id": "s1", "operator": PLMN, "rat": "4G", "apn": "iot",
            "opened_at": self.now, **more,
        }  # fmt: skip
        sim = given.pop("sim", None) or (await self.identities(number))["imsi"]
        return SessionRecord(sim=sim, sequence=sequence, octets_up=up, octets_down=down, **given)
