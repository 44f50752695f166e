"""An ESME server on a real database and real sockets, with bounds made small and a clock that tests turn."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from motet.access.passwords import PasswordChecker, hash_password
from motet.hub.hub import Hub
from motet.links.esme_binds import BindRules
from motet.links.esme_server import EsmeServer
from motet.storage.database import Database
from raw_esme import BIND_TRANSCEIVER, RESPONSE, Pdu, bind_body, pdu
from tenants import Tenant, Tenants

GUARD_S = 20
PASSWORD = "right678"
RIGHT = hash_password(PASSWORD)


@dataclass(slots=True)
class Clock:
    """Time that passes by sleeping, and not otherwise."""

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Peer:
    """The other end of one connection, from whichever loopback address."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._sequence = 0

    def send(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def read(self) -> Pdu:
        """The next PDU. Raises EOFError, OSError at the end of the connection."""
        async with asyncio.timeout(GUARD_S):
            head = await self.reader.readexactly(16)
            length, command_id, status, sequence = struct.unpack(">IIII", head)
            return Pdu(command_id, status, sequence, await self.reader.readexactly(length - 16))

    async def ask(self, command_id: int, body: bytes = b"") -> Pdu:
        self._sequence += 1
        self.send(pdu(command_id, self._sequence, body))
        while True:
            answer = await self.read()
            if answer.command_id & RESPONSE:
                return answer

    async def bind(self, system_id: str, password: str = PASSWORD, command_id: int = BIND_TRANSCEIVER) -> int:
        return (await self.ask(command_id, bind_body(system_id, password))).status

    async def ended(self) -> list[Pdu]:
        """Waits for the end of the connection; what came before."""
        came = []
        try:
            while True:
                came.append(await self.read())
        except (EOFError, OSError):
            return came

    def close(self) -> None:
        self.writer.transport.abort()


class Edge:
    """The server and what is in its database."""

    def __init__(self, database: Database, hub: Hub, server: EsmeServer, port: int, clock: Clock) -> None:
        self.database, self.hub, self.server, self.clock = database, hub, server, clock
        self.address = ("127.0.0.1", port)
        self.tenants = Tenants(database)
        self.tenant: Tenant
        self._peers: list[Peer] = []

    async def account(self, system_id: str, **columns: Any) -> int:
        account_id = await self.tenants.account(self.tenant, system_id)
        await self.change(account_id, password_hash=RIGHT, **columns)
        return account_id

    async def change(self, account_id: int, **columns: Any) -> None:
        """Other settings of an account, as any node writes them, and as this one hears of it."""
        for name, value in columns.items():
            await self.tenants.execute(f"UPDATE smpp_account SET {name} = $2 WHERE id = $1", account_id, value)  # noqa: S608
        await self.server.accounts_changed()

    async def connect(self, source: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Peer:
        """A connection from that address of the loopback network."""
        async with asyncio.timeout(GUARD_S):
            peer = Peer(
                *await asyncio.open_connection(
                    *self.address, local_addr=(source, 0), ssl=tls, server_hostname="localhost" if tls else None
                )
            )
        self._peers.append(peer)
        return peer

    async def bind(self, system_id: str, password: str = PASSWORD, source: str = "127.0.0.1") -> int:
        """The status of a bind on a connection of its own, which is then closed."""
        peer = await self.connect(source)
        status = await peer.bind(system_id, password)
        sessions = self.server.session_count
        peer.close()
        await until(lambda: self.server.session_count < sessions)
        return status

    def close(self) -> None:
        for peer in self._peers:
            peer.close()


async def until(condition: Callable[[], Any]) -> None:
    """Let the event loop turn until it is so."""
    async with asyncio.timeout(GUARD_S):
        while not condition():  # noqa: ASYNC110 - whatever the condition looks at, it has no event
            await asyncio.sleep(0.001)


async def rows(edge: Edge, count: int) -> list[Any]:
    """The rows of bound sessions once there are so many."""
    async with asyncio.timeout(GUARD_S):
        while len(found := await edge.database.pool.fetch("SELECT * FROM smpp_session ORDER BY id")) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return found


@asynccontextmanager
async def smpp_edge(
    database: Database, *, tls: Callable[[], ssl.SSLContext] | None = None, workspace: str = "demo", **options: Any
) -> AsyncIterator[Edge]:
    """A server of this process on a free port; `options` are EsmeServer's. The workspace is made."""
    hub = Hub(database)
    await hub.start()
    passwords = PasswordChecker()
    clock = Clock()
    paces = options.pop("paces", {})
    server = EsmeServer(hub, passwords, rules=BindRules(clock=clock, sleep=clock.sleep, **paces), **options)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    edge = Edge(database, hub, server, listener.getsockname()[1], clock)
    edge.tenant = await edge.tenants.workspace(workspace)
    try:
        await server.listen(listener, tls)
        yield edge
    finally:
        edge.close()
        await until(lambda: server.session_count == 0)
        await server.stop()
        passwords.close()
        for task in list(hub.errands.tasks):
            task.cancel()
        await asyncio.gather(*hub.errands.tasks, return_exceptions=True)
        await hub.stop()
