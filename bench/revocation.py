"""How long what was revoked is still good: `python -m bench.revocation` prints JSON, milliseconds.

Two `motet serve` on one PostgreSQL. At the first one, each round revokes an API key and disables an SMPP account; and
it looks at both: at requests with a token of the key that follow one another, at an open subscription of it, at a bind
of the account. (A token, since who shows wrong keys again and again has to wait.) Time counts from the moment at which
the revocation is sent, so it holds the mutation itself: `answered` is when its answer was there. A request counts when
its refusal has come, a subscription or bind when its end has.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp

from bench.gateway import READY_WITHIN_S, Child
from motet.storage.embedded import EmbeddedPostgres

BIND_TRANSCEIVER, UNBIND, RESPONSE = 0x09, 0x06, 1 << 31
PATIENCE_S = 30.0
NODES = ("same node", "other node")

KEY = """mutation { apiKeyCreate(input: {name: "bench", role: USER}) { key apiKey { id } userErrors { message } } }"""
REVOKE = "mutation ($id: ID!) { apiKeyRevoke(input: {id: $id}) { userErrors { message } } }"
ACCOUNT = """mutation { smppAccountCreate(input: {systemId: "bench"})
  { smppAccount { id } password userErrors { message } } }"""
SWITCH = """mutation ($id: ID!, $on: Boolean!)
  { smppAccountUpdate(input: {id: $id, enabled: $on}) { userErrors { message } } }"""


class Node:
    """One `motet serve`."""

    def __init__(self, ready: dict[str, Any], http: aiohttp.ClientSession) -> None:
        self.graphql: str = ready["graphql"]
        self.socket: str = ready["graphql_ws"]
        self.smpp: tuple[str, int] = (ready["smpp"]["host"], ready["smpp"]["port"])
        self.http = http

    async def ask(self, token: str, query: str, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        async with self.http.post(self.graphql, json=body, headers={"Authorization": f"Bearer {token}"}) as answer:
            told: dict[str, Any] = await answer.json(content_type=None)
        if "errors" in told or any(one["userErrors"] for one in told["data"].values()):
            raise SystemExit(f"the bench was refused: {told}")
        return told["data"]

    async def exchanged(self, key: str) -> str:
        """An access token of an API key."""
        headers = {"Authorization": aiohttp.encode_basic_auth(key.split("_")[1], key)}
        form = {"grant_type": "client_credentials"}
        url = self.graphql.replace("/graphql", "/oauth2/token")
        async with self.http.post(url, data=form, headers=headers) as answer:
            return str((await answer.json())["access_token"])

    async def refused_at(self, token: str) -> float:
        """When a request of the token is refused; one follows the other."""
        body = {"query": "{ viewer { subject } }"}
        while True:
            async with self.http.post(self.graphql, json=body, headers={"Authorization": f"Bearer {token}"}) as answer:
                await answer.read()
            if answer.status == 401:
                return perf_counter()

    async def subscribed(self, token: str) -> asyncio.Task[float]:
        """An open subscription: when it ends."""
        socket = await self.http.ws_connect(self.socket, protocols=["graphql-transport-ws"])
        await socket.send_json({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        await socket.receive_json()
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": "subscription { events { id } }"}})

        async def ends() -> float:
            while True:
                message = await socket.receive()
                if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                    ended = perf_counter()
                    if socket.close_code != 4403:
                        raise SystemExit(f"the subscription ended with {socket.close_code}")
                    return ended

        return asyncio.create_task(ends())

    async def bound(self, password: str) -> asyncio.Task[float]:
        """A bind: when it is ended."""
        reader, writer = await asyncio.open_connection(*self.smpp)
        body = b"bench\0" + password.encode() + b"\0\0\x34\0\0\0"
        writer.write(struct.pack(">4L", 16 + len(body), BIND_TRANSCEIVER, 0, 1) + body)
        if await _pdu(reader) != (BIND_TRANSCEIVER | RESPONSE, 0):
            raise SystemExit("the bind was refused")

        async def ends() -> float:
            command, _ = await _pdu(reader)
            ended = perf_counter()
            writer.close()
            if command != UNBIND:
                raise SystemExit(f"command {command:#x} in place of an unbind")
            return ended

        return asyncio.create_task(ends())


async def _pdu(reader: asyncio.StreamReader) -> tuple[int, int]:
    length, command, status, _ = struct.unpack(">4L", await reader.readexactly(16))
    await reader.readexactly(length - 16)
    return command, status


async def _round(nodes: list[Node], token: str, account: dict[str, Any], found: dict[str, list[float]]) -> None:
    first = nodes[0]
    key = (await first.ask(token, KEY))["apiKeyCreate"]
    shown = await first.exchanged(key["key"])
    named = list(zip(NODES, nodes, strict=True))
    ends = {f"subscription, {name}": await node.subscribed(shown) for name, node in named}
    ends |= {f"request, {name}": asyncio.create_task(node.refused_at(shown)) for name, node in named}
    await asyncio.sleep(0.05)  # requests are under way, and who asks is remembered
    sent = perf_counter()
    await first.ask(token, REVOKE, id=key["apiKey"]["id"])
    found.setdefault("answered, key", []).append(perf_counter() - sent)
    for name, task in ends.items():
        found.setdefault(name, []).append(await asyncio.wait_for(task, PATIENCE_S) - sent)
    switched = {"id": account["smppAccount"]["id"]}
    await first.ask(token, SWITCH, **switched, on=True)
    binds = {
        f"SMPP bind, {name}": await node.bound(account["password"]) for name, node in zip(NODES, nodes, strict=True)
    }
    sent = perf_counter()
    await first.ask(token, SWITCH, **switched, on=False)
    found.setdefault("answered, account", []).append(perf_counter() - sent)
    for name, task in binds.items():
        found.setdefault(name, []).append(await asyncio.wait_for(task, PATIENCE_S) - sent)


async def _main(rounds: int) -> dict[str, dict[str, float]]:
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as directory:
        data = Path(directory)
        server = EmbeddedPostgres(data / "postgres")
        await server.start()
        flags = ["--database-url", server.url, "--data-dir", str(data)]
        _motet("migrate", *flags[:2])
        token = json.loads(_motet("workspace", "create", "bench", "--json", *flags))["token"]
        children: list[Child] = []
        try:
            for number in range(2):
                serve = ["serve", "--json", "--http", "127.0.0.1:0", "--smpp", "127.0.0.1:0", *flags]
                command = [sys.executable, "-m", "motet", *serve]
                children.append(await Child.start(*command, log=data / f"node{number}.log"))
            async with aiohttp.ClientSession() as http:
                nodes = [Node(await child.event("ready", READY_WITHIN_S), http) for child in children]
                account = (await nodes[0].ask(token, ACCOUNT))["smppAccountCreate"]
                for _ in range(rounds):
                    await _round(nodes, token, account, found)
        finally:
            for child in children:
                await child.stop(15)
            await server.stop()
    return {name: _figures(sorted(times)) for name, times in sorted(found.items())}


def _figures(times: list[float]) -> dict[str, float]:
    """Of sorted seconds, in milliseconds."""
    at = {"p50": len(times) // 2, "p95": len(times) * 95 // 100, "most": len(times) - 1}
    return {name: round(times[place] * 1_000, 1) for name, place in at.items()}


def _motet(*words: str) -> str:
    return subprocess.run([sys.executable, "-m", "motet", *words], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    print(json.dumps(asyncio.run(_main(parser.parse_args().rounds)), indent=1))
