"""Drives the GraphQL application over ASGI: HTTP requests and sockets, without a network."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.types import ASGIApp


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def data(self) -> Any:
        """The data of an answer that must be without errors."""
        assert "errors" not in self.json, self.json
        return self.json["data"]

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.json["errors"]]


class Client:
    """One caller with one token."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app = app
        self.token = token

    async def query(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> Reply:
        body = orjson.dumps({"query": query, "variables": variables or {}})
        return await self.http("POST", body=body, headers={"content-type": "application/json", **headers})

    async def http(
        self,
        method: str,
        *,
        parameters: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        scope = self._scope("http", headers or {})
        scope |= {"method": method, "query_string": urlencode(parameters or {}).encode()}
        sent: list[Any] = []
        chunks = [body[start : start + 65_536] for start in range(0, len(body), 65_536)] or [b""]
        events: list[Any] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        events[-1]["more_body"] = False
        never: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def receive() -> Any:
            return events.pop(0) if events else await never

        async def send(event: Any) -> None:
            sent.append(event)

        await self.app(scope, receive, send)
        start = next(event for event in sent if event["type"] == "http.response.start")
        return Reply(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(event.get("body", b"") for event in sent if event["type"] == "http.response.body"),
        )

    def stream(self, query: str, method: str = "POST", **headers: str) -> EventStream:
        return EventStream(self, query, method, headers)

    def socket(self, subprotocols: tuple[str, ...] = ("graphql-transport-ws",), header: str | None = None) -> ASocket:
        scope = self._scope("websocket", {})
        scope["headers"] = [(b"authorization", header.encode())] if header else []
        scope["subprotocols"] = list(subprotocols)
        return ASocket(self.app, scope)

    def _scope(self, kind: str, headers: dict[str, str]) -> dict[str, Any]:
        sent = {"accept": "application/json", **headers}
        if self.token is not None:
            sent.setdefault("authorization", f"Bearer {self.token}")
        return {
            "type": kind,
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http" if kind == "http" else "ws",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "root_path": "",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items() if value],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8080),
        }


class EventStream:
    """A request with Accept: text/event-stream; iterates over (event, data)."""

    def __init__(self, client: Client, query: str, method: str, headers: dict[str, str]) -> None:
        self._client = client
        self._method = method
        self._headers = {"accept": "text/event-stream", "content-type": "application/json", **headers}
        self._query = query
        self._sent: asyncio.Queue[Any] = asyncio.Queue()
        self._gone = asyncio.Event()

    async def __aenter__(self) -> EventStream:
        scope = self._client._scope("http", self._headers)
        scope["method"] = self._method
        asked = False

        async def receive() -> Any:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": orjson.dumps({"query": self._query}), "more_body": False}
            await self._gone.wait()
            return {"type": "http.disconnect"}

        self._task = asyncio.ensure_future(self._client.app(scope, receive, self._sent.put))
        self.start = await self._next()
        return self

    async def event(self) -> tuple[str, Any]:
        """The next event that is no comment."""
        while True:
            message = await self._next()
            text = message.get("body", b"").decode()
            if text.startswith("event: "):
                name, data = text.removeprefix("event: ").split("\n", 1)
                payload = data.removeprefix("data:").strip()
                return name, orjson.loads(payload) if payload else None

    async def _next(self) -> Any:
        return await asyncio.wait_for(self._sent.get(), 10)

    async def __aexit__(self, *error: object) -> None:
        self._gone.set()
        await asyncio.wait_for(self._task, 10)


class ASocket:
    """The client's side of a socket."""

    def __init__(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        self._app = app
        self._scope = scope
        self._to_app: asyncio.Queue[Any] = asyncio.Queue()
        self._from_app: asyncio.Queue[Any] = asyncio.Queue()

    async def __aenter__(self) -> ASocket:
        await self._to_app.put({"type": "websocket.connect"})
        self._task = asyncio.ensure_future(self._app(self._scope, self._to_app.get, self._from_app.put))
        self.accepted = await self._next()
        return self

    async def send(self, message: Any) -> None:
        await self._to_app.put({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    async def send_text(self, text: str) -> None:
        await self._to_app.put({"type": "websocket.receive", "text": text})

    async def receive(self) -> Any:
        """The next message."""
        event = await self._next()
        assert event["type"] == "websocket.send", event
        return orjson.loads(event["text"])

    async def closed(self) -> int:
        """The close code, which must come next."""
        event = await self._next()
        assert event["type"] == "websocket.close", event
        return int(event["code"])

    async def init(self, token: str | None) -> Any:
        payload = {} if token is None else {"payload": {"authorization": f"Bearer {token}"}}
        await self.send({"type": "connection_init", **payload})

    async def _next(self) -> Any:
        return await asyncio.wait_for(self._from_app.get(), 10)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._to_app.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self._task, 10)


async def default_policy(client: Client) -> str:
    """The id of the service policy that came with the client's workspace."""
    reply = await client.query("{ servicePolicies(first: 1) { nodes { id isDefault } } }")
    (policy,) = reply.data["servicePolicies"]["nodes"]
    assert policy["isDefault"]
    return str(policy["id"])
