"""Resetting a device's connectivity: the network forgets where its SIM is, or cuts its data, and the SIM comes anew."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from motet.domain.errors import ConflictError, InvalidError, LimitReachedError, NotFoundError, UpstreamError
from motet.domain.event_types import DEVICE_CONNECTIVITY_RESET, DEVICE_RESET_FAILED
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator
from motet.domain.network import OperationResult, OrderKind
from motet.domain.sim_lifecycle import SimTrigger
from motet.domain.states import EventSource, SimStatus
from motet.fleet.journal import Change, Journal
from motet.fleet.network_ports import Orders
from motet.fleet.sims.sim_step import SimSteps, told
from motet.storage import connectivity_reset
from motet.storage.database import Database, PooledConnection
from motet.storage.transaction import transaction

RESETS: Final = ((6, timedelta(hours=1)), (24, timedelta(days=1)))
"""How often one device may be reset in which time: a network bars SIMs that register all the time."""


class Ordered(NamedTuple):
    """A reset that the network is asked for: the running one, if the same was asked for before."""

    reset_id: int
    is_new: bool = True
    is_test_over: bool = False
    """Whether it ended the SIM's factory test."""


class ConnectivityResetService:
    """Resets devices; what the network makes of that is noted when it tells. One per node."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        journal: Journal,
        orders: Orders,
        *,
        has_network: bool,
        on_change: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._ids = ids
        self._journal = journal
        self._orders = orders
        self._has_network = has_network
        self._steps = SimSteps(ids, journal, clock=clock)
        self._on_change = on_change
        self._clock = clock

    async def reset(
        self, workspace_id: int, actor: str, device_id: int, *, location: bool = True, data: bool = True
    ) -> int:
        """Order the reset: its id. One that asks for the same while the network has not answered is the same reset.

        Raises NotFoundError (path `id`), InvalidError if nothing is to be reset, ConflictError without a SIM,
        LimitReachedError for too many (path `id`), UpstreamError if there is no network to ask.
        """
        if not location and not data:
            raise InvalidError("Say what to reset: the location, data, or both.", path=("location",))
        reset_id = self._ids.next(int(self._clock() * 1_000))
        async with transaction(self._database, makes=reset_id) as connection:
            ordered = await self.order(
                connection, workspace_id, actor, device_id, location=location, data=data, reset_id=reset_id
            )
        await self.committed(is_test_over=ordered.is_test_over)
        return ordered.reset_id

    async def order(
        self,
        connection: PooledConnection,
        workspace_id: int,
        actor: str,
        device_id: int,
        *,
        location: bool,
        data: bool,
        reset_id: int | None = None,
    ) -> Ordered:
        """The same in the caller's transaction, after which `committed` is to be called. What raises has written
        nothing."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        if reset_id is None:
            reset_id = self._ids.next_at(now)
        found = await connectivity_reset.lock_device(connection, workspace_id, device_id)
        if found is None:
            raise NotFoundError("No such device.", path=("id",))
        if found["sim_id"] is None:
            raise ConflictError("The device has no SIM.", path=("id",))
        if not self._has_network:
            raise UpstreamError("This installation is connected to no network that could be asked.")
        sim_id = found["sim_id"]
        running = await connectivity_reset.open_reset(
            connection, workspace_id, device_id, sim_id, location=location, data=data
        )
        if running is not None:
            return Ordered(running, is_new=False)
        for most, span in RESETS:
            if await connectivity_reset.count_since(connection, workspace_id, device_id, now - span) >= most:
                hours = int(span.total_seconds() // 3600)
                raise LimitReachedError(
                    "A device can be reset {most} times in {hours} h, and this one was.",
                    path=("id",),
                    most=most,
                    hours=hours,
                )
        orders: list[int] = []
        body = {"reset": str(reset_id)}
        if data:
            orders += await self._orders.add(
                connection, workspace_id, OrderKind.CUT_DATA, [sim_id], {**body, "reason": "RESET"}
            )
        if location:
            orders += await self._orders.add(connection, workspace_id, OrderKind.CANCEL_LOCATION, [sim_id], body)
        await connectivity_reset.insert(
            connection, workspace_id, reset_id, device_id, sim_id, now, actor, orders, location=location, data=data
        )
        was_tested = found["sim_status"] == SimStatus.FACTORY_TEST
        if was_tested:
            await self._steps.take(connection, workspace_id, sim_id, SimTrigger.CONNECTIVITY_RESET, actor=actor)
        detail = {
            "device": {"name": found["name"]},
            **told(found["iccid"], found["imsi"], found["msisdn"]),
            "reset": encode_global_id("ConnectivityReset", reset_id),
            "location": location,
            "data": data,
        }
        change = Change(DEVICE_CONNECTIVITY_RESET, device_id, sim_id, detail)
        await self._journal.write(connection, workspace_id, actor, [change])
        return Ordered(reset_id, is_test_over=was_tested)

    async def committed(self, *, is_test_over: bool) -> None:
        """The transaction of `order` has ended well."""
        self._journal.committed()
        self._orders.wake()
        if is_test_over:
            await self._on_change()

    async def ended(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, kind: OrderKind, result: OperationResult
    ) -> None:
        """An order to cancel a location or to cut data has ended: see the port `OperationResults`."""
        failed = None if result.ok else result.reason or "The network refused"
        noted = await connectivity_reset.order_ended(
            connection, workspace_id, sim_id, result.order_id, failed, result.at
        )
        if noted is not None and noted["failed"] is not None and noted["open_orders"] == 0:
            detail = {
                "device": {"name": noted["name"]},
                **told(noted["iccid"], noted["imsi"], noted["msisdn"]),
                "reset": encode_global_id("ConnectivityReset", noted["id"]),
                "reason": noted["failed"],
            }
            change = Change(DEVICE_RESET_FAILED, noted["device_id"], sim_id, detail, EventSource.NETWORK)
            await self._journal.write(connection, workspace_id, None, [change])
