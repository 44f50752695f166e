"""Serves HTTP, with TLS too if asked to: uvicorn on sockets of ours, the paths shared out among the edges."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from motet.bootstrap.limits import limits_of
from motet.bootstrap.node import Node
from motet.bootstrap.supervisor import Supervisor
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
        ws_max_size=WEBSOCKET_OCTETS,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_S,
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )
    server = _Server(config)
    ended = asyncio.Event()

    async def serve() -> None:
        try:
            await server.serve([listener])
        finally:
            ended.set()
        if not server.should_exit:
            raise RuntimeError("the HTTP server ended by itself")

    supervisor.start("http" if context is None else "https", serve, restart=False)
    while not server.started and not ended.is_set():  # noqa: ASYNC110 - a turn or two; uvicorn has no event for it
        await asyncio.sleep(0)
    try:
        yield
    finally:
        server.should_exit = True
        await ended.wait()
