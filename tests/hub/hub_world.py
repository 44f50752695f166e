"""A hub on a real database between a scripted SMSC and scripted ESMEs, so that every order of events can be forced."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from motet.domain.ids import IdGenerator
from motet.domain.refusals import Refusal
from motet.domain.states import EsmeDeliveryKind, MessageState
from motet.fleet.seeds.tenant import DEMO, OTHER, identity, seed_tenant
from motet.hub.hub import Hub, HubLimits
from motet.hub.lane import FencedError
from motet.hub.message import Delivery, Extra, Message, Part, Unit
from motet.hub.ports import MobileOriginated, UpstreamAnswer, UpstreamReceipt, Verdict
from motet.storage import smpp_account
from motet.storage.database import Database

GUARD_S = 20
"""No wait of a test takes longer: it has failed by then."""

DELIVERED = int(MessageState.DELIVERED)
FAILED = int(MessageState.FAILED)
CODE = "10100"


def phone(number: int = 1) -> str:
    """The MSISDN of the demo workspace's device of that number."""
    return identity(DEMO.first_number + number - 1).msisdn


def other_phone(number: int = 1) -> str:
    return identity(OTHER.first_number + number - 1).msisdn


async def until(condition: Callable[[], Any]) -> None:
    """Let the event loop turn until it is so."""
    async with asyncio.timeout(GUARD_S):
        while not condition():
            await turn()


async def turn() -> None:
    """Give way to the hubs for a moment."""
    await asyncio.sleep(0.001)
    for run in RUNS:
        if run.done():
            run.result()  # raises what ended it


RUNS: set[asyncio.Task[None]] = set()
"""The hubs of the test that are to be running."""


class Carrier:
    """One bind to an SMSC: what came stays in `window` until the test answers it."""

    def __init__(self, hub: Hub, *, link_id: int = 1, size: int = 100, prefix: str = "s") -> None:
        self.hub = hub
        self.link_id = link_id
        self.size = size
        self.free = size
        self.window: list[Unit] = []
        self.sent: list[tuple[int, int, bytes]] = []
        """(message id, part, user data) of every submit_sm, in order."""
        self.acks: dict[int, bool] = {}
        self.cancels: list[str] = []
        self.replaces: list[tuple[str, bytes]] = []
        self.answer = UpstreamAnswer(True, "ESME_ROK")
        self.hold_answers: asyncio.Event | None = None
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self._tokens = itertools.count(1)

    def up(self) -> Carrier:
        self.hub.upstream_up(self)
        return self

    def down(self) -> None:
        """The connection is lost."""
        self.free = 0
        window, self.window = self.window, []
        self.hub.upstream_down(self, window)

    # The hub's port --------------------------------------------------------------------------------------------------

    def submit(self, units: Sequence[Unit]) -> None:
        assert 0 < len(units) <= self.free
        self.free -= len(units)
        self.window.extend(units)
        self.sent.extend((u.message.id, u.number, u.user_data) for u in units)

    def release(self, count: int) -> None:
        self.free += count
        assert self.free <= self.size

    def acknowledge(self, tokens: Sequence[int], *, ok: bool) -> None:
        for token in tokens:
            assert token not in self.acks, "answered twice"
            self.acks[token] = ok

    async def cancel(self, unit: Unit) -> UpstreamAnswer:
        self.cancels.append(unit.smsc_message_id)
        if self.hold_answers is not None:
            await self.hold_answers.wait()
        return self.answer

    async def replace(self, unit: Unit, validity_until: int, registered_delivery: int) -> UpstreamAnswer:
        self.replaces.append((unit.smsc_message_id, unit.user_data))
        if self.hold_answers is not None:
            await self.hold_answers.wait()
        return self.answer

    # What the test makes it do ---------------------------------------------------------------------------------------

    def take(self, *units: Unit, ids: Iterable[str] = ()) -> list[str]:
        """submit_sm_resp ESME_ROK for these, or for the whole window."""
        chosen = list(units or self.window)
        given = list(ids) or [f"{self._prefix}{next(self._numbers)}" for _ in chosen]
        for unit in chosen:
            self.window.remove(unit)
        self.hub.upstream_answered(self, [(u, Verdict.TAKEN, i) for u, i in zip(chosen, given, strict=True)])
        return given

    def refuse(self, verdict: Verdict, *units: Unit, error: str = "ESME_RSYSERR") -> None:
        chosen = list(units or self.window)
        for unit in chosen:
            self.window.remove(unit)
        self.hub.upstream_answered(self, [(u, verdict, error) for u in chosen])

    def receipt(
        self, smsc_message_id: str, state: int | None = DELIVERED, *, error: str | None = None, source: str = ""
    ) -> int:
        """A delivery receipt; the token under which its answer will be in `acks`."""
        return self.receipts([smsc_message_id], state, error=error, source=source)[0]

    def receipts(
        self, ids: Iterable[str], state: int | None = DELIVERED, *, error: str | None = None, source: str = ""
    ) -> list[int]:
        made = [UpstreamReceipt(next(self._tokens), i, state, error, self.hub.now_us(), source) for i in ids]
        self.hub.upstream_receipts(self, made)
        return [one.token for one in made]

    def mo(self, source: str, destination: str, payload: bytes, segment: tuple[int, int, int] | None = None) -> int:
        token = next(self._tokens)
        arrival = MobileOriginated(token, source, 1, 1, destination, 0, 0, 0, 0, None, payload, segment)
        self.hub.upstream_mo(self, [arrival])
        return token


class Esme:
    """One account's way in and out: a Reply, and a Receiver once `up`."""

    def __init__(self, hub: Hub, account_id: int, workspace_id: int, *, size: int = 1_000) -> None:
        self.hub = hub
        self.account_id = account_id
        self.workspace_id = workspace_id
        self.size = size
        self.free = 0
        self.window: list[Delivery] = []
        self.got: list[Delivery] = []
        """Everything that it was sent, in order, repeats included."""
        self.ids: dict[int, int] = {}
        """Accepted: message id by token."""
        self.refusals: dict[int, Refusal] = {}
        self.flushes = 0
        self.submitted = 0
        self._tokens = itertools.count(1)

    def up(self) -> Esme:
        self.free = self.size
        self.hub.esme_up(self)
        return self

    def down(self) -> None:
        self.free = 0
        window, self.window = self.window, []
        self.hub.esme_down(self, window)

    # The hub's ports -------------------------------------------------------------------------------------------------

    def accepted(self, message: Message) -> None:
        assert message.reply_token not in self.ids
        self.ids[message.reply_token] = message.submission_id

    def refused(self, message: Message, refusal: Refusal) -> None:
        assert message.reply_token not in self.refusals
        self.refusals[message.reply_token] = refusal

    def flush(self) -> None:
        self.flushes += 1

    @property
    def unanswered(self) -> int:
        return len(self.window)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        assert 0 < len(deliveries) <= self.free
        self.free -= len(deliveries)
        self.window.extend(deliveries)
        self.got.extend(deliveries)

    def release(self, count: int) -> None:
        self.free += count

    # What the test makes it do ---------------------------------------------------------------------------------------

    def message(self, text: bytes = b"hello", to: str | None = None, **more: Any) -> Message:
        """A submission, not handed in yet. `scheduled_in_s` and `valid_s` are from now."""
        now_us = self.hub.now_us()
        extra: Extra | None = more.get("extra")
        start = now_us
        if "scheduled_in_s" in more:
            extra = extra or Extra()
            extra.scheduled_at = start = now_us + int(more["scheduled_in_s"] * 1e6)
        expires_at = start + int(more.get("valid_s", 3_600) * 1e6)
        return Message(
            self.workspace_id, self.account_id, more.get("ton", 3), 0, more.get("source", CODE), to or phone(), 0,
            more.get("registered", 1), more.get("data_coding", 0), text, now_us, expires_at, self,
            next(self._tokens), extra,
        )  # fmt: skip

    def submit(self, text: bytes = b"hello", to: str | None = None, **more: Any) -> int:
        """Hand in one message; its token."""
        message = self.message(text, to, **more)
        self.submitted += 1
        self.hub.submit(message)
        return message.reply_token

    async def send(self, text: bytes = b"hello", to: str | None = None, **more: Any) -> int:
        """Hand in one message and wait for its id."""
        token = self.submit(text, to, **more)
        await until(lambda: token in self.ids)
        return self.ids[token]

    def take(self) -> None:
        """deliver_sm_resp ESME_ROK for the whole window."""
        window, self.window = self.window, []
        self.hub.esme_answered(self, window, [], [])

    def later(self) -> None:
        window, self.window = self.window, []
        self.hub.esme_answered(self, [], window, [])

    def refuse(self) -> None:
        window, self.window = self.window, []
        self.hub.esme_answered(self, [], [], window)

    def receipts(self) -> list[tuple[int, int]]:
        """(message id, state) of the receipts that came, repeats included."""
        return [(d.message.submission_id, d.state) for d in self.got if d.kind == EsmeDeliveryKind.RECEIPT]


class World:
    """One database, and hubs on it that come and go."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.hubs: list[Hub] = []
        self._runs: dict[Hub, asyncio.Task[None]] = {}
        self.offset_us = 0
        self.account_id = 0
        self.workspace_id = 0
        self.other_workspace_id = 0

    async def seed(self, devices: int = 20) -> None:
        ids = IdGenerator(1023)
        async with self.database.pool.acquire() as connection:
            for plan in (DEMO, OTHER):
                tenant = await seed_tenant(
                    connection,
                    plan,
                    devices,
                    new_id=lambda: ids.next(time.time_ns() // 1_000_000),
                    now=datetime.now(UTC),
                    secret=b"secret",
                    hash_password=lambda password: password,
                    password_fits=lambda hashed, password: hashed == password,
                )
                if plan is DEMO:
                    self.workspace_id = tenant.workspace_id
                else:
                    self.other_workspace_id = tenant.workspace_id
            account = await smpp_account.find_account(connection, DEMO.workspace)
            assert account is not None
            self.account_id = account["id"]

    async def hub(self, **limits: Any) -> Hub:
        """Another hub on the database, running."""
        hub = Hub(self.database, limits=HubLimits(**limits))
        hub.now_us = self.now_us  # type: ignore[method-assign]
        await hub.start()
        self._runs[hub] = asyncio.create_task(hub.run())
        RUNS.add(self._runs[hub])
        self.hubs.append(hub)
        return hub

    def now_us(self) -> int:
        return time.time_ns() // 1_000 + self.offset_us

    def pass_time(self, seconds: float) -> None:
        self.offset_us += int(seconds * 1e6)

    def esme(self, hub: Hub, **more: Any) -> Esme:
        return Esme(hub, self.account_id, self.workspace_id, **more)

    async def kill(self, hub: Hub) -> None:
        """End it as kill -9 would: nothing is drained, nothing noted."""
        run = self._runs.pop(hub)
        RUNS.discard(run)
        run.cancel()
        done, _ = await asyncio.wait([run], timeout=GUARD_S)
        assert done, "the hub does not end when it is cancelled"
        for task in list(hub.errands.tasks):
            task.cancel()
        await asyncio.gather(*hub.errands.tasks, return_exceptions=True)
        for connection in (hub._desk_connection, hub.life.place._connection):
            if connection is not None:
                connection.terminate()
        self.hubs.remove(hub)

    async def fenced(self, hub: Hub) -> None:
        """Wait until the hub noticed that another has taken over."""
        RUNS.discard(self._runs[hub])
        async with asyncio.timeout(GUARD_S):
            await asyncio.wait([self._runs[hub]])
        error = self._runs[hub].exception()
        assert isinstance(error, ExceptionGroup)
        assert error.subgroup(FencedError) is not None

    async def close(self) -> None:
        for hub in list(self.hubs):
            await self.kill(hub)

    # What the database says ------------------------------------------------------------------------------------------

    async def value(self, query: str, *arguments: Any) -> Any:
        return await self.database.pool.fetchval(query, *arguments)

    async def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self.database.pool.fetch(query, *arguments)
        return rows

    async def state(self, message_id: int) -> int:
        return int(await self.value("SELECT state FROM message WHERE id = $1", message_id))

    async def waits(self) -> dict[int, int]:
        """Reason by message of everything in `waiting`."""
        return {row["message_id"]: row["reason"] for row in await self.rows("SELECT * FROM waiting")}

    async def until_state(self, message_id: int, state: int) -> None:
        async with asyncio.timeout(GUARD_S):
            while await self.state(message_id) != state:
                await turn()

    async def until_waiting(self, count: int, reason: int | None = None) -> None:
        async with asyncio.timeout(GUARD_S):
            while len([r for r in (await self.waits()).values() if reason is None or r == reason]) != count:
                await turn()

    async def until_rows(self, query: str, count: int) -> None:
        async with asyncio.timeout(GUARD_S):
            while await self.value(query) != count:
                await turn()

    async def cut_connections(self, *names: str) -> int:
        """pg_terminate_backend on lanes of that name, or on all; how many there were."""
        wanted = [f"motet {name}" for name in names]
        rows = await self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name LIKE 'motet %' AND (application_name = ANY ($1) OR cardinality($1) = 0)",
            wanted,
        )
        return len(rows)

    async def check_empty(self, hub: Hub, carriers: Sequence[Carrier] = ()) -> None:
        """Everything has ended: nothing is left in memory, in `waiting`, or in a window."""
        await until(lambda: not hub.live and not hub.answering and not any(lane.pending for lane in hub.lanes))
        relay, endings = hub.relay, hub.endings
        assert not relay.awaiting
        assert not [u for u in relay.ready if u.stage == 1 and u.message.stage == 1]
        assert endings.unmatched.count == 0
        assert not endings.unmatched.early
        assert not endings.unmatched.strange
        assert not endings.unmatched.unknown
        assert not endings.echoes
        assert not hub.requests.watched
        assert not {i: n for i, n in hub.open_by_account.items() if n}
        await self.until_waiting(0)
        for carrier in carriers:
            await until(lambda c=carrier: c.free == c.size - len(c.window))
        for outbox in hub.esmes.outboxes.values():
            await until(lambda o=outbox: not o.open and not o.pending)

    async def check_ends(self, expected: dict[int, int]) -> None:
        """Every message ended as expected, and its receipt is owed exactly once."""
        rows = {row["id"]: row["state"] for row in await self.rows("SELECT id, state FROM message WHERE direction = 0")}
        assert rows == expected
        owed = await self.rows("SELECT message_id, state FROM esme_delivery WHERE kind = 0")
        assert sorted((row["message_id"], row["state"]) for row in owed) == sorted(expected.items())


def parts_of(carrier: Carrier) -> list[Part]:
    return [unit for unit in carrier.window if isinstance(unit, Part)]
