"""The way of an MO: whose phone sent it, its parts joined, committed, and only then answered.

By destination it goes to a short code's account and to webhooks, or as P2P to another device of the same workspace.
What may not pass is stored as REJECTED, with an event that says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import structlog

from motet.domain.refusals import Refusal
from motet.domain.states import Direction, EsmeDeliveryKind, MessageKind, MessageState
from motet.domain.traffic_rules import Traffic
from motet.hub import events_of
from motet.hub.facts import full_row, waiting_row
from motet.hub.message import Delivery, Extra, Message, Stage
from motet.hub.numbers import Target
from motet.hub.ports import MobileOriginated, Upstream
from motet.sms.parts import MAX_PARTS, part_count
from motet.sms.udh import UserDataError
from motet.storage import directory, esme_delivery, event, mo_part, p2p, waiting, webhook_delivery
from motet.storage import message as message_table
from motet.storage.database import Row

if TYPE_CHECKING:
    from motet.hub.hub import Hub

log = structlog.get_logger(__name__)

APPLICATION_DIGITS = 7
"""A destination of at most this many digits is an application's, a longer one a device's (the A2P/P2P rule)."""

WORKSPACES_REMEMBERED = 10_000


class Arrival(NamedTuple):
    """One MO, or one part, from upstream; or, without `mo`, the order to hand on an incomplete text."""

    upstream: Upstream | None
    mo: MobileOriginated | None
    sender: Target | None
    recipient: Target | None
    overdue: tuple[str, str, int, int] | None = None


class Outcome:
    """What a group of arrivals came to, rebuilt each time that the group is written."""

    __slots__ = ("deliveries", "events", "messages", "onward", "outcomes", "waits", "webhooks")

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.onward: list[Message] = []
        self.deliveries: list[Delivery] = []
        self.webhooks: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.outcomes: list[tuple[int, int, int]] = []
        self.waits: list[tuple[Any, ...]] = []


class Mobile:
    """Takes MO in and decides where they go."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._short_codes: dict[int, dict[str, int | None]] = {}
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

    def forget_short_codes(self) -> None:
        """Short codes changed: read them again."""
        self._short_codes.clear()

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
        await self._route(connection, message, sender, arrival.recipient, outcome)

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
        await self._route(connection, message, sender, recipient, outcome)

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

    async def _route(
        self,
        connection: asyncpg.Connection,
        message: Message,
        sender: Target,
        recipient: Target | None,
        outcome: Outcome,
    ) -> None:
        outcome.messages.append(message)
        codes = await self._codes_of(connection, message.workspace_id)
        if message.destination in codes or len(message.destination) <= APPLICATION_DIGITS:
            refusal = sender.refusal(Traffic.SMS_MO, message.part_count, message.submitted_at)
            if refusal is not None:
                self._reject(message, refusal, outcome)
                return
            await self._to_application(connection, message, codes, outcome)
            return
        message.kind = MessageKind.P2P
        if recipient is not None and recipient.workspace_id != message.workspace_id:
            recipient = None  # to the sender it is a number like any other in the world
        refusal = await self._refusal_of_p2p(connection, message, sender, recipient, outcome)
        if refusal is not None:
            self._reject(message, refusal, outcome)
        else:
            self._hand_on(message, recipient, outcome)

    async def _refusal_of_p2p(
        self,
        connection: asyncpg.Connection,
        message: Message,
        sender: Target,
        recipient: Target | None,
        outcome: Outcome,
    ) -> Refusal | None:
        """The sender's rules, then the recipient's; what is counted comes last."""
        kind = Traffic.P2P_OUTSIDE if recipient is None else Traffic.P2P_INSIDE
        if sender.refusals[kind] is not None:
            return sender.refusals[kind]
        if recipient is not None and recipient.refusals[Traffic.P2P_IN] is not None:
            return recipient.refusals[Traffic.P2P_IN]
        parts = _parts_of(message)
        if parts > MAX_PARTS:
            return Refusal.TOO_LONG
        if not await self._within_limit(connection, message, sender, outcome):
            return Refusal.P2P_LIMIT_REACHED
        refusal = sender.refusal(kind, message.part_count, message.submitted_at)
        if refusal is None and recipient is not None:
            return recipient.refusal(Traffic.P2P_IN, parts, message.submitted_at)
        return refusal

    async def _within_limit(
        self, connection: asyncpg.Connection, message: Message, sender: Target, outcome: Outcome
    ) -> bool:
        """Whether the sender may send one more P2P message today. The first one beyond tells that no more will pass."""
        limit = None if sender.service is None else sender.service.p2p_limit_per_day
        if limit is None:
            return True
        count = await p2p.count(connection, sender.workspace_id, sender.device_id, message.submitted_at)
        if count == limit + 1:
            words = f"The device has sent {limit} P2P messages, as many as it may in 24 hours"
            outcome.events.append(
                self.hub.event_row(message, "sms.p2p_limit_reached", words, {"limit": limit}, message.id)
            )
        return count <= limit

    async def _to_application(
        self, connection: asyncpg.Connection, message: Message, codes: Mapping[str, int | None], outcome: Outcome
    ) -> None:
        hub = self.hub
        code = message.destination if message.destination in codes else None
        account_id = codes.get(message.destination)
        if account_id is not None:
            outcome.deliveries.append(
                Delivery(
                    hub.next_id(),
                    account_id,
                    EsmeDeliveryKind.MO,
                    message,
                    message.state,
                    None,
                    message.submitted_at,
                    message.expires_at,
                )
            )
        if hub.outbox is not None and hub.outbox.wants(message.workspace_id, events_of.RECEIVED):
            names = await directory.names_of_sim(connection, message.workspace_id, message.sim_id)
            outcome.webhooks.extend(events_of.received(hub.outbox, message, names, code))

    def _hand_on(self, message: Message, recipient: Target | None, outcome: Outcome) -> None:
        """P2P: the MO is RECEIVED; an MT carries it on to the other device or, without `recipient`, to the world."""
        hub = self.hub
        extra = message.extra
        udh = extra.udh if extra else None
        onward = Message(
            message.workspace_id, None, 1, 1, message.source, message.destination, 0, 0, message.data_coding,
            message.payload, message.submitted_at, message.expires_at, None, 0,
            Extra(protocol_id=extra.protocol_id if extra else 0, udh=udh, origin_id=message.id),
        )  # fmt: skip
        onward.id = onward.submission_id = hub.next_id()
        if recipient is not None:
            onward.device_id = recipient.device_id
            onward.sim_id = recipient.sim_id
        onward.kind = MessageKind.P2P
        onward.part_count = _parts_of(message)
        if not hub.relay.binds or hub.room() <= 0:
            onward.in_waiting = True
            outcome.waits.append(waiting_row(onward, hub.incarnation))
        outcome.onward.append(onward)

    def _reject(self, message: Message, refusal: Refusal, outcome: Outcome) -> None:
        message.state = MessageState.REJECTED
        message.error = refusal.name
        message.error_detail = refusal.words
        outcome.outcomes.append((message.workspace_id, MessageState.REJECTED, message.id))
        outcome.events.append(
            self.hub.event_row(message, "sms.mo_refused", refusal.words, {"reason": refusal.name}, message.id)
        )

    async def _codes_of(self, connection: asyncpg.Connection, workspace_id: int) -> Mapping[str, int | None]:
        codes = self._short_codes.get(workspace_id)
        if codes is None:
            rows = await directory.short_codes(connection, workspace_id)
            codes = {row["code"]: row["account_id"] for row in rows}
            if len(self._short_codes) >= WORKSPACES_REMEMBERED:
                self._short_codes.clear()
            if self.hub.numbers.trusted:
                self._short_codes[workspace_id] = codes
        return codes


def _parts_of(message: Message) -> int:
    """How many parts carry the text on; more than MAX_PARTS for one whose header leaves no room."""
    udh = message.extra.udh if message.extra is not None else None
    try:
        return part_count(message.payload, message.data_coding, len(udh) if udh else 0)
    except UserDataError:
        return MAX_PARTS + 1
