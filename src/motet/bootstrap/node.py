"""A running node: opens what it stands on, starts its components in order, says that it is ready, drains and ends."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
import uvloop
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from motet import __version__
from motet.access.passwords import PasswordChecker
from motet.access.secrets import SecretBox
from motet.access.tokens import TokenAuthority
from motet.bootstrap.keys import open_secret_box, open_token_authority
from motet.bootstrap.listeners import Listeners, address_of, bound
from motet.bootstrap.postgres import open_database, serving_url
from motet.bootstrap.supervisor import Supervisor
from motet.bootstrap.tls import Certificate, certificate_of, kept_fresh
from motet.bootstrap.upstreams import link_of
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.events.bus import Bus
from motet.identity.signing_keys import SigningKeys
from motet.links.smsc_links import LinkConfig
from motet.rest.health import Check, NotReadyError
from motet.rest.metrics import Metrics
from motet.storage.database import Database
from motet.storage.migrate import SchemaError, check_schema, load_migrations, migrate
from motet.storage.partitions import ensure_partitions

if TYPE_CHECKING:
    from motet.bootstrap.cards import Cards
    from motet.bootstrap.messaging import Messaging
    from motet.bootstrap.metering import Metering
    from motet.bootstrap.network import NetworkSide
    from motet.fleet.jobs.jobs import JobService
    from motet.identity.services import Identity

DRAIN_S = 10.0
"""The contract's: what open windows and requests get to end in order after the first signal."""

PARTITION_CHECK_S = 6 * 3600.0
"""Partitions are made two weeks ahead, so a few lost checks do no harm."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Carrier:
    """Where a mobile network takes orders, and the token that it wants to see."""

    url: str
    token: str | None = field(repr=False)


@dataclass(slots=True)
class Node:
    """What the components of a node share. Made whole before the first of them starts."""

    settings: Settings
    listeners: Listeners
    supervisor: Supervisor
    database: Database
    secret_box: SecretBox
    tokens: TokenAuthority
    signing_keys: SigningKeys
    passwords: PasswordChecker
    metrics: Metrics
    demo: bool = False
    """Whether the liberties of a demo hold: GraphiQL, webhooks to loopback."""
    certificate: Certificate | None = None
    """What TLS is spoken with, if it is."""
    upstreams: list[LinkConfig] = field(default_factory=list)
    """SMSC links that are not in the database: --smsc, or the simulated network."""
    carrier: Carrier | None = None
    """The mobile network that takes orders, if there is one."""
    network: NetworkSide | None = None
    """What faces mobile networks, while that component runs."""
    messaging: Messaging | None = None
    """The hub and what belongs to it, while that component runs."""
    metering: Metering | None = None
    """What counts what devices use, while that component runs."""
    jobs: JobService | None = None
    """Takes jobs, while that component runs."""
    cards: Cards | None = None
    """The services of eUICCs, IMSIs and eSIMs, while that component runs."""
    event_bus: Bus = field(default_factory=Bus)
    """Of events, for subscriptions."""
    job_bus: Bus = field(default_factory=Bus)
    """Of jobs, for subscriptions."""
    mailed: Callable[[], None] | None = None
    """Wakes who sends mails, if anyone does."""
    identity: Identity | None = None
    """Who may do what, while that component runs."""
    routes: list[BaseRoute] = field(default_factory=list)
    """REST routes that a component serves, beside /healthz."""
    paths: dict[str, ASGIApp] = field(default_factory=dict)
    """HTTP paths that a component serves, such as /graphql. HTTP starts after all components."""
    checks: dict[str, Check] = field(default_factory=dict)
    """What /readyz asks."""
    farewells: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What is done first when the node ends: nothing new is taken, and what would never end by itself is told to."""
    stopping: bool = False


Component = Callable[[Node], AbstractAsyncContextManager[None]]
"""Starts on entry; on exit, which comes in reverse order, it drains what it has open and ends. All exits together are
given `DRAIN_S`, then they are cancelled."""


@asynccontextmanager
async def partitions(node: Node) -> AsyncIterator[None]:
    """Makes partitions ahead of time."""

    async def ensure() -> None:
        async with node.database.pool.acquire() as connection:
            made = await ensure_partitions(connection, time.time_ns() // 1_000_000)
        if made:
            _log.info("partitions made", count=len(made), last=made[-1])

    async def keep() -> None:
        while True:
            await asyncio.sleep(PARTITION_CHECK_S)
            await ensure()

    await ensure()
    node.supervisor.start("partitions", keep)
    yield


class Stop:
    """The wish to end: a signal's, or the supervisor's when a task cannot be kept alive."""

    def __init__(self) -> None:
        self.wished = asyncio.Event()
        self.failed: str | None = None

    def listen(self) -> None:
        """SIGTERM and SIGINT end in order; a second one ends at once, and what hangs on us ends with us."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)

    def fail(self, task: str) -> None:
        self.failed = task
        self.wished.set()

    def _signalled(self, number: signal.Signals) -> None:
        if self.wished.is_set():
            os._exit(128 + number)
        _log.info("stopping", signal=signal.Signals(number).name)
        self.wished.set()


Ready = Callable[[Node], Awaitable[None]]
Prepare = Callable[[Node, AsyncExitStack], Awaitable[Ready]]
"""What a kind of node does before its components start; what it enters on the stack ends after them. Gives what to do
when all have started."""


def run_node(settings: Settings, prepare: Prepare, components: Sequence[Component], *, demo: bool = False) -> int:
    """Runs until a signal, and gives the exit status: 0, or 1 if it could not start or go on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, prepare, components, demo))


async def _run(settings: Settings, prepare: Prepare, components: Sequence[Component], demo: bool) -> int:
    stop = Stop()
    stop.listen()
    serving = asyncio.create_task(_serve(settings, prepare, components, demo, stop))
    wished = asyncio.create_task(stop.wished.wait())
    await asyncio.wait((serving, wished), return_when=asyncio.FIRST_COMPLETED)
    wished.cancel()
    try:
        await serving
    except StartError as error:
        print(f"motet: {error}", file=sys.stderr)
        return 1
    if stop.failed is not None:
        print(f"motet: gave up, the task {stop.failed} keeps failing; the log says why", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings, prepare: Prepare, components: Sequence[Component], demo: bool, stop: Stop) -> None:
    supervisor = Supervisor(stop.fail)
    async with AsyncExitStack() as ground:
        listeners = ground.enter_context(bound(settings))
        url = await ground.enter_async_context(serving_url(settings, supervisor))
        node = await _open(settings, listeners, supervisor, url, demo, ground)
        ready = await prepare(node, ground)
        running = AsyncExitStack()
        try:
            for component in components:
                if stop.wished.is_set():
                    return
                await running.enter_async_context(component(node))
            _settle_collector()
            await ready(node)
            http_at, smpp_at = address_of(listeners.http, settings.http), address_of(listeners.smpp, settings.smpp)
            _log.info("ready", version=__version__, http=str(http_at), smpp=str(smpp_at))
            await stop.wished.wait()
        finally:
            node.stopping = True
            try:
                async with asyncio.timeout(DRAIN_S):
                    for farewell in node.farewells:
                        await farewell()
                    await running.aclose()
            except TimeoutError:
                _log.warning("the time to drain is over", seconds=DRAIN_S)
            await supervisor.stop()


def _settle_collector() -> None:
    """What is there by now stays: it need not be walked again and again. The hot path makes no cycles, so that looking
    for them at every 700 new objects, as Python does, cost a sixth of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _open(
    settings: Settings, listeners: Listeners, supervisor: Supervisor, url: str, demo: bool, ground: AsyncExitStack
) -> Node:
    """Connects, brings or checks the schema, and opens the keys."""
    database = await ground.enter_async_context(await open_database(url))
    migrations = load_migrations()
    async with database.pool.acquire() as connection:
        if demo:
            for one in await migrate(connection, migrations):
                _log.info("migrated", version=one.version, name=one.name)
        else:
            await check_schema(connection, migrations)
        box = open_secret_box(settings)
        tokens = await open_token_authority(connection, box, settings)
    signing_keys = SigningKeys(database, box, tokens)
    passwords = PasswordChecker()
    ground.callback(passwords.close)
    node = Node(settings, listeners, supervisor, database, box, tokens, signing_keys, passwords, Metrics(), demo)
    node.certificate = certificate_of(settings)
    await ground.enter_async_context(kept_fresh(node.certificate))
    node.upstreams.extend(link_of(url) for url in settings.smsc)
    if settings.network_url is not None:
        node.carrier = Carrier(settings.network_url, settings.network_token)

    async def database_check() -> None:
        try:
            async with database.pool.acquire() as connection:
                await check_schema(connection, migrations)
        except SchemaError as error:
            raise NotReadyError(str(error)) from error

    async def stopping_check() -> None:
        if node.stopping:
            raise NotReadyError("the node is ending")

    node.checks |= {"database": database_check, "node": stopping_check}
    return node
