"""What is asked of the hub about a message that it has: query, cancel, replace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from motet.domain.errors import ConflictError, DeniedError, InvalidError, NotFoundError, UpstreamError
from motet.domain.states import MessageState, WaitingReason
from motet.hub.message import Extra, Message, Part, Stage
from motet.hub.requests import Allowed
from motet.sms.parts import MAX_PARTS, part_count
from motet.sms.udh import UserDataError
from motet.storage import message as message_table
from motet.storage import usage

if TYPE_CHECKING:
    from motet.hub.hub import Hub

ANSWER_S = 15.0
"""How long a cancel or replace waits for upstream, and a caller for a commit."""

CANCEL_MATCHES = 1_000
"""Messages that one cancel_sm without an id may cancel."""


class QueryResult(NamedTuple):
    """What is known of a submission: an OPEN state, or the final one."""

    state: int
    error: str | None
    final_at: int | None


class ReplaceRequest(NamedTuple):
    """What replace_sm changes. None keeps what was."""

    payload: bytes
    registered_delivery: int
    expires_at: int | None
    scheduled_at: int | None


class Desk:
    """Serves single requests; every change goes through the same lanes and the same relay as the bulk does."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.watched: dict[int, asyncio.Event] = {}
        """Messages whose end, once committed, somebody waits for."""

    # Query -----------------------------------------------------------------------------------------------------------

    async def query(self, workspace_id: int, account_id: int, submission_id: int, source: str) -> QueryResult | None:
        """The state of the account's submission, for all its destinations or, with `source` equal to one, for that."""
        rows = await self._rows(workspace_id, account_id, submission_id)
        if source and rows and source not in {row["source"] for row in rows}:
            rows = [row for row in rows if row["destination"] == source]
        if not rows:
            return None
        if any(row["state"] == MessageState.OPEN for row in rows):
            return QueryResult(MessageState.OPEN, None, None)
        best = next((row for row in rows if row["state"] == MessageState.DELIVERED), rows[0])
        return QueryResult(best["state"], best["error"], max(row["final_at"] for row in rows))

    async def _rows(self, workspace_id: int, account_id: int, submission_id: int) -> list[asyncpg.Record]:
        return await self.hub.desk(
            lambda connection: message_table.load_submission(connection, workspace_id, submission_id, account_id)
        )

    # Cancel ----------------------------------------------------------------------------------------------------------

    async def cancel(self, workspace_id: int, message_id: int, allowed: Allowed = nullcontext) -> None:
        """Cancel one message, here or upstream. Returns after the commit.

        Raises NotFoundError, DeniedError when it is final, UpstreamError when upstream would not, and what `allowed`
        raises.
        """
        message = await self._hold(workspace_id, message_id)
        upstream = any(unit.smsc_message_id for unit in message.units)
        try:
            async with allowed():
                if not upstream:
                    await self._end(message)
            if upstream:
                if message.state == MessageState.OPEN:
                    await self._cancel_upstream(message)
                await self._end(message)
        except BaseException:
            self._go_on(message)
            raise

    async def _end(self, message: Message) -> None:
        """Nobody has it any more but us: it ends here."""
        if message.state == MessageState.OPEN:
            self.hub.endings.finish(message, MessageState.CANCELLED, None, self.hub.now_us())
        elif message.state != MessageState.CANCELLED:
            raise DeniedError("The message is {state} already", state=MessageState(message.state).name)
        await self._ended(message)

    async def _cancel_upstream(self, message: Message) -> None:
        relay = self.hub.relay
        for unit in message.units:
            if unit.smsc_message_id and (unit is message or unit.stage == Stage.AWAITING):
                bind = next((bind for bind in relay.binds if bind.link_id == unit.link_id), None)
                if bind is None:
                    raise UpstreamError("The link that has the message is down")
                answer = await bind.cancel(unit)
                if not answer.ok and message.state == MessageState.OPEN:
                    raise UpstreamError("Upstream would not cancel it: {error}", error=answer.error)

    def _go_on(self, message: Message) -> None:
        """It could not be cancelled or replaced: let it take its way again."""
        if message.state != MessageState.OPEN or message.stage in (Stage.SENT, Stage.PARKED):
            return
        if message.parts is None and message.smsc_message_id:
            message.stage = Stage.AWAITING
            return
        scheduled_at = message.extra.scheduled_at if message.extra is not None else None
        if scheduled_at is not None and scheduled_at > self.hub.now_us():
            self.hub.pager.put_back(message, WaitingReason.SCHEDULED, scheduled_at)
            return
        self.hub.relay.enqueue(message)
        self.hub.relay.dispatch()

    async def cancel_submission(self, workspace_id: int, account_id: int, submission_id: int, source: str) -> None:
        """cancel_sm with an id (SMPP 3.4 §4.9): every destination of it that is still open."""
        rows = await self._rows(workspace_id, account_id, submission_id)
        if source:
            rows = [row for row in rows if row["source"] == source.removeprefix("+")]
        if not rows:
            raise NotFoundError("No such message")
        await self._cancel_rows(workspace_id, [row["id"] for row in rows if row["state"] == MessageState.OPEN])

    async def cancel_matching(
        self, workspace_id: int, account_id: int, source: str, destination: str, service_type: str
    ) -> None:
        """cancel_sm without an id: all open messages of the account between these addresses."""
        ids = await self.hub.desk(
            lambda connection: message_table.open_between(
                connection, workspace_id, account_id, (source, destination, service_type), CANCEL_MATCHES
            )
        )
        await self._cancel_rows(workspace_id, ids)

    async def _cancel_rows(self, workspace_id: int, ids: Sequence[int]) -> None:
        if not ids:
            raise DeniedError("No message is open")
        failure: Exception | None = None
        for message_id in ids:
            try:
                await self.cancel(workspace_id, message_id)
            except (ConflictError, DeniedError, NotFoundError, UpstreamError) as error:
                failure = error
        if failure is not None:
            raise failure

    # Replace ---------------------------------------------------------------------------------------------------------

    async def replace(
        self,
        workspace_id: int,
        account_id: int,
        submission_id: int,
        source: str,
        request: ReplaceRequest,
        data_coding: int | None = None,
    ) -> None:
        """replace_sm (SMPP 3.4 §4.10): another text for a message that is still open, here or upstream.

        It keeps its data_coding; ConflictError if that is not the `data_coding` which the new text is in.
        """
        rows = await self._rows(workspace_id, account_id, submission_id)
        if source:
            rows = [row for row in rows if row["source"] == source.removeprefix("+")]
        if not rows:
            raise NotFoundError("No such message")
        if len(rows) > 1:
            raise ConflictError("A submission to several destinations cannot be replaced")
        if data_coding is not None and rows[0]["data_coding"] != data_coding:
            raise ConflictError("A message keeps its data_coding")
        message = await self._hold(workspace_id, rows[0]["id"])
        if message.state != MessageState.OPEN:
            raise DeniedError("The message is {state} already", state=MessageState(message.state).name)
        try:
            await self._replace(message, request)
        finally:
            self._go_on(message)

    async def _replace(self, message: Message, request: ReplaceRequest) -> None:
        parts = _parts_of(message, request.payload)
        upstream = any(unit.smsc_message_id for unit in message.units)
        expires_at = request.expires_at or message.expires_at
        if upstream:
            if parts > 1 or message.parts is not None:
                raise UpstreamError("A text in several parts that is upstream cannot be replaced")
            await self._replace_upstream(message, request, expires_at)
        await self._write_replacement(message, request, parts, expires_at)
        if not upstream:
            for part in message.parts or ():
                part.stage = Stage.PARKED  # it may still be in the ready queue, or have a timer
            message.part_count = parts
            message.parts = None
            if request.scheduled_at is not None:
                message.extra = message.extra or Extra()
                message.extra.scheduled_at = request.scheduled_at

    async def replace_newest(self, message: Message, service_type: str) -> int | None:
        """Give the newest open message of the same account, addresses and service type this one's text. Its id, or None
        if there is none that can be replaced."""
        account_id = message.account_id
        if account_id is None:
            return None
        ids = await self.hub.desk(
            lambda connection: message_table.open_between(
                connection,
                message.workspace_id,
                account_id,
                (message.source.removeprefix("+"), message.destination, service_type),
                CANCEL_MATCHES,
            )
        )
        if not ids:
            return None
        request = ReplaceRequest(message.payload, message.registered_delivery, message.expires_at, None)
        try:
            await self.replace(message.workspace_id, account_id, ids[-1], "", request, message.data_coding)
        except (ConflictError, DeniedError, NotFoundError, UpstreamError):
            return None
        return ids[-1]

    async def _replace_upstream(self, message: Message, request: ReplaceRequest, expires_at: int) -> None:
        bind = next((bind for bind in self.hub.relay.binds if bind.link_id == message.link_id), None)
        if bind is None:
            raise UpstreamError("The link that has the message is down")
        udh = message.extra.udh if message.extra is not None else None
        stand_in = Part(message, 0, (udh or b"") + request.payload)
        stand_in.smsc_message_id = message.smsc_message_id
        answer = await bind.replace(stand_in, expires_at, request.registered_delivery)
        if not answer.ok:
            raise UpstreamError("Upstream would not replace it: {error}", error=answer.error)

    async def _write_replacement(self, message: Message, request: ReplaceRequest, parts: int, expires_at: int) -> None:
        async def write(connection: asyncpg.Connection) -> None:
            async with connection.transaction():
                await connection.execute(f"SELECT motet_fence({self.hub.incarnation})")
                if parts != message.part_count:
                    await usage.recount_parts(connection, message.workspace_id, message.id, parts)
                await message_table.replace(
                    connection, message.workspace_id, message.id, request.payload, parts,
                    request.registered_delivery, expires_at, request.scheduled_at,
                )  # fmt: skip

        await self.hub.desk(write)
        message.payload = request.payload
        message.registered_delivery = request.registered_delivery
        message.expires_at = expires_at

    # In memory -------------------------------------------------------------------------------------------------------

    async def _in_memory(self, workspace_id: int, message_id: int) -> Message:
        """The open MT in this node's memory, taken from `waiting` if it is there."""
        for _ in range(3):
            message = self.hub.live.get(message_id)
            if message is None:  # whose it is comes first: nobody moves another workspace's messages
                state = await self.hub.desk(lambda c: message_table.state_of(c, workspace_id, message_id))
                if state is None:
                    raise NotFoundError("No such message")
                if state != MessageState.OPEN:
                    raise DeniedError("The message is {state} already", state=MessageState(state).name)
                await self.hub.pager.claim([message_id])
                message = self.hub.live.get(message_id)
            if message is not None:
                if message.workspace_id != workspace_id:
                    raise NotFoundError("No such message")
                if message.state not in (MessageState.OPEN, MessageState.CANCELLED):
                    raise DeniedError("The message is {state} already", state=MessageState(message.state).name)
                return message
            await asyncio.sleep(0.1)  # just being committed, parked or taken in
        raise ConflictError("Another node has the message")

    async def _hold(self, workspace_id: int, message_id: int) -> Message:
        """The message in memory, STAYING: no part is between us and upstream, and none is sent until `_go_on`. Or one
        that was cancelled just now."""
        deadline = asyncio.get_running_loop().time() + ANSWER_S
        while True:
            message = await self._in_memory(workspace_id, message_id)
            try:
                while message.state == MessageState.OPEN and message.stage != Stage.PARKED:
                    if message.stage == Stage.READY:
                        message.stage = Stage.STAYING
                    if not any(unit.stage == Stage.SENT for unit in message.units) and self.hub.pager.keep(message):
                        message.stage = Stage.STAYING
                        return message
                    if asyncio.get_running_loop().time() > deadline:
                        raise UpstreamError("Upstream has not answered for the message yet")
                    await asyncio.sleep(0.02)
            except BaseException:
                if self.hub.pager.keep(message):
                    self._go_on(message)
                raise
            if message.stage != Stage.PARKED:
                return message

    async def _ended(self, message: Message) -> None:
        """Wait for the commit of its end."""
        if message.id not in self.hub.live:
            return
        event = self.watched.setdefault(message.id, asyncio.Event())
        try:
            await asyncio.wait_for(event.wait(), ANSWER_S)
        except TimeoutError as error:
            raise UpstreamError("The cancellation is not stored yet") from error
        finally:
            self.watched.pop(message.id, None)

    def forgotten(self, message: Message) -> None:
        """The end of this message is committed."""
        event = self.watched.get(message.id)
        if event is not None:
            event.set()


def _parts_of(message: Message, payload: bytes) -> int:
    """How many parts the message has with this text. Raises InvalidError if it cannot be sent."""
    udh = message.extra.udh if message.extra is not None else None
    try:
        parts = part_count(payload, message.data_coding, len(udh) if udh else 0)
    except UserDataError as error:
        raise InvalidError("The user data header leaves no room for text") from error
    if parts > MAX_PARTS:
        raise InvalidError("The text needs more than 255 parts")
    return parts
