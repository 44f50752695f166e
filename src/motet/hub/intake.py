"""The way in: whether a submission is accepted, and its commit before the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from motet.domain.refusals import Refusal
from motet.domain.traffic_rules import Traffic
from motet.hub.facts import Accepted
from motet.hub.message import Extra, Message, Stage
from motet.hub.numbers import Target
from motet.hub.ports import Reply
from motet.sms import gsm7
from motet.sms.parts import MAX_PARTS, part_count
from motet.sms.udh import UserDataError

if TYPE_CHECKING:
    from motet.hub.hub import Hub

log = structlog.get_logger(__name__)

_SMS_MT = int(Traffic.SMS_MT)
TON_ALPHANUMERIC = 5
SAFE_OCTETS = 134
"""User data of at most this many octets is one part in every alphabet and with any short header."""

_NUMBER = re.compile(r"[0-9*#]{1,20}")
_ALPHANUMERIC_MAX = 11
"""TS 23.040 §9.1.2.5: 10 octets of address value hold 11 septets."""


def check_source(ton: int, source: str) -> str | None:
    """The source address as it goes out, or None: a number of up to 20 digits, or with TON 5 up to 11 characters."""
    if ton == TON_ALPHANUMERIC:
        septets = gsm7.encode(source)
        return source if septets is not None and 0 < len(septets) <= _ALPHANUMERIC_MAX else None
    number = source.removeprefix("+")
    return number if _NUMBER.fullmatch(number) else None


class Intake:
    """Admits messages and commits them in groups."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._unknown: list[Message] = []
        self._looking_up = False
        self._sources: dict[tuple[int, str], str | None] = {}
        self.committing_from: int | None = None
        """Every id of the group that is being written is larger."""
        self._committing = 0
        """How many of the group are not written yet: it may be written in pieces."""

    def submit(self, message: Message) -> None:
        """Accept or refuse one message; `message.reply` hears of it, after the commit. Runs on the hot path."""
        target = self.hub.numbers.get(message.destination)
        if target is None:
            self._unknown.append(message)
            if not self._looking_up:
                self._looking_up = True
                self.hub.spawn(self._look_up())
            return
        refusal = self._admit(message, target)
        if refusal is not None:
            self.refuse(message, refusal)

    def _admit(self, message: Message, target: Target | None) -> Refusal | None:
        hub = self.hub
        if target is None or target.workspace_id != message.workspace_id:
            return Refusal.UNKNOWN_DESTINATION
        message.device_id = target.device_id
        message.sim_id = target.sim_id
        refusal = target.refusals[_SMS_MT]
        if refusal is not None:
            return refusal
        key = (message.source_ton, message.source)
        source = self._sources.get(key)
        if source is None:
            source = check_source(*key)
            if source is None:
                return Refusal.BAD_SOURCE
            if len(self._sources) >= 10_000:
                self._sources.clear()
            self._sources[key] = source
        message.source = source
        if message.expires_at <= message.submitted_at:
            return Refusal.BAD_EXPIRY
        if message.extra is not None:
            refusal = self._admit_extra(message)
            if refusal is not None:
                return refusal
        if len(message.payload) > SAFE_OCTETS or (message.extra is not None and message.extra.udh is not None):
            refusal = self._measure(message)
            if refusal is not None:
                return refusal
        if target.meter is not None:
            refusal = target.meter.admit(Traffic.SMS_MT, message.part_count, message.submitted_at)
            if refusal is not None:
                return refusal
        hub.count_open(message.account_id, 1)
        hub.accept_lane.add(Accepted(message))
        return None

    def _measure(self, message: Message) -> Refusal | None:
        """Count the parts. One part of a text that its ESME split cannot be split again."""
        udh = segment = None
        if message.extra is not None:
            udh, segment = message.extra.udh, message.extra.segment
        try:
            message.part_count = part_count(message.payload, message.data_coding, len(udh) if udh else 0)
        except UserDataError:
            return Refusal.TOO_LONG
        return Refusal.TOO_LONG if message.part_count > (1 if segment is not None else MAX_PARTS) else None

    def _admit_extra(self, message: Message) -> Refusal | None:
        extra = message.extra
        if extra is not None and extra.scheduled_at is not None:
            if extra.scheduled_at <= message.submitted_at:
                extra.scheduled_at = None
            elif extra.scheduled_at > message.submitted_at + self.hub.limits.max_schedule_s * 1_000_000:
                return Refusal.BAD_SCHEDULE
            elif message.expires_at <= extra.scheduled_at:
                return Refusal.BAD_EXPIRY
        return None

    def refuse(self, message: Message, refusal: Refusal) -> None:
        """Say no: at once, or once the event that says why is committed."""
        self.hub.counters.refused += 1
        if refusal.makes_event:
            row = self.hub.event_row(message, "sms.refused", refusal.words, {"reason": refusal.name})
            message.error = refusal.name
            self.hub.accept_lane.add(Accepted(message, row))
            return
        self._tell_refused(message, refusal)
        if message.reply is not None:
            self.hub.soon_flush(message.reply)

    def _tell_refused(self, message: Message, refusal: Refusal) -> None:
        if message.reply is not None:
            message.reply.refused(message, refusal)

    def turn_away(self, message: Message) -> None:
        """Shutting down: an ESME gets no answer and asks the next process; a caller that waits is told."""
        if message.account_id is None:
            self.refuse(message, Refusal.STOPPING)

    def submit_together(self, messages: Sequence[Message], found: Mapping[str, Target]) -> None:
        """Accept or refuse the messages of one submission; one id stands for all. `found`: numbers just looked up."""
        lead: Message | None = None
        for message in messages:
            target = self.hub.numbers.get(message.destination) or found.get(message.destination)
            if message.extra is None:
                message.extra = Extra()
            message.extra.lead = lead
            refusal = self._admit(message, target)
            if refusal is not None:
                self.refuse(message, refusal)  # with its lead: an event of it must not part what belongs together
            elif lead is None:
                lead = message

    async def _look_up(self) -> None:
        """Numbers that are not in memory, together."""
        try:
            while self._unknown:
                messages, self._unknown = self._unknown, []
                try:
                    found = await self.hub.numbers.load(list({m.destination for m in messages}))
                except Exception as error:  # noqa: BLE001 - the database is away: the senders wait and are asked again
                    log.warning("looking up numbers failed", error=repr(error)[:200])
                    self._unknown[:0] = messages
                    await self.hub.pause(0.2)
                    continue
                for message in messages:
                    refusal = self._admit(message, found.get(message.destination))
                    if refusal is not None:
                        self.refuse(message, refusal)
        finally:
            self._looking_up = False

    # The lane's call-backs -------------------------------------------------------------------------------------------

    def room(self, wanted: int) -> int:
        """How many of the pending may be committed now. With no bind up they go to `waiting`: there is always room."""
        if not self.hub.relay.binds:
            return wanted
        return min(wanted, self.hub.room())

    def before_write(self, group: list[Accepted]) -> None:
        """Give ids, and decide who goes on in memory and who waits in the database.

        Ids come this late so that none below the node's low-water mark can be committed after the mark was written.
        """
        room = self.hub.room() if self.hub.relay.binds else 0
        next_id = self.hub.next_id
        self.committing_from = next_id()
        self._committing = len(group)
        for fact in group:
            message = fact.message
            if fact.event_row is not None:
                continue
            message.id = message.submission_id = next_id()
            if message.extra is not None and message.extra.lead is not None:
                message.submission_id = message.extra.lead.id
            scheduled = message.extra is not None and message.extra.scheduled_at is not None
            if scheduled or room <= 0:
                message.in_waiting = True
            else:
                room -= 1

    def committed(self, group: list[Accepted]) -> None:
        """Answer, and send on."""
        hub = self.hub
        self._written(len(group))
        replies: dict[int, Reply] = {}
        waits = False
        for fact in group:
            message = fact.message
            reply = message.reply
            if fact.event_row is not None:
                self._tell_refused(message, Refusal[message.error or ""])
            elif message.extra is not None and message.extra.winner is not None:
                self._lost_to_winner(message)
            else:
                hub.counters.accepted += 1
                if reply is not None:
                    reply.accepted(message)
                if message.in_waiting:
                    message.stage = Stage.PARKED
                    waits = True
                elif message.stage == Stage.ACCEPTING:
                    hub.hold(message)
                    hub.relay.enqueue(message)
            if reply is not None:
                replies[id(reply)] = reply
                message.reply = None
        for reply in replies.values():
            reply.flush()
        hub.tell_bus(fact.message for fact in group if fact.event_row is None)
        hub.relay.dispatch()
        if waits:
            hub.pager.poke()

    def _lost_to_winner(self, message: Message) -> None:
        """Its idempotency key was used before: the same answer again, or a conflict if the input is another."""
        extra = message.extra
        assert extra is not None  # noqa: S101 - for the type checker
        assert extra.winner is not None  # noqa: S101
        self._did_not_pass(message)
        input_hash, winner_id = extra.winner
        if message.reply is None:
            return
        if input_hash == extra.input_hash:
            message.id = message.submission_id = winner_id
            message.reply.accepted(message)
        else:
            message.reply.refused(message, Refusal.KEY_CONFLICT)

    def _did_not_pass(self, message: Message) -> None:
        """It was admitted, and is not stored."""
        self.hub.count_open(message.account_id, -1)
        self.hub.meters.give_back(message.device_id, Traffic.SMS_MT, message.part_count)

    def _written(self, count: int) -> None:
        self._committing -= count
        if self._committing <= 0:
            self.committing_from = None

    def refused_by_database(self, fact: Accepted, error: Exception) -> None:
        self._written(1)
        message = fact.message
        if fact.event_row is None:
            self._did_not_pass(message)
        self._tell_refused(message, Refusal.NOT_STORABLE)
        if message.reply is not None:
            message.reply.flush()
