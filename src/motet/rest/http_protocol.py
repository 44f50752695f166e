"""uvicorn's HTTP/1.1 on one connection, with the bounds that it lacks: how long a head may take and how large it may
be, how long a peer may leave an answer unread, and how many connections an address may have.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from motet.domain.cidrs import Network, address_of, peer_of, within
from motet.domain.seats import SeatLimits, Seats
from motet.rest.refusals import refusal
from motet.rest.websocket_protocol import BoundedWebSocketProtocol, SocketBounds


@dataclass(frozen=True, slots=True)
class HttpBounds:
    """Of one connection, and of all."""

    handshake_s: float = 10.0
    """Of TLS. Handshakes have the bounds of connections that no request is served on."""
    head_s: float = 10.0
    """From the connection, or the first octet of a further request, to the end of its head."""
    head_octets: int = 32 * 1024
    """The request line and the headers."""
    headers: int = 100
    unread_s: float = 60.0
    """How long a peer may leave us unable to write."""
    linger_s: float = 5.0
    """What the rest of a body gets whose request was answered early. To close before it has come would reset the
    connection, and a client that is still sending would never see the answer."""
    linger_octets: int = 32 << 20
    """The same, of octets."""
    socket: SocketBounds = field(default_factory=SocketBounds)
    seats: SeatLimits = field(
        default_factory=lambda: SeatLimits(
            sessions=4_096, unbound=3_000, sessions_per_address=1_000, unbound_per_address=500
        )
    )
    """Connections. Here unbound are those that no request is served on, the idle ones too, and WebSockets until their
    callers have proved who they are."""


class _RefusedError(Exception):
    """The head breaks a bound."""


class _Lingering:
    """A connection as an answer sees it: its end waits for the body that is still on its way."""

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, protocol: BoundedHttpProtocol) -> None:
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing
        self.close = protocol.close_once_read


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection. `bounded` makes the class that a server is given."""

    bounds: ClassVar[HttpBounds]
    seats: ClassVar[Seats[Any]]
    websocket: ClassVar[type[BoundedWebSocketProtocol]]
    """What a connection goes on with that becomes a WebSocket."""
    proxies: ClassVar[tuple[Network, ...]]
    """Their connections are other people's: only the bounds for all hold for them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_octets = 0
        self._messages = 0
        self._unwanted: int | None = None
        """Octets that came behind an answer, of the body that it did not wait for."""
        self._ending = False
        """The connection is to be closed once that has come."""
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        self._refusal = (400, "INVALID", "This is not a valid HTTP request.")

    # asyncio.Protocol ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        address = address_of(host)
        if address is None:
            peer: object = host
        elif within(self.proxies, address):
            peer = self  # counts for itself alone
        else:
            peer = peer_of(address)
        if not self.seats.take(self, peer):
            self._refusal = (503, "LIMIT_REACHED", "There are too many connections.")
            self.send_400_response("")
            return
        self._head_timer = self.loop.call_later(self.bounds.head_s, self._head_is_late)

    def data_received(self, data: bytes) -> None:
        was_in_head, messages = self._in_head, self._messages
        if was_in_head:
            self._head_octets += len(data)
        super().data_received(data)
        if self._unwanted is not None:
            self._unwanted += len(data)
            if self._unwanted > self.bounds.linger_octets:
                self._abort()
        if not self._in_head:
            return
        if self._messages != messages or not was_in_head:
            self._head_octets = 0  # the octets were those of whole messages
        if self._head_octets > self.bounds.head_octets and not self.transport.is_closing():
            self._refusal = (431, "INVALID", "The head of the request is too large.")
            self.send_400_response("")
        elif self._head_octets and self._head_timer is None:
            self._head_timer = self.loop.call_later(self.bounds.head_s, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self.seats.leave(self)
        for timer in (self._head_timer, self._unread_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread_timer is None:
            self._unread_timer = self.loop.call_later(self.bounds.unread_s, self._abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    # The parser's ----------------------------------------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        bounds = self.bounds
        if len(self.headers) > bounds.headers or (
            self._head_octets > bounds.head_octets
            and sum(len(name) + len(value) + 4 for name, value in self.headers) + len(self.url) > bounds.head_octets
        ):
            self._refusal = (431, "INVALID", "The head of the request is too large.")
            raise _RefusedError
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self.seats.bound(self)
        super().on_headers_complete()
        if self.cycle is not None:  # else it becomes a WebSocket
            self.cycle.transport = _Lingering(self)  # type: ignore[assignment]

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_octets = 0
        self._unwanted = None
        self._messages += 1
        super().on_message_complete()
        if self._ending:
            self.transport.close()

    def on_response_complete(self) -> None:
        self.seats.unbound_again(self)
        super().on_response_complete()
        if not self._in_head:  # answered before all of the body was here
            self._unwanted = 0
            self.loop.call_later(self.bounds.linger_s, self._end_early, self._messages)

    def handle_websocket_upgrade(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
        transport = self.transport
        super().handle_websocket_upgrade()
        self.seats.give(self, cast("BoundedWebSocketProtocol", transport.get_protocol()))

    # Ends ------------------------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or too much of one, and close."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self._abort()  # the refusal would stand in the middle of an answer
            return
        self.transport.write(refusal(*self._refusal))
        self.transport.close()

    def close_once_read(self) -> None:
        """Close, now or when the rest of the body has come."""
        if self._in_head:
            self.transport.close()
            return
        self._ending = True
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def abort(self, _reason: str) -> None:
        """Make room for another connection."""
        self._abort()

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._in_head and not self.transport.is_closing():
            self._refusal = (408, "LIMIT_REACHED", "The head of the request did not come in time.")
            self.send_400_response("")

    def _end_early(self, messages: int) -> None:
        if messages == self._messages and not self._in_head:
            self._abort()

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


def bounded(bounds: HttpBounds, proxies: tuple[Network, ...]) -> type[BoundedHttpProtocol]:
    """The protocol of one server, whose connections are counted together."""
    seats: Seats[Any] = Seats(bounds.seats)
    of_sockets = {"bounds": bounds.socket, "seats": seats}
    websocket = type("BoundedWebSocketProtocol", (BoundedWebSocketProtocol,), of_sockets)
    attributes = {"bounds": bounds, "seats": seats, "proxies": proxies, "websocket": websocket}
    return type("BoundedHttpProtocol", (BoundedHttpProtocol,), attributes)
