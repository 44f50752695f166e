"""Hands orders to the network until it has answered, over crashes, those of one SIM one after the other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from motet.domain.network import (
    Barring,
    EuiccOperation,
    NetworkUnreachableError,
    OperationResult,
    OrderKind,
    OrderState,
    Reply,
    ReplyState,
    Subscriber,
)
from motet.domain.sim_lifecycle import CARRIES_TRAFFIC
from motet.domain.states import DeviceStatus, SimStatus
from motet.fleet.network_ports import EuiccPort, ImsiPort, SubscriberPort
from motet.fleet.orders import OrderEnds
from motet.storage import attachment, network_order
from motet.storage.acting import system_act
from motet.storage.database import Database, Row
from motet.storage.transaction import transaction

BATCH = 100
PARALLEL = 16
"""Orders under way at a time: as many as a network has connections of ours."""

LEASE_S = 20.0
"""An order that was taken and not settled, as when a node died, is taken again after this; answers take less."""

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
GIVE_UP_AFTER = timedelta(days=3)
"""A network that is away for longer gets fresh orders when it is back."""

RESULT_WITHIN = timedelta(days=1)
"""What a network accepted and does not tell the end of by then has failed."""

KEEP = timedelta(days=7)
PRUNE_EVERY_S = 600.0
PRUNE_ROWS = 10_000
IDLE_S = 10.0
"""How long nothing is looked for without being woken: another node's orders, and what is due by time."""

_log = structlog.get_logger(__name__)


class Network(SubscriberPort, EuiccPort, ImsiPort, Protocol):
    """A network that takes all orders."""


class Dispatcher:
    """One per node; nodes share the queue."""

    def __init__(
        self, database: Database, network: Network | None, ends: OrderEnds, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Without a network every order is refused."""
        self._database = database
        self._network = network
        self._ends = ends
        self._clock = clock
        self._woken = asyncio.Event()
        self._places = asyncio.Semaphore(PARALLEL)
        self._prune_at = 0.0

    def wake(self) -> None:
        """There is a new order."""
        self._woken.set()

    async def run(self) -> None:
        """Dispatches until it is cancelled."""
        while True:
            self._woken.clear()
            if await self.dispatch():
                continue
            await self._prune()
            due = await network_order.next_due(self._database.pool)
            pause = IDLE_S if due is None else min(IDLE_S, max(0.05, due.timestamp() - self._clock()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def dispatch(self) -> int:
        """Hand out what is due now, a batch at most, and note the answers: how many orders that was."""
        now = self._now()
        orders = await network_order.claim(self._database.pool, now, now + timedelta(seconds=LEASE_S), BATCH)
        overdue = await network_order.overdue(self._database.pool, now, BATCH)
        async with asyncio.TaskGroup() as group:
            for order in orders:
                group.create_task(self._hand_out(order))
        for order in overdue:
            await self._end(order, OrderState.GIVEN_UP, "The network did not tell how it ended")
        return len(orders) + len(overdue)

    async def _hand_out(self, order: Row) -> None:
        async with self._places:
            try:
                reply = await self._ask(order)
            except NetworkUnreachableError as error:
                await self._postpone(order, str(error))
                return
        if reply.state is ReplyState.DONE:
            await self._end(order, OrderState.DONE, None)
        elif reply.state is ReplyState.REFUSED:
            await self._end(order, OrderState.REFUSED, reply.reason or "The network refused")
        else:
            due = self._result_by(order)
            await network_order.settle(
                self._database.pool, order["workspace_id"], order["id"], OrderState.ACCEPTED, reply.reason, due, None
            )
            await self._ends.accepted(OrderKind(order["kind"]), order["id"])

    def _result_by(self, order: Row) -> datetime:
        """Until when a result is waited for: an operation on an eUICC has a validity of its own, and may be late."""
        valid_until = (order["body"].get("parameters") or {}).get("valid_until")
        now = self._now()
        return RESULT_WITHIN + (now if valid_until is None else max(now, datetime.fromisoformat(valid_until)))

    async def _ask(self, order: Row) -> Reply:
        network = self._network
        if network is None:
            return Reply(ReplyState.REFUSED, "This installation is connected to no network")
        order_id, body, kind = order["id"], order["body"], OrderKind(order["kind"])
        if kind is OrderKind.EUICC:
            operation = EuiccOperation(body["eid"], body["name"], body.get("iccid"), body.get("parameters"))
            return await network.submit(order_id, operation)
        if order["iccid"] is None:
            return Reply(ReplyState.REFUSED, "The SIM is no more")
        subscriber = Subscriber(order["iccid"], order["imsi"], order["msisdn"])
        match kind:
            case OrderKind.SUBSCRIBER:
                return await network.put(order_id, subscriber, _barring(order))
            case OrderKind.CANCEL_LOCATION:
                return await network.cancel_location(order_id, subscriber)
            case OrderKind.CUT_DATA:
                return await network.cut_data(order_id, subscriber, body.get("reason"))
            case OrderKind.SWITCH_IMSI:
                return await network.switch(order_id, subscriber, body["imsi"])

    async def _postpone(self, order: Row, reason: str) -> None:
        now = self._now()
        if now - order["ordered_at"] > GIVE_UP_AFTER:
            await self._end(order, OrderState.GIVEN_UP, f"The network did not answer: {reason}")
            return
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(order["attempts"] - 1, 10))
        _log.info("the network did not answer an order", kind=order["kind"], attempts=order["attempts"], reason=reason)
        await network_order.settle(
            self._database.pool, order["workspace_id"], order["id"], OrderState.WAITING, reason,
            now + timedelta(seconds=pause), None,
        )  # fmt: skip

    async def _end(self, order: Row, state: OrderState, reason: str | None) -> None:
        result = OperationResult(self._now(), order["id"], state is OrderState.DONE, reason)
        async with transaction(self._database, act=system_act("networkOrder", "network orders")) as connection:
            await self._ends.end(connection, order["workspace_id"], state, result)
        self._ends.committed()

    async def _prune(self) -> None:
        if self._clock() < self._prune_at:
            return
        self._prune_at = self._clock() + PRUNE_EVERY_S
        before = self._now() - KEEP
        await network_order.prune(self._database.pool, before, PRUNE_ROWS)
        await attachment.prune_notifications(self._database.pool, before, PRUNE_ROWS)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _barring(order: Row) -> Barring | None:
    """What the SIM may not do as it is now; None if it is no longer ours."""
    if order["sim_status"] == SimStatus.DELETED:
        return None
    barred = order["sim_status"] not in CARRIES_TRAFFIC or order["device_status"] != DeviceStatus.ENABLED
    return Barring(data=barred, sms=barred)
