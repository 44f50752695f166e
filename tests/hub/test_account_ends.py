"""An account that ends anywhere ends its binds here: another node changes it, and this one hears of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from hub_world import World

from motet.access.passwords import PasswordChecker
from motet.domain.ids import IdGenerator
from motet.events.changes import ChangeFeed
from motet.fleet.messaging.smpp_account import SmppAccountChanges, SmppAccountService
from motet.links.esme_server import EsmeServer
from raw_esme import BIND_TRANSCEIVER, RESPONSE, UNBIND, bind_body, pdu

ROK = 0
PATIENCE_S = 20.0

Change = Callable[[SmppAccountService, World], Awaitable[object]]


class Node:
    """An SMPP server that hears what other nodes change."""

    def __init__(self, server: EsmeServer, address: tuple[str, int]) -> None:
        self.server = server
        self.address = address

    # What the change feed tells a node's memory.

    def forget_numbers(self, msisdns: Sequence[str]) -> None: ...

    def forget_all_numbers(self) -> None: ...

    def forget_short_codes(self) -> None: ...

    def end_smpp_session(self, session_id: int) -> None: ...

    def binds_failed(self, incarnation: int, failures: Sequence[str]) -> None: ...

    def trust(self, trusted: bool) -> None: ...

    def accounts_changed(self) -> None:
        self.server.hub.spawn(self.server.accounts_changed())

    async def bind(self, password: str) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
        """The command status of the answer, and the connection."""
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(pdu(BIND_TRANSCEIVER, 1, bind_body("demo", password)))
        command_id, status = await next_pdu(reader)
        assert command_id == BIND_TRANSCEIVER | RESPONSE
        return status, reader, writer


async def next_pdu(reader: asyncio.StreamReader) -> tuple[int, int]:
    """(command id, command status)."""
    async with asyncio.timeout(PATIENCE_S):
        head = await reader.readexactly(16)
        length, command_id, status = (int.from_bytes(head[at : at + 4]) for at in (0, 4, 8))
        await reader.readexactly(length - 16)
    return command_id, status


@asynccontextmanager
async def two_nodes(world: World) -> AsyncIterator[tuple[Node, SmppAccountService, str]]:
    """A node with an SMPP server, what another node changes accounts by, and the account's password."""
    passwords = PasswordChecker()

    async def nobody() -> None: ...

    elsewhere = SmppAccountService(world.database, passwords, IdGenerator(9), on_change=nobody)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    server = EsmeServer(await world.hub(), passwords)
    await server.listen(listener)
    node = Node(server, listener.getsockname())
    feed = ChangeFeed(world.database, node)
    hearing = asyncio.create_task(feed.run())
    await asyncio.wait_for(feed.listening.wait(), PATIENCE_S)
    yield node, elsewhere, await elsewhere.rotate_password(world.workspace_id, world.account_id)
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
    await server.stop()
    passwords.close()


async def rotated(accounts: SmppAccountService, world: World) -> None:
    await accounts.rotate_password(world.workspace_id, world.account_id)


async def disabled(accounts: SmppAccountService, world: World) -> None:
    await accounts.update(world.workspace_id, world.account_id, SmppAccountChanges(enabled=False))


async def deleted(_: SmppAccountService, world: World) -> None:
    async with world.database.pool.acquire() as connection:
        await connection.execute("DELETE FROM short_code WHERE workspace_id = $1", world.workspace_id)
        await connection.execute("DELETE FROM smpp_account WHERE workspace_id = $1", world.workspace_id)


async def suspended(_: SmppAccountService, world: World) -> None:
    async with world.database.pool.acquire() as connection:
        await connection.execute("UPDATE workspace SET suspended_at = now() WHERE id = $1", world.workspace_id)


async def organisation_suspended(_: SmppAccountService, world: World) -> None:
    async with world.database.pool.acquire() as connection:
        await connection.execute("UPDATE organisation SET suspended_at = now()")


@pytest.mark.parametrize("change", [rotated, disabled, deleted, suspended, organisation_suspended])
async def test_what_ends_an_account_on_one_node_ends_its_binds_on_the_others(world: World, change: Change) -> None:
    async with two_nodes(world) as (node, elsewhere, password):
        status, reader, writer = await node.bind(password)
        assert status == ROK
        await change(elsewhere, world)
        assert await next_pdu(reader) == (UNBIND, ROK)
        writer.close()
        again, _, other = await node.bind(password)
        assert again != ROK
        other.close()


async def test_a_restored_workspaces_accounts_bind_again(world: World) -> None:
    async with two_nodes(world) as (node, elsewhere, password):
        _, reader, writer = await node.bind(password)
        await suspended(elsewhere, world)
        assert await next_pdu(reader) == (UNBIND, ROK)
        writer.close()
        async with world.database.pool.acquire() as connection:
            await connection.execute("UPDATE workspace SET suspended_at = NULL")
        status, _, again = await node.bind(password)
        assert status == ROK
        again.close()
