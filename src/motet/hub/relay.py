"""The way of an MT from its commit through the windows upstream to the SMSC's answer.

Everything here runs in call-backs of the event loop, a batch at a time; only the lanes wait for PostgreSQL.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import structlog

from motet.domain.states import MessageState
from motet.hub.facts import Submitted
from motet.hub.message import NO_EXTRA, Message, Part, Stage, Unit
from motet.hub.ports import Upstream, Verdict
from motet.sms.parts import split

if TYPE_CHECKING:
    from motet.hub.hub import Hub

log = structlog.get_logger(__name__)

RETRY_S = (5.0, 15.0, 60.0, 180.0, 600.0)
"""Waits after a temporary refusal upstream; the last one repeats until the message expires."""

THROTTLE_PAUSE_S = 0.5
"""How long a bind rests after ESME_RTHROTTLED or ESME_RMSGQFUL."""

# Looking up an Enum's member costs as much as a call in Python 3.11.
_OPEN = int(MessageState.OPEN)
_TAKEN = Verdict.TAKEN

_SPREAD = 0x9E3779B97F4A7C15
"""2^64 / golden ratio: spreads ids evenly over the 256 references of concatenated texts."""


class Relay:
    """The ready queue, the upstream windows, and the messages that upstream has."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.ready: deque[Unit] = deque()
        self.binds: list[Upstream] = []
        self.awaiting: dict[tuple[int, str], Unit] = {}
        self._resting: dict[int, float] = {}
        self._turn = 0
        self.running = True

    # Towards upstream ------------------------------------------------------------------------------------------------

    def enqueue(self, message: Message) -> None:
        """A committed message is to be sent. `dispatch` follows once for a batch."""
        message.stage = Stage.READY
        if message.part_count > 1 and message.parts is None:
            self.cut(message)
        if message.parts is None:
            self.ready.append(message)
        else:
            self.ready.extend(part for part in message.parts if part.stage == Stage.READY)

    def cut(self, message: Message) -> None:
        """Make the parts of a long message, the same ones after a restart. Other elements of its header are kept."""
        extra = message.extra or NO_EXTRA
        ref = (message.id * _SPREAD >> 56) & 0xFF
        pieces = split(message.payload, message.data_coding, ref, udh=extra.udh or b"")
        message.parts = [Part(message, number, user_data) for number, user_data in enumerate(pieces)]
        message.part_count = len(pieces)

    def dispatch(self) -> None:
        """Hand ready units to binds with free slots, in turn."""
        ready = self.ready
        if not ready or not self.running:
            return
        binds = self.binds
        for offset in range(len(binds)):
            bind = binds[(self._turn + offset) % len(binds)]
            free = bind.free
            if free > 0 and not self._rests(bind):
                units = self._take(free)
                if units:
                    bind.submit(units)
                if not ready:
                    break
        self._turn += 1

    def _take(self, count: int) -> list[Unit]:
        ready = self.ready
        now_us = self.hub.now_us()
        units: list[Unit] = []
        while ready and len(units) < count:
            unit = ready.popleft()
            message = unit.message
            if unit.stage != Stage.READY or (
                message.parts is not None and (message is unit or message.stage not in (Stage.READY, Stage.SENT))
            ):
                continue  # cancelled, being replaced, or cut into parts since
            if message.expires_at <= now_us:
                self.hub.endings.finish(message, MessageState.EXPIRED, None, now_us)
                continue
            unit.stage = Stage.SENT
            message.attempts += unit.number == 0
            units.append(unit)
        return units

    def _rests(self, bind: Upstream) -> bool:
        until = self._resting.get(id(bind))
        if until is None:
            return False
        if until > time.monotonic():
            return True
        del self._resting[id(bind)]
        return False

    def bind_up(self, bind: Upstream) -> None:
        self.binds.append(bind)
        self.hub.pager.poke()
        self.dispatch()

    def bind_down(self, bind: Upstream, unanswered: Iterable[Unit]) -> None:
        """The bind is gone. What it had not answered is sent again: at least once, at most a window of it twice."""
        if bind in self.binds:
            self.binds.remove(bind)
        self._resting.pop(id(bind), None)
        self.again(unanswered)
        self.hub.endings.unmatched.forget(bind)  # its SMSC sends them again
        self.dispatch()

    def again(self, units: Iterable[Unit]) -> None:
        """Send these again, before all others, in their order."""
        for unit in reversed(list(units)):
            self._again(unit)

    def _again(self, unit: Unit) -> None:
        if unit.stage == Stage.SENT:
            unit.stage = Stage.READY
            self.ready.appendleft(unit)

    def _retry_part(self, part: Part) -> None:
        if part.stage == Stage.STAYING and part.message.state == _OPEN:
            part.stage = Stage.READY
            self.ready.append(part)
            self.dispatch()

    def answered(self, bind: Upstream, answers: Sequence[tuple[Unit, Verdict, str]]) -> None:
        """Upstream's responses to submit_sm: (unit, verdict, smsc_message_id or the error's name)."""
        at = self.hub.now_us()
        now = time.monotonic()
        freed = 0
        busy: list[Unit] = []
        submitted: list[Submitted] = []
        awaiting = self.awaiting
        for unit, verdict, text in answers:
            message = unit.message
            if verdict is _TAKEN:
                key = (bind.link_id, text)
                unit.link_id, unit.smsc_message_id = key
                if unit.stage == Stage.SENT:
                    unit.stage = Stage.AWAITING
                    if message.state == _OPEN:
                        awaiting[key] = unit
                        message.awaiting_since = at
                submitted.append(Submitted(unit, bind, text, at, message.attempts))
                continue
            freed += 1
            if verdict is Verdict.BUSY:
                busy.append(unit)
                message.attempts -= unit.number == 0  # it was not looked at; a column of 16 bits counts them
            elif verdict is Verdict.TRY_LATER:
                delay_s = RETRY_S[min(max(message.attempts, 1), len(RETRY_S)) - 1]
                if isinstance(unit, Part):
                    unit.stage = Stage.STAYING
                    self.hub.later(delay_s, partial(self._retry_part, unit))
                else:
                    self.hub.pager.retry_later(message, delay_s)
            elif isinstance(unit, Part):
                self.hub.endings.finish_part(unit, MessageState.REJECTED, text, at, None, 0)
            else:
                self.hub.endings.finish(message, MessageState.REJECTED, text, at)
        if busy:
            self._resting[id(bind)] = now + THROTTLE_PAUSE_S
            self.again(busy)
            self.hub.later(THROTTLE_PAUSE_S, self.dispatch)
        if submitted:
            self.hub.submit_lane.extend(submitted)
            if self.hub.endings.unmatched.count:
                for early in self.hub.endings.unmatched.claimed_by(submitted):
                    self.hub.endings.receipts(early.upstream, [early.receipt])
        if freed:
            bind.release(freed)
            self.dispatch()

    def submits_committed(self, group: list[Submitted]) -> None:
        """The slots are free again, now that a crash cannot forget what upstream took."""
        self.hub.counters.submitted += len(group)
        freed: dict[Upstream, int] = {}
        for fact in group:
            freed[fact.upstream] = freed.get(fact.upstream, 0) + 1
        for bind, count in freed.items():
            bind.release(count)
        self.hub.tell_bus(fact.unit.message for fact in group)
        self.dispatch()
