"""What the changes of one workspace may hold of the connections, and that others do not wait for it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from contextvars import Context

import pytest

from motet.domain.errors import LimitReachedError
from motet.storage.shares import Shares


async def test_a_workspace_waits_for_itself_and_nobody_else_for_it() -> None:
    shares = Shares(most=2, wait_s=60)
    release = asyncio.Event()
    began: list[int] = []

    async def change(workspace_id: int, number: int) -> None:
        async with shares.of(workspace_id):
            began.append(number)
            await release.wait()

    tasks = [asyncio.create_task(change(7, number)) for number in range(5)]
    tasks.append(asyncio.create_task(change(8, 100)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert began == [0, 1, 100]
    tasks[2].cancel()
    release.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert began == [0, 1, 100, 3, 4]
    assert len(shares) == 0, "nothing is left of who has none under way"


async def test_who_waits_too_long_is_told_so_with_nothing_begun() -> None:
    shares = Shares(most=1, wait_s=0)

    async def change() -> None:
        async with shares.of(7):
            raise AssertionError("there was no place")

    async with shares.of(7):
        with pytest.raises(LimitReachedError):
            await asyncio.create_task(change(), context=Context())
    async with shares.of(7):
        pass


async def test_a_change_inside_another_and_who_is_in_no_workspace_need_no_place() -> None:
    shares = Shares(most=1, wait_s=0)
    async with AsyncExitStack() as stack:
        for workspace_id in (7, 7, 7, None, None):
            await stack.enter_async_context(shares.of(workspace_id))
