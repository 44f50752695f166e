"""The way of an MO: whose phone sent it, its parts joined, committed, and only then answered. `mobile_routes` decides
where it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
import structlog

from motet.domain.states import Direction, MessageState
from motet.hub.facts import full_row
from motet.hub.message import Extra, Message, Stage
from motet.hub.mobile_routes import APPLICATION_DIGITS, Outcome, Routes
from motet.hub.numbers import Target
from motet.hub.ports import MobileOriginated, Upstream
from motet.storage import esme_delivery, event, mo_part, waiting, webhook_delivery
from motet.storage import message as message_table
from motet.storage.database import Row

if TYPE_CHECKING:
    from motet.hub.hub import Hub

log = structlog.get_logger(__name__)


class Arrival(NamedTuple):
    """One MO, or one part, from upstream; or, without `mo`, the order to hand on an incomplete text."""

    upstream: Upstream | None
    mo: MobileOriginated | None
    sender: Target | None
    recipient: Target | None
    overdue: tuple[str, str, int, int] | None = None


class Mobile:
    """Takes MO in."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.routes = Routes(hub)
        self._outcome = Outcome()
        self._unresolved: list[tuple[Upstream, MobileOriginated]] = []
        self._resolving = False
        self.committing_from: int | None = None
        """Every id of the group that is being written is larger."""
        self._committing = 0
        """How many of the group are not written yet: it may be written in pieces."""

    def receive(self, upstream: Upstream, arrivals: Sequence[MobileOriginated]) -> None:
        """MO from a bind; each is answered once it is committed. Over the bound we ask to have them again."""
        room = self.hub.limits.mo_pending - len(self._unresolved) - len(self.hub.mo_lane.pending)
        taken, refused = arrivals[: max(room, 0)], arrivals[max(room, 0) :]
        if refused:
            upstream.acknowledge([mo.token for mo in refused], ok=False)
        self._unresolved.extend((upstream, mo) for mo in taken)
        if self._unresolved and not self._resolving:
            self._resolving = True
            self.hub.spawn(self._resolve())

    async def _resolve(self) -> None:
        """Find the SIMs at both ends, many at a time."""
        numbers = self.hub.numbers
        while self._unresolved:
            batch, self._unresolved = self._unresolved, []
            wanted = {msisdn for _, mo in batch for msisdn in (mo.source, mo.destination) if not numbers.get(msisdn)}
            missing = [msisdn for msisdn in wanted if len(msisdn) > APPLICATION_DIGITS]
            found: Mapping[str, Target] = {}
            try:
                if missing:
                    found = await numbers.load(missing)
            except Exception as error:  # noqa: BLE001 - the database is away: upstream keeps them until we answer
                log.warning("looking up numbers failed", error=repr(error)[:200])
                self._unresolved[:0] = batch
                await self.hub.pause(0.2)
                continue
            facts = [
                Arrival(
                    upstream,
                    mo,
                    numbers.get(mo.source) or found.get(mo.source),
                    numbers.get(mo.destination) or found.get(mo.destination),
                )
                for upstream, mo in batch
            ]
            self.hub.mo_lane.extend(facts)
        self._resolving = False

    async def hand_on_overdue(self) -> None:
        """Texts of which a part never came: what came is handed on."""
        before = self.hub.now_us() - int(self.hub.limits.mo_part_wait_s * 1_000_000)
        for row in await self.hub.desk(lambda connection: mo_part.incomplete_since(connection, before, 500)):
            key = (row["source"], row["destination"], row["ref"], row["total"])
            self.hub.mo_lane.add(Arrival(None, None, None, None, key))

    # The lane's call-backs -------------------------------------------------------------------------------------------

    def before_write(self, group: list[Arrival]) -> None:
        self.committing_from = self.hub.next_id()
        self._committing = len(group)

    async def write(self, connection: asyncpg.Connection, group: list[Arrival]) -> None:
        outcome = self._outcome = Outcome()
        for arrival in group:
            await self._write_one(connection, arrival, outcome)
        owner = self.hub.incarnation
        stored = outcome.messages + outcome.onward
        if stored:
            await message_table.copy_full(connection, [full_row(message, owner) for message in stored])
        if outcome.outcomes:
            await message_table.copy_outcomes(connection, outcome.outcomes)
        if outcome.deliveries:
            await esme_delivery.copy_deliveries(
                connection,
                [
                    (
                        d.account_id,
                        d.id,
                        d.message.workspace_id,
                        d.message.id,
                        d.kind,
                        d.state,
                        None,
                        d.at,
                        d.expires_at,
                    )
                    for d in outcome.deliveries
                ],
            )
        if outcome.waits:
            await waiting.copy_waiting(connection, outcome.waits)
        if outcome.webhooks:
            await webhook_delivery.copy_deliveries(connection, outcome.webhooks)
        if outcome.events:
            await event.copy_events(connection, outcome.events)

    async def probe(self, connection: asyncpg.Connection, group: list[Arrival]) -> bool:
        for message in self._outcome.messages:
            return await message_table.exists(connection, message.workspace_id, message.id)
        return False  # only parts: writing them again changes nothing

    def committed(self, group: list[Arrival]) -> None:
        """Answer upstream, then pass everything on."""
        hub = self.hub
        outcome, self._outcome = self._outcome, Outcome()
        self._written(len(group))
        acks: dict[Upstream, list[int]] = {}
        for arrival in group:
            if arrival.upstream is not None and arrival.mo is not None:
                acks.setdefault(arrival.upstream, []).append(arrival.mo.token)
        for upstream, tokens in acks.items():
            upstream.acknowledge(tokens, ok=True)
        hub.counters.mo_received += len(outcome.messages)
        if outcome.deliveries:
            hub.esmes.offer(outcome.deliveries)
        for message in outcome.onward:
            if message.in_waiting:
                message.stage = Stage.PARKED
            else:
                hub.hold(message)
                hub.relay.enqueue(message)
        if outcome.onward:
            hub.relay.dispatch()
            hub.pager.poke()
        if outcome.webhooks and hub.outbox is not None:
            hub.outbox.wake()
        if hub.factory_tests is not None and hub.factory_tests.tested:
            hub.factory_tests.used([message.sim_id for message in outcome.messages])
        hub.tell_bus(outcome.messages + outcome.onward)

    def refused_by_database(self, arrival: Arrival, error: Exception) -> None:
        """It cannot be stored: our failure, and the SMSC keeps it."""
        self._written(1)
        if arrival.upstream is not None and arrival.mo is not None:
            arrival.upstream.acknowledge([arrival.mo.token], ok=False)

    def _written(self, count: int) -> None:
        self._committing -= count
        if self._committing <= 0:
            self.committing_from = None

    # One MO ----------------------------------------------------------------------------------------------------------

    async def _write_one(self, connection: asyncpg.Connection, arrival: Arrival, outcome: Outcome) -> None:
        if arrival.overdue is not None:
            await mo_part.lock(connection, *arrival.overdue[:2])
            parts = await mo_part.parts(connection, *arrival.overdue)
            if parts:
                await self._join(connection, arrival.overdue, parts, outcome)
            return
        mo, sender = arrival.mo, arrival.sender
        if mo is None:
            return
        if sender is None:
            self.hub.counters.mo_unknown_source += 1
            log.info("an MO from an unknown number was dropped", link_id=arrival.upstream and arrival.upstream.link_id)
            return
        if mo.segment is not None and mo.segment[1] > 1:
            await self._write_part(connection, mo, sender, outcome)
            return
        message = self._message(mo, sender, mo.payload, 1)
        await self.routes.route(connection, message, sender, arrival.recipient, outcome)

    async def _write_part(
        self, connection: asyncpg.Connection, mo: MobileOriginated, sender: Target, outcome: Outcome
    ) -> None:
        """Keep a part; the last one makes the text whole. Another text under the same reference pushes out the old."""
        ref, total, number = mo.segment or (0, 0, 0)
        key = (mo.source, mo.destination, ref, total)
        await mo_part.lock(connection, mo.source, mo.destination)
        parts = await mo_part.parts(connection, *key)
        if parts and parts[0]["workspace_id"] != sender.workspace_id:
            await self._join(connection, key, parts, outcome)  # the SIM has moved: these end where they came in
            parts = []
        same = next((part for part in parts if part["number"] == number), None)
        if same is not None:
            if same["payload"] == mo.payload:
                return  # said again
            await self._join(connection, key, parts, outcome)
            parts = []
        row = (
            mo.source, mo.destination, ref, total, number, sender.workspace_id, sender.sim_id, sender.device_id,
            self.hub.now_us(), mo.data_coding, mo.protocol_id, mo.source_ton, mo.source_npi, mo.dest_ton, mo.dest_npi,
            mo.udh, mo.payload,
        )  # fmt: skip
        await mo_part.insert(connection, row)
        if len(parts) + 1 == total:
            await self._join(connection, key, await mo_part.parts(connection, *key), outcome)

    async def _join(
        self,
        connection: asyncpg.Connection,
        key: tuple[str, str, int, int],
        parts: Sequence[Row],
        outcome: Outcome,
    ) -> None:
        """One message of the parts that are there, in their order; the parts are removed."""
        await mo_part.delete(connection, *key)
        first = parts[0]
        sender = await self.hub.numbers.target_of(first["source"])
        if sender is None:
            return
        if first["workspace_id"] != sender.workspace_id:
            sender = sender._replace(
                workspace_id=first["workspace_id"], device_id=first["device_id"], sim_id=first["sim_id"], meter=None
            )
        mo = MobileOriginated(
            0, first["source"], first["source_ton"], first["source_npi"], first["destination"], first["dest_ton"],
            first["dest_npi"], first["protocol_id"], first["data_coding"], None, b"", None,
        )  # fmt: skip
        message = self._message(mo, sender, b"".join(part["payload"] for part in parts), len(parts))
        recipient = None
        if len(mo.destination) > APPLICATION_DIGITS:
            recipient = await self.hub.numbers.target_of(mo.destination)
        await self.routes.route(connection, message, sender, recipient, outcome)

    def _message(self, mo: MobileOriginated, sender: Target, payload: bytes, parts: int) -> Message:
        now_us = self.hub.now_us()
        message = Message(
            sender.workspace_id, None, mo.source_ton, mo.source_npi, mo.source, mo.destination, 0, 0, mo.data_coding,
            payload, now_us, now_us + self.hub.limits.default_validity_s * 1_000_000, None, 0,
            Extra(mo.dest_ton, mo.dest_npi, mo.protocol_id, udh=mo.udh, segment=None),
        )  # fmt: skip
        message.id = message.submission_id = self.hub.next_id()
        message.device_id = sender.device_id
        message.sim_id = sender.sim_id
        message.direction = Direction.MO
        message.part_count = parts
        message.stage = Stage.FINISHED
        message.state = MessageState.RECEIVED
        message.final_at = now_us
        return message
