"""Who is told when what they stand on changes, while the database is slow to say."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

from motet.access.principals import Role, member
from motet.identity.credentials import Credentials
from motet.identity.watchers import LOOKS, Watchers
from motet.storage.revoked_token import add_revoked_token
from people_world import People

WATCHED = 20


async def test_however_often_something_changes_each_watch_waits_for_one_look(people: People) -> None:
    database, workspace_id, now = people.ground.database, people.demo.workspace_id, people.clock()
    credentials = Credentials(database, people.ground.authority, None, now.timestamp)
    watchers = Watchers(credentials, now.timestamp)
    anyone = member("anyone@demo", workspace_id, "demo", Role.USER, 1 << 40, token_id="t1")
    told: list[str] = []
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(database.pool.acquire()) for _ in range(database.pool.get_max_size())]
        before = len(asyncio.all_tasks())
        for _ in range(WATCHED):
            watchers.add(anyone, ["token t1"], told.append, None)
        for _ in range(50):  # as each second while changes are not heard
            watchers.look()
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) - before <= WATCHED + LOOKS
        await add_revoked_token(held[0], "t1", workspace_id, now, now + timedelta(hours=1), limit=10)
        watchers.look("token t1")
    async with asyncio.timeout(10):
        while len(told) < WATCHED:  # noqa: ASYNC110 - what is waited for is in the database's hands
            await asyncio.sleep(0)
    await watchers.close()
    assert told == ["the token was revoked"] * WATCHED
