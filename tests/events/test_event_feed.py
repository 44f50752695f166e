"""The feed of events: whoever commits one, everyone hears of it, also after the connection was cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

import pytest_asyncio

from motet.events.bus import Bus
from motet.events.feed import EventFeed
from motet.storage.database import Database
from tenants import Tenant, Tenants

GUARD_S = 20


class Ear:
    """A follower that remembers."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.gaps = 0
        self._changed = asyncio.Event()

    def heard(self, workspace_id: int, event_ids: Sequence[int]) -> None:
        self.ids += event_ids
        self._changed.set()

    def missed(self) -> None:
        self.gaps += 1
        self._changed.set()

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(GUARD_S):
            while not happened():
                self._changed.clear()
                await self._changed.wait()


class Fed:
    """A running feed, and a workspace in which things happen."""

    def __init__(self, database: Database, tenants: Tenants, tenant: Tenant) -> None:
        self.database, self.tenants, self.tenant = database, tenants, tenant
        self.ear, self.bus = Ear(), Bus()
        self.feed = EventFeed(database, self.bus, [self.ear])


@pytest_asyncio.fixture
async def fed(database: Database) -> AsyncIterator[Fed]:
    tenants = Tenants(database)
    fed = Fed(database, tenants, await tenants.workspace("demo"))
    task = asyncio.create_task(fed.feed.run())
    async with asyncio.timeout(GUARD_S):
        await fed.feed.listening.wait()
    yield fed
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_events_are_told_to_listeners_of_their_workspace_alone(fed: Fed) -> None:
    other = await fed.tenants.workspace("other")
    mine, theirs = fed.bus.listen(fed.tenant.workspace_id), fed.bus.listen(other.workspace_id)
    ids = [await fed.tenants.event(fed.tenant), await fed.tenants.event(other)]
    async with asyncio.timeout(GUARD_S):
        assert await anext(mine) == ids[:1]
        assert await anext(theirs) == ids[1:]
    mine.close()
    theirs.close()


async def test_a_large_copy_is_told_whole(fed: Fed) -> None:
    first = fed.tenants.new_id()
    rows = [(fed.tenant.workspace_id, first + n, "x", 0, "") for n in range(3_000)]
    async with fed.database.pool.acquire() as connection:
        columns = ["workspace_id", "id", "type", "severity", "description"]
        await connection.copy_records_to_table("event", records=rows, columns=columns)
    await fed.ear.until(lambda: len(fed.ear.ids) >= len(rows))
    assert sorted(fed.ear.ids) == [row[1] for row in rows]


async def test_what_a_rollback_took_back_is_not_told(fed: Fed) -> None:
    async with fed.database.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "INSERT INTO event (workspace_id, id, type, severity, description) VALUES ($1, $2, 'x', 0, '')",
            fed.tenant.workspace_id, fed.tenants.new_id(),
        )  # fmt: skip
        await transaction.rollback()
    kept = await fed.tenants.event(fed.tenant)
    await fed.ear.until(lambda: bool(fed.ear.ids))
    assert fed.ear.ids == [kept]


async def test_after_a_cut_listeners_hear_late_what_they_missed_and_followers_are_told(fed: Fed) -> None:
    listener = fed.bus.listen(fed.tenant.workspace_id)
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'motet event feed' AND datname = current_database()"
    )
    assert len(await fed.database.pool.fetch(cut)) == 1
    missed = await fed.tenants.event(fed.tenant, at=datetime.now(UTC))  # not the time at which the tests began
    async with asyncio.timeout(GUARD_S):
        assert missed in await anext(listener)
    await fed.ear.until(lambda: fed.ear.gaps > 0)
    listener.close()
