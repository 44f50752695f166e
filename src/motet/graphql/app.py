"""The GraphQL edge as an ASGI application: who asks, and which of HTTP, WebSocket and the explorer answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from motet.access.clients import PROVED, Client
from motet.access.principals import Principal
from motet.access.tokens import AuthenticationError
from motet.access.voices import Voice
from motet.domain.cidrs import peer_name
from motet.graphql.context import Services
from motet.graphql.engine import Engine, refusal
from motet.graphql.explorer import ASSET_PARAMETER, asset, page
from motet.graphql.http import accept_of, answer, json_response, negotiate, prefers_html
from motet.graphql.limits import Limits
from motet.graphql.persisted import Sources
from motet.graphql.single_stream import Streams, too_many
from motet.graphql.sse import EVENT_STREAM
from motet.graphql.throttle import key_of
from motet.graphql.websocket import SUBPROTOCOL, SUBPROTOCOL_NOT_ACCEPTABLE, TOO_MANY, Socket
from motet.identity.authenticator import Authenticator


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the edge is built from."""

    services: Services
    authenticator: Authenticator
    graphiql: bool = False
    """Whether browsers get GraphiQL, and errors suggest names."""
    introspection: bool = True
    sources: Sources = field(default_factory=Sources)
    """Where documents come from that are named and not sent."""
    limits: Limits = field(default_factory=Limits)


def build_graphql_app(dependencies: Dependencies) -> GraphQLApp:
    """The application for `/graphql`. Route it there without a trailing slash, HTTP and WebSocket."""
    return GraphQLApp(dependencies)


class GraphQLApp:
    """Serves one path."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._authenticator = dependencies.authenticator
        self._graphiql = dependencies.graphiql
        self._limits = dependencies.limits
        self._engine = Engine(
            dependencies.services,
            dependencies.limits,
            hide_suggestions=not dependencies.graphiql,
            introspection=dependencies.introspection,
            sources=dependencies.sources,
        )
        self._streams = Streams(
            self._engine, dependencies.limits, watch=dependencies.authenticator.watch, enter=self._enter
        )
        self._sockets: set[Socket] = set()
        self._open: Counter[str] = Counter()
        """Sockets and event streams by subject, and sockets not yet authenticated by address."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(WebSocket(scope, receive, send))
        elif scope["type"] == "http":
            with suppress(ClientDisconnect):  # nobody is left to answer
                await self._http(HttpRequest(scope, receive, send), scope, receive, send)

    async def close(self) -> None:
        """Ends every socket and shared stream; other streams end with the bus."""
        self._streams.close()
        for socket in list(self._sockets):
            await socket.close()
        await self._engine.finish()

    async def _http(self, http: HttpRequest, scope: Scope, receive: Receive, send: Send) -> None:
        response: HttpResponse
        if self._graphiql and http.method in {"GET", "HEAD"} and ASSET_PARAMETER in http.query_params:
            response = asset(http.query_params[ASSET_PARAMETER])
        elif self._graphiql and http.method in {"GET", "HEAD"} and prefers_html(accept_of(http)):
            response = page()
        elif (opened := self._streams.opened_by(http)) is not None:
            response = opened
        else:
            client = _client(http)
            try:
                principal = await self._authenticator.authenticate(http.headers.get("authorization"), client.address)
            except AuthenticationError as error:
                response = _unauthenticated(error, accept_of(http), Voice(client))
            else:
                await self._answer(http, principal, client, scope, receive, send)
                return
        await response(scope, receive, send)

    async def _answer(
        self, http: HttpRequest, principal: Principal, client: Client, scope: Scope, receive: Receive, send: Send
    ) -> None:
        voice = Voice(client, principal)
        leave: Callable[[], None] | None = None
        response: HttpResponse
        try:
            try:
                shared = await self._streams.answer(http, principal, client)
                if shared is not None:
                    response = shared
                elif negotiate(accept_of(http)) == EVENT_STREAM and (leave := self._enter(principal)) is None:
                    response = too_many(voice)  # before anything is run: its answer would be lost
                else:
                    response = await answer(http, principal, client, self._engine, self._limits)
            except ClientDisconnect:
                raise
            except Exception as error:  # noqa: BLE001 - the top of a request: it is logged, and told without detail
                body = refusal(GraphQLError(str(error), original_error=error), voice=voice)
                response = json_response(body, accept_of(http) or "", 500, voice.headers())
            for name, value in self._engine.throttle.headers(key_of(principal)).items():
                response.headers[name] = value
            if leave is None:
                await response(scope, receive, send)
            else:
                await self._while_good(principal, client, response(scope, receive, send))
        finally:
            if leave is not None:
                leave()

    async def _while_good(self, principal: Principal, client: Client, streaming: Awaitable[None]) -> None:
        """Streams until it is over, or what the principal stands on is."""
        ended = asyncio.Event()
        unwatch = self._authenticator.watch(principal, lambda _: ended.set(), client.address)
        try:
            await _until(ended, streaming)
        finally:
            unwatch()

    async def _websocket(self, websocket: WebSocket) -> None:
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        if SUBPROTOCOL not in offered:
            await websocket.close(SUBPROTOCOL_NOT_ACCEPTABLE, f"Only {SUBPROTOCOL} is spoken here")
            return
        host = f"address {_place(websocket)}"
        counted = [host]
        self._open[host] += 1
        if self._open[host] > self._limits.sockets:
            await websocket.close(TOO_MANY, "Too many sockets")
            self._left(host)
            return

        def admit(principal: Principal) -> bool:
            """From here on the socket counts as its subject's."""
            self._left(counted.pop())
            counted.append(_subject(principal))
            self._open[counted[0]] += 1
            if self._open[counted[0]] > self._limits.sockets:
                return False
            websocket.scope.get(PROVED, _nothing)()
            return True

        client = _client(websocket)
        socket = Socket(websocket, self._engine, self._limits, client, self._authenticator, admit)
        self._sockets.add(socket)
        try:
            await socket.run()
        finally:
            self._sockets.discard(socket)
            self._left(counted[0])

    def _enter(self, principal: Principal) -> Callable[[], None] | None:
        """Counts one more stream of the principal, and gives what ends that; None if there are too many."""
        subject = _subject(principal)
        if self._open[subject] >= self._limits.sockets:
            return None
        self._open[subject] += 1
        return lambda: self._left(subject)

    def _left(self, client: str) -> None:
        self._open[client] -= 1
        if self._open[client] <= 0:
            del self._open[client]


async def _until(ended: asyncio.Event, streaming: Awaitable[None]) -> None:
    """Streams until it is over, or what the principal stands on is."""
    stream, end = asyncio.ensure_future(streaming), asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait((stream, end), return_when=asyncio.FIRST_COMPLETED)
        if stream.done():
            stream.result()
    finally:
        for task in (stream, end):
            task.cancel()
        await asyncio.gather(stream, end, return_exceptions=True)


def _client(connection: HTTPConnection) -> Client:
    address = connection.client.host if connection.client else None
    return Client(
        address,
        connection.headers.get("user-agent"),
        accept_language=",".join(connection.headers.getlist("accept-language")) or None,
    )


def _place(connection: HTTPConnection) -> str:
    """Where it comes from, as connections are counted: of IPv6 a whole network is one peer's."""
    return peer_name(connection.client.host if connection.client else "")


def _nothing() -> None:
    """Where there is no connection that has to know."""


def _subject(principal: Principal) -> str:
    return f"subject {principal.workspace_id} {principal.subject}"


def _unauthenticated(error: AuthenticationError, accept: str | None, voice: Voice) -> HttpResponse:
    message = voice.say(error.sentence)
    body: dict[str, Any] = {"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]}
    headers = {"www-authenticate": "Bearer", **voice.headers()}
    return json_response(body, negotiate(accept) or "application/json", 401, headers)
