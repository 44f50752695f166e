"""One TCP connection with an SMPP session on it: bytes in, events up; octets gathered and written once a turn.

Back-pressure both ways. A peer that sends more than is worked off is not read; one that does not read is not sent to,
and dropped after a while. Either way memory stays bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar, cast

import structlog

from motet.domain.cidrs import Address, address_of
from motet.smpp.constants import CommandId
from motet.smpp.errors import UsageError
from motet.smpp.pdu import Empty
from motet.smpp.session import Event, Limits, Session, Side, State

log = structlog.get_logger(__name__)

WRITE_HIGH_OCTETS = 1 << 20
"""What may wait in the transport for a slow reader before we stop producing: a few thousand PDUs."""

STALLED_S = 30.0
"""How long a peer may leave us unable to write, or keep far more in work than its window, before it is dropped."""

END_S = 5.0
"""How long the last octets may take to get out before the connection is cut."""

TICK_S = 1.0
"""How often timers are looked at: enquire_link and the response timer need no finer grain."""


class Connection(asyncio.Protocol):
    """The shell round one session. Subclasses handle events and say what the end means."""

    side: ClassVar[Side]

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.loop = asyncio.get_running_loop()
        self.session = Session(self.side, now=self.loop.time(), limits=limits)
        self.transport: asyncio.Transport | None = None
        self.peer = ""
        self.address: Address | None = None
        """The peer's; None where it has none."""
        self.port = 0
        self.tls: str | None = None
        """The version of TLS, None without."""
        self._out: list[bytes] = []
        self._flush_handle: asyncio.Handle | None = None
        self._tick_handle: asyncio.TimerHandle | None = None
        self._stalled_since: float | None = None
        self._reading = True
        self.writable = True
        """Whether the peer keeps up with what it is sent."""
        self.closed = False
        self.end_reason = ""
        """Why we ended it, if we did."""
        self._ending = False

    # asyncio.Protocol ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)  # uvloop's are not of this class, but of its kind
        self.transport = stream
        stream.set_write_buffer_limits(high=WRITE_HIGH_OCTETS)
        peername: Sequence[Any] = stream.get_extra_info("peername") or ("?", 0)
        self.peer = f"{peername[0]}:{peername[1]}" if len(peername) > 1 else str(peername)
        self.address = address_of(str(peername[0]))
        self.port = int(peername[1]) if len(peername) > 1 else 0
        secured = stream.get_extra_info("ssl_object")
        self.tls = None if secured is None else secured.version()
        self._tick_handle = self.loop.call_later(TICK_S, self._tick)

    def data_received(self, data: bytes) -> None:
        session = self.session
        events = session.receive_data(data, self.loop.time())
        if events:
            self.handle(events)
        own = session.data_to_send()
        if own:
            self.write(own)
        if session.closing:
            self.end()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self.closed:
            return
        self.closed = True
        for handle in (self._tick_handle, self._flush_handle):
            if handle is not None:
                handle.cancel()
        ending = f"connection lost: {error}" if error else "connection closed by the peer"
        reason = self.end_reason or self.session.close_reason or ending
        self.lost(self.session.close(reason), reason)

    def pause_writing(self) -> None:
        self.writable = False
        self._stalled_since = self._stalled_since or self.loop.time()
        self.set_reading(False)

    def resume_writing(self) -> None:
        self.writable = True
        self._stalled_since = None
        self.set_reading(True)
        self.writable_again()

    # For subclasses --------------------------------------------------------------------------------------------------

    def handle(self, events: list[Event]) -> None:
        """Events of one read, in their order."""
        raise NotImplementedError

    def lost(self, unanswered: list[Event], reason: str) -> None:
        """The connection is gone; our requests without an answer come as events."""
        raise NotImplementedError

    def writable_again(self) -> None:
        """The peer reads again."""

    def ending(self) -> None:
        """Nothing more can be asked of the peer; `lost` follows once the connection is gone."""

    def write(self, octets: bytes) -> None:
        """Send at the end of this turn of the loop, together with whatever else comes up."""
        self._out.append(octets)
        if self._flush_handle is None:
            self._flush_handle = self.loop.call_soon(self.flush_now)

    def flush_now(self) -> None:
        """Hand everything gathered to the transport in one write."""
        self._flush_handle = None
        if self._out and self.transport is not None and not self.transport.is_closing():
            self.transport.write(b"".join(self._out))
        self._out.clear()

    def set_reading(self, reading: bool) -> None:
        """Pause or resume reading the socket."""
        if self.transport is None or self.closed or reading == self._reading:
            return
        self._reading = reading
        if reading:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def end(self) -> None:
        """Close once what was written is out."""
        self.flush_now()
        if self.transport is not None:
            self.transport.close()
        if not self._ending and not self.closed:
            self._ending = True
            self.loop.call_later(END_S, self._cut)
            self.ending()

    def _cut(self) -> None:
        if not self.closed and self.transport is not None:
            self.transport.abort()

    def abort(self, reason: str) -> None:
        """Close at once: the peer does not read, or breaks the rules."""
        self.end_reason = self.end_reason or reason
        self._out.clear()
        if self.transport is not None:
            self.transport.abort()

    def unbind(self, reason: str) -> None:
        """Say goodbye and close."""
        self.end_reason = self.end_reason or reason
        if self.bound:
            with suppress(UsageError):  # an unbind is under way
                self.write(self.session.request(CommandId.UNBIND, Empty(), None, self.loop.time()))
        self.end()

    @property
    def bound(self) -> bool:
        return self.session.state in (State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX)

    def stalled(self) -> bool:
        """Whether the peer is far beyond what it may have in work; subclasses add to it."""
        return not self.writable

    def _tick(self) -> None:
        now = self.loop.time()
        self._tick_handle = self.loop.call_later(TICK_S, self._tick)
        if self.stalled():
            self._stalled_since = self._stalled_since or now
            if now - self._stalled_since >= STALLED_S:
                self.abort("stalled")
                return
        else:
            self._stalled_since = None
        if not self._reading:
            self.session.not_reading(now)
        events = self.session.on_time(now)
        if events:
            self.handle(events)
        own = self.session.data_to_send()
        if own:
            self.write(own)
        if self.session.closing:
            self.end()
