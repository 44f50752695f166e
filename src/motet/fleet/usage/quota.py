"""What a workspace does with its quotas: make, change, top up, remove, share in pools; and extend monthly limits."""

from __future__ import annotations

import time
import zoneinfo
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from motet.domain.errors import ConflictError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.event_types import (
    LIMIT_EXTENDED,
    QUOTA_POOL_CREATED,
    QUOTA_POOL_DELETED,
    QUOTA_POOL_UPDATED,
    QUOTA_TOPPED_UP,
    QUOTA_UPDATED,
    EventType,
)
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator
from motet.domain.quota import (
    MAX_THRESHOLDS,
    MAX_VOLUME,
    ExhaustionAction,
    MonthLimit,
    Quota,
    QuotaService,
    QuotaStatus,
    Refill,
    brought_to,
    judged,
    month_of,
    next_refill,
    topped_up,
)
from motet.fleet.journal import Change, Journal
from motet.fleet.rules import UNCHANGED, Unchanged, check_range, check_text
from motet.fleet.usage.quota_events import ASSIGNED, DELETED, DISABLED, ENABLED, asked_for, happened
from motet.storage import device, directory, usage
from motet.storage import quota as storage
from motet.storage.database import Database, PooledConnection
from motet.storage.quota import Pool, StoredQuota
from motet.storage.transaction import transaction

MAX_POOLS = 1_000
"""Pools of one workspace: each has a tag of its own."""

MAX_NAME_CHARACTERS = 100
MAX_TAG_CHARACTERS = 50
MAX_THROTTLE_KBIT_S = 1_000_000
MAX_THROTTLE_PER_MINUTE = 10_000

OnChange = Callable[[Sequence[str] | None], Awaitable[None]]
"""Called after each commit that decides over traffic, with the MSISDNs that it is about; None: any of the fleet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaChanges:
    """What to set; what is not named keeps its value, or the default in a new quota."""

    volume: int | Unchanged = UNCHANGED
    """What every refill gives, and this period has."""
    refill: Refill | Unchanged = UNCHANGED
    time_zone: str | Unchanged = UNCHANGED
    rollover: bool | Unchanged = UNCHANGED
    thresholds: Sequence[int] | Unchanged = UNCHANGED
    action: ExhaustionAction | Unchanged = UNCHANGED
    throttle_rate: int | Unchanged | None = UNCHANGED
    expires_at: datetime | Unchanged | None = UNCHANGED
    enabled: bool | Unchanged = UNCHANGED


class QuotaBook:
    """The quotas of all workspaces, each call scoped to one; `actor` is who asked for it. Errors are domain errors;
    paths name input fields."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        journal: Journal,
        *,
        on_change: OnChange,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._ids = ids
        self._journal = journal
        self._on_change = on_change
        self._clock = clock

    async def create(
        self,
        workspace_id: int,
        actor: str,
        service: QuotaService,
        changes: QuotaChanges,
        *,
        device_id: int | None = None,
        pool_id: int | None = None,
    ) -> int:
        """Give a device or a pool a quota: its id. What passed before is not counted.

        Raises InvalidError, also unless exactly one of device and pool is named; NotFoundError (path `device_id` or
        `pool_id`); ConflictError if it has a quota of the service.
        """
        if (device_id is None) == (pool_id is None):
            raise InvalidError("Give either a device or a pool.", path=("device_id",))
        now = self._now()
        quota_id = self._new_id(now)
        async with self._transaction(makes=quota_id) as connection:
            if device_id is not None and await device.lock(connection, workspace_id, device_id) is None:
                raise NotFoundError("No such device.", path=("device_id",))
            if pool_id is not None and await storage.lock_pool(connection, workspace_id, pool_id) is None:
                raise NotFoundError("No such pool.", path=("pool_id",))
            quota = _applied(_blank(service, now), changes, now)
            stored = StoredQuota(workspace_id, quota_id, device_id, pool_id, quota)
            await storage.insert(connection, workspace_id, quota_id, device_id, pool_id, quota)
            await self._tell(connection, actor, stored, asked_for(ASSIGNED[service], stored))
            numbers = await _numbers(connection, stored)
        await self._on_change(numbers)
        return quota_id

    async def update(self, workspace_id: int, actor: str, quota_id: int, changes: QuotaChanges) -> None:
        """Change a quota. Raises NotFoundError (path `id`), InvalidError."""
        now = self._now()
        async with self._transaction() as connection:
            before, told = await self._locked(connection, workspace_id, quota_id, now)
            after = before._replace(quota=_applied(before.quota, changes, now))
            await storage.update(connection, [after], now)
            changed = [name for name in _SETTINGS if getattr(before.quota, name) != getattr(after.quota, name)]
            if changed:
                told.append(asked_for(QUOTA_UPDATED, after, changed=changed))
            was, is_now = (one.quota.status is QuotaStatus.DISABLED for one in (before, after))
            if was != is_now:
                told.append(asked_for((DISABLED if is_now else ENABLED)[after.quota.service], after))
            await self._tell(connection, actor, after, *told)
            numbers = await _numbers(connection, after)
        await self._on_change(numbers)

    async def top_up(self, workspace_id: int, actor: str, quota_id: int, amount: int) -> None:
        """Add to what may pass in this period. Atomic: two at once both count; idempotent under the caller's key.

        Raises NotFoundError (path `id`), InvalidError, LimitReachedError past `MAX_VOLUME`, ConflictError for a quota
        that has expired.
        """
        check_range(amount, "amount", 1, MAX_VOLUME)
        now = self._now()
        async with self._transaction(makes=quota_id) as connection:
            before, told = await self._locked(connection, workspace_id, quota_id, now)
            if before.quota.status is QuotaStatus.EXPIRED:
                raise ConflictError("The quota has expired: give it another end first.", path=("id",))
            if before.quota.volume + amount > MAX_VOLUME:
                raise LimitReachedError("A quota holds at most {most}.", path=("amount",), most=MAX_VOLUME)
            after = before._replace(quota=topped_up(before.quota, amount))
            await storage.update(connection, [after], now)
            await storage.note_top_up(connection, workspace_id, self._new_id(now), quota_id, amount, actor, now)
            await self._tell(connection, actor, after, *told, asked_for(QUOTA_TOPPED_UP, after, amount=amount))
            numbers = await _numbers(connection, after)
        await self._on_change(numbers)

    async def delete(self, workspace_id: int, actor: str, quota_id: int) -> None:
        """Remove a quota; where the policy asks for one, nothing passes after that. Raises NotFoundError."""
        now = self._now()
        async with self._transaction() as connection:
            stored, _ = await self._locked(connection, workspace_id, quota_id, now)
            await storage.delete(connection, workspace_id, quota_id)
            await self._tell(connection, actor, stored, asked_for(DELETED[stored.quota.service], stored))
            numbers = await _numbers(connection, stored)
        await self._on_change(numbers)

    async def extend_limit(self, workspace_id: int, actor: str, device_id: int, kind: MonthLimit, amount: int) -> int:
        """Let a device pass its monthly limit by so much more until the month ends: by how much it may in all now.

        Raises NotFoundError (path `id`), InvalidError, LimitReachedError.
        """
        check_range(amount, "amount", 1, MAX_VOLUME)
        month = month_of(self._now())
        async with self._transaction() as connection:
            locked = await device.lock(connection, workspace_id, device_id)
            if locked is None:
                raise NotFoundError("No such device.", path=("id",))
            total = await usage.extend_limit(connection, workspace_id, device_id, month, kind, amount, MAX_VOLUME)
            if total is None:
                raise LimitReachedError("A limit may be extended by {most}.", path=("amount",), most=MAX_VOLUME)
            detail = {"device": {"name": locked.settings.name}, "limit": kind.name, "amount": amount, "total": total}
            await self._journal.write(
                connection, workspace_id, actor, [Change(LIMIT_EXTENDED, device_id, detail=detail)]
            )
            msisdn = await directory.msisdn_of_device(connection, workspace_id, device_id)
        await self._on_change([] if msisdn is None else [msisdn])
        return total

    # Pools -----------------------------------------------------------------------------------------------------------

    async def create_pool(self, workspace_id: int, actor: str, name: str, tag: str) -> int:
        """Make a pool of all devices with a tag: its id. Raises InvalidError, ConflictError, LimitReachedError."""
        pool = Pool(_checked(name, "name", MAX_NAME_CHARACTERS), _checked(tag, "tag", MAX_TAG_CHARACTERS))
        now = self._now()
        pool_id = self._new_id(now)
        async with self._transaction(makes=pool_id) as connection:
            if await storage.count_pools(connection, workspace_id) >= MAX_POOLS:
                raise LimitReachedError("A workspace has at most {most} pools.", most=MAX_POOLS)
            await storage.insert_pool(connection, workspace_id, pool_id, pool, now)
            await self._tell_pool(connection, workspace_id, actor, QUOTA_POOL_CREATED, pool_id, pool)
        await self._on_change(None)
        return pool_id

    async def update_pool(
        self,
        workspace_id: int,
        actor: str,
        pool_id: int,
        *,
        name: str | Unchanged = UNCHANGED,
        tag: str | Unchanged = UNCHANGED,
    ) -> None:
        """Change a pool. Raises NotFoundError (path `id`), InvalidError, ConflictError."""
        async with self._transaction() as connection:
            before = await self._locked_pool(connection, workspace_id, pool_id)
            pool = Pool(
                before.name if isinstance(name, Unchanged) else _checked(name, "name", MAX_NAME_CHARACTERS),
                before.tag if isinstance(tag, Unchanged) else _checked(tag, "tag", MAX_TAG_CHARACTERS),
            )
            if pool != before:
                await storage.update_pool(connection, workspace_id, pool_id, pool)
                await self._tell_pool(connection, workspace_id, actor, QUOTA_POOL_UPDATED, pool_id, pool)
        await self._on_change(None)

    async def delete_pool(self, workspace_id: int, actor: str, pool_id: int) -> None:
        """Remove a pool. Raises NotFoundError, ConflictError while it has quotas (path `id`)."""
        async with self._transaction() as connection:
            pool = await self._locked_pool(connection, workspace_id, pool_id)
            if await storage.pool_has_quotas(connection, workspace_id, pool_id):
                raise ConflictError("The pool has quotas: delete them first.", path=("id",))
            await storage.delete_pool(connection, workspace_id, pool_id)
            await self._tell_pool(connection, workspace_id, actor, QUOTA_POOL_DELETED, pool_id, pool)
        await self._on_change(None)

    def _transaction(self, *, makes: int | None = None) -> AbstractAsyncContextManager[PooledConnection]:
        return transaction(self._database, makes=makes, after=self._journal.committed)

    async def _locked(
        self, connection: PooledConnection, workspace_id: int, quota_id: int, now: datetime
    ) -> tuple[StoredQuota, list[Change]]:
        """The quota as it is now, and what the time until now has done to it."""
        found = await storage.lock(connection, workspace_id, quota_id)
        if found is None:
            raise NotFoundError("No such quota.", path=("id",))
        quota, happenings = brought_to(found.quota, now)
        brought = found._replace(quota=quota)
        return brought, [happened(brought, one) for one in happenings]

    async def _locked_pool(self, connection: PooledConnection, workspace_id: int, pool_id: int) -> Pool:
        found = await storage.lock_pool(connection, workspace_id, pool_id)
        if found is None:
            raise NotFoundError("No such pool.", path=("id",))
        return found

    async def _tell(self, connection: PooledConnection, actor: str, stored: StoredQuota, *changes: Change) -> None:
        if changes:
            await self._journal.write(connection, stored.workspace_id, actor, changes)

    async def _tell_pool(
        self, connection: PooledConnection, workspace_id: int, actor: str, kind: EventType, pool_id: int, pool: Pool
    ) -> None:
        detail: dict[str, Any] = {"pool": {"id": encode_global_id("QuotaPool", pool_id), **pool._asdict()}}
        await self._journal.write(connection, workspace_id, actor, [Change(kind, detail=detail)])

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _new_id(self, now: datetime) -> int:
        return self._ids.next_at(now)


_SETTINGS = (
    "volume", "refill_volume", "refill", "time_zone", "rollover", "thresholds", "action", "throttle_rate", "expires_at",
)  # fmt: skip


async def _numbers(connection: PooledConnection, stored: StoredQuota) -> list[str] | None:
    """The numbers that a quota is about; None: those of a pool."""
    if stored.device_id is None:
        return None
    msisdn = await directory.msisdn_of_device(connection, stored.workspace_id, stored.device_id)
    return [] if msisdn is None else [msisdn]


def _blank(service: QuotaService, now: datetime) -> Quota:
    return Quota(
        service, QuotaStatus.ACTIVE, 0, 0, 0, Refill.NEVER, "UTC", False, (), (), ExhaustionAction.BLOCK, None, now,
        None, None,
    )  # fmt: skip


def _applied(quota: Quota, changes: QuotaChanges, now: datetime) -> Quota:
    """The quota as the changes make it. Raises InvalidError."""

    def new(name: str, old: Any) -> Any:
        value = getattr(changes, name)
        return old if isinstance(value, Unchanged) else value

    refill_volume = check_range(new("volume", quota.refill_volume), "volume", 1, MAX_VOLUME)
    refill, time_zone = new("refill", quota.refill), _zone(new("time_zone", quota.time_zone))
    action = new("action", quota.action)
    rate = _rate(quota.service, action, new("throttle_rate", quota.throttle_rate))
    expires_at = new("expires_at", quota.expires_at)
    if not isinstance(changes.expires_at, Unchanged) and expires_at is not None and expires_at <= now:
        raise InvalidError("This must be in the future.", path=("expires_at",))
    expired = expires_at is not None and expires_at <= now
    enabled = new("enabled", quota.status is not QuotaStatus.DISABLED)
    status = QuotaStatus.ACTIVE if enabled else QuotaStatus.DISABLED
    starts_anew = (refill, time_zone) != (quota.refill, quota.time_zone) or quota.status is QuotaStatus.EXPIRED
    changed = replace(
        quota,
        status=QuotaStatus.EXPIRED if expired else status,
        volume=min(MAX_VOLUME, max(0, quota.volume + refill_volume - quota.refill_volume)),
        refill_volume=refill_volume,
        refill=refill,
        time_zone=time_zone,
        rollover=new("rollover", quota.rollover),
        thresholds=_thresholds(new("thresholds", quota.thresholds)),
        action=action,
        throttle_rate=rate,
        expires_at=expires_at,
    )
    if starts_anew and not expired:
        changed = replace(changed, next_refill_at=next_refill(refill, time_zone, now))
    return judged(changed)[0]


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidError("This must be a time zone of the IANA database.", path=("time_zone",)) from error
    return name


def _rate(service: QuotaService, action: ExhaustionAction, rate: int | None) -> int | None:
    if action is ExhaustionAction.BLOCK:
        return None
    highest = MAX_THROTTLE_KBIT_S if service is QuotaService.DATA else MAX_THROTTLE_PER_MINUTE
    if rate is None:
        raise InvalidError("THROTTLE needs a rate.", path=("throttle_rate",))
    return check_range(rate, "throttle_rate", 1, highest)


def _thresholds(percents: Sequence[int]) -> tuple[int, ...]:
    if len(percents) > MAX_THRESHOLDS:
        raise InvalidError("A quota has at most {most} thresholds.", path=("threshold_percents",), most=MAX_THRESHOLDS)
    return tuple(sorted({check_range(percent, "threshold_percents", 1, 99) for percent in percents}))


def _checked(text: str, field: str, at_most: int) -> str:
    check_text(text, field, at_least=1, at_most=at_most)
    if text != text.strip() or "\n" in text or "\t" in text:
        raise InvalidError("This is one line and has no space at its ends.", path=(field,))
    return text
