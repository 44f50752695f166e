"""What one hostile client does, over and over: prepared requests, and how each was answered.

python -m bench.abuse_attacks NAME PORT TOKEN SECONDS    prints {"event":"done","ms":[…],"outcomes":{…}}
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from graphql import get_introspection_query
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

LISTEN = "subscription { smsMessages { id } }"
DOUBLING = "".join(f" fragment F{n} on Query {{ a{n}: __typename ...F{n + 1} ...F{n + 1} }}" for n in range(13))
NESTED = "id"
for _ in range(4):
    NESTED = f"smppAccount {{ shortCodes(first: 10) {{ nodes {{ {NESTED} }} }} }}"

DOCUMENTS = {
    "10,000 aliases": "{" + " ".join(f"a{n}:__typename" for n in range(10_000))[:60_000].rsplit(" ", 1)[0] + "}",
    "101 aliases of objects": "{" + " ".join(f"a{n}: viewer {{ subject }}" for n in range(101)) + "}",
    "50,000 duplicated fields": "{" + "__typename " * 5_900 + "}",
    "490 duplicated objects": "{" + "viewer { subject } " * 490 + "}",
    "300,000 tokens": "{a}" * 21_000,
    "fragments doubling 13 times": "{ ...F0 }" + DOUBLING + " fragment F13 on Query { viewer { subject } }",
    "lists nested 5 deep": f"{{ shortCodes(first: 10) {{ nodes {{ {NESTED} }} }} }}",
    "first: 100000": "{ devices(first: 100000) { nodes { smsMessages(first: 100000) { nodes { id } } } } }",
    "introspection": get_introspection_query(),
    "a document 190 deep": "{ a" * 190 + "}" * 190,
    "not valid": "{ nothing }",
}
"""Each gets a comment of its own every time, so that no cache knows it."""

SIMS = "query ($s: [SimStatus!]) { sims(filter: {status: $s}) { totalCount } }"


def _posted(query: str, variables: Any = None) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "a variable of 500,000 elements": (_posted(SIMS, {"s": [1] * 340_000}), {}),
    "a variable of 2 million elements": (_posted(SIMS, {"s": [1] * 2_000_000}), {}),
    "a body of 20 MB": (b" " * 20_000_000, {}),
    "a JSON body 5": (b"5", {}),
    "deep JSON": (b'{"query":"{ __typename }","variables":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", {}),
    "text/plain": (_posted("{ __typename }"), {"content-type": "text/plain"}),
    "cross-site GET": (b"", {"sec-fetch-site": "cross-site"}),
}


class Http:
    """One connection, made anew whenever the server ends it."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, body: bytes, headers: dict[str, str] | None = None) -> str:
        """The status, and the first error's code."""
        named = {
            "host": "bench", "content-type": "application/json", "accept": "application/json",
            "authorization": f"Bearer {self._token}", "content-length": str(len(body)), **(headers or {}),
        }  # fmt: skip
        line = "POST /graphql HTTP/1.1"
        if "sec-fetch-site" in named:
            line = "GET /graphql?query=%7B__typename%7D HTTP/1.1"
        head = line + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in named.items()) + "\r\n"
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
        reader, writer = self._streams
        writer.write(head.encode())
        writer.write(body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.split("content-length: ")[1].split("\r\n")[0])
        content = await reader.readexactly(length)
        if "connection: close" in answer:
            writer.close()
            self._streams = None
        found = json.loads(content)
        code = found["errors"][0]["extensions"]["code"] if "errors" in found else "answered"
        return f"{answer[9:12]} {code}"


async def _socket(port: int, subprotocol: str = "graphql-transport-ws") -> ClientConnection:
    return await connect(
        f"ws://127.0.0.1:{port}/graphql", subprotocols=[Subprotocol(subprotocol)], max_size=None, compression=None
    )


async def _initialised(port: int, token: str) -> ClientConnection:
    socket = await _socket(port)
    await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
    await socket.recv()
    return socket


async def _code(socket: ClientConnection) -> str:
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as closed:
        return f"closed {closed.rcvd.code if closed.rcvd else 'without a code'}"


def attack(name: str, port: int, token: str) -> Callable[[int], Awaitable[tuple[float, str]]]:
    """What is done each time: it gives how long the server took to refuse, and how it did."""
    http = Http(port, token)
    kept: list[Any] = []

    async def posted(number: int) -> tuple[float, str]:
        if name in DOCUMENTS:
            body, headers = _posted(f"{DOCUMENTS[name]} #{number}"), {}
        else:
            body, headers = BODIES[name]
        began = time.perf_counter()
        outcome = await http.ask(body, headers)
        return time.perf_counter() - began, outcome

    async def aliases_over_websocket(number: int) -> tuple[float, str]:
        if not kept:
            kept.append(await _initialised(port, token))
        payload = {"query": f"{DOCUMENTS['101 aliases of objects']} #{number}"}
        began = time.perf_counter()
        await kept[0].send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        told = json.loads(await kept[0].recv())
        return time.perf_counter() - began, told["payload"][0]["extensions"]["code"]

    async def frame(_: int) -> tuple[float, str]:
        socket = await _initialised(port, token)
        text = "x" * 15_000_000
        began = time.perf_counter()
        sending = asyncio.create_task(socket.send(text))
        outcome = await _code(socket)
        spent = time.perf_counter() - began
        await asyncio.gather(sending, return_exceptions=True)
        return spent, outcome

    async def legacy(_: int) -> tuple[float, str]:
        began = time.perf_counter()
        socket = await _socket(port, "graphql-ws")
        return time.perf_counter() - began, await _code(socket)

    async def sockets(_: int) -> tuple[float, str]:
        while len(kept) < 100:
            kept.append(await _initialised(port, token))
        began = time.perf_counter()
        socket = await _socket(port)
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
        outcome = await _code(socket)
        return time.perf_counter() - began, outcome

    async def streams(_: int) -> tuple[float, str]:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            body = _posted(LISTEN)
            began = time.perf_counter()
            writer.write(
                f"POST /graphql HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
                f"accept: text/event-stream\r\nauthorization: Bearer {token}\r\n"
                f"content-length: {len(body)}\r\n\r\n".encode()
                + body
            )
            status = (await reader.readline()).decode().split(" ")[1]
            spent = time.perf_counter() - began
            if status != "200":
                writer.close()
                return spent, status
            kept.append(writer)

    special = {
        "10,000 aliases over WebSocket": aliases_over_websocket,
        "a frame of 15 MB": frame,
        "the legacy subprotocol": legacy,
        "200 sockets": sockets,
        "150 event streams": streams,
    }
    return special.get(name, posted)


NAMES = [
    *DOCUMENTS, *BODIES, "10,000 aliases over WebSocket", "a frame of 15 MB", "the legacy subprotocol", "200 sockets",
    "150 event streams",
]  # fmt: skip


async def run(name: str, port: int, token: str, seconds: float) -> dict[str, Any]:
    """Does it for so long, one after the other."""
    act = attack(name, port, token)
    until, number = time.perf_counter() + seconds, 0
    spans: list[float] = []
    outcomes: Counter[str] = Counter()
    while time.perf_counter() < until:
        number += 1
        try:
            span, outcome = await act(number)
        except (OSError, asyncio.IncompleteReadError, ConnectionClosed) as error:
            outcomes[f"lost: {type(error).__name__}"] += 1
            act = attack(name, port, token)
            continue
        spans.append(span * 1_000)
        outcomes[outcome] += 1
    return {"event": "done", "ms": spans, "outcomes": dict(outcomes)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))), flush=True)
