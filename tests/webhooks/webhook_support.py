"""What the tests of webhooks share: a receiver that keeps what it is sent, a clock to set, events as a hub commits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from motet.access.secrets import SecretBox
from motet.domain.ids import IdGenerator
from motet.outgoing.targets import LOOPBACK_NETWORKS, TargetPolicy
from motet.storage import webhook_delivery
from motet.storage.database import Database
from motet.webhooks.node import Webhooks

WORKSPACE, OTHER_WORKSPACE = 11, 12
SECRET_KEY = bytes(range(32))
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Clock:
    """Unix seconds that stand still until a test moves them."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return round(self.now, 6)  # what a timestamp column keeps, so that what is due now is due


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers by path: a status, or a coroutine. Paths without an answer get 204."""

    def __init__(self) -> None:
        self.answers: dict[str, int | Answer] = {}
        self.received: list[Received] = []
        self.url = ""
        self._more = asyncio.Condition()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        async with self._more:
            self.received.append(Received(request.path, headers, body))
            self._more.notify_all()
        answer = self.answers.get(request.path, 204)
        return web.Response(status=answer) if isinstance(answer, int) else await answer(request)

    async def wait_for(self, count: int, path: str | None = None) -> list[Received]:
        """The first `count` requests (to the path), once they are here."""

        def seen() -> list[Received]:
            return [one for one in self.received if path in (None, one.path)]

        async with self._more, asyncio.timeout(20):
            await self._more.wait_for(lambda: len(seen()) >= count)
        return seen()[:count]


def make_webhooks(database: Database, secret_box: SecretBox, clock: Callable[[], float], **options: Any) -> Webhooks:
    policy = options.pop("policy", TargetPolicy.of(LOOPBACK_NETWORKS))
    return Webhooks(database, secret_box, IdGenerator(1), policy, clock=clock, **options)


async def emit(
    database: Database, webhooks: Webhooks, event_type: str, data: dict[str, Any], *, count: int = 1
) -> None:
    """As the hub does: rows within its commit, by a lane, and then the wake-up."""
    lane = await database.connect_lane()
    try:
        rows = []
        for _ in range(count):
            rows += webhooks.outbox.rows_for(WORKSPACE, event_type, 1_700_000_000_123_456, data)
        async with lane.transaction():
            await webhook_delivery.copy_deliveries(lane, rows)
    finally:
        await lane.close()
    webhooks.outbox.wake()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until the condition holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 -- counters have no event
            await asyncio.sleep(0)


async def deliveries(database: Database) -> list[dict[str, Any]]:
    async with database.pool.acquire() as connection:
        return [dict(row) for row in await connection.fetch("SELECT * FROM webhook_delivery ORDER BY id")]
