"""Whatever is moved where, and however moves cross: each identity is in one workspace, and readable from that alone."""

from __future__ import annotations

import asyncio
import random

import pytest

from motet.access.principals import Role, member
from motet.domain.errors import DomainError
from motet.domain.ids import IdGenerator
from motet.fleet.journal import Journal
from motet.fleet.orders import OrderQueue
from motet.fleet.sims.sim_move import SimMoveService
from motet.reading.reader import Reader
from motet.reading.selection import fields
from motet.storage.database import Database
from tenants import Tenant, Tenants

ROUNDS = 12
SIDE_BY_SIDE = 3
"""Moves at once."""


async def ignore() -> None:
    """No hub listens."""


async def fleet(tenants: Tenants, name: str) -> Tenant:
    """Five SIMs: loose, issued, in a device, an eUICC whose profile a phone has, and one that was deleted."""
    tenant = await tenants.workspace(name)
    await tenants.sim(tenant)
    await tenants.sim(tenant, status=0)
    await tenants.device(tenant)
    card = await tenants.sim(tenant)
    await tenants.card(tenant, card)
    await tenants.execute("UPDATE activation_code SET state = 2 WHERE sim_id = $1", card)
    await tenants.execute("INSERT INTO directory SELECT 'eid', eid, workspace_id, id FROM sim WHERE id = $1", card)
    await tenants.sim(tenant, status=4)
    for sim_id in tenant.sims:
        await tenants.step(tenant, sim_id)
        await tenants.plan(tenant, sim_id)
        await tenants.event(tenant, sim_id=sim_id)
    return tenant


STRAY = """
SELECT 'directory' AS what, d.sim_id FROM directory d LEFT JOIN sim s ON s.id = d.sim_id
 WHERE s.workspace_id IS DISTINCT FROM d.workspace_id
UNION ALL SELECT 'imsi', i.sim_id FROM imsi i LEFT JOIN sim s ON s.id = i.sim_id
 WHERE s.workspace_id IS DISTINCT FROM i.workspace_id
UNION ALL SELECT 'euicc', e.id FROM euicc e LEFT JOIN sim s ON s.id = e.id
 WHERE s.workspace_id IS DISTINCT FROM e.workspace_id
UNION ALL SELECT 'profile', p.euicc_id FROM euicc_profile p LEFT JOIN sim s ON s.id = p.euicc_id
 WHERE s.workspace_id IS DISTINCT FROM p.workspace_id
UNION ALL SELECT 'code', c.sim_id FROM activation_code c LEFT JOIN sim s ON s.id = c.sim_id
 WHERE c.state IN (0, 1, 2, 3) AND s.workspace_id IS DISTINCT FROM c.workspace_id
UNION ALL SELECT 'device', v.sim_id FROM device v LEFT JOIN sim s ON s.id = v.sim_id
 WHERE v.sim_id IS NOT NULL AND (s.workspace_id, s.device_id) IS DISTINCT FROM (v.workspace_id, v.id)
UNION ALL SELECT 'holder', s.id FROM sim s LEFT JOIN device v ON v.id = s.device_id
 WHERE s.device_id IS NOT NULL AND v.workspace_id IS DISTINCT FROM s.workspace_id
"""
"""What is not where its SIM is."""


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_sequence_of_moves_keeps_each_sim_in_one_workspace(database: Database, seed: int) -> None:
    chance, tenants, ids = random.Random(seed), Tenants(database), IdGenerator(2)  # noqa: S311 - a test's
    spaces = [await fleet(tenants, name) for name in ("a", "b", "c")]
    orders = OrderQueue(ids)
    moves = SimMoveService(database, ids, Journal(ids), orders, on_change=ignore)
    everything = sorted(sim_id for tenant in spaces for sim_id in tenant.sims)
    identities = await database.pool.fetchval("SELECT count(*) FROM directory")
    steps = await database.pool.fetch("SELECT workspace_id, id, sim_id FROM sim_history")
    reader = Reader(database.pool)

    async def one_move() -> int:
        source, target = chance.sample(spaces, 2)
        there = await database.pool.fetch("SELECT id FROM sim WHERE workspace_id = $1", source.workspace_id)
        chosen = chance.sample([row["id"] for row in there], min(len(there), chance.randint(1, 6)))
        try:
            await moves.move(
                source.workspace_id, target.workspace_id, "someone", chosen, dry_run=False,
                auto_detach=chance.random() < 0.7,
            )  # fmt: skip
        except DomainError:  # another move was faster
            return 0
        return 1

    done = 0
    for _ in range(ROUNDS):
        done += sum(await asyncio.gather(*(one_move() for _ in range(SIDE_BY_SIDE))))
        assert await database.pool.fetch(STRAY) == []
    assert done > ROUNDS
    assert await database.pool.fetchval("SELECT count(*) FROM directory") == identities
    seen: dict[int, str] = {}
    for tenant in spaces:
        principal = member("x", tenant.workspace_id, tenant.name, Role.ADMINISTRATOR, 1 << 40)
        found = (await reader.by_ids(principal, "Sim", fields("iccid", "status"), everything)).value
        for sim_id, shown in found.items():
            assert sim_id not in seen
            seen[sim_id] = tenant.name
            for kind in ("iccid", "imsi", "msisdn"):
                value = await database.pool.fetchval(f"SELECT {kind} FROM sim WHERE id = $1", sim_id)  # noqa: S608
                answer = await reader.one(principal, "Sim", fields("status"), {kind: value})
                assert (answer.value is None) == (shown["status"] == "DELETED" and answer.value is None)
    assert sorted(seen) == everything
    for row in steps:  # the life that a SIM had stays where it was
        assert (
            await database.pool.fetchval(
                "SELECT workspace_id FROM sim_history WHERE id = $1 AND sim_id = $2", row["id"], row["sim_id"]
            )
            == row["workspace_id"]
        )
