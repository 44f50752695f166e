"""What becomes of operations on eUICCs: the network's word, its silence, and a SIM that does not attach any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import asyncpg
import structlog

from motet.domain import euicc as rules
from motet.domain.errors import ConflictError, DomainError
from motet.domain.euicc import OPERATION_MOVES, OperationState, OperationType, ProfileState
from motet.domain.event_types import (
    SIM_EUICC_OPERATION_EXPIRED,
    SIM_EUICC_OPERATION_FAILED,
    SIM_FALLBACK_PROFILE_SET,
    SIM_PROFILE_DELETED,
    SIM_PROFILE_DISABLED,
    SIM_PROFILE_DOWNLOADED,
    SIM_PROFILE_ENABLED,
    SIM_PROFILE_ROLLED_BACK,
    EventType,
)
from motet.domain.network import (
    EuiccOperation,
    NetworkUnreachableError,
    OperationResult,
    OrderKind,
    ReplyState,
)
from motet.domain.states import EventSource, SimStatus
from motet.fleet.cards.euicc import VALIDITY_S, EuiccService, card_of, locked_card, order_body
from motet.fleet.journal import Change
from motet.fleet.network_ports import EuiccPort
from motet.fleet.sims.sim_step import told as told_of_sim
from motet.storage import euicc, sim
from motet.storage.database import PooledConnection
from motet.storage.transaction import transaction

ASK_AFTER_S = 60
"""How long a network may be silent about an operation that it took before it is asked what became of it."""

LOOK_AGAIN_S = 10
"""When a rollback cannot be ordered because another operation is open."""

SWEEP_ROWS = 100
"""Operations of one look."""

_EVENTS: Final[dict[OperationType, EventType]] = {
    OperationType.DOWNLOAD: SIM_PROFILE_DOWNLOADED,
    OperationType.ENABLE: SIM_PROFILE_ENABLED,
    OperationType.DISABLE: SIM_PROFILE_DISABLED,
    OperationType.DELETE: SIM_PROFILE_DELETED,
    OperationType.ROLLBACK: SIM_PROFILE_ROLLED_BACK,
    OperationType.SET_FALLBACK: SIM_FALLBACK_PROFILE_SET,
}

_log = structlog.get_logger(__name__)


class EuiccResults:
    """Ends operations. Implements the port OperationResults for orders of the kind EUICC."""

    def __init__(self, service: EuiccService, *, on_change: Callable[[], Awaitable[None]]) -> None:
        """`on_change` is called after each commit that gives a SIM other identities."""
        self._service = service
        self._on_change = on_change

    async def ended(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, kind: OrderKind, result: OperationResult
    ) -> None:
        """See `OperationResults.ended`. What was said before, or is of an operation long over, changes nothing."""
        if kind is not OrderKind.EUICC:
            return
        found = await euicc.operation_of_order(connection, result.order_id)
        if found is None:
            return
        state = OperationState.OK if result.ok else OperationState.FAILED
        await self._end(connection, found, state, result.reason)

    async def sent(self, order_id: int) -> None:
        """The network has taken the operation, and will tell its end."""
        service = self._service
        at = service.now()
        async with transaction(service.database) as connection:
            found = await euicc.mark_sent(connection, order_id, at, at + timedelta(seconds=ASK_AFTER_S))
            if found is not None:
                await euicc.add_step(
                    connection, found["workspace_id"], service.next_id(), found["id"], OperationState.SENT, None, at
                )

    async def sweep(self, port: EuiccPort | None) -> None:
        """Expire what is over, go back where a SIM has not attached in time, ask about what nobody has told of."""
        service = self._service
        now = service.now()
        pool = service.database.pool
        for row in await euicc.expired(pool, now, SWEEP_ROWS):
            await self._in_turn(row, self._expire)
        for row in await euicc.unattached(pool, now, SWEEP_ROWS):
            await self._in_turn(row, self._roll_back)
        if port is None:
            return
        if port is None:
            return
        again_at = now + timedelta(seconds=ASK_AFTER_S)
        for row in await euicc.claim_unanswered(pool, now, again_at, SWEEP_ROWS):
            await self._ask(port, row)

    async def _ask(self, port: EuiccPort, row: asyncpg.Record) -> None:
        """Say the same again: a network knows an operation by its order's id, and answers what became of it."""
        body = order_body(row["eid"], OperationType(row["type"]), row, row["valid_until"], row["rollback_after_s"])
        try:
            reply = await port.submit(row["order_id"], EuiccOperation(**body))
        except NetworkUnreachableError as error:
            _log.info("an eUICC operation could not be asked about", order_id=row["order_id"], reason=str(error))
            return
        if reply.state is ReplyState.ACCEPTED:
            return
        state = OperationState.OK if reply.state is ReplyState.DONE else OperationState.FAILED

        async def end(connection: PooledConnection, found: asyncpg.Record) -> bool:
            return await self._end(connection, found, state, reply.reason)

        await self._in_turn(row, end)

    async def _in_turn(
        self, row: asyncpg.Record, do: Callable[[PooledConnection, asyncpg.Record], Awaitable[bool]]
    ) -> None:
        """In a transaction of its own, with the SIM and then the operation locked; tells whoever must know."""
        service = self._service
        async with transaction(service.database) as connection:
            await sim.lock(connection, row["workspace_id"], row["euicc_id"])
            locked = await euicc.lock_operation(connection, row["workspace_id"], row["id"])
            changed = locked is not None and await do(connection, locked)
        service.journal.committed()
        service.wake()
        if changed:
            await self._on_change()

    async def _expire(self, connection: PooledConnection, found: asyncpg.Record) -> bool:
        if OperationState(found["state"]) not in rules.OPEN_STATES or found["valid_until"] > self._service.now():
            return False
        return await self._end(connection, found, OperationState.EXPIRED, "No result within the validity.")

    async def _roll_back(self, connection: PooledConnection, found: asyncpg.Record) -> bool:
        """Order the way back from a profile with which the SIM has not attached."""
        service, now = self._service, self._service.now()
        space, number, euicc_id = found["workspace_id"], found["id"], found["euicc_id"]
        if found["attach_by"] is None or found["attach_by"] > now:
            return False
        try:
            _, card, _ = await locked_card(connection, space, euicc_id, ("id",))
            if card.enabled is None or card.enabled.id != found["profile_id"]:
                await euicc.postpone_attach(connection, space, number, None)
                return False
            plan = rules.plan(card, OperationType.ROLLBACK)
        except ConflictError:
            await euicc.postpone_attach(connection, space, number, now + timedelta(seconds=LOOK_AGAIN_S))
            return False
        except DomainError as error:
            _log.info("an eUICC cannot go back", operation_id=number, reason=error.message)
            await euicc.postpone_attach(connection, space, number, None)
            return False
        await euicc.postpone_attach(connection, space, number, None)
        valid_until = now + timedelta(seconds=VALIDITY_S)
        await service.order(
            connection, space, euicc_id, plan, service.next_id(), valid_until=valid_until, origin_id=number
        )
        return False

    async def _end(
        self, connection: PooledConnection, row: asyncpg.Record, state: OperationState, reason: str | None
    ) -> bool:
        """Write the end of an operation and what it does; whether the SIM has other identities now."""
        service, at = self._service, self._service.now()
        space, euicc_id = row["workspace_id"], row["euicc_id"]
        before = await sim.lock(connection, space, euicc_id)
        found = await euicc.lock_operation(connection, space, row["id"])
        card_row = await euicc.find(connection, space, euicc_id)
        if before is None or found is None or card_row is None:
            return False
        if state not in OPERATION_MOVES[OperationState(found["state"])]:
            return False
        if before.status == SimStatus.DELETED and state is OperationState.OK:
            state, reason = OperationState.FAILED, "The SIM is deleted."
        rows = await euicc.profiles(connection, space, euicc_id)
        kind, profile_id = OperationType(found["type"]), found["profile_id"]
        end = rules.confirmed if state is OperationState.OK else rules.failed
        effects = end(card_of(card_row, rows), kind, profile_id)
        await service.apply(connection, space, euicc_id, effects)
        switched = any(effect.after is ProfileState.ENABLED is not effect.before for effect in effects)
        attach_by = None
        if switched:
            await euicc.clear_attach(connection, space, euicc_id)
            if kind is OperationType.ENABLE and found["rollback_after_s"] is not None:
                attach_by = at + timedelta(seconds=found["rollback_after_s"])
        await euicc.end_operation(connection, space, found["id"], state, reason, at, attach_by)
        await euicc.add_step(connection, space, service.next_id(), found["id"], state, reason, at)
        after = await sim.lock(connection, space, euicc_id) if switched else before
        profile = next(one for one in rows if one["id"] == profile_id)
        told: dict[str, Any] = {
            **told_of_sim(*(after or before)[2:5]),
            "profile": {"iccid": profile["iccid"], "imsi": profile["imsi"], "msisdn": profile["msisdn"]},
            "operation": kind.name,
        }
        if switched:
            told["before"] = told_of_sim(*before[2:5])["sim"]
        if reason is not None:
            told["reason"] = reason
        change = Change(_event_of(kind, state), before.device_id, euicc_id, told, EventSource.NETWORK)
        await service.journal.write(connection, space, found["actor"], [change])
        return switched


def _event_of(kind: OperationType, state: OperationState) -> EventType:
    if state is OperationState.OK:
        return _EVENTS[kind]
    return SIM_EUICC_OPERATION_EXPIRED if state is OperationState.EXPIRED else SIM_EUICC_OPERATION_FAILED
