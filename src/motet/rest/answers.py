"""What the REST routes share: errors in one form, bounded JSON bodies, who asks and from where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from motet.access.clients import Client
from motet.access.principals import Principal
from motet.access.tokens import AuthenticationError
from motet.access.voices import Voice
from motet.domain.errors import DomainError, InvalidError
from motet.domain.messages import said

BODY_OCTETS = 64 * 1024
"""Of a route that takes JSON."""

STATUS: Mapping[str, int] = {
    "NOT_FOUND": 404, "CONFLICT": 409, "INVALID": 400, "DENIED": 403, "LIMIT_REACHED": 429, "UPSTREAM": 502,
}  # fmt: skip

REQUEST_ID = "motet.request_id"
"""Where a request's scope holds its id."""

Handler = Callable[[Request], Awaitable[Response]]


def answering(handler: Handler) -> Handler:
    """A handler whose errors are answered: those of the domain, a caller who has not proved who they are."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except DomainError as error:
            return failed(error, voice_of(request))
        except AuthenticationError as error:
            return unauthenticated(error, voice_of(request))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is left to read it

    return answered


async def body_of(request: Request, limit: int = BODY_OCTETS) -> dict[str, Any]:
    """The JSON object in the body. Raises InvalidError. Web forms, which any page could send, are not taken."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidError("Send application/json.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise InvalidError("A body has at most {most} octets.", most=limit)
    try:
        found = orjson.loads(bytes(body))
    except orjson.JSONDecodeError:
        raise InvalidError("The body must be JSON.") from None
    if not isinstance(found, dict):
        raise InvalidError("The body must be a JSON object.")
    return found


def text_of(body: Mapping[str, Any], name: str, *, most: int = 4_096) -> str:
    """A text that the body must hold. Raises InvalidError."""
    value = body.get(name)
    if not isinstance(value, str) or len(value) > most or "\0" in value:
        raise InvalidError("This must be text of at most {most} characters.", path=(name,), most=most)
    return value


def optional_text_of(body: Mapping[str, Any], name: str, *, most: int = 4_096) -> str | None:
    """A text that the body may hold. Raises InvalidError."""
    return None if body.get(name) is None else text_of(body, name, most=most)


def client_of(request: Request) -> Client:
    """Where the request comes from."""
    return Client(
        request.client.host if request.client else None,
        request.headers.get("user-agent"),
        request.scope.get(REQUEST_ID),
        accept_language=accept_language_of(request.headers),
    )


def accept_language_of(headers: Headers) -> str | None:
    """The languages that a request asks for, on however many lines."""
    return ",".join(headers.getlist("accept-language")) or None


def voice_of(request: Request, principal: Principal | None = None) -> Voice:
    """In which language to answer."""
    return Voice(client_of(request), principal)


def told(
    status: int,
    code: str,
    message: str,
    voice: Voice,
    headers: Mapping[str, str] | None = None,
    path: list[str] | None = None,
) -> Response:
    """An error: a code for programs and words for people."""
    shown = {"code": code, "message": voice.say(message), "path": path or None}
    return json_answer({"error": shown}, status, {**(headers or {}), **voice.headers()})


def failed(error: DomainError, voice: Voice) -> Response:
    """What the domain says to it."""
    return told(STATUS[error.code], error.code, error.message, voice, path=[str(step) for step in error.path])


def internal(request_id: str, voice: Voice) -> Response:
    """500, and nothing of what went wrong."""
    words = said("Something went wrong. The request's id is {request_id}.", request_id=request_id)
    return told(500, "INTERNAL", words, voice)


def unavailable(voice: Voice) -> Response:
    """503: the database is away for a moment."""
    return told(503, "INTERNAL", said("The database is away: try again soon."), voice, {"retry-after": "2"})


def unauthenticated(error: AuthenticationError, voice: Voice) -> Response:
    """401, with the error's words as a sentence."""
    return told(401, "UNAUTHENTICATED", error.sentence, voice, {"www-authenticate": "Bearer"})


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that nobody on the way keeps."""
    kept = {"cache-control": "no-store", "x-content-type-options": "nosniff", **(headers or {})}
    return Response(orjson.dumps(value), status, kept, "application/json")
