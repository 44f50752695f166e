"""Services of cards on a database of a test's own, with a clock that the test turns and a network that it plays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from motet.domain.ids import IdGenerator
from motet.domain.network import EuiccOperation, NetworkUnreachableError, OperationResult, OrderKind, Reply, ReplyState
from motet.domain.numbering import luhn_digit, mod97_digits
from motet.fleet.cards.activation_code import ActivationCodeService
from motet.fleet.cards.euicc import EuiccService, NewProfile
from motet.fleet.cards.euicc_results import EuiccResults
from motet.fleet.cards.imsi import ImsiService
from motet.fleet.cards.imsi_watch import ImsiWatch
from motet.fleet.cards.roaming_partner import NewTerm, RoamingPartnerService
from motet.fleet.journal import Journal
from motet.fleet.orders import OrderQueue
from motet.fleet.sims.sim import NewSim, SimService
from motet.storage import traffic
from motet.storage.database import Database
from tenants import Tenant, Tenants


@dataclass
class PlayedNetwork:
    """A network that answers as the test says. `asked` are the orders' ids."""

    reply: Reply | None = None
    asked: list[int] = field(default_factory=list)

    async def submit(self, order_id: int, operation: EuiccOperation) -> Reply:
        self.asked.append(order_id)
        if self.reply is None:
            raise NetworkUnreachableError("away")
        return self.reply


class Cards:
    """The services, and short ways to use them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = time.time()
        self.out: list[str] = []
        self.changed = 0
        self.tenants = Tenants(database)
        ids, clock = IdGenerator(3), lambda: self.now
        self.ids = ids
        journal = Journal(IdGenerator(4))  # events are stored in partitions of the real time
        orders = OrderQueue(ids, clock=clock)
        self.sims = SimService(database, ids, journal, on_change=self._note, clock=clock)
        self.euiccs = EuiccService(database, ids, journal, orders, clock=clock)
        self.results = EuiccResults(self.euiccs, on_change=self._note)
        self.partners = RoamingPartnerService(database, ids, clock=clock)
        self.imsis = ImsiService(database, ids, journal, orders, self, on_change=self._note, clock=clock)
        self.watch = ImsiWatch(self.imsis)
        self.codes = ActivationCodeService(database, ids, journal, clock=clock)
        self.network = PlayedNetwork(Reply(ReplyState.ACCEPTED))

    async def _note(self) -> None:
        self.changed += 1

    async def current(self, connection: object) -> Sequence[str]:
        """The operators that are out."""
        return self.out

    async def workspace(self, name: str = "demo") -> Tenant:
        return await self.tenants.workspace(name)

    async def sim(self, space: Tenant, number: int, *, euicc: bool = False) -> int:
        """A SIM with numbers of its own."""
        return await self.sims.register(
            space.workspace_id,
            "someone",
            NewSim(iccid=iccid(number), imsi=imsi(number), msisdn=msisdn(number), eid=eid(number) if euicc else None),
        )

    async def profile(self, space: Tenant, euicc_id: int, number: int) -> int:
        new = NewProfile(iccid=iccid(number), imsi=imsi(number), msisdn=msisdn(number))
        return await self.euiccs.add_profile(space.workspace_id, "someone", euicc_id, new)

    async def confirm(self, operation_id: int | None, *, ok: bool = True, reason: str | None = None) -> None:
        """The network tells how an operation ended."""
        row = await self.row("SELECT workspace_id, euicc_id, order_id FROM euicc_operation WHERE id = $1", operation_id)
        at = datetime.fromtimestamp(self.now, UTC)
        async with self.database.pool.acquire() as connection, connection.transaction():
            result = OperationResult(at, row["order_id"], ok, reason)
            await self.results.ended(connection, row["workspace_id"], row["euicc_id"], OrderKind.EUICC, result)

    async def row(self, query: str, *parameters: Any) -> Any:
        return await self.database.pool.fetchrow(query, *parameters)

    async def states(self, euicc_id: int) -> dict[str, str]:
        """ICCID to state of its profiles; the fallback's in capitals."""
        rows = await self.database.pool.fetch(
            "SELECT iccid, state, is_fallback FROM euicc_profile WHERE euicc_id = $1 ORDER BY id", euicc_id
        )
        names = ("available", "downloading", "disabled", "enabled", "deleted")
        return {r["iccid"]: names[r["state"]].upper() if r["is_fallback"] else names[r["state"]] for r in rows}

    async def reached(self, number: int) -> int | None:
        """The SIM that a text to this number goes to."""
        (*found,) = await traffic.of_msisdns(self.database.pool, [msisdn(number)])
        return found[0].sim_id if found else None

    async def events(self, sim_id: int) -> list[str]:
        rows = await self.database.pool.fetch("SELECT type FROM event WHERE sim_id = $1 ORDER BY id", sim_id)
        return [row["type"] for row in rows]

    async def two_imsis(self, space: Tenant, number: int, **second: Any) -> tuple[int, int, int]:
        """A SIM with IMSIs of operators 00101 and 00102 in Germany: its id, and the IMSIs'."""
        sim_id = await self.sim(space, number)
        ids = []
        for plmn, changes in (("00101", {}), ("00102", second)):
            known = await self.row(
                "SELECT id FROM roaming_partner WHERE workspace_id = $1 AND plmn = $2", space.workspace_id, plmn
            )
            terms = {"country": "DE", "networks": ["26201", "26202"], "rats": ["LTE"], **changes}
            ids.append(
                known["id"]
                if known
                else await self.partners.create(space.workspace_id, f"of {plmn}", plmn, [NewTerm(**terms)])
            )
        first = await self.row("SELECT id FROM imsi WHERE sim_id = $1", sim_id)
        await self.imsis.set_partner(space.workspace_id, first["id"], ids[0])
        other = await self.imsis.add(space.workspace_id, "someone", sim_id, imsi(number + 500), partner_id=ids[1])
        return sim_id, first["id"], other


def iccid(number: int) -> str:
    body = f"8999901{number:011}"
    return body + luhn_digit(body)


def imsi(number: int) -> str:
    return f"00101{number:010}"


def msisdn(number: int) -> str:
    return f"999{number:08}"


def eid(number: int) -> str:
    body = f"89{number:028}"
    return body + mod97_digits(body)
