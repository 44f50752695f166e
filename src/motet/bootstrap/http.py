"""Serves HTTP: one uvicorn on a socket of ours, the paths shared out among the edges."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from motet.bootstrap.supervisor import Supervisor

WEBSOCKET_OCTETS = 1024 * 1024
"""Largest message on a WebSocket: as large as an HTTP body may be."""

CONNECTIONS = 4_096
"""HTTP connections at once; one more is answered 503."""

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
async def http_server(application: ASGIApp, listener: socket.socket, supervisor: Supervisor) -> AsyncIterator[None]:
    """Answers on the socket from when it is entered; at the end refuses new connections and lets requests finish."""
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=WEBSOCKET_OCTETS,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_S,
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

    supervisor.start("http", serve, restart=False)
    while not server.started and not ended.is_set():  # noqa: ASYNC110 - a turn or two; uvicorn has no event for it
        await asyncio.sleep(0)
    try:
        yield
    finally:
        server.should_exit = True
        await ended.wait()
