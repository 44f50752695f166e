"""Events go when their workspace no longer keeps them, and empty partitions with them."""

from __future__ import annotations

import time

import pytest

from motet.domain.errors import InvalidError
from motet.domain.ids import first_id_at
from motet.fleet.alerts.event_retention import EventRetention
from motet.storage.database import Database
from motet.storage.partitions import WEEK_MS, ensure_partitions
from tenants import Tenants

DAY_MS = 86_400_000
NOW_MS = int(time.time() * 1_000)


async def put(tenants: Tenants, workspace_id: int, *days_ago: float) -> None:
    for number, days in enumerate(days_ago):
        event_id = first_id_at(NOW_MS - int(days * DAY_MS)) + number
        await tenants.execute(
            "INSERT INTO event (workspace_id, id, type, severity, description) VALUES ($1, $2, 'x', 0, '')",
            workspace_id, event_id,
        )  # fmt: skip


async def partitions(database: Database) -> set[str]:
    rows = await database.pool.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'event'::regclass"
    )
    return {row["name"] for row in rows}


async def test_each_workspace_keeps_its_events_as_long_as_it_says(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motet.fleet.alerts.event_retention.BATCH_EVENTS", 2)
    tenants = Tenants(database)
    short, long = await tenants.workspace("short"), await tenants.workspace("long")
    async with database.pool.acquire() as connection:
        await ensure_partitions(connection, NOW_MS - 5 * WEEK_MS)
        await ensure_partitions(connection, NOW_MS - 2 * WEEK_MS)
    before = await partitions(database)
    for tenant in (short, long):
        await put(tenants, tenant.workspace_id, 0, 1, 7, 8, 14, 21, 28, 30, 35)
    retention = EventRetention(database, clock=lambda: NOW_MS / 1_000)
    await retention.set_days(short.workspace_id, 7)
    assert await retention.purge() == 6
    counts = await database.pool.fetch("SELECT workspace_id, count(*) AS n FROM event GROUP BY 1")
    assert {row["workspace_id"]: row["n"] for row in counts} == {short.workspace_id: 3, long.workspace_id: 9}
    assert await partitions(database) == before  # the other's events are in them
    await retention.set_days(long.workspace_id, 7)
    assert await retention.purge() == 6
    gone = before - await partitions(database)
    assert len(gone) >= 3
    assert max(gone) < min(before - gone)
    await put(tenants, short.workspace_id, 0.5)  # the rest goes on
    assert await retention.purge() == 0


@pytest.mark.parametrize("days", [0, -1, 3_651])
async def test_a_retention_out_of_range_is_refused(database: Database, days: int) -> None:
    tenant = await Tenants(database).workspace("demo")
    with pytest.raises(InvalidError):
        await EventRetention(database).set_days(tenant.workspace_id, days)
