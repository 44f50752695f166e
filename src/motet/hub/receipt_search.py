"""Receipts whose messages are not in memory: their messages are looked up, taken in again, and told what came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from motet.domain.states import MessageState
from motet.hub.message import Message, Part, Stage
from motet.hub.restore import message_of
from motet.hub.spellings import spellings
from motet.hub.unmatched import EarlyReceipt
from motet.storage import message as message_table
from motet.storage import submit

if TYPE_CHECKING:
    from motet.hub.hub import Hub

PAGE = 1_000
"""Receipts looked up at a time."""


class Place(NamedTuple):
    """Which part of which message a receipt speaks of, and how its submit_sm_resp spelled the id."""

    message_id: int
    workspace_id: int
    part: int
    spelling: str


class ReceiptSearch:
    """On the pager's connection. `claim` takes messages from `waiting` into memory."""

    def __init__(self, hub: Hub, claim: Callable[[asyncpg.Connection, list[int]], Awaitable[list[Message]]]) -> None:
        self.hub = hub
        self._claim = claim

    async def round(self, connection: asyncpg.Connection) -> bool:
        """A page of each kind; whether there may be more."""
        unmatched = self.hub.endings.unmatched
        busy = await self._look_up(connection, unmatched.take_early(PAGE), self._find)
        return await self._look_up(connection, unmatched.take_strange(PAGE), self._find_respelled) or busy

    async def _look_up(
        self,
        connection: asyncpg.Connection,
        page: Sequence[EarlyReceipt],
        find: Callable[[asyncpg.Connection, Sequence[EarlyReceipt]], Awaitable[dict[int, Place]]],
    ) -> bool:
        """Find the messages of receipts that match nothing in memory, and apply them."""
        hub = self.hub
        if not page:
            return False
        messages: dict[int, Message] = {}
        try:
            found = await find(connection, page)
            touched = {message_id: workspace_id for message_id, workspace_id, _, _ in found.values()}
            missing = [message_id for message_id in touched if message_id not in hub.live]
            for message in await self._claim(connection, missing) if missing else ():
                messages[message.id] = message
                if message.stage == Stage.STAYING:  # some of its parts are still to be sent
                    hub.relay.enqueue(message)
            # Final already, or another node's: the row says.
            rest = [(touched[i], i) for i in missing if i not in messages and i not in hub.live]
            for row in await message_table.load(connection, rest):
                messages[row["id"]] = message_of(row)
        except BaseException:
            for early in page:
                hub.endings.unmatched.put_back(early)
            raise
        for position, early in enumerate(page):
            self._apply(early, found.get(position), messages)
        return True

    def _apply(self, early: EarlyReceipt, where: Place | None, messages: dict[int, Message]) -> None:
        relay, endings = self.hub.relay, self.hub.endings
        bind, receipt, _, _ = early
        if where is None:
            endings.unmatched.keep_strange(early)
            return
        message_id, _, part, spelling = where
        message = self.hub.live.get(message_id) or messages.get(message_id)
        same = spelling == receipt.smsc_message_id
        if message is None or not (same or message.destination == receipt.source.lstrip("+")):
            endings.unmatched.keep_strange(early)
        elif message.state != MessageState.OPEN:
            endings.said_before(message, bind, receipt.token)
        elif message_id not in self.hub.live or part >= len(message.units):
            # Open, but another node's: the SMSC sends it again, there or after a takeover.
            bind.acknowledge([receipt.token], ok=False)
        else:
            unit = message.units[part]
            if isinstance(unit, Part) and unit.stage == Stage.FINISHED:
                endings.said_before(unit, bind, receipt.token)
                return
            relay.awaiting[bind.link_id, spelling] = unit
            if not same:
                endings.unmatched.respelled_once(bind.link_id)
            endings.receipts(bind, [receipt._replace(smsc_message_id=spelling)])

    async def _find(self, connection: asyncpg.Connection, page: Sequence[EarlyReceipt]) -> dict[int, Place]:
        """By the id as it came. Positions in the page -> places."""
        keys = [(early.upstream.link_id, early.receipt.smsc_message_id, n) for n, early in enumerate(page)]
        return await self._find_keys(connection, keys)

    async def _find_respelled(self, connection: asyncpg.Connection, page: Sequence[EarlyReceipt]) -> dict[int, Place]:
        """By the id as its submit_sm_resp may have spelled it, from links that may do so; the number called must be the
        same."""
        relay, endings = self.hub.relay, self.hub.endings
        found: dict[int, Place] = {}
        keys: list[tuple[int, str, int]] = []
        for position, (bind, receipt, _, _) in enumerate(page):
            if not endings.unmatched.may_respell(bind.link_id):
                continue
            for spelling in spellings(receipt.smsc_message_id)[1:]:
                unit = relay.awaiting.get((bind.link_id, spelling))
                if unit is not None and unit.message.destination == receipt.source:
                    message = unit.message
                    found[position] = Place(message.id, message.workspace_id, unit.number, spelling)
                    break
                keys.append((bind.link_id, spelling, position))
        for position, where in (await self._find_keys(connection, keys)).items():
            found.setdefault(position, where)
        return found

    async def _find_keys(
        self, connection: asyncpg.Connection, keys: Sequence[tuple[int, str, int]]
    ) -> dict[int, Place]:
        if not keys:
            return {}
        limits = self.hub.limits
        span_s = limits.max_validity_s + limits.max_schedule_s + limits.receipt_grace_s
        since = self.hub.id_at(self.hub.now_us() - int(span_s * 1_000_000))
        return {
            row["position"]: Place(row["message_id"], row["workspace_id"], row["part"], row["smsc_message_id"])
            for row in await submit.find_by_smsc_id(connection, keys, since)
        }
