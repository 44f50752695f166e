"""Serves HTTP, with TLS too if asked to: uvicorn on sockets of ours, the paths shared out among the edges."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from motet.bootstrap.limits import limits_of
from motet.bootstrap.node import Node
from motet.bootstrap.supervisor import Supervisor
from motet.links.tls_listener import TlsListener
from motet.rest.edge import EdgeRules, HttpEdge
from motet.rest.health import Readiness, rest_application
from motet.rest.http_protocol import BoundedHttpProtocol, HttpBounds, bounded

WEBSOCKET_OCTETS = 1024 * 1024
"""Largest message on a WebSocket: as large as an HTTP body may be."""

GRACE_S = 5
"""What running requests get to finish at the end, within the node's 10 s."""


class PathSwitch:
    """An ASGI application that hands a path to its own application and all others to the rest."""

    __slots__ = ("_others", "_paths")

    def __init__(self, paths: Mapping[str, ASGIApp], others: ASGIApp) -> None:
        self._paths = paths
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._paths.get(scope.get("path", ""), self._others)(scope, receive, send)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the node's, not the server's."""
        yield


@asynccontextmanager
async def http(node: Node) -> AsyncIterator[None]:
    """HTTP, over whatever paths the other components serve."""
    settings = node.settings
    bounds = HttpBounds()
    seats = limits_of("http-limit", bounds.seats, settings.http_limit)
    rules = EdgeRules(
        proxies=settings.trusted_proxies,
        cors_origins=frozenset(settings.cors_origin),
        hosts=frozenset(settings.allowed_host),
    )
    rest = rest_application(Readiness(node.checks), node.metrics, node.routes, metrics_token=settings.metrics_token)
    paths = PathSwitch(node.paths, rest)
    application = HttpEdge(paths, rules, own_bounds=node.paths.keys())
    protocol = bounded(replace(bounds, seats=seats), settings.trusted_proxies)
    async with AsyncExitStack() as servers:
        plain = http_server(application, node.listeners.http, node.supervisor, protocol)
        await servers.enter_async_context(plain)
        if node.listeners.https is not None and node.certificate is not None:
            context = node.certificate.for_server()
            await servers.enter_async_context(
                http_server(application, node.listeners.https, node.supervisor, protocol, context)
            )
        yield


@asynccontextmanager
async def http_server(
    application: ASGIApp,
    listener: socket.socket,
    supervisor: Supervisor,
    protocol: type[BoundedHttpProtocol],
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    """Answers on the socket from when it is entered; at the end refuses new connections and lets requests finish."""
    config = uvicorn.Config(
        application,
        http=protocol,
        ws=protocol.websocket,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=WEBSOCKET_OCTETS,
    )
    server = _Server(config)
    ended = asyncio.Event()

    async def serve() -> None:
        try:
            await server.serve([listener] if context is None else [])
        finally:
            ended.set()
        if not server.should_exit:
            raise RuntimeError("the HTTP server ended by itself")

    supervisor.start("http" if context is None else "https", serve, restart=False)
    while not server.started and not ended.is_set():  # noqa: ASYNC110 - a turn or two; uvicorn has no event for it
        await asyncio.sleep(0)
    try:
        with nullcontext() if context is None else _shaking_hands(server, listener, protocol, context):
            yield
    finally:
        server.should_exit = True
        await ended.wait()


@contextmanager
def _shaking_hands(
    server: uvicorn.Server, listener: socket.socket, protocol: type[BoundedHttpProtocol], context: ssl.SSLContext
) -> Iterator[None]:
    """Accepts TLS connections for the server, which would wait a minute for each handshake and for any number of
    them."""
    bounds, under_way = protocol.bounds, set[asyncio.Task[None]]()

    def connected() -> asyncio.Protocol:
        return protocol(config=server.config, server_state=server.server_state, app_state=server.lifespan.state)

    def spawn(handshake: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(handshake)
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    seats = bounds.seats
    limits = replace(seats, sessions=seats.unbound, sessions_per_address=seats.unbound_per_address)
    accepting = TlsListener(listener, lambda: context, connected, spawn, limits=limits, handshake_s=bounds.handshake_s)
    accepting.start()
    try:
        yield
    finally:
        accepting.stop()
        for task in under_way:
            task.cancel()
