"""A seeded world for each test of the hub, with its waits made short."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hub_world import World

from motet.hub import desk, esmes, life, pager, relay, unmatched
from motet.storage.database import Database


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's pauses, made for carriers and people, at a hundredth."""
    monkeypatch.setattr(unmatched, "EARLY_S", 0.005)
    monkeypatch.setattr(unmatched, "RESPELL_S", 0.02)
    monkeypatch.setattr(relay, "THROTTLE_PAUSE_S", 0.005)
    monkeypatch.setattr(relay, "RETRY_S", (0.01, 0.02))
    monkeypatch.setattr(pager, "IDLE_S", 0.01)
    monkeypatch.setattr(esmes, "AGAIN_S", (0.01, 0.02))
    monkeypatch.setattr(esmes, "READ_AGAIN_S", 0.01)
    monkeypatch.setattr(life, "KEEPALIVE_S", 0.05)
    monkeypatch.setattr(desk, "ANSWER_S", 5.0)


@pytest_asyncio.fixture
async def world(database: Database) -> AsyncIterator[World]:
    made = World(database)
    await made.seed()
    try:
        yield made
    finally:
        await made.close()
