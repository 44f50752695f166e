"""GraphQL over SSE, single connection mode: one event stream carries the answers of many operations.

A client reserves a stream by PUT, opens it by GET with the reservation's token, starts operations by POST and ends them
by DELETE. https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

from graphql import GraphQLError, OperationType
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.responses import StreamingResponse

from motet.access.clients import Client
from motet.access.principals import Principal
from motet.access.voices import Voice
from motet.domain.messages import said
from motet.graphql.engine import Engine, Prepared, Response, invalid, refusal
from motet.graphql.http import (
    JSON,
    POST_ONLY,
    RefusedError,
    accept_of,
    encode,
    executed,
    json_response,
    negotiate,
    read_request,
)
from motet.graphql.limits import Limits
from motet.graphql.sse import EVENT_STREAM, PING_INTERVAL_S
from motet.graphql.throttle import Key, key_of

TOKEN_HEADER = "x-graphql-event-stream-token"  # noqa: S105 - a header's name
TOKEN_PARAMETER = "token"  # noqa: S105 - a parameter's name

RESERVED_S = 30.0
"""How long a stream that nobody opened is kept."""

WAITING_ANSWERS = 100
"""Answers that wait to be read by the client; operations wait with the next."""

MAX_ID_CHARACTERS = 128

Watch = Callable[[Principal, Callable[[str], None], str | None], Callable[[], None]]


class Stream:
    """One reservation and what runs in it."""

    def __init__(self, principal: Principal, client: Client) -> None:
        self.token = secrets.token_urlsafe(32)
        self.principal = principal
        self.client = client
        self.opened = False
        self.operations: dict[str, asyncio.Task[None]] = {}
        self.waiting: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_ANSWERS)
        self.at_end: list[Callable[[], None]] = []

    def owner(self) -> Key:
        """Whose it is."""
        return key_of(self.principal)


class Streams:
    """All reservations of a node."""

    def __init__(
        self,
        engine: Engine,
        limits: Limits,
        *,
        watch: Watch,
        enter: Callable[[Principal], Callable[[], None] | None],
    ) -> None:
        """`enter` counts one more stream of the principal and gives what ends that, or None if it has too many."""
        self._engine = engine
        self._limits = limits
        self._watch = watch
        self._enter = enter
        self._streams: dict[str, Stream] = {}

    def close(self) -> None:
        """Ends all streams."""
        for stream in list(self._streams.values()):
            self._end(stream)

    def opened_by(self, http: HttpRequest) -> HttpResponse | None:
        """The answer to GET with a token and no Authorization, as a browser's EventSource sends it: the token itself
        says who asks, for it opens a stream once, soon after it was reserved. None if the request is not that."""
        if http.method != "GET" or "authorization" in http.headers or negotiate(_accept(http)) != EVENT_STREAM:
            return None
        stream = self._streams.get(token_of(http) or "")
        return None if stream is None or stream.opened else self._open(stream)

    async def answer(self, http: HttpRequest, principal: Principal, client: Client) -> HttpResponse | None:
        """The answer to a request of this mode, None if it is not one."""
        token = token_of(http)
        if http.method == "PUT" and _accept(http) in {"*/*", "text/plain"} and token is None:
            return self._reserve(principal, client)
        if token is None or http.method not in {"GET", "POST", "DELETE"}:
            return None
        stream, voice = self._streams.get(token), Voice(client, principal)
        if stream is None or stream.owner() != key_of(principal):
            return _refused(said("There is no such stream."), 404, voice)
        if http.method == "DELETE":
            return _stop(stream, http.query_params.get("operationId"), voice)
        if negotiate(_accept(http)) == EVENT_STREAM:
            return _refused(said("The stream is open already."), 409, voice) if stream.opened else self._open(stream)
        return await self._start(stream, http, principal, client)

    def _reserve(self, principal: Principal, client: Client) -> HttpResponse:
        leave = self._enter(principal)
        if leave is None:
            return too_many(Voice(client, principal))
        stream = Stream(principal, client)
        self._streams[stream.token] = stream
        loop = asyncio.get_running_loop()
        expiry = loop.call_later(max(0.0, principal.expires_at - time.time()), self._end, stream)
        unopened = loop.call_later(RESERVED_S, lambda: None if stream.opened else self._end(stream))
        unwatch = self._watch(principal, lambda _: self._end(stream), client.address)
        stream.at_end += [leave, expiry.cancel, unopened.cancel, unwatch]
        return HttpResponse(stream.token, 201, {"cache-control": "no-store"}, "text/plain; charset=utf-8")

    def _open(self, stream: Stream) -> HttpResponse:
        stream.opened = True
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._events(stream), 200, headers, EVENT_STREAM)

    async def _events(self, stream: Stream) -> AsyncGenerator[bytes, None]:
        try:
            yield b":\n\n"  # headers go out before the first answer
            while True:
                try:
                    async with asyncio.timeout(PING_INTERVAL_S):
                        event = await stream.waiting.get()
                except TimeoutError:
                    event = b":\n\n"
                if event is None:
                    break
                yield event
        finally:
            self._end(stream)

    async def _start(self, stream: Stream, http: HttpRequest, principal: Principal, client: Client) -> HttpResponse:
        media_type, voice = negotiate(_accept(http)) or JSON, Voice(client, principal)
        try:
            request = await read_request(http, self._limits)
        except RefusedError as refused:
            return json_response(invalid(refused.message, voice), media_type, refused.status, refused.headers)
        operation_id = request.operation_id
        if operation_id is None or not 0 < len(operation_id) <= MAX_ID_CHARACTERS:
            words = said("`extensions.operationId` must be a string of 1 to {most} characters.", most=MAX_ID_CHARACTERS)
            return _refused(words, 400, voice)
        if operation_id in stream.operations:
            return _refused(said("There is an operation with this id."), 409, voice)
        if len(stream.operations) >= self._limits.subscriptions:
            most = self._limits.subscriptions
            return _refused(said("One stream carries at most {most} operations at once.", most=most), 429, voice)
        prepared = await self._engine.prepare(request, principal, voice)
        if isinstance(prepared, dict):
            return executed(prepared, media_type)
        if http.method == "GET" and prepared.kind is OperationType.MUTATION:
            return json_response(invalid(POST_ONLY, voice), media_type, 405, {"allow": "POST"})
        if stream.token not in self._streams or operation_id in stream.operations:
            return _refused(said("The stream has ended, or there is an operation with this id."), 409, voice)
        task = asyncio.create_task(self._operate(stream, operation_id, prepared, principal, client))
        stream.operations[operation_id] = task
        if principal != stream.principal and prepared.kind is OperationType.SUBSCRIPTION:
            self._end_with(stream, operation_id, principal, client)
        return HttpResponse(status_code=202)

    def _end_with(self, stream: Stream, operation_id: str, principal: Principal, client: Client) -> None:
        """What another token of the same owner listens to ends with that one, too, not with the stream's alone."""
        task = stream.operations[operation_id]

        def end() -> None:
            if stream.operations.get(operation_id) is not task:
                return
            del stream.operations[operation_id]
            task.cancel()
            try:
                stream.waiting.put_nowait(_event("complete", {"id": operation_id}))
            except asyncio.QueueFull:
                self._end(stream)

        expiry = asyncio.get_running_loop().call_later(max(0.0, principal.expires_at - time.time()), end)
        unwatch = self._watch(principal, lambda _: end(), client.address)
        task.add_done_callback(lambda _: expiry.cancel())
        task.add_done_callback(lambda _: unwatch())

    async def _operate(
        self, stream: Stream, operation_id: str, prepared: Prepared, principal: Principal, client: Client
    ) -> None:
        try:
            if prepared.kind is not OperationType.SUBSCRIPTION:
                await _tell(stream, operation_id, await self._engine.run(prepared, principal, client))
            else:
                source = await self._engine.stream(prepared, principal, client)
                if isinstance(source, dict):
                    await _tell(stream, operation_id, source)
                else:
                    try:
                        async for response in source:
                            await _tell(stream, operation_id, response)
                    finally:
                        await source.aclose()  # type: ignore[attr-defined]
        except Exception as error:  # noqa: BLE001 - the top of a task: it is logged, and the stream lives on
            await _tell(
                stream, operation_id, refusal(GraphQLError(str(error), original_error=error), voice=prepared.voice)
            )
        stream.operations.pop(operation_id, None)
        await stream.waiting.put(_event("complete", {"id": operation_id}))

    def _end(self, stream: Stream) -> None:
        if self._streams.pop(stream.token, None) is None:
            return
        for operation in stream.operations.values():
            operation.cancel()
        stream.operations.clear()
        for act in stream.at_end:
            act()
        while not stream.waiting.empty():
            stream.waiting.get_nowait()
        stream.waiting.put_nowait(None)


def token_of(http: HttpRequest) -> str | None:
    """The reservation that a request names."""
    return http.headers.get(TOKEN_HEADER) or http.query_params.get(TOKEN_PARAMETER) or None


def _stop(stream: Stream, operation_id: str | None, voice: Voice) -> HttpResponse:
    if not operation_id:
        return _refused(said("`operationId` says which operation is to end."), 400, voice)
    task = stream.operations.pop(operation_id, None)
    if task is not None:
        task.cancel()
    return HttpResponse(status_code=200)


async def _tell(stream: Stream, operation_id: str, response: Response) -> None:
    await stream.waiting.put(_event("next", {"id": operation_id, "payload": response}))


def _event(name: str, data: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + encode(data) + b"\n\n"


def _accept(http: HttpRequest) -> str:
    return accept_of(http) or "*/*"


def _refused(message: str, status: int, voice: Voice) -> HttpResponse:
    return json_response(invalid(message, voice), JSON, status, voice.headers())


def too_many(voice: Voice) -> HttpResponse:
    """The answer to who has as many streams as there can be."""
    response = _refused(said("Too many streams."), 429, voice)
    response.headers["retry-after"] = "1"
    return response
