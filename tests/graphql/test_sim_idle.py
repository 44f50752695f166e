"""SIMs that do nothing are found by what they used, and suspended by a job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from tenants import NOW


async def aged(world: World, days: int) -> None:
    """All SIMs of demo were activated so many days ago, and are in use."""
    before = NOW - timedelta(days=days)
    await world.tenants.execute("UPDATE sim SET status = 2, created_at = $1, activated_at = $1", before)
    await world.tenants.execute("UPDATE sim_history SET at = $1", before)
    await world.tenants.execute("DELETE FROM device_usage")


async def used(world: World, sim_id: int, days_ago: int) -> None:
    at = (NOW - timedelta(days=days_ago)).replace(hour=0, minute=0, second=0)
    await world.tenants.execute(
        "INSERT INTO device_usage (workspace_id, device_id, granularity, start, sim_id, sms_mt)"
        " VALUES ($1, 1, 1, $2, $3, 1)",
        world.demo.workspace_id, at, sim_id,
    )  # fmt: skip


async def suspend(client: Client, days: int, **more: Any) -> Any:
    return await mutate(client, "simSuspendIdle", "idleCount job { total dryRun }", idleDays=days, **more)


async def test_what_was_used_or_activated_since_is_not_idle(world: World, client: Client) -> None:
    await aged(world, 100)
    sims = world.demo.sims
    await used(world, sims[0], 10)
    await used(world, sims[1], 60)
    await world.tenants.execute("UPDATE sim_history SET at = $2 WHERE sim_id = $1", sims[2], NOW - timedelta(days=3))
    assert (await suspend(client, 30, dryRun=True)) == {
        "idleCount": 3, "job": {"total": 3, "dryRun": True}, "userErrors": [],
    }  # fmt: skip
    assert (await suspend(client, 90, dryRun=True))["idleCount"] == 2
    assert (await suspend(client, 5, dryRun=True))["idleCount"] == 4
    assert (await suspend(client, 101, dryRun=True)) == {"idleCount": 0, "job": None, "userErrors": []}


async def test_idle_sims_are_suspended_by_the_job(world: World, client: Client) -> None:
    await aged(world, 100)
    await used(world, world.demo.sims[0], 1)
    assert (await suspend(client, 30, dryRun=True))["idleCount"] == 4
    await world.runner.run_all()
    query = "{ sims(filter: {status: [SUSPENDED]}) { totalCount } }"
    assert (await client.query(query)).data["sims"]["totalCount"] == 0
    await suspend(client, 30)
    await world.runner.run_all()
    assert (await client.query(query)).data["sims"]["totalCount"] == 4
    assert (await world.client(world.other).query(query)).data["sims"]["totalCount"] == 0


@pytest.mark.parametrize("days", [0, -1, 731])
async def test_days_are_bounded(world: World, client: Client, days: int) -> None:
    assert (await suspend(client, days))["userErrors"] == error("INVALID", "idleDays")
