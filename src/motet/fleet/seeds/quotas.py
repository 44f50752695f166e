"""The demo's sample of quotas: there to be looked at. No device has the pool's tag, and no policy asks for a quota."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from motet.domain.quota import ExhaustionAction, Quota, QuotaService, QuotaStatus, Refill, next_refill
from motet.storage import quota
from motet.storage.database import PooledConnection

MB = 1_000_000


async def seed_quotas(
    connection: PooledConnection, workspace_id: int, new_id: Callable[[], int], now: datetime
) -> None:
    """A pool in a new workspace, with SMS by the day and data by the month."""
    pool_id = new_id()
    await quota.insert_pool(connection, workspace_id, pool_id, quota.Pool("Shared allowance", "shared-allowance"), now)
    for service, volume, refill, zone in (
        (QuotaService.SMS, 100_000, Refill.DAILY, "Europe/Berlin"),
        (QuotaService.DATA, 500 * MB, Refill.MONTHLY, "UTC"),
    ):
        made = Quota(
            service, QuotaStatus.ACTIVE, volume, 0, volume, refill, zone, False, (50, 80, 95), (),
            ExhaustionAction.BLOCK, None, now, next_refill(refill, zone, now), None,
        )  # fmt: skip
        await quota.insert(connection, workspace_id, new_id(), None, pool_id, made)
