"""What one node changes, every node forgets: numbers, short codes, accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest_asyncio

from motet.events.changes import ChangeFeed
from motet.storage.database import Database
from tenants import Tenant, Tenants

GUARD_S = 20


class NotedMemory:
    """Notes what it is told, in order."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()

    def forget_numbers(self, msisdns: Sequence[str]) -> None:
        self.told.put_nowait(("numbers", *sorted(msisdns)))

    def forget_all_numbers(self) -> None:
        self.told.put_nowait(("numbers",))

    def forget_short_codes(self) -> None:
        self.told.put_nowait(("short codes",))

    def accounts_changed(self) -> None:
        self.told.put_nowait(("accounts",))

    def end_smpp_session(self, session_id: int) -> None:
        self.told.put_nowait(("end", str(session_id)))

    def binds_failed(self, incarnation: int, failures: Sequence[str]) -> None:
        self.told.put_nowait(("failed", str(incarnation), *failures))

    def trust(self, trusted: bool) -> None:
        self.told.put_nowait(("trusted" if trusted else "not trusted",))

    async def next(self) -> tuple[str, ...]:
        async with asyncio.timeout(GUARD_S):
            return await self.told.get()


class Fed:
    def __init__(self, tenants: Tenants, tenant: Tenant) -> None:
        self.tenants, self.tenant = tenants, tenant
        self.memory = NotedMemory()

    async def msisdns(self) -> list[str]:
        rows = await self.tenants.database.pool.fetch("SELECT msisdn FROM sim ORDER BY id")
        return [row["msisdn"] for row in rows]


@pytest_asyncio.fixture
async def fed(database: Database) -> AsyncIterator[Fed]:
    tenants = Tenants(database)
    fed = Fed(tenants, await tenants.workspace("demo"))
    for _ in range(2):
        await tenants.device(fed.tenant)
    task = asyncio.create_task(ChangeFeed(database, fed.memory).run())
    assert [await fed.memory.next() for _ in range(4)] == [("numbers",), ("short codes",), ("accounts",), ("trusted",)]
    yield fed
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_sim_or_a_device_that_changes_has_its_number_looked_up_again(fed: Fed) -> None:
    one, two = await fed.msisdns()
    await fed.tenants.execute("UPDATE sim SET status = 3 WHERE id = $1", fed.tenant.sims[0])
    assert await fed.memory.next() == ("numbers", one)
    await fed.tenants.execute("UPDATE device SET status = 1 WHERE id = ANY ($1)", fed.tenant.devices)
    assert await fed.memory.next() == ("numbers", one, two)


async def test_a_sim_that_gets_another_number_has_both_looked_up_again(fed: Fed) -> None:
    one, _ = await fed.msisdns()
    await fed.tenants.execute("UPDATE sim SET msisdn = '99911111111' WHERE id = $1", fed.tenant.sims[0])
    assert await fed.memory.next() == ("numbers", *sorted((one, "99911111111")))


async def test_past_a_bound_all_numbers_are_looked_up_again(fed: Fed) -> None:
    await fed.tenants.execute(
        "INSERT INTO sim (workspace_id, id, iccid, imsi, msisdn, status)"
        " SELECT $1, n, n::text, n::text, n::text, 2 FROM generate_series(1, 600) AS n",
        fed.tenant.workspace_id,
    )
    await fed.tenants.execute("UPDATE sim SET status = 3")
    assert await fed.memory.next() == ("numbers",)


async def test_short_codes_accounts_and_policies_are_told(fed: Fed) -> None:
    await fed.tenants.short_code(fed.tenant, "777")
    assert await fed.memory.next() == ("short codes",)
    account = await fed.tenants.account(fed.tenant, "esme")
    await fed.tenants.execute("UPDATE smpp_account SET enabled = false WHERE id = $1", account)
    assert await fed.memory.next() == ("accounts",)
    await fed.tenants.execute("UPDATE service_policy SET sms_mt_enabled = false")
    assert await fed.memory.next() == ("numbers",)


async def test_while_the_connection_is_away_memory_is_not_trusted_and_then_all_is_read_again(fed: Fed) -> None:
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'motet change feed' AND datname = current_database()"
    )
    assert len(await fed.tenants.database.pool.fetch(cut)) == 1
    told = [await fed.memory.next() for _ in range(5)]
    assert told == [("not trusted",), ("numbers",), ("short codes",), ("accounts",), ("trusted",)]
