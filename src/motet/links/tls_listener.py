"""Accepts TLS connections: a bound and a deadline for handshakes, and the certificate that is good now for each."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from motet.domain.cidrs import address_of, peer_of
from motet.domain.seats import SeatLimits, Seats

log = structlog.get_logger(__name__)

HANDSHAKE_S = 10.0
"""From the connection to the end of the handshake."""

HANDSHAKES = SeatLimits(sessions=1_000, unbound=1_000, sessions_per_address=50, unbound_per_address=50)
"""Handshakes at one time: beyond, the oldest is cut. A good one takes some milliseconds."""

AGAIN_S = 0.1
"""After the machine had no descriptor left for a connection."""


class _Handshake:
    """A connection whose handshake is under way."""

    __slots__ = ("_task",)

    def __init__(self) -> None:
        self._task = asyncio.current_task()

    def abort(self, _reason: str) -> None:
        if self._task is not None:
            self._task.cancel()


class TlsListener:
    """One listening socket. A protocol of `connected` gets each connection once its handshake is done."""

    def __init__(
        self,
        listener: socket.socket,
        context: Callable[[], ssl.SSLContext],
        connected: Callable[[], asyncio.Protocol],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        *,
        limits: SeatLimits = HANDSHAKES,
        handshake_s: float = HANDSHAKE_S,
    ) -> None:
        """`context` gives the one for a connection that comes now; `spawn` runs a task to its end."""
        self._listener = listener
        self._context = context
        self._connected = connected
        self._spawn = spawn
        self._handshake_s = handshake_s
        self._seats: Seats[_Handshake] = Seats(limits)
        self._accepting: asyncio.Task[None] | None = None

    @property
    def handshakes(self) -> int:
        """Handshakes under way."""
        return len(self._seats)

    def start(self) -> None:
        self._accepting = asyncio.get_running_loop().create_task(self._accept(), name="accept TLS")

    def stop(self) -> None:
        """Take no new connections."""
        if self._accepting is not None:
            self._accepting.cancel()
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                one, peername = await loop.sock_accept(self._listener)
            except OSError as error:
                log.warning("a connection could not be accepted", error=str(error))
                await asyncio.sleep(AGAIN_S)
                continue
            self._spawn(self._shake_hands(one, str(peername[0])))

    async def _shake_hands(self, one: socket.socket, host: str) -> None:
        handshake = _Handshake()
        address = address_of(host)
        if not self._seats.take(handshake, host if address is None else peer_of(address)):
            one.close()
            return
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._connected, one, ssl=self._context(), ssl_handshake_timeout=self._handshake_s
            )
        except (OSError, ssl.SSLError, TimeoutError, asyncio.CancelledError) as error:
            one.close()
            log.info("TLS handshake failed", peer=host, error=repr(error)[:200])
        finally:
            self._seats.leave(handshake)
