"""Binds a node's addresses before anything else starts: port 0 becomes a real one, and a taken one is told at once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.config.values import Address


@dataclass(frozen=True, slots=True)
class Listeners:
    """Sockets that listen and that nobody accepts from yet: early clients wait in the kernel for their servers."""

    http: socket.socket
    smpp: socket.socket
    smpp_tls: socket.socket | None
    https: socket.socket | None = None


@contextmanager
def bound(settings: Settings) -> Iterator[Listeners]:
    """The settings' sockets; closes them at the end, should no server have done so."""
    opened: dict[str, socket.socket] = {}
    wanted = {"http": settings.http, "smpp": settings.smpp, "smpp-tls": settings.smpp_tls, "https": settings.https}
    try:
        for flag, address in wanted.items():
            if address is not None:
                opened[flag] = bind(address, flag)
        yield Listeners(opened["http"], opened["smpp"], opened.get("smpp-tls"), opened.get("https"))
    finally:
        for one in opened.values():
            one.close()


def bind(address: Address, flag: str) -> socket.socket:
    """A TCP socket on the address. Raises StartError that names the flag."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StartError(f"cannot listen on {address} (--{flag}): {error.strerror}") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        # Two sockets may be bound to one port with SO_REUSEADDR as long as neither listens: listen at once to know.
        # Nobody accepts yet: early clients wait in the kernel's queue.
        made.listen(2048)
    except OSError as error:
        made.close()
        raise StartError(f"cannot listen on {address} (--{flag}): {error.strerror}") from error
    made.setblocking(False)
    return made


def address_of(listener: socket.socket, asked: Address) -> Address:
    """Where the socket really is, under the name that was asked for."""
    return Address(asked.host, listener.getsockname()[1])
