"""Jobs over a subscription: as they are, each step, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from graphql_world import World

from motet.domain.global_ids import encode_global_id
from motet.domain.jobs import JobKind
from motet.events.job_feed import JobFeed
from motet.fleet.devices.device_workers import DeviceUpdateWorker
from motet.fleet.jobs.jobs import NewItem, NewJob


@pytest_asyncio.fixture
async def fed(world: World) -> AsyncIterator[World]:
    feed = JobFeed(world.tenants.database, world.services.job_bus)
    task = asyncio.create_task(feed.run())
    async with asyncio.timeout(20):
        await feed.listening.wait()
    yield world
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def new_job(world: World) -> int:
    items = [NewItem(number, device_id) for number, device_id in enumerate(world.demo.devices[:4], 1)]
    new = NewJob(JobKind.DEVICE_UPDATE, items, {"enabled": False})
    return await world.services.jobs.create(world.demo.workspace_id, "me", new)


async def subscribe(socket: Any, world: World, query: str) -> None:
    await socket.init(world.token(world.demo))
    assert await socket.receive() == {"type": "connection_ack"}
    await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query}})


async def next_job(socket: Any) -> Any:
    return (await socket.receive())["payload"]["data"]["jobs"]


async def test_a_job_is_followed_to_its_end(fed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeviceUpdateWorker, "chunk_items", 2)
    job_id = await new_job(fed)
    async with fed.client(fed.demo).socket() as socket:
        await subscribe(
            socket, fed, f'subscription {{ jobs(id: "{encode_global_id("Job", job_id)}") {{ state done }} }}'
        )
        assert await next_job(socket) == {"state": "QUEUED", "done": 0}
        await fed.runner.run_chunk()
        assert await next_job(socket) == {"state": "RUNNING", "done": 2}
        await fed.runner.run_chunk()
        assert await next_job(socket) == {"state": "SUCCEEDED", "done": 4}
        assert await socket.receive() == {"id": "1", "type": "complete"}


async def test_a_job_that_is_over_is_told_once(fed: World) -> None:
    job_id = encode_global_id("Job", fed.demo.jobs[0])
    async with fed.client(fed.demo).socket() as socket:
        await subscribe(socket, fed, f'subscription {{ jobs(id: "{job_id}") {{ state }} }}')
        assert await next_job(socket) == {"state": "SUCCEEDED"}
        assert await socket.receive() == {"id": "1", "type": "complete"}


async def test_another_tenants_job_is_not_followed(fed: World) -> None:
    for job_id in (encode_global_id("Job", fed.other.jobs[0]), encode_global_id("Sim", 1), "nonsense"):
        async with fed.client(fed.demo).socket() as socket:
            await subscribe(socket, fed, f'subscription {{ jobs(id: "{job_id}") {{ state }} }}')
            assert await socket.receive() == {"id": "1", "type": "complete"}


async def test_all_jobs_of_the_workspace_are_followed(fed: World) -> None:
    async with fed.client(fed.demo).socket() as socket:
        await subscribe(socket, fed, "subscription { jobs { id state } }")
        async with asyncio.timeout(20):
            while not fed.services.job_bus.has_listeners(fed.demo.workspace_id):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        job_id = encode_global_id("Job", await new_job(fed))
        assert await next_job(socket) == {"id": job_id, "state": "QUEUED"}
        await fed.runner.run_all()
        assert await next_job(socket) == {"id": job_id, "state": "SUCCEEDED"}
