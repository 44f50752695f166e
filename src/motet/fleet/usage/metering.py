"""What is counted, and what follows from it: quotas used up, monthly limits reached. Shared by whoever counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from motet.domain.quota import MonthLimit, QuotaService, QuotaStatus, brought_to, charged, limit_reached, limit_warns
from motet.fleet.journal import Change, Journal
from motet.fleet.usage.quota_events import happened, limit_told
from motet.storage import quota as quota_storage
from motet.storage import usage
from motet.storage.database import PooledConnection
from motet.storage.quota import StoredQuota
from motet.storage.usage import DeviceMonth


@dataclass(slots=True)
class Told:
    """What has to be told when the transaction ends well, by workspace."""

    changes: dict[int, list[Change]] = field(default_factory=dict)

    def add(self, workspace_id: int, *changes: Change) -> None:
        if changes:
            self.changes.setdefault(workspace_id, []).extend(changes)

    async def write(self, connection: PooledConnection, journal: Journal) -> None:
        for workspace_id, changes in self.changes.items():
            await journal.write(connection, workspace_id, None, changes)


class Ledger:
    """Quotas that one transaction has locked, brought to `now`. They change in memory until `write`."""

    def __init__(self, rows: Iterable[StoredQuota], now: datetime, told: Told) -> None:
        self._now = now
        self._told = told
        self._before = {row.id: row for row in rows}
        self.rows: dict[int, StoredQuota] = {}
        for row in self._before.values():
            quota, happenings = brought_to(row.quota, now)
            self.rows[row.id] = brought = row._replace(quota=quota)
            told.add(row.workspace_id, *(happened(brought, one) for one in happenings))

    def charge(self, quota_id: int, amount: int) -> None:
        """So much more has passed in the quota's period."""
        row = self.rows[quota_id]
        if amount:
            quota, happenings = charged(row.quota, amount)
            self.rows[quota_id] = row = row._replace(quota=quota)
            self._told.add(row.workspace_id, *(happened(row, one) for one in happenings))

    @property
    def ended(self) -> list[StoredQuota]:
        """Those that let traffic pass before and do not any more."""
        return [
            row
            for row in self.rows.values()
            if row.quota.status is not QuotaStatus.ACTIVE and self._before[row.id].quota.status is QuotaStatus.ACTIVE
        ]

    async def write(self, connection: PooledConnection) -> None:
        changed = [row for row in self.rows.values() if row != self._before[row.id]]
        await quota_storage.update(connection, changed, self._now)


async def ledger_of(
    connection: PooledConnection, devices: Sequence[tuple[int, int]], service: QuotaService, now: datetime, told: Told
) -> tuple[Ledger, Mapping[int, int]]:
    """The quotas that these devices use up, locked; and the quota's id by device."""
    keys = await quota_storage.in_force(connection, devices, service)
    rows = await quota_storage.lock_many(connection, keys.values())
    return Ledger(rows, now, told), {device_id: quota_id for device_id, (_, quota_id) in keys.items()}


async def tell_limits(
    connection: PooledConnection,
    months: Iterable[DeviceMonth],
    kinds: Sequence[MonthLimit],
    month: datetime,
    told: Told,
) -> bool:
    """Tell of the limits that were reached or come near, once in the month each. Whether any was reached just now."""
    notes: list[tuple[int, int, datetime, int, bool, bool]] = []
    newly_reached = False
    for one in months:
        for kind in kinds:
            limit, used, extension = one.limits[kind], one.used[kind], one.extensions[kind]
            if limit is None:
                continue
            reached = limit_reached(used, limit, extension)
            warns = reached or limit_warns(used, limit, extension, one.warning_percent)
            if reached and not one.reached[kind]:
                newly_reached = True
                told.add(
                    one.workspace_id,
                    limit_told(one.device_id, kind, reached=True, used=used, limit=limit + extension, percent=None),
                )
            elif warns and not one.warned[kind]:
                told.add(
                    one.workspace_id,
                    limit_told(
                        one.device_id,
                        kind,
                        reached=False,
                        used=used,
                        limit=limit + extension,
                        percent=one.warning_percent,
                    ),
                )
            if (warns, reached) != (one.warned[kind], one.reached[kind]) and warns:
                notes.append((one.workspace_id, one.device_id, month, int(kind), warns, reached))
    await usage.note_told(connection, notes)
    return newly_reached
