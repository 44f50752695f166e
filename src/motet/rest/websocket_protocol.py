"""uvicorn's WebSocket on one connection, with the bounds that it lacks: what may wait for a peer that reads nothing, of
how many fragments a message may be, how long an end may take, and a place among the connections of its address.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from motet.access.clients import PROVED
from motet.domain.seats import Seats
from motet.rest.refusals import refusal


@dataclass(frozen=True, slots=True)
class SocketBounds:
    """Of one WebSocket."""

    unread_s: float = 60.0
    """How long a peer may leave us unable to write."""
    end_s: float = 5.0
    """What the last octets get to go out once the connection is to be closed: nobody may be there to take them."""
    fragments: int = 4_096
    """Of one message. Empty ones add nothing to its size."""


class _Transport:
    """A connection as uvicorn sees it: one that is closed ends, even if its peer reads nothing."""

    __slots__ = ("_end_s", "_loop", "_transport", "is_closing", "pause_reading", "resume_reading", "write")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, end_s: float) -> None:
        self._transport = transport
        self._loop = loop
        self._end_s = end_s
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.write = transport.write

    def close(self) -> None:
        self._transport.close()
        self._loop.call_later(self._end_s, self._transport.abort)

    def abort(self) -> None:
        self._transport.abort()


class BoundedWebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection, from its upgrade on. The HTTP protocol gives its place to it."""

    bounds: ClassVar[SocketBounds]
    seats: ClassVar[Seats[Any]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread_timer: asyncio.TimerHandle | None = None

    # asyncio.Protocol ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        bounded = _Transport(self.transport, self.loop, self.bounds.end_s)
        self.transport = cast("asyncio.Transport", bounded)  # as much of one as is asked for from here on

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.transport.is_closing():
            # uvicorn says nothing to a head that `websockets` takes for none, and waits for ever.
            self.handshake_complete = self.close_sent = True
            self.transport.write(refusal(400, "INVALID", "This is not a valid WebSocket handshake."))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.seats.leave(self)
        if self._unread_timer is not None:
            self._unread_timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread_timer is None:
            self._unread_timer = self.loop.call_later(self.bounds.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    # uvicorn's -------------------------------------------------------------------------------------------------------

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            cast("dict[str, Any]", self.scope)[PROVED] = lambda: self.seats.bound(self)

    def handle_ping(self) -> None:
        super().handle_ping()
        self._read_no_faster_than_it_reads()

    def handle_cont(self, event: Frame) -> None:
        if self.close_sent:
            return
        if len(self.frames) >= self.bounds.fragments:
            self.frames = []
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    async def receive(self) -> Any:
        message = await super().receive()
        self._read_no_faster_than_it_reads()
        return message

    def _read_no_faster_than_it_reads(self) -> None:
        """Whoever sends pings and does not read the answers is not read: they would pile up here."""
        if not self.writable.is_set() and not self.transport.is_closing():
            self.transport.pause_reading()

    def abort(self, _reason: str) -> None:
        """Make room for another connection."""
        self.transport.abort()
