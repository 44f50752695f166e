"""Whatever the order of events, each accepted message ends once, and nothing stays in memory or in a window."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from hub_world import DELIVERED, FAILED, Carrier, Esme, World, phone, turn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet.domain.errors import DomainError
from motet.domain.states import EsmeDeliveryKind, MessageState
from motet.hub.desk import ReplaceRequest
from motet.hub.hub import Hub
from motet.hub.ports import UpstreamAnswer, Verdict
from motet.storage.database import LOST, Database

OPERATIONS = (
    "submit", "submit", "submit long", "schedule", "turn", "turn", "turn", "take", "take", "take one", "busy",
    "try later", "refuse", "receipt", "receipt", "failed receipt", "early receipt", "repeat receipt", "link down",
    "link up", "second link", "esme up", "esme down", "esme takes", "esme later", "cancel", "cancel refused", "replace",
    "time", "cut", "kill",
)  # fmt: skip

LIMITS = {
    "live": 12, "awaiting": 40, "group": 5, "spill_after_s": 0.005, "park_after_s": 1.0, "outbox": 600,
    "early_receipt_grace_s": 0.05,
}  # fmt: skip


class Machine:
    """The network around one hub after another, driven by the names of operations."""

    def __init__(self, world: World, hub: Hub) -> None:
        self.world = world
        self.hub = hub
        self.carriers: list[Carrier] = []
        self.esme = world.esme(hub)
        self.up = False
        self.accepted: dict[int, Esme] = {}
        self.told: Counter[int] = Counter()
        self.owed: dict[str, int] = {}
        """Receipts that the SMSC has not had answered, with their states."""
        self.answered: list[str] = []
        self.asked: list[tuple[Carrier, int, str]] = []
        """Receipts on their way: (bind, token, id)."""
        self.calls: list[asyncio.Task[None]] = []
        self.esmes = [self.esme]
        self.killed = 0
        self.numbers = 0

    # Operations ------------------------------------------------------------------------------------------------------

    async def run(self, operation: str, n: int) -> None:
        await getattr(self, operation.replace(" ", "_"))(n)
        self.collect()

    async def submit(self, n: int) -> None:
        for _ in range(n % 8 + 1):
            self.esme.submit(b"short", phone(n % 20 + 1))

    async def submit_long(self, n: int) -> None:
        self.esme.submit(b"x" * (161 + n), phone(n % 20 + 1))

    async def schedule(self, n: int) -> None:
        self.esme.submit(b"later", scheduled_in_s=n % 4 + 1)

    async def turn(self, n: int) -> None:
        for _ in range(n % 30):
            await turn()

    def _issue(self, carrier: Carrier, count: int) -> None:
        units = carrier.window[:count]
        if units:
            ids = []
            for _ in units:
                self.numbers += 1
                ids.append(f"m{self.numbers}")
            self.owed.update(dict.fromkeys(ids, DELIVERED))
            carrier.take(*units, ids=ids)

    async def take(self, n: int) -> None:
        for carrier in self.carriers:
            self._issue(carrier, len(carrier.window))

    async def take_one(self, n: int) -> None:
        for carrier in self.carriers[:1]:
            self._issue(carrier, 1)

    async def busy(self, n: int) -> None:
        for carrier in self.carriers:
            if carrier.window:
                carrier.refuse(Verdict.BUSY, *carrier.window[: n % 5 + 1])

    async def try_later(self, n: int) -> None:
        for carrier in self.carriers:
            if carrier.window:
                carrier.refuse(Verdict.TRY_LATER, carrier.window[n % len(carrier.window)])

    async def refuse(self, n: int) -> None:
        for carrier in self.carriers:
            if carrier.window:
                carrier.refuse(Verdict.REFUSED, carrier.window[n % len(carrier.window)])

    def _tell(self, ids: list[str], state: int | None = None) -> None:
        if not self.carriers:
            return
        carrier = self.carriers[-1]
        for smsc_id in ids:
            told = carrier.receipt(smsc_id, self.owed.get(smsc_id, DELIVERED) if state is None else state)
            self.asked.append((carrier, told, smsc_id))

    def _untold(self) -> list[str]:
        under_way = {smsc_id for _, _, smsc_id in self.asked}
        return [smsc_id for smsc_id in self.owed if smsc_id not in under_way]

    async def receipt(self, n: int) -> None:
        self._tell(self._untold()[: n % 6 + 1])

    async def failed_receipt(self, n: int) -> None:
        for smsc_id in self._untold()[:1]:
            self.owed[smsc_id] = FAILED
            self._tell([smsc_id])

    async def early_receipt(self, n: int) -> None:
        for carrier in self.carriers[:1]:
            if carrier.window:
                unit = carrier.window[0]
                self.numbers += 1
                smsc_id = f"m{self.numbers}"
                self.owed[smsc_id] = DELIVERED
                self._tell([smsc_id])
                for _ in range(n % 3):
                    await turn()
                if unit in carrier.window:
                    carrier.take(unit, ids=[smsc_id])

    async def repeat_receipt(self, n: int) -> None:
        if self.answered:
            self._tell([self.answered[n % len(self.answered)]], FAILED)

    async def link_down(self, n: int) -> None:
        for carrier in self.carriers[:1]:
            self.carriers.remove(carrier)
            self.asked = [entry for entry in self.asked if entry[0] is not carrier]
            carrier.down()

    async def link_up(self, n: int) -> None:
        if not self.carriers:
            self.carriers.append(Carrier(self.hub, size=n % 10 + 1).up())

    async def second_link(self, n: int) -> None:
        if len(self.carriers) == 1:
            self.carriers.append(Carrier(self.hub, size=n % 10 + 1).up())

    async def esme_up(self, n: int) -> None:
        if not self.up:
            self.up = True
            self.esme.size = n % 20 + 1
            self.esme.up()

    async def esme_down(self, n: int) -> None:
        if self.up:
            self.up = False
            self.esme.down()
            self._new_esme()

    async def esme_takes(self, n: int) -> None:
        if self.esme.window:
            self.esme.take()

    async def esme_later(self, n: int) -> None:
        if self.esme.window:
            self.esme.later()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            with suppress(DomainError, *LOST):  # who asks while the database is cut is told so
                await work

        task = asyncio.create_task(guarded())
        task.add_done_callback(lambda _: work.close())  # it may have been cancelled before its first step
        self.calls.append(task)

    def _some(self, n: int) -> int | None:
        ids = list(self.accepted)
        return ids[-1 - n % min(len(ids), 12)] if ids else None

    async def cancel(self, n: int, answer: UpstreamAnswer = UpstreamAnswer(True, "ESME_ROK")) -> None:  # noqa: B008
        message_id = self._some(n)
        if message_id is not None:
            for carrier in self.carriers:
                carrier.answer = answer
            self._call(self.hub.cancel(self.world.workspace_id, message_id))
            await self.turn(n)

    async def cancel_refused(self, n: int) -> None:
        await self.cancel(n, UpstreamAnswer(False, "ESME_RCANCELFAIL"))

    async def replace(self, n: int) -> None:
        message_id = self._some(n)
        if message_id is not None:
            request = ReplaceRequest(b"n" * (5 if n % 2 else 300), 1, None, None)
            world = self.world
            self._call(self.hub.requests.replace(world.workspace_id, world.account_id, message_id, "", request))
            await self.turn(n)

    async def time(self, n: int) -> None:
        self.world.pass_time(n % 3 + 1)

    async def cut(self, n: int) -> None:
        lanes = ("accept", "submit", "final", "answer", "pager", "desk", "node")
        await self.world.cut_connections(lanes[n % len(lanes)])

    async def kill(self, n: int) -> None:
        self.killed += 1
        for call in self.calls:
            call.cancel()
        await asyncio.gather(*self.calls, return_exceptions=True)
        self.calls.clear()
        await self.world.kill(self.hub)
        self.hub = await self.world.hub(**LIMITS)
        self.carriers.clear()
        self.asked.clear()
        self.up = False
        self._new_esme()

    def _new_esme(self) -> None:
        self.esme = self.world.esme(self.hub)
        self.esmes.append(self.esme)

    # What came of it -------------------------------------------------------------------------------------------------

    def collect(self) -> None:
        """Note what was accepted, and which receipts the hub has answered."""
        for esme in self.esmes:
            for message_id in esme.ids.values():
                self.accepted.setdefault(message_id, esme)
        left = []
        for carrier, token, smsc_id in self.asked:
            ok = carrier.acks.get(token)
            if ok is None:
                left.append((carrier, token, smsc_id))
            elif ok:
                self.owed.pop(smsc_id, None)
                self.answered.append(smsc_id)
        self.asked = left

    async def come_to_rest(self) -> None:
        """Everybody is there, takes what comes and says how it ended, until nothing happens any more."""
        await self.link_up(9)
        await self.esme_up(19)
        self.world.pass_time(10)
        async with asyncio.timeout(30):
            while True:
                await self.take(0)
                self._tell(self._untold())
                await self.esme_takes(0)
                await turn()
                self.collect()
                idle = not (self.owed or self.asked or any(c.window for c in self.carriers) or self.esme.window)
                if idle and await self._nothing_open():
                    break
        await asyncio.gather(*self.calls)

    async def _nothing_open(self) -> bool:
        hub = self.hub
        if hub.live or hub.answering or any(lane.pending for lane in hub.lanes):
            return False
        if any(len(esme.ids) + len(esme.refusals) < esme.submitted for esme in self.esmes if esme.hub is hub):
            return False
        if any(outbox.open or outbox.reading for outbox in hub.esmes.outboxes.values()):
            return False
        return bool(await self.world.value("SELECT NOT EXISTS (SELECT FROM message WHERE state = 0)"))

    async def check(self) -> None:
        world = self.world
        states = {row["id"]: row["state"] for row in await world.rows("SELECT id, state FROM message")}
        assert set(self.accepted) <= set(states), "accepted and not there"
        assert MessageState.OPEN not in states.values()
        owed = await world.rows("SELECT message_id, state FROM esme_delivery")
        assert sorted((row["message_id"], row["state"]) for row in owed) == sorted(states.items())
        failures = {i: s for i, s in states.items() if s != DELIVERED}
        outcomes = {row["message_id"]: row["state"] for row in await world.rows("SELECT * FROM outcome")}
        assert outcomes == failures
        told = Counter(d.message.id for e in self.esmes for d in e.got if d.kind == EsmeDeliveryKind.RECEIPT)
        assert set(told) == set(states)
        unanswered = await world.value(
            "SELECT count(*) FROM esme_delivery d WHERE NOT EXISTS (SELECT FROM esme_answer a WHERE a.id = d.id)"
        )
        assert unanswered == 0
        await world.check_empty(self.hub, self.carriers)


TABLES = "message, submit, part_receipt, outcome, waiting, esme_delivery, esme_answer, esme_cursor, node"


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 255)), min_size=30, max_size=80))
async def test_every_message_ends_once(database: Database, operations: list[tuple[str, int]]) -> None:
    world = World(database)
    await world.seed()
    await database.pool.execute(f"TRUNCATE {TABLES}")
    try:
        machine = Machine(world, await world.hub(**LIMITS))
        await machine.link_up(5)
        for operation, n in operations:
            await machine.run(operation, n)
        await machine.come_to_rest()
        await machine.check()
    finally:
        await world.close()
