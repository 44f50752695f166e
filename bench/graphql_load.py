"""A client that asks over HTTP/1.1 as fast as answers come: prepared octets out, a status and a length read back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Load:
    """What a run did. Latencies in seconds."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    octets: int = 0
    refused: bytes = b""
    """An answer that was no 200, or had errors."""


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], start: int, load: Load, until: float) -> None:
        self._requests, self._next, self._load, self._until = requests, start, load, until
        self._buffer = b""
        self._sent_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a TCP transport was asked for")
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.find(b"content-length: ") + 16
        end = head + 4 + int(self._buffer[at : self._buffer.find(b"\r", at)])
        if len(self._buffer) < end:
            return
        now = time.perf_counter()
        if self._buffer[9:12] != b"200" or b'"errors":[{"message"' in self._buffer:
            self._load.refused = self._buffer
            self._until = 0
        self._load.latencies.append(now - self._sent_at)
        self._load.octets += end
        self._buffer = self._buffer[end:]
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        self._sent_at = time.perf_counter()
        self._transport.write(request)


async def ask(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Keep one request under way on each connection for so long."""
    load, loop, began = Load(), asyncio.get_running_loop(), time.perf_counter()
    made = []
    for number in range(connections):
        start = number * len(requests) // connections
        _, connection = await loop.create_connection(
            lambda start=start: _Connection(requests, start, load, began + seconds),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        made.append(connection.done)
    await asyncio.gather(*made)
    load.seconds = time.perf_counter() - began
    return load


def http_post(path: str, body: bytes, token: str) -> bytes:
    """The octets of a request."""
    return (
        f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\naccept: application/json\r\n"
        f"authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
