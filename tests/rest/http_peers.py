"""An HTTP server of ours on a real socket, and peers that write what a test says."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from motet.access.clients import PROVED
from motet.bootstrap.http import http_server
from motet.bootstrap.supervisor import Supervisor
from motet.rest.edge import EdgeRules, HttpEdge
from motet.rest.health import Readiness, rest_application
from motet.rest.http_protocol import BoundedHttpProtocol, HttpBounds, bounded
from motet.rest.metrics import Metrics

GUARD_S = 20


class Answer:
    """A response as it came."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.body = body


class Peer:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def answer(self) -> Answer:
        async with asyncio.timeout(GUARD_S):
            head = (await self.reader.readuntil(b"\r\n\r\n"))[:-4]
            length = Answer(head, b"").headers.get("content-length", "0")
            return Answer(head, await self.reader.readexactly(int(length)))

    async def ask(self, head: str, body: bytes = b"") -> Answer:
        """`head` is the request line and headers, without Host."""
        self.send((head + "\r\nhost: motet.example\r\n").encode("latin-1"))
        self.send((f"content-length: {len(body)}\r\n\r\n" if body else "\r\n").encode() + body)
        return await self.answer()

    async def ended(self) -> bytes:
        """What comes until the end of the connection."""
        async with asyncio.timeout(GUARD_S):
            try:
                return await self.reader.read()
            except OSError:
                return b""

    async def upgrade(self, path: str, more: str = "") -> Answer:
        """Becomes a WebSocket, or is refused."""
        return await self.ask(
            f"GET {path} HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
            f"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=={more}"
        )

    def frame(self, opcode: int, data: bytes = b"", *, final: bool = True) -> None:
        """A frame of at most 125 octets, masked with zeros."""
        self.send(bytes([final << 7 | opcode, 0x80 | len(data)]) + bytes(4) + data)

    def close(self) -> None:
        self.writer.transport.abort()


class Site:
    """The server: /echo answers a body's length, /who its client, /early before the body, /large a lot, /fails not. The
    WebSocket /talk sends back what it hears, /known too, once its caller has proved who they are."""

    def __init__(self, port: int, protocol: type[BoundedHttpProtocol]) -> None:
        self.address = ("127.0.0.1", port)
        self.protocol = protocol
        self.peers: list[Peer] = []
        self.release = asyncio.Event()
        self.held = 0

    async def connect(self, source: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Peer:
        async with asyncio.timeout(GUARD_S):
            name = None if tls is None else "localhost"
            streams = await asyncio.open_connection(
                *self.address, local_addr=(source, 0), ssl=tls, server_hostname=name
            )
            peer = Peer(*streams)
        self.peers.append(peer)
        return peer

    async def ask(self, head: str, body: bytes = b"", **connection: Any) -> Answer:
        peer = await self.connect(**connection)
        answer = await peer.ask(head, body)
        peer.close()
        return answer

    def routes(self) -> list[BaseRoute]:
        async def echo(request: Request) -> Response:
            return JSONResponse({"octets": len(await request.body())})

        async def who(request: Request) -> Response:
            return JSONResponse(
                {"client": request.client.host if request.client else None, "scheme": request.url.scheme}
            )

        async def early(_: Request) -> Response:
            return JSONResponse({"early": True})

        async def fails(_: Request) -> Response:
            raise RuntimeError("postgresql://user:secret@host")

        async def away(_: Request) -> Response:
            raise ConnectionRefusedError("postgresql://user:secret@host")

        async def large(_: Request) -> Response:
            async def much() -> AsyncIterator[bytes]:
                while True:
                    yield b"x" * 65_536
                    await asyncio.sleep(0)

            return StreamingResponse(much())

        async def hold(_: Request) -> Response:
            self.held += 1
            await self.release.wait()
            return JSONResponse({})

        async def page(_: Request) -> Response:
            return Response("<p>", headers={"content-security-policy": "default-src 'self'"}, media_type="text/html")

        async def talk(websocket: WebSocket) -> None:
            await websocket.accept()
            if websocket.url.path == "/known":
                websocket.scope[PROVED]()
            with suppress(WebSocketDisconnect):
                while True:
                    await websocket.send_text(await websocket.receive_text())

        return [
            WebSocketRoute("/talk", talk),
            WebSocketRoute("/known", talk),
            Route("/echo", echo, methods=["POST"]),
            Route("/free", echo, methods=["POST"]),
            Route("/who", who),
            Route("/early", early, methods=["POST"]),
            Route("/fails", fails),
            Route("/away", away),
            Route("/large", large),
            Route("/hold", hold),
            Route("/page", page),
        ]


@asynccontextmanager
async def site(
    bounds: HttpBounds = HttpBounds(),  # noqa: B008 (immutable)
    rules: EdgeRules = EdgeRules(),  # noqa: B008 (immutable)
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Site]:
    """A server of this process on a free port."""
    failed: list[str] = []
    supervisor = Supervisor(failed.append)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    protocol = bounded(bounds, rules.proxies)
    made = Site(listener.getsockname()[1], protocol)
    application = HttpEdge(rest_application(Readiness({}), Metrics(), made.routes()), rules, own_bounds={"/free"})
    async with http_server(application, listener, supervisor, protocol, tls):
        try:
            yield made
        finally:
            made.release.set()
            for peer in made.peers:
                peer.close()
    await supervisor.stop()
    assert failed == []
