"""Where an MO goes: by destination to a short code's account and to webhooks, or as P2P to another device of the same
workspace or to the world. What may not pass is stored as REJECTED, with an event that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import asyncpg

from motet.domain.refusals import Refusal
from motet.domain.states import EsmeDeliveryKind, MessageKind, MessageState
from motet.domain.traffic_rules import Traffic
from motet.hub import events_of
from motet.hub.facts import waiting_row
from motet.hub.message import Delivery, Extra, Message
from motet.hub.numbers import Target
from motet.sms.parts import MAX_PARTS, part_count
from motet.sms.udh import UserDataError
from motet.storage import directory, p2p

if TYPE_CHECKING:
    from motet.hub.hub import Hub

APPLICATION_DIGITS = 7
"""A destination of at most this many digits is an application's, a longer one a device's (the A2P/P2P rule)."""

WORKSPACES_REMEMBERED = 10_000


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


class Routes:
    """The rules of one node, with the short codes that it knows."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._short_codes: dict[int, dict[str, int | None]] = {}

    def forget_short_codes(self) -> None:
        """Short codes changed: read them again."""
        self._short_codes.clear()

    async def route(
        self,
        connection: asyncpg.Connection,
        message: Message,
        sender: Target,
        recipient: Target | None,
        outcome: Outcome,
    ) -> None:
        """Decide where an MO goes, whoever sent it, and put what follows into the outcome."""
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
