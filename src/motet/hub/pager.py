"""Between memory and the database: what is due is taken in, what waits long is put out, strange receipts are looked up.

One task on one connection. A page at a time, so that one long list never holds up the others.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from motet.domain.states import MessageState, WaitingReason
from motet.hub.lane import FencedError
from motet.hub.message import Message, Stage
from motet.hub.receipt_search import ReceiptSearch
from motet.hub.restore import message_of, place
from motet.storage import message as message_table
from motet.storage import submit, waiting
from motet.storage.node import FENCED_SQLSTATE

if TYPE_CHECKING:
    from motet.hub.hub import Hub

log = structlog.get_logger(__name__)

MOVED = "SIM_MOVED"
"""The error of a message that was not sent when its SIM moved to another workspace."""

PAGE = 1_000
"""Messages taken in or put out by one transaction."""

IDLE_S = 1.0
"""The longest that something due goes unnoticed."""


class Pager:
    """Takes messages from `waiting` into memory and back. Its commits carry the fence."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._search = ReceiptSearch(hub, self._claim)
        self._wakeup = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._to_park: list[tuple[Message, int, int]] = []
        """(message, reason, due)"""
        self._parking: set[int] = set()
        """Messages whose rows are being written to `waiting`."""
        self._left_behind: list[Message] = []
        """Messages that ended while their row was written to `waiting`, in ignorance of it."""
        self._in_doubt = False
        """A claim may have been committed without our knowing."""
        self.behind = True
        """There may be more that is due than there was room for."""
        self._ended_at = 0.0

    def poke(self) -> None:
        """Something may be due: a bind came up, room was made, a message was put into waiting."""
        self._wakeup.set()

    def retry_later(self, message: Message, delay_s: float) -> None:
        """Upstream had a fault of the moment: out of memory, due again later."""
        self.put_back(message, WaitingReason.RETRY, self.hub.now_us() + int(delay_s * 1_000_000))

    def put_back(self, message: Message, reason: int, due: int) -> None:
        """Out of memory again, to wait until `due`."""
        message.stage = Stage.STAYING
        self._to_park.append((message, reason, due))
        self._wakeup.set()

    def keep(self, message: Message) -> bool:
        """Not out of memory, after all. False if that is being written just now."""
        if message.id in self._parking:
            return False
        self._to_park = [entry for entry in self._to_park if entry[0] is not message]
        return True

    def doubt(self) -> None:
        """A claim failed: look whether it was committed all the same."""
        self._in_doubt = True
        self._wakeup.set()

    async def run(self) -> None:
        """Page until cancelled. Raises FencedError when succeeded by another node."""
        try:
            while True:
                try:
                    busy = await self._round()
                except Exception as error:  # whatever a lost connection raises: it must not end the hub
                    if isinstance(error, asyncpg.PostgresError) and error.sqlstate == FENCED_SQLSTATE:
                        raise FencedError(str(error)) from error
                    self._fail(error)
                    busy = False
                if not busy:
                    self._wakeup.clear()
                    with suppress(TimeoutError):  # not wait_for, which may swallow the cancellation in Python 3.11
                        async with asyncio.timeout(IDLE_S):
                            await self._wakeup.wait()
        finally:
            if self._connection is not None:
                self._connection.terminate()

    def _fail(self, error: Exception) -> None:
        log.warning("paging failed", error=type(error).__name__, detail=str(error)[:200])
        self._in_doubt = True
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _round(self) -> bool:
        """One turn of everything; whether there may be more to do at once."""
        hub = self.hub
        if self._connection is None:
            self._connection = await hub.database.connect_lane("pager")
        connection = self._connection
        if self._in_doubt:
            await hub.desk(self._let_go)
            self._in_doubt = False
        hub.endings.unmatched.drop_unknown()
        self._choose_to_park()
        busy = await self._search.round(connection)
        if self._to_park:
            await self._park(connection)
            busy = busy or bool(self._to_park)
        if self._left_behind:
            await self._clear_left_behind(connection)
        now = asyncio.get_running_loop().time()
        if now - self._ended_at >= IDLE_S:
            full = await self._end(connection)
            busy = busy or full
            if not full:
                self._ended_at = now
        room = hub.room()
        if room > 0 and hub.relay.binds and hub.relay.running:
            self.behind = await self._take_due(connection, min(room, PAGE))
            busy = busy or self.behind
        else:
            self.behind = True
        return busy

    # Out of memory ---------------------------------------------------------------------------------------------------

    def _choose_to_park(self) -> None:
        """Messages whose receipt has not come for long; and, with no bind up, what is ready to be sent."""
        hub = self.hub
        now_us = hub.now_us()
        awaiting = len(hub.relay.awaiting)
        pressure = awaiting >= hub.limits.awaiting * 4 // 5
        age_s = hub.limits.park_under_pressure_s if pressure else hub.limits.park_after_s
        before = now_us - int(age_s * 1_000_000)
        grace_us = int(hub.limits.receipt_grace_s * 1_000_000)
        chosen = 0
        # Units are added as they are sent, so the oldest come first: stop at the first young one.
        for unit in itertools.islice(hub.relay.awaiting.values(), 10 * PAGE):
            message = unit.message
            if message.awaiting_since > before:
                break
            if message.stage in (Stage.STAYING, Stage.FINISHED):
                continue
            if message.stage == Stage.AWAITING or _all_parts_upstream(message):
                message.stage = Stage.STAYING
                self._to_park.append((message, WaitingReason.RECEIPT, message.expires_at + grace_us))
                chosen += 1
        if not hub.relay.binds and hub.relay.ready:
            for unit in list(hub.relay.ready):
                message = unit.message
                if message.stage == Stage.READY and not any(other.stage == Stage.SENT for other in message.units):
                    message.stage = Stage.STAYING
                    self._to_park.append((message, WaitingReason.LINK, now_us))
            hub.relay.ready = type(hub.relay.ready)(u for u in hub.relay.ready if u.message.stage == Stage.READY)

    async def _park(self, connection: asyncpg.Connection) -> None:
        page, self._to_park = self._to_park[:PAGE], self._to_park[PAGE:]
        hub = self.hub
        grace_us = int(hub.limits.receipt_grace_s * 1_000_000)
        chosen = [(m, reason, due) for m, reason, due in page if m.state == MessageState.OPEN]
        rows = [
            (
                m.id, m.workspace_id, m.device_id, m.account_id, hub.incarnation, reason, due,
                m.expires_at + (grace_us if reason == WaitingReason.RECEIPT else 0), m.attempts,
            )
            for m, reason, due in chosen
        ]  # fmt: skip
        if not rows:
            return
        self._parking = {message.id for message, _, _ in chosen}
        try:
            async with connection.transaction():
                await self._fence(connection)
                await waiting.park(connection, rows)
        except BaseException:
            self._to_park[:0] = page
            raise
        finally:
            self._parking = set()
        for message, _, _ in chosen:
            message.in_waiting = True
            if message.state != MessageState.OPEN:
                # Its end came while the row was written, and may not have known of the row.
                self._left_behind.append(message)
                continue
            message.stage = Stage.PARKED
            for unit in message.units:
                hub.relay.awaiting.pop((unit.link_id, unit.smsc_message_id), None)
            hub.drop_from_memory(message)
        hub.room_made()

    async def _clear_left_behind(self, connection: asyncpg.Connection) -> None:
        """Remove the rows of messages whose end is committed by now."""
        ended = [message.id for message in self._left_behind if message.id not in self.hub.live]
        if ended:
            async with connection.transaction():
                await self._fence(connection)
                await waiting.remove(connection, ended)
            self._left_behind = [message for message in self._left_behind if message.id in self.hub.live]

    async def _let_go(self, connection: asyncpg.Connection) -> None:
        """Rows that say that we have a message which we do not have: a claim whose commit was not known of. On the
        desk's connection, so that nobody else claims meanwhile."""
        async with connection.transaction():
            await self._fence(connection)
            held = await waiting.held(connection, self.hub.incarnation)
            orphans = [message_id for message_id in held if message_id not in self.hub.live]
            if orphans:
                await waiting.let_go(connection, self.hub.incarnation, orphans)

    # Into memory -----------------------------------------------------------------------------------------------------

    async def _take_due(self, connection: asyncpg.Connection, room: int) -> bool:
        async with connection.transaction():
            await self._fence(connection)
            claimed = await waiting.claim_due(connection, self.hub.incarnation, self.hub.now_us(), room)
            messages = await self._load(connection, claimed)
        gone = await self._gone(messages)
        for message in messages:
            if message.id in gone and self.hub.adopt(message):
                self.hub.endings.finish(message, MessageState.FAILED, MOVED, self.hub.now_us())
            else:
                self._adopt(message)
        self.hub.relay.dispatch()
        return len(claimed) == room

    async def _gone(self, messages: Sequence[Message]) -> set[int]:
        """Those to be sent whose SIM is in another workspace by now: its phone is no longer theirs to reach."""
        numbers = self.hub.numbers
        to_send = [message for message in messages if message.sim_id and message.stage == Stage.READY]
        missing = {message.destination for message in to_send if numbers.get(message.destination) is None}
        found = await numbers.load(sorted(missing)) if missing else {}
        gone = set()
        for message in to_send:
            target = numbers.get(message.destination) or found.get(message.destination)
            if target is not None and target.workspace_id != message.workspace_id:
                gone.add(message.id)
        return gone

    async def _end(self, connection: asyncpg.Connection) -> bool:
        """Messages in `waiting` whose time is over."""
        now_us = self.hub.now_us()
        async with connection.transaction():
            await self._fence(connection)
            claimed = await waiting.claim_ended(connection, self.hub.incarnation, now_us, PAGE)
            messages = await self._load(connection, claimed)
        for message in messages:
            if self.hub.adopt(message):
                upstream = any(unit.smsc_message_id for unit in message.units)
                state = MessageState.UNKNOWN if upstream else MessageState.EXPIRED
                self.hub.endings.finish(message, state, None, now_us)
        return len(claimed) == PAGE

    async def claim(self, message_ids: Sequence[int]) -> list[Message]:
        """Take these from `waiting` into memory, for a cancel or a replace. On the desk's connection."""
        return await self.hub.desk(lambda connection: self._claim(connection, message_ids))

    async def _claim(self, connection: asyncpg.Connection, message_ids: Sequence[int]) -> list[Message]:
        async with connection.transaction():
            await self._fence(connection)
            claimed = await waiting.claim(connection, self.hub.incarnation, message_ids)
            messages = await self._load(connection, claimed)
        for message in messages:
            if self.hub.adopt(message):
                self._track(message)
                message.stage = Stage.STAYING if message.stage == Stage.READY else message.stage
        return messages

    async def _load(self, connection: asyncpg.Connection, claimed: Sequence[asyncpg.Record]) -> list[Message]:
        rows = await message_table.load(connection, [(row["workspace_id"], row["message_id"]) for row in claimed])
        over = [row["id"] for row in rows if row["state"] != MessageState.OPEN]
        if over:  # their rows had been left behind by a crash
            await waiting.remove(connection, over)
            known = {message.id for message in self._left_behind}
            for row in rows:
                if row["state"] != MessageState.OPEN and row["id"] not in known:
                    self.hub.count_open(row["account_id"], -1)  # it was counted as open at the start
            rows = [row for row in rows if row["state"] == MessageState.OPEN]
        attempts = {row["message_id"]: row["attempts"] for row in claimed}
        submits: dict[int, list[Any]] = {}
        for row in await submit.of_messages(connection, [row["message_id"] for row in claimed]):
            submits.setdefault(row["message_id"], []).append(row)
        messages = []
        for row in rows:
            message = message_of(row)
            message.in_waiting = True
            message.attempts = max(message.attempts, attempts[message.id])
            if message.part_count > 1:
                self.hub.relay.cut(message)
            place(message, submits.get(message.id, ()))
            messages.append(message)
        return messages

    def _adopt(self, message: Message) -> None:
        if not self.hub.adopt(message):
            return
        self._track(message)
        if message.stage == Stage.READY:
            self.hub.relay.enqueue(message)

    def _track(self, message: Message) -> None:
        """Units that upstream has can be matched with receipts again."""
        message.awaiting_since = self.hub.now_us()
        for unit in message.units:
            if unit.stage == Stage.AWAITING:
                self.hub.relay.awaiting[unit.link_id, unit.smsc_message_id] = unit

    async def _fence(self, connection: asyncpg.Connection) -> None:
        await connection.execute(f"SELECT motet_fence({self.hub.incarnation})")


def _all_parts_upstream(message: Message) -> bool:
    return message.parts is not None and all(p.stage in (Stage.AWAITING, Stage.FINISHED) for p in message.parts)
