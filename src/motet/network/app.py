"""What a mobile network calls: `POST /network/v1/notifications`, JSON, a bearer token that may do nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from motet.access.principals import Permission, Principal
from motet.access.tokens import AuthenticationError
from motet.domain.network import Notification, Outcome, Verdict
from motet.identity.authenticator import Authenticator
from motet.network.wire import WireError, parse_notification, told_id, written_outcome
from motet.storage.database import LOST

PATH = "/network/v1/notifications"

MAX_BODY_OCTETS = 1 << 20
MAX_NOTIFICATIONS = 500
"""Of one request: about 2 s of work, since each is committed before the answer."""

RETRY_AFTER_S = 2

_log = structlog.get_logger(__name__)


class Notifications(Protocol):
    """Who takes notifications."""

    async def take(self, source: str, told: Sequence[tuple[str, Notification]]) -> list[Outcome]: ...


class _RefusedError(Exception):
    """The request as a whole is refused."""

    def __init__(self, status: int, words: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.headers = headers or {}


class NotificationsApp:
    """The ASGI application of the one path."""

    def __init__(self, authenticator: Authenticator, notifications: Notifications) -> None:
        self._authenticator = authenticator
        self._notifications = notifications

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        try:
            response = await self._answer(Request(scope, receive))
        except _RefusedError as refused:
            response = _json({"error": str(refused)}, refused.status, refused.headers)
        except ClientDisconnect:
            return
        except LOST:
            _log.exception("notifications of a network could not be taken")
            response = _json({"error": "try again"}, 503, {"retry-after": str(RETRY_AFTER_S)})
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            raise _RefusedError(405, "only POST is served here", {"allow": "POST"})
        principal = await self._principal(request)
        given = _list_of(await _body(request))
        told: list[tuple[str, Notification]] = []
        answers: list[dict[str, Any] | None] = []
        for one in given:
            try:
                told.append(parse_notification(one))
                answers.append(None)
            except WireError as error:
                answers.append(written_outcome(told_id(one), Outcome(Verdict.INVALID, words=str(error))))
        outcomes = iter(zip(told, await self._notifications.take(principal.subject, told), strict=True))
        results = []
        for answer in answers:
            if answer is None:
                (notification_id, _), outcome = next(outcomes)
                answer = written_outcome(notification_id, outcome)
            results.append(answer)
        return _json({"results": results})

    async def _principal(self, request: Request) -> Principal:
        address = request.client.host if request.client else None
        try:
            principal = await self._authenticator.authenticate(request.headers.get("authorization"), address)
        except AuthenticationError as error:
            raise _RefusedError(401, str(error), {"www-authenticate": "Bearer"}) from None
        if not principal.allows(Permission.NETWORK_WRITE):
            raise _RefusedError(403, f"this needs the permission {Permission.NETWORK_WRITE.value}")
        return principal


async def _body(request: Request) -> Any:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_OCTETS:
            raise _RefusedError(413, f"a body has at most {MAX_BODY_OCTETS} octets")
    try:
        return orjson.loads(bytes(body))
    except orjson.JSONDecodeError as error:
        raise _RefusedError(400, f"the body is no JSON: {error}") from None


def _list_of(body: Any) -> list[Any]:
    given = body.get("notifications") if isinstance(body, dict) and len(body) == 1 else None
    if not isinstance(given, list):
        raise _RefusedError(400, 'the body must be {"notifications": […]}')
    if len(given) > MAX_NOTIFICATIONS:
        raise _RefusedError(400, f"one request tells at most {MAX_NOTIFICATIONS} notifications")
    return given


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, {"cache-control": "no-store", **(headers or {})}, "application/json")
