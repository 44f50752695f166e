"""The four durable facts of a message's life, and how a group of each is written.

accepted -> submitted (upstream took a part) -> finished -> answered (the ESME took its receipt). Each group is one
transaction; the fence before it is the lane's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import asyncpg

from motet.domain.idempotency import HOLD
from motet.domain.states import MessageState, WaitingReason
from motet.hub.message import NO_EXTRA, Delivery, Message, Unit
from motet.hub.ports import Upstream
from motet.storage import esme_delivery, event, idempotency, message, submit, waiting, webhook_delivery

SMS_SEND = "smsSend"
"""The name under which idempotency keys of messages are kept."""

ALIKE_STATEMENTS = 4
"""A group of ends from more workspaces than this is written by one general statement: each one costs a round trip."""

_DELIVERED = int(MessageState.DELIVERED)

IDEMPOTENCY_US = HOLD // timedelta(microseconds=1)


class Accepted(NamedTuple):
    """A message to be stored, or a refusal to be told: then `event_row` is all that is stored."""

    message: Message
    event_row: tuple[Any, ...] | None = None

    @property
    def follows(self) -> bool:
        """It belongs to the submission of the fact before it."""
        return self.message.extra is not None and self.message.extra.lead is not None


class Submitted(NamedTuple):
    """Upstream took one part. The slot of its window is freed once this is committed."""

    unit: Unit
    upstream: Upstream
    smsc_message_id: str
    at: int
    attempt: int


class Finished(NamedTuple):
    """A message, or one part of several, reached its end; or upstream told of an intermediate state."""

    message: Message
    whole: bool
    """The message is final, not just a part."""
    part: int
    state: int
    error: str | None
    at: int
    upstream: Upstream | None
    """Who told it and waits for the answer; None when we found out ourselves."""
    token: int
    delivery: Delivery | None
    webhook_rows: list[tuple[Any, ...]]


class Answered(NamedTuple):
    """An ESME answered a delivery, or will not be asked any more."""

    delivery: Delivery
    receiver: Any


@dataclass(slots=True)
class AcceptWriter:
    """Writes groups of Accepted. `owner` is the incarnation that accepts."""

    owner: int

    async def write(self, connection: asyncpg.Connection, group: list[Accepted]) -> None:
        keyed = [
            f.message for f in group if f.message.extra is not None and f.message.extra.idempotency_key is not None
        ]
        if keyed:
            await _claim_keys(connection, keyed)
        plain: list[tuple[Any, ...]] = []
        full: list[tuple[Any, ...]] = []
        waits: list[tuple[Any, ...]] = []
        events: list[tuple[Any, ...]] = []
        owner = self.owner
        for fact in group:
            m = fact.message
            if fact.event_row is not None:
                events.append(fact.event_row)
                continue
            if m.extra is None and not m.state:
                plain.append(_plain_row(m, owner))
            elif m.extra is not None and m.extra.winner is not None:
                continue  # its key was used before: nothing to store
            else:
                full.append(full_row(m, owner))
            if m.in_waiting:
                waits.append(waiting_row(m, owner))
        if plain:
            await message.copy_plain(connection, plain)
        if full:
            await message.copy_full(connection, full)
        if waits:
            await waiting.copy_waiting(connection, waits)
        if events:
            await event.copy_events(connection, events)

    async def probe(self, connection: asyncpg.Connection, group: list[Accepted]) -> bool:
        for fact in group:
            m = fact.message
            if fact.event_row is not None:
                return await event.exists(connection, fact.event_row[0], fact.event_row[1])
            if m.extra is None or m.extra.winner is None:
                return await message.exists(connection, m.workspace_id, m.id)
        return False  # only keys that were used before: nothing was stored


def _plain_row(m: Message, owner: int) -> tuple[Any, ...]:
    return (
        m.workspace_id, m.id, m.device_id, m.sim_id, m.submission_id, m.account_id, owner, m.submitted_at,
        m.expires_at, m.direction, m.kind, m.data_coding, m.esm_class, m.registered_delivery, m.part_count,
        m.source_ton, m.source_npi, m.source, m.destination, m.payload,
    )  # fmt: skip


def full_row(m: Message, owner: int) -> tuple[Any, ...]:
    """The message in the order of storage.message.FULL_COLUMNS."""
    extra = m.extra or NO_EXTRA
    ref, total, number = extra.segment or (None, None, None)
    return (
        *_plain_row(m, owner),
        extra.dest_ton, extra.dest_npi, extra.protocol_id, extra.priority, extra.service_type, extra.udh, extra.tlvs,
        ref, total, number, extra.scheduled_at, extra.origin_id, m.state, m.error, m.error_detail, m.final_at,
    )  # fmt: skip


def waiting_row(m: Message, owner: int) -> tuple[Any, ...]:
    """A fresh message in the order of storage.waiting.WAITING_COLUMNS: scheduled, or due at once."""
    scheduled_at = m.extra.scheduled_at if m.extra is not None else None
    reason, due = (
        (WaitingReason.LINK, m.submitted_at) if scheduled_at is None else (WaitingReason.SCHEDULED, scheduled_at)
    )
    return (m.id, m.workspace_id, m.device_id, m.account_id, owner, reason, due, m.expires_at, m.attempts)


async def _claim_keys(connection: asyncpg.Connection, messages: list[Message]) -> None:
    """Claim idempotency keys in the open transaction, and note on those that came too late who won.

    Equal keys of one group are folded first: the first of them speaks for all.
    """
    first: dict[tuple[int, str], Message] = {}
    for m in messages:
        assert m.extra is not None  # noqa: S101 - for the type checker
        m.extra.winner = None
        first.setdefault((m.workspace_id, m.extra.idempotency_key or ""), m)
    rows = [(key[0], key[1], m.extra.input_hash, m.id) for key, m in first.items() if m.extra is not None]
    now_us = max(m.submitted_at for m in messages)
    won = await idempotency.claim(connection, SMS_SEND, rows, now_us, now_us + IDEMPOTENCY_US)
    for m in messages:
        assert m.extra is not None  # noqa: S101
        key = (m.workspace_id, m.extra.idempotency_key or "")
        winner = first[key]
        if key not in won:
            m.extra.winner = await idempotency.holder(connection, key[0], SMS_SEND, key[1])
        elif winner is not m and winner.extra is not None:
            m.extra.winner = (winner.extra.input_hash, winner.id)


async def write_submitted(connection: asyncpg.Connection, group: list[Submitted]) -> None:
    rows = [
        (
            f.unit.message.id,
            f.unit.message.workspace_id,
            f.at,
            f.upstream.link_id,
            f.unit.number,
            f.attempt,
            f.smsc_message_id,
        )
        for f in group
    ]
    await submit.copy_submits(connection, rows)


async def probe_submitted(connection: asyncpg.Connection, group: list[Submitted]) -> bool:
    first = group[0]
    return any(
        record["smsc_message_id"] == first.smsc_message_id and record["part"] == first.unit.number
        for record in await submit.of_messages(connection, [first.unit.message.id])
    )


async def write_finished(connection: asyncpg.Connection, group: list[Finished]) -> None:
    delivered: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
    ends: list[tuple[Any, ...]] = []
    outcomes: list[tuple[Any, ...]] = []
    part_receipts: list[tuple[Any, ...]] = []
    deliveries: list[tuple[Any, ...]] = []
    webhooks: list[tuple[Any, ...]] = []
    no_longer_waiting: list[int] = []
    for fact in group:
        m = fact.message
        if fact.whole:
            if m.state == _DELIVERED and m.error is None:
                alike = (m.workspace_id, m.attempts or 1)
                rows = delivered.get(alike)
                if rows is None:
                    rows = delivered[alike] = []
                rows.append((m.device_id, m.id, m.final_at))
            else:
                ends.append(
                    (m.workspace_id, m.device_id, m.id, m.state, m.error, m.final_at, m.attempts, m.error_detail)
                )
                if m.state != _DELIVERED:
                    outcomes.append((m.workspace_id, m.state, m.id))
            if m.in_waiting:
                no_longer_waiting.append(m.id)
        elif fact.state:
            part_receipts.append((m.id, fact.part, fact.at, fact.state, fact.error))
        if fact.delivery is not None:
            d = fact.delivery
            deliveries.append((d.account_id, d.id, m.workspace_id, m.id, d.kind, d.state, d.error, d.at, d.expires_at))
        if fact.webhook_rows:
            webhooks.extend(fact.webhook_rows)
    for (workspace_id, attempts), rows in delivered.items():
        if len(delivered) <= ALIKE_STATEMENTS:
            await message.finish_delivered(connection, workspace_id, attempts, rows)
            continue
        for device_id, message_id, final_at in rows:
            end = (workspace_id, device_id, message_id, MessageState.DELIVERED, None, final_at, attempts, None)
            ends.append(end)
    if ends:
        await message.finish(connection, ends)
    if outcomes:
        await message.copy_outcomes(connection, outcomes)
    if part_receipts:
        await submit.insert_part_receipts(connection, part_receipts)
    if deliveries:
        await esme_delivery.copy_deliveries(connection, deliveries)
    if no_longer_waiting:
        await waiting.remove(connection, no_longer_waiting)
    if webhooks:
        await webhook_delivery.copy_deliveries(connection, webhooks)


async def probe_finished(connection: asyncpg.Connection, group: list[Finished]) -> bool:
    for fact in group:
        if fact.whole:
            return bool(await message.state_of(connection, fact.message.workspace_id, fact.message.id))
        if fact.delivery is not None:
            return await esme_delivery.exists(connection, fact.delivery.account_id, fact.delivery.id)
    return False


async def write_answered(connection: asyncpg.Connection, group: list[Answered]) -> None:
    await esme_delivery.copy_answers(connection, [(f.delivery.account_id, f.delivery.id) for f in group])


async def probe_answered(connection: asyncpg.Connection, group: list[Answered]) -> bool:
    return await esme_delivery.answered(connection, group[0].delivery.account_id, group[0].delivery.id)
