"""Cuts data sessions that may not go on: what changed since their networks last asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from motet.domain.event_types import SESSION_CUT
from motet.domain.network import OrderKind
from motet.domain.quota import MonthLimit, Quota, QuotaService, brought_to, limit_reached, month_of
from motet.domain.refusals import Refusal
from motet.domain.session_rules import facts_at, quota_refusal
from motet.domain.states import EventSource
from motet.domain.traffic_rules import Traffic, refusal_of
from motet.fleet.journal import Change, Journal
from motet.fleet.network_ports import Orders
from motet.storage import data_session, quota, traffic, usage
from motet.storage.database import Database
from motet.storage.traffic import Line
from motet.storage.usage import DeviceMonth

_log = structlog.get_logger()


class SessionCutter:
    """Cuts open sessions that rules, quotas or limits no longer let go on: at a poke, and every `SWEEP_S`."""

    PAGE = 1_000
    SWEEP_S = 300.0
    """For what nobody poked for: nothing that we know of."""
    PAUSE_S = 1.0
    """Between two looks: a bulk change pokes for every device."""
    SHARE = 0.1
    """Of the time may be spent on looking: a sweep that takes long is followed by a long pause."""
    LINES = 1_000
    """Lines that are looked at one by one; if more have changed, all sessions are."""
    SILENT = timedelta(hours=48)
    """A session of which nothing was told for so long has ended without a word."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        orders: Orders | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._journal = journal
        self.orders = orders
        """Where networks are told to cut; None: nobody is, but by the answers to their records."""
        self._clock = clock
        self._poked = asyncio.Event()
        self._all = False
        self._lines: set[str] = set()

    def poke(self) -> None:
        """Something changed that decides over many sessions."""
        self._all = True
        self._poked.set()

    def poke_line(self, msisdn: str) -> None:
        """Something changed for the SIM with this number."""
        if len(self._lines) < self.LINES:
            self._lines.add(msisdn)
        else:
            self._all = True
        self._poked.set()

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self.SWEEP_S):
                    await self._poked.wait()
            except TimeoutError:
                self._all = True
            self._poked.clear()
            started = time.monotonic()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - the task lives on
                self._all = True
                self._poked.set()
                _log.exception("cutting sessions failed", error=repr(error)[:200])
            await asyncio.sleep(max(self.PAUSE_S, (time.monotonic() - started) / self.SHARE))

    async def look(self) -> int:
        """Look at what was poked for; how many sessions were cut."""
        lines, self._lines = self._lines, set()
        if self._all:
            self._all = False
            return await self.sweep()
        found = await traffic.of_identities(self._database.pool, sorted(lines))
        sims = [(line.workspace_id, line.sim_id) for line in found.values() if line.sim_id is not None]
        page = await data_session.open_of_sims(self._database.pool, sims, self.PAGE)
        return await self._cut(page, datetime.fromtimestamp(self._clock(), UTC)) if page else 0

    async def sweep(self) -> int:
        """Look at every open session once; how many were cut."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        before = now - self.SILENT
        await data_session.close_silent(self._database.pool, before, self.PAGE, "No record for 48 hours")
        after, count = 0, 0
        while page := await data_session.open_after(self._database.pool, after, self.PAGE):
            after = page[-1].id
            count += await self._cut(page, now)
        return count

    async def _cut(self, page: Sequence[data_session.OpenSession], now: datetime) -> int:
        lines = await traffic.of_sim_ids(self._database.pool, [(one.workspace_id, one.sim_id) for one in page])
        devices = [(line.workspace_id, line.device_id) for line in lines.values() if line.device_id is not None]
        months = await usage.month_of_devices(self._database.pool, devices, month_of(now))
        quotas = await self._quotas(months, now)
        refused: list[tuple[int, int, str]] = []
        for one in page:
            line = lines.get(one.sim_id)
            refusal = _standing_refusal(one, line, months, quotas)
            if refusal is not None:
                refused.append((one.workspace_id, one.id, refusal.name))
        if not refused:
            return 0
        async with self._database.pool.acquire() as connection, connection.transaction():
            rows = await data_session.cut(connection, refused)
            for row in rows:
                reason = Refusal[row["reason"]]
                detail = {"session_id": row["session_id"], "reason": reason.name}
                change = Change(
                    SESSION_CUT, row["device_id"], row["sim_id"], detail, source=EventSource.POLICY, words=reason.words
                )
                await self._journal.write(connection, row["workspace_id"], None, [change])
                if self.orders is not None:
                    await self.orders.add(
                        connection, row["workspace_id"], OrderKind.CUT_DATA, [row["sim_id"]], {"reason": reason.name}
                    )
        self._journal.committed()
        if self.orders is not None:
            self.orders.wake()
        return len(rows)

    async def _quotas(self, months: dict[int, DeviceMonth], now: datetime) -> dict[int, Quota]:
        return await quotas_of(
            self._database,
            [(one.workspace_id, one.device_id) for one in months.values() if one.data_quota_applies],
            QuotaService.DATA,
            now,
        )


async def quotas_of(
    database: Database, devices: Sequence[tuple[int, int]], service: QuotaService, now: datetime
) -> dict[int, Quota]:
    """The quota that each of the devices uses up, as it is at `now`."""
    keys = await quota.in_force(database.pool, devices, service)
    rows = {row.id: brought_to(row.quota, now)[0] for row in await quota.load(database.pool, keys.values())}
    return {device_id: rows[quota_id] for device_id, (_, quota_id) in keys.items() if quota_id in rows}


def _standing_refusal(
    one: data_session.OpenSession, line: Line | None, months: dict[int, DeviceMonth], quotas: dict[int, Quota]
) -> Refusal | None:
    if line is None:
        return Refusal.SIM_NOT_ACTIVE
    refusal = refusal_of(facts_at(line.facts, one.operator, one.rat), Traffic.DATA)
    month = months.get(line.device_id or 0)
    if refusal is not None or month is None:
        return refusal
    kind = MonthLimit.DATA
    if limit_reached(month.used[kind], month.limits[kind], month.extensions[kind]):
        return Refusal.MONTH_LIMIT_REACHED
    return quota_refusal(quotas.get(line.device_id or 0))[0] if month.data_quota_applies else None
