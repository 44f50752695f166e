"""GraphQL over HTTP: what is asked by POST and GET, and how it is answered.

Follows the GraphQL over HTTP draft (media types, statuses), and GraphQL over SSE in its distinct connections mode.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from graphql import OperationType
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.responses import StreamingResponse

from motet.access.clients import Client
from motet.access.principals import Principal
from motet.access.voices import Voice
from motet.domain.messages import said
from motet.graphql.engine import THROTTLED, BadParametersError, Engine, Request, Response, invalid, request_of
from motet.graphql.executor import TimedOutError
from motet.graphql.limits import Limits
from motet.graphql.sse import EVENT_STREAM, event_stream

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"

MAX_RANGES = 50
"""Of an Accept header. Browsers send about ten."""

POST_ONLY = said("Mutations are sent by POST.")

STATUSES = {THROTTLED: 429, TimedOutError.code: 504}
"""What tells more than 400, in both media types: proxies and clients act on these."""


class RefusedError(Exception):
    """The request is answered at once, with this status."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


async def answer(
    http: HttpRequest, principal: Principal, client: Client, engine: Engine, limits: Limits
) -> HttpResponse:
    """The response to an authenticated request."""
    voice = Voice(client, principal)
    response = await _answer(http, principal, client, voice, engine, limits)
    for name, value in voice.headers().items():
        response.headers[name] = value
    return response


async def _answer(
    http: HttpRequest, principal: Principal, client: Client, voice: Voice, engine: Engine, limits: Limits
) -> HttpResponse:
    media_type = negotiate(accept_of(http))
    try:
        if media_type is None:
            raise RefusedError(406, said("Answers are {types}.", types=(GRAPHQL_JSON, JSON, EVENT_STREAM)))
        if (too_dear := engine.too_dear(principal, _declared_octets(http), voice)) is not None:
            return executed(too_dear, _json_type(media_type))
        request = await read_request(http, limits)
    except RefusedError as refused:
        return json_response(invalid(refused.message, voice), media_type or JSON, refused.status, refused.headers)
    prepared = await engine.prepare(request, principal, voice)
    if isinstance(prepared, dict):
        return _stream_one(prepared) if media_type == EVENT_STREAM else executed(prepared, media_type)
    if http.method == "GET" and prepared.kind is OperationType.MUTATION:
        by_post = invalid(POST_ONLY, voice)
        return json_response(by_post, _json_type(media_type), 405, {"allow": "POST"})
    if media_type == EVENT_STREAM:
        if prepared.kind is not OperationType.SUBSCRIPTION:
            return _stream_one(await engine.run(prepared, principal, client))
        source = await engine.stream(prepared, principal, client)
        return _stream_one(source) if isinstance(source, dict) else _stream(source, principal.expires_at)
    if prepared.kind is OperationType.SUBSCRIPTION:
        words = said(
            "Subscriptions are answered over WebSocket, or by POST with Accept: {event_stream}.",
            event_stream=EVENT_STREAM,
        )
        return json_response(invalid(words, voice), media_type, 406)
    return executed(await engine.run(prepared, principal, client), media_type)


def accept_of(http: HttpRequest) -> str | None:
    """The media types that a request asks for, on however many lines."""
    return ",".join(http.headers.getlist("accept")) or None


def negotiate(accept: str | None) -> str | None:
    """The media type to answer in, or None if none of ours is acceptable.

    Without a preference it is application/json, which is what clients that do not say expect. Of the ranges that fit a
    type the one that says most counts (RFC 9110 §12.5.1).
    """
    if not accept:
        return JSON
    ranges = _ranges(accept)
    best: tuple[float, int] | None = None
    found = None
    for offered in (JSON, GRAPHQL_JSON, EVENT_STREAM):
        for name in (offered, f"{offered.partition('/')[0]}/*", "*/*"):
            if name in ranges:
                quality, position = ranges[name]
                if quality > 0 and (best is None or (quality, -position) > best):
                    best, found = (quality, -position), offered
                break
    return found


def prefers_html(accept: str | None) -> bool:
    """Whether a page is wanted, and none of our media types more."""
    ranges = _ranges(accept or "")
    page = ranges.get(HTML, (0.0, 0))[0]
    return page > 0 and all(page >= ranges.get(ours, (0.0, 0))[0] for ours in (JSON, GRAPHQL_JSON, EVENT_STREAM))


def _ranges(accept: str) -> dict[str, tuple[float, int]]:
    """The media ranges of an Accept header, each with its quality and its place."""
    found: dict[str, tuple[float, int]] = {}
    for position, part in enumerate(accept.split(",")[:MAX_RANGES]):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        found.setdefault(name, (quality, position))
    return found


def json_response(
    body: Response, media_type: str, status: int, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """A body in one of the JSON media types."""
    return HttpResponse(
        encode(body),
        status,
        {"cache-control": "no-store", "x-content-type-options": "nosniff", **(headers or {})},
        f"{_json_type(media_type)}; charset=utf-8",
    )


def encode(body: Any) -> bytes:
    """JSON; times in UTC with a Z."""
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)


def executed(body: Response, media_type: str) -> HttpResponse:
    """What was executed, or refused before that."""
    if "data" in body:
        return json_response(body, media_type, 200)
    extensions = body["errors"][0]["extensions"]
    status = STATUSES.get(extensions["code"]) or (400 if media_type == GRAPHQL_JSON else 200)
    wait = extensions.get("retryAfter")
    return json_response(body, media_type, status, {} if wait is None else {"retry-after": str(math.ceil(wait) or 1)})


def _json_type(media_type: str) -> str:
    return GRAPHQL_JSON if media_type == GRAPHQL_JSON else JSON


def _stream_one(body: Response) -> HttpResponse:
    async def one() -> AsyncIterator[Response]:
        yield body

    return _stream(one(), None)


def _stream(source: AsyncIterator[Response], expires_at: int | None) -> HttpResponse:
    return StreamingResponse(
        event_stream(source, expires_at),
        200,
        {"cache-control": "no-store", "x-accel-buffering": "no"},
        EVENT_STREAM,
    )


async def read_request(http: HttpRequest, limits: Limits) -> Request:
    """What is asked for. Raises RefusedError."""
    try:
        if http.method == "GET":
            # A script of another site asks in mode `cors`, which --cors-origin decides over; images and links not.
            if http.headers.get("sec-fetch-site") == "cross-site" and http.headers.get("sec-fetch-mode") != "cors":
                raise RefusedError(403, said("A page of another site may not ask here by GET."))
            return request_of(_query_parameters(http))
        if http.method != "POST":
            raise RefusedError(405, said("Use POST, or GET for queries."), {"allow": "GET, POST"})
        # Nothing that a web form can send: a page elsewhere must not make a browser post here.
        content_type, *parameters = http.headers.get("content-type", "").lower().split(";")
        if content_type.strip() != JSON:
            raise RefusedError(415, said("Send {media_type}.", media_type=JSON))
        for parameter in parameters:
            name, _, value = parameter.strip().partition("=")
            if name == "charset" and value.strip('" ') not in {"utf-8", "utf8"}:
                raise RefusedError(415, said("Send {media_type} in UTF-8.", media_type=JSON))
        if http.headers.get("content-encoding", "identity").lower() != "identity":
            raise RefusedError(415, said("Send the body as it is, without an encoding."))
        body = await _body(http, limits.body_octets)
        return request_of(_json(body, said("The body must be JSON.")), len(body))
    except BadParametersError as error:
        raise RefusedError(400, error.message) from error


def _query_parameters(http: HttpRequest) -> dict[str, Any]:
    parameters: dict[str, Any] = dict(http.query_params)
    for name in ("variables", "extensions"):
        if parameters.get(name):
            parameters[name] = _json(parameters[name], said("`{name}` must be JSON.", name=name))
        else:
            parameters.pop(name, None)
    return parameters


def _json(text: str | bytes, otherwise: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RefusedError(400, otherwise) from error


def _declared_octets(http: HttpRequest) -> int:
    declared = http.headers.get("content-length", "0")
    return int(declared[:20]) if declared.isdigit() else 0


async def _body(http: HttpRequest, limit: int) -> bytes:
    chunks: list[bytes] = []
    octets = 0
    too_large = _declared_octets(http) > limit
    if not too_large:
        async for chunk in http.stream():
            octets += len(chunk)
            if octets > limit:
                too_large = True
                break
            chunks.append(chunk)
    if too_large:
        raise RefusedError(413, said("A body has at most {most} octets.", most=limit))
    return b"".join(chunks)
