"""Counts SMS: what was committed goes into hours, days and months, and from quotas and limits, every few seconds.

Nothing is counted in the hub's own commits. Each incarnation has a mark in the database: its messages with ids up to
the mark are counted. A tick counts those above it, and moves the mark in the same transaction; so does, for an
incarnation that is dead, whoever finds it. Thus each message is counted once, whatever is killed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import structlog

from motet.domain.ids import first_id_at
from motet.domain.quota import MonthLimit, QuotaService, month_of
from motet.fleet.journal import Journal
from motet.fleet.usage.metering import Ledger, Told, ledger_of, tell_limits
from motet.storage import quota as quota_storage
from motet.storage import usage
from motet.storage.acting import system_act
from motet.storage.database import Database, PooledConnection
from motet.storage.quota import StoredQuota
from motet.storage.transaction import transaction
from motet.storage.usage import DeviceMonth, MeteredDevice

TICK_S = 2.0
"""Between two counts: so late are roll-ups, and what one node knows of another's."""

SHARE = 0.1
"""Of the time may be spent on counting: a count that takes long is followed by a long pause."""

LONGEST_PAUSE_S = 60.0

WINDOW = first_id_at(2_000_000_060_000) - first_id_at(2_000_000_000_000)
"""Ids of a minute: what one transaction counts. At 50,000 messages/s, 3 million rows."""

AFTER_DEATH = 10 * WINDOW
"""Ids that a dead incarnation may have given after the last one that is known of it."""

DUE_BATCH = 500
"""Quotas that one transaction refills or ends."""

_log = structlog.get_logger()


class Progress(NamedTuple):
    """How far a node's messages are committed."""

    incarnation: int
    committed_to: int
    """No message of the incarnation with an id up to this one will be committed from now on."""
    idle: bool
    """Nothing that was admitted waits for its commit."""


class Counters(Protocol):
    """The counters in the memory of the hub."""

    def snapshot(self) -> tuple[Mapping[int, int], Mapping[int, tuple[int, int]]]: ...

    async def read(
        self, connection: PooledConnection, month: datetime
    ) -> tuple[Sequence[StoredQuota], Mapping[int, DeviceMonth]]: ...

    def counted(
        self,
        rows: Sequence[StoredQuota],
        months: Mapping[int, DeviceMonth],
        quotas: Mapping[int, int],
        devices: Mapping[int, tuple[int, int]],
    ) -> None: ...


class Counting:
    """Counts for one node; any number of nodes may."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        progress: Callable[[], Progress],
        counters: Counters,
        *,
        on_exhausted: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_exhausted` is called after a commit by which data sessions may have to be cut."""
        self._database = database
        self._journal = journal
        self._progress = progress
        self._counters = counters
        self._on_exhausted = on_exhausted
        self._clock = clock
        self._counted_to = 0

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            started = time.monotonic()
            try:
                await self.tick()
            except Exception as error:  # noqa: BLE001 - the task lives on, and what is not counted stays to be counted
                _log.warning("counting failed", error=repr(error)[:200])
            await asyncio.sleep(min(max(TICK_S, (time.monotonic() - started) / SHARE), LONGEST_PAUSE_S))

    async def tick(self) -> None:
        """Count all that is committed: of this node, and of dead incarnations."""
        await self.settle_due()
        for dead in await usage.uncounted_dead(self._database.pool):
            ended_ms = 0 if dead["ended_at"] is None else int(dead["ended_at"].timestamp() * 1_000)
            end = max(dead["last_id"], first_id_at(ended_ms)) + AFTER_DEATH
            while await self._count(dead["incarnation"], end, finishes=True):
                pass
        progress = self._progress()
        if progress.committed_to == self._counted_to:
            return
        snapshot = self._counters.snapshot() if progress.idle else None
        while await self._count(progress.incarnation, progress.committed_to, snapshot=snapshot, own=True):
            snapshot = None  # a part of it is counted
        self._counted_to = progress.committed_to

    async def settle_due(self) -> None:
        """Refill and end the quotas whose time has come."""
        while True:
            told, now = Told(), self._now()
            async with transaction(self._database, act=system_act("quotaRefill", "quotas")) as connection:
                rows = await quota_storage.lock_due(connection, now, DUE_BATCH)
                ledger = Ledger(rows, now, told)
                await ledger.write(connection)
                await told.write(connection, self._journal)
            if not rows:
                return
            self._journal.committed()
            if ledger.ended:
                self._on_exhausted()
            if len(rows) < DUE_BATCH:
                return

    async def _count(
        self, incarnation: int, end: int, *, snapshot: Any = None, own: bool = False, finishes: bool = False
    ) -> bool:
        """Count a window of an incarnation's messages, in a transaction; whether there are more up to `end`."""
        now, told = self._now(), Told()
        month = month_of(now)
        async with self._database.pool.acquire() as connection, connection.transaction():
            await usage.fence(connection, self._progress().incarnation)
            mark = await usage.lock_mark(connection, incarnation)
            if mark is None:
                return False
            up_to = end if mark == 0 else min(end, mark + WINDOW)
            last = up_to >= end
            quotas: dict[int, int] = {}
            devices: dict[int, tuple[int, int]] = {}
            if 0 < mark < up_to:
                metered = await self._add(connection, incarnation, mark, up_to)
                devices = {one.device_id: (one.mt, one.mo) for one in metered}
                quotas = await self._charge(connection, incarnation, mark, up_to, metered, now, told)
            if mark < up_to or (last and finishes):
                await usage.move_mark(connection, incarnation, max(mark, up_to), finished=last and finishes)
            await told.write(connection, self._journal)
            rows, months = await self._counters.read(connection, month) if own else ((), {})
        self._journal.committed()
        if own:
            if last and snapshot is not None:
                quotas, devices = snapshot
            self._counters.counted(rows, months, quotas, devices)
        return not last

    async def _add(self, connection: PooledConnection, incarnation: int, mark: int, up_to: int) -> list[MeteredDevice]:
        workspaces = await usage.workspaces_with_messages(connection, incarnation, mark, up_to)
        if not workspaces:
            return []
        await usage.lock_workspaces(connection, workspaces)
        return await usage.count_messages(connection, incarnation, mark, up_to)

    async def _charge(
        self,
        connection: PooledConnection,
        incarnation: int,
        mark: int,
        up_to: int,
        metered: Sequence[MeteredDevice],
        now: datetime,
        told: Told,
    ) -> dict[int, int]:
        """Take what was counted from quotas, and tell of limits: the parts taken, by quota."""
        if not metered:
            return {}
        month = month_of(now)
        months = await usage.month_of_devices(connection, [(one.workspace_id, one.device_id) for one in metered], month)
        limits = (MonthLimit.SMS_MT, MonthLimit.SMS_MO)
        await tell_limits(connection, months.values(), limits, month, told)
        applies = [one for one in metered if months[one.device_id].sms_quota_applies]
        ledger, quota_of = await ledger_of(
            connection, [(one.workspace_id, one.device_id) for one in applies], QuotaService.SMS, now, told
        )
        charged: dict[int, int] = {}
        for one in applies:
            quota_id = quota_of.get(one.device_id)
            if quota_id is None:
                continue
            since = ledger.rows[quota_id].quota.period_started_at
            parts = one.mt + one.mo
            if one.last_at < since:
                parts = 0
            elif one.first_at < since:
                parts = await usage.parts_since(
                    connection, one.workspace_id, one.device_id, incarnation, mark, up_to, since
                )
            charged[quota_id] = charged.get(quota_id, 0) + parts
        for quota_id, parts in charged.items():
            ledger.charge(quota_id, parts)
        await ledger.write(connection)
        return charged

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
