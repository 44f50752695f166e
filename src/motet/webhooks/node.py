"""The webhooks of one node, put together: what bootstrap starts and stops."""

import asyncio
import ssl
import time
from collections.abc import Callable

from motet.access.secrets import SecretBox
from motet.domain.ids import IdGenerator
from motet.outgoing.resolving import Resolver
from motet.outgoing.targets import TargetPolicy
from motet.storage.database import Database
from motet.webhooks.dispatcher import Counters, Dispatcher
from motet.webhooks.outbox import WebhookOutbox
from motet.webhooks.posting import Poster
from motet.webhooks.retention import Retention
from motet.webhooks.roster import Roster
from motet.webhooks.service import WebhookService


class Webhooks:
    """Outbox, service and dispatcher over one list of webhooks. Make it inside the event loop that uses it."""

    def __init__(
        self,
        database: Database,
        secret_box: SecretBox,
        ids: IdGenerator,
        policy: TargetPolicy,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`ids` is the node's own generator; `tls` replaces the system's trusted authorities; `clock`: Unix seconds."""
        self._resolver = Resolver()
        self._poster = Poster(self._resolver, policy, tls=tls)
        self._roster = Roster(database)
        self.outbox = WebhookOutbox(self._roster, ids, clock=clock)
        self.service = WebhookService(
            database, secret_box, self._roster, self.outbox, self._resolver, policy, ids, clock=clock
        )
        self._dispatcher = Dispatcher(database, self._roster, self._poster, secret_box, self.outbox.woken, clock=clock)
        self._retention = Retention(database, clock=clock)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def counters(self) -> Counters:
        return self._dispatcher.counters

    @property
    def in_flight(self) -> int:
        return self._dispatcher.in_flight

    async def start(self) -> None:
        """Read the list (before it, the outbox wants nothing) and begin to send."""
        await self._roster.read()
        self._dispatcher.start()
        self._tasks = [
            asyncio.create_task(self._roster.keep_reading()),
            asyncio.create_task(self._retention.keep_purging()),
        ]

    async def stop(self, grace_s: float = 5.0) -> None:
        """Stop sending within about twice `grace_s`; what is not delivered stays due in the database."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            await self._dispatcher.stop(grace_s)
        await self._poster.close()
        self._resolver.close()
