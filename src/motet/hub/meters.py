"""What quotas and monthly limits say to the next SMS: counters in memory, beside what the database has counted.

Each counter holds what was counted by the last look at the database, and what this node has let pass since. Whoever
counts messages (motet.fleet.usage.counting) says how much of the latter is in the former now. So one node never lets
more pass than it may; what other nodes let pass it knows as of its last look, a few seconds ago.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from motet.domain.quota import (
    ExhaustionAction,
    MonthLimit,
    Quota,
    QuotaService,
    QuotaStatus,
    brought_to,
    limit_reached,
    month_after,
    month_of,
)
from motet.domain.refusals import Refusal
from motet.domain.traffic_rules import Traffic
from motet.storage import quota as quota_storage
from motet.storage import usage
from motet.storage.database import PooledConnection
from motet.storage.quota import StoredQuota
from motet.storage.traffic import Line
from motet.storage.usage import DeviceMonth

TO_DEVICE = frozenset({Traffic.SMS_MT, Traffic.P2P_IN})
READ_AGAIN = 5
"""How often a look at the database is repeated because something changed meanwhile."""

US = 1_000_000
MINUTE_US = 60 * US


class QuotaCounter:
    """One quota of SMS, shared by all devices that use it up."""

    __slots__ = ("_due_us", "_full_at_us", "key", "own", "quota")

    def __init__(self, key: tuple[int, int], quota: Quota) -> None:
        self.key = key
        """(workspace_id, id)."""
        self.own = 0
        """Parts that this node let pass and that are not in `quota.used`."""
        self._full_at_us = 0
        """When a throttled quota's minute of parts is all there again."""
        self.refresh(quota)

    def refresh(self, quota: Quota) -> None:
        self.quota = quota
        due = quota.due_at
        self._due_us: int | None = None if due is None else int(due.timestamp() * US)

    @property
    def remaining(self) -> int:
        return self.quota.volume - self.quota.used - self.own

    def refusal(self, count: int, now_us: int, *, counts: bool = True) -> Refusal | None:
        """Why `count` parts may not pass now. The last message that finds something left passes whole."""
        if self._due_us is not None and now_us >= self._due_us:
            self._pass_time(now_us)
        quota = self.quota
        if quota.status is QuotaStatus.EXPIRED:
            return Refusal.QUOTA_EXPIRED
        if self.remaining > 0:
            return None
        if quota.action is ExhaustionAction.THROTTLE and quota.throttle_rate:
            return (
                None if self._throttle(count, now_us, quota.throttle_rate, counts=counts) else Refusal.QUOTA_THROTTLED
            )
        return Refusal.QUOTA_USED_UP

    def _pass_time(self, now_us: int) -> None:
        """A refill or the end has come; the database will hear of it by itself."""
        before = self.quota.period_started_at
        quota = brought_to(self.quota, datetime.fromtimestamp(now_us / US, UTC))[0]
        if quota.period_started_at != before:
            self.own = 0
        self.refresh(quota)

    def _throttle(self, count: int, now_us: int, per_minute: int, *, counts: bool) -> bool:
        """Whether the rate lets them pass: at most a minute's worth at once."""
        full_at = max(self._full_at_us, now_us) + count * MINUTE_US // per_minute
        if full_at > now_us + MINUTE_US and self._full_at_us > now_us:
            return False
        if counts:
            self._full_at_us = full_at
        return True


class DeviceMeter:
    """What is counted for one device: its monthly limits, and the quota that it uses up."""

    __slots__ = ("_active", "_month_ends_us", "device", "month", "own", "quota", "workspace_id")

    def __init__(self, month: DeviceMonth, month_ends_us: int, active: _Active) -> None:
        self._active = active
        self.own = [0, 0]
        """MT and MO parts that this node let pass and that are not in `month.used`."""
        self.refresh(month, None, month_ends_us)

    def refresh(self, month: DeviceMonth, quota: QuotaCounter | None, month_ends_us: int) -> None:
        self.workspace_id = month.workspace_id
        self.device = month.device_id
        self.month = month
        self.quota = quota
        self._month_ends_us = month_ends_us

    def admit(self, traffic: Traffic, count: int, now_us: int) -> Refusal | None:
        """See motet.domain.traffic_rules.Meter."""
        kind = MonthLimit.SMS_MT if traffic in TO_DEVICE else MonthLimit.SMS_MO
        refusal = self.refusal(kind, count, now_us, counts=True)
        if refusal is None:
            self.own[kind] += count
            self._active.devices.add(self.device)
            quota = self.quota
            if quota is not None:
                quota.own += count
                self._active.quotas.add(quota.key[1])
        return refusal

    def refusal(self, kind: MonthLimit, count: int, now_us: int, *, counts: bool = False) -> Refusal | None:
        if now_us >= self._month_ends_us:
            now = datetime.fromtimestamp(now_us / US, UTC)
            self.own = [0, 0]
            self.month = self.month._replace(used=(0, 0, 0), extensions=(0, 0, 0))
            self._month_ends_us = int(month_after(now).timestamp() * US)
        month = self.month
        if limit_reached(month.used[kind] + self.own[kind], month.limits[kind], month.extensions[kind]):
            return Refusal.MONTH_LIMIT_REACHED
        if not month.sms_quota_applies:
            return None
        return Refusal.NO_QUOTA if self.quota is None else self.quota.refusal(count, now_us, counts=counts)

    def give_back(self, traffic: Traffic, count: int) -> None:
        """What was admitted did not pass after all."""
        kind = MonthLimit.SMS_MT if traffic in TO_DEVICE else MonthLimit.SMS_MO
        self.own[kind] = max(0, self.own[kind] - count)
        if self.quota is not None:
            self.quota.own = max(0, self.quota.own - count)


class _Active(NamedTuple):
    """Ids of the counters that were asked since they were last in step with the database."""

    quotas: set[int]
    devices: set[int]


class Snapshot(NamedTuple):
    """What counters held that the database had not counted, at a moment when nothing was on its way to it."""

    quotas: Mapping[int, int]
    devices: Mapping[int, tuple[int, int]]


class Meters:
    """The meters of a node's devices. Implements `motet.fleet.usage.counting.Counters`."""

    def __init__(
        self, pool: Callable[[], asyncpg.Pool], now_us: Callable[[], int], changes: Callable[[], int], limit: int
    ) -> None:
        """`changes` grows whenever what was read of devices and quotas may be old; `limit`: devices remembered."""
        self._pool = pool
        self._now_us = now_us
        self._changes = changes
        self._limit = limit
        self._quotas: dict[int, QuotaCounter] = {}
        self._devices: dict[int, DeviceMeter] = {}
        self._active = _Active(set(), set())
        self._generation = 0

    async def load(self, lines: Iterable[Line]) -> dict[int, DeviceMeter]:
        """The meters of those lines' devices whose policies count SMS, by device, as the database has them now."""
        metered = [
            (line.workspace_id, line.device_id)
            for line in lines
            if line.device_id is not None
            and (policy := line.facts.service) is not None
            and (
                policy.apply_sms_quota
                or policy.sms_mt_limit_per_month is not None
                or policy.sms_mo_limit_per_month is not None
            )
        ]
        if not metered:
            return {}
        for _ in range(READ_AGAIN):
            before = (self._generation, self._changes())
            now = datetime.fromtimestamp(self._now_us() / US, UTC)
            pool = self._pool()
            months = await usage.month_of_devices(pool, metered, month_of(now))
            keys = await quota_storage.in_force(
                pool, [(m.workspace_id, m.device_id) for m in months.values() if m.sms_quota_applies], QuotaService.SMS
            )
            rows = await quota_storage.load(pool, keys.values())
            if before == (self._generation, self._changes()):
                break
        self._make_room(len(metered))
        counters = {row.id: self._counter(row) for row in rows}
        ends_us = int(month_after(now).timestamp() * US)
        return {
            device_id: self._meter(month, counters.get(keys[device_id][1]) if device_id in keys else None, ends_us)
            for device_id, month in months.items()
        }

    def give_back(self, device_id: int, traffic: Traffic, count: int) -> None:
        """What was admitted for a device was not stored after all."""
        meter = self._devices.get(device_id)
        if meter is not None:
            meter.give_back(traffic, count)

    def ahead(self, quota_id: int | None, device_id: int) -> tuple[int, tuple[int, int]]:
        """What this node let pass and the database has not counted yet: by the quota, and (MT, MO) by the device."""
        counter = None if quota_id is None else self._quotas.get(quota_id)
        meter = self._devices.get(device_id)
        own = (0, 0) if meter is None else (meter.own[0], meter.own[1])
        return (0 if counter is None else counter.own), own

    # What whoever counts asks ----------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """What the database will have counted once it has counted all that is committed now; the caller knows that
        nothing is on its way."""
        return Snapshot(
            {quota_id: self._quotas[quota_id].own for quota_id in self._active.quotas if quota_id in self._quotas},
            {
                device_id: (meter.own[0], meter.own[1])
                for device_id in self._active.devices
                if (meter := self._devices.get(device_id)) is not None
            },
        )

    async def read(
        self, connection: PooledConnection, month: datetime
    ) -> tuple[list[StoredQuota], dict[int, DeviceMonth]]:
        """What the transaction knows of the counters that were asked lately."""
        quotas = [self._quotas[each].key for each in self._active.quotas if each in self._quotas]
        meters = [meter for each in self._active.devices if (meter := self._devices.get(each)) is not None]
        devices = [(meter.workspace_id, meter.device) for meter in meters]
        return (
            await quota_storage.load(connection, quotas),
            await usage.month_of_devices(connection, devices, month),
        )

    def counted(
        self,
        rows: Sequence[StoredQuota],
        months: Mapping[int, DeviceMonth],
        quotas: Mapping[int, int],
        devices: Mapping[int, tuple[int, int]],
    ) -> None:
        """The database has counted so much of what this node let pass, and then held `rows` and `months`."""
        self._generation += 1
        for row in rows:
            counter = self._quotas.get(row.id)
            if counter is not None:
                counter.own = max(0, counter.own - quotas.get(row.id, 0))
                counter.refresh(row.quota)
                if not counter.own:
                    self._active.quotas.discard(row.id)
        for device_id, month in months.items():
            meter = self._devices.get(device_id)
            if meter is not None:
                mt, mo = devices.get(device_id, (0, 0))
                meter.own = [max(0, meter.own[0] - mt), max(0, meter.own[1] - mo)]
                meter.month = month
                if meter.own == [0, 0]:
                    self._active.devices.discard(device_id)
        self._active.quotas.intersection_update(self._quotas)
        self._active.devices.intersection_update(self._devices)

    def _counter(self, row: StoredQuota) -> QuotaCounter:
        counter = self._quotas.get(row.id)
        if counter is None:
            counter = self._quotas[row.id] = QuotaCounter((row.workspace_id, row.id), row.quota)
        elif row.quota.period_started_at < counter.quota.period_started_at:
            counter.refresh(_in_period(row.quota, counter.quota))  # it was refilled here, and is not yet there
        else:
            if row.quota.period_started_at > counter.quota.period_started_at:
                counter.own = 0
            counter.refresh(row.quota)
        return counter

    def _meter(self, month: DeviceMonth, counter: QuotaCounter | None, month_ends_us: int) -> DeviceMeter:
        meter = self._devices.get(month.device_id)
        if meter is None:
            meter = self._devices[month.device_id] = DeviceMeter(month, month_ends_us, self._active)
        meter.refresh(month, counter, month_ends_us)
        return meter

    def _make_room(self, wanted: int) -> None:
        """Forget devices that are in step with the database, and quotas that nobody uses up then."""
        if len(self._devices) + wanted <= self._limit:
            return
        self._devices = {key: meter for key, meter in self._devices.items() if any(meter.own)}
        used = {id(meter.quota) for meter in self._devices.values()}
        self._quotas = {key: one for key, one in self._quotas.items() if one.own or id(one) in used}


def _in_period(stored: Quota, known: Quota) -> Quota:
    """What the database holds, brought to the period that is known here already."""
    return brought_to(replace(stored), known.period_started_at)[0]
