"""What every HTTP request passes first: whose it is, how much and how slowly it may send, and what each answer says to
browsers. Round all applications of a node.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from motet.access.clients import Client
from motet.access.voices import Voice
from motet.domain.cidrs import Network
from motet.domain.messages import said
from motet.rest.answers import REQUEST_ID, accept_language_of, internal, told, unavailable
from motet.rest.clients import origin_of
from motet.storage.database import AWAY

log = structlog.get_logger(__name__)

WATCHED = frozenset({"/healthz", "/readyz"})
"""Asked for by address, by machines: any Host will do."""

CORS_METHODS = "GET, POST, PUT, PATCH, DELETE"
CORS_HEADERS = "authorization, content-type, idempotency-key"
CORS_SHOWN = "retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, ratelimit, ratelimit-policy"
CORS_AGE_S = 600

HSTS = b"max-age=31536000"

_ALWAYS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class EdgeRules:
    """What holds at the edge."""

    proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For is believed."""
    cors_origins: frozenset[str] = frozenset()
    """Pages of these may ask from browsers; no others'."""
    hosts: frozenset[str] = frozenset()
    """The names that we are asked by; empty: any."""
    requests_per_address: int = 512
    """Being answered at one time, streams included."""
    body_octets: int = 1 << 20
    """Of paths that have no bound of their own."""
    body_grace_s: float = 15.0
    """A body may be late by so much …"""
    body_octets_per_s: float = 1_024.0
    """… and has to come as fast as this beyond."""


class HttpEdge:
    """An ASGI application round another."""

    def __init__(
        self,
        application: ASGIApp,
        rules: EdgeRules = EdgeRules(),
        *,
        own_bounds: Collection[str] = (),
        clock: Callable[[], float] | None = None,
    ) -> None:
        """`own_bounds` are the paths whose applications bound their bodies themselves."""
        self._application = application
        self._rules = rules
        self._own_bounds = own_bounds
        self._clock = clock
        self._under_way: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        headers = Headers(scope=scope)
        client = scope.get("client")
        secure = scope.get("scheme") in ("https", "wss")
        host, secure = origin_of(
            client[0] if client else None,
            secure,
            self._rules.proxies,
            headers.getlist("x-forwarded-for"),
            headers.getlist("x-forwarded-proto"),
        )
        scope["client"] = None if host is None else (host, client[1] if client else 0)
        if scope["type"] == "websocket":
            scope["scheme"] = "wss" if secure else "ws"
            if not self._host_fits(scope, headers) or _is_two(headers):
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._application(scope, receive, send)
            return
        scope["scheme"] = "https" if secure else "http"
        await self._http(scope, receive, _Answer(send, self._headers_for(headers, secure)), headers, host or "")

    async def _http(self, scope: Scope, receive: Receive, send: _Answer, headers: Headers, host: str) -> None:
        voice = Voice(Client(host, accept_language=accept_language_of(headers)))
        refusal = self._refusal(scope, headers, host, voice)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if self._is_preflight(scope, headers):
            await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
            await send({"type": "http.response.body", "body": b""})
            return
        scope[REQUEST_ID] = secrets.token_hex(8)
        body = _Body(receive, self._rules, self._clock, voice, bounded=scope["path"] not in self._own_bounds)
        send.body = body
        self._under_way[host] = self._under_way.get(host, 0) + 1
        try:
            await self._application(scope, body, send)
        except AWAY as error:
            if body.refusal is None:
                log.warning("a request needs the database, which is away", error=repr(error)[:200])
                if not send.started:
                    await unavailable(voice)(scope, receive, send)
                elif not send.finished:
                    raise
        except Exception:
            if body.refusal is None:
                log.exception("a request failed", request_id=scope[REQUEST_ID], path=scope["path"])
                if not send.started:
                    await internal(scope[REQUEST_ID], voice)(scope, receive, send)
                elif not send.finished:
                    raise
        finally:
            left = self._under_way[host] - 1
            if left:
                self._under_way[host] = left
            else:
                del self._under_way[host]
        if body.refusal is not None and not send.started:
            await send.refuse(body.refusal)

    def _refusal(self, scope: Scope, headers: Headers, host: str, voice: Voice) -> Response | None:
        if not self._host_fits(scope, headers):
            return told(421, "INVALID", said("This host is not served here."), voice)
        if _is_two(headers):
            return told(400, "INVALID", said("Send the Authorization header once."), voice)
        if self._under_way.get(host, 0) >= self._rules.requests_per_address:
            words = said("Too many requests of this address at once.")
            return told(429, "LIMIT_REACHED", words, voice, {"retry-after": "1"})
        if scope["path"] not in self._own_bounds:
            length = headers.get("content-length", "0")
            if not length.isdigit() or len(length) > 18 or int(length) > self._rules.body_octets:
                return _too_large(self._rules.body_octets, voice)
        return None

    def _host_fits(self, scope: Scope, headers: Headers) -> bool:
        hosts = self._rules.hosts
        if not hosts or scope["path"] in WATCHED:
            return True
        host = headers.get("host", "").lower()
        return host in hosts or host.rpartition(":")[0] in hosts

    def _is_preflight(self, scope: Scope, headers: Headers) -> bool:
        return (
            scope["method"] == "OPTIONS"
            and headers.get("origin") in self._rules.cors_origins
            and "access-control-request-method" in headers
        )

    def _headers_for(self, headers: Headers, secure: bool) -> list[tuple[bytes, bytes]]:
        """What the answer says beside what the application does."""
        more: list[tuple[bytes, bytes]] = []
        if secure:
            more.append((b"strict-transport-security", HSTS))
        if self._rules.cors_origins:
            more.append((b"vary", b"Origin"))
            origin = headers.get("origin")
            if origin in self._rules.cors_origins and origin is not None:
                more.append((b"access-control-allow-origin", origin.encode("latin-1")))
                more.append((b"access-control-expose-headers", CORS_SHOWN.encode()))
        return more


_PREFLIGHT: list[tuple[bytes, bytes]] = [
    (b"access-control-allow-methods", CORS_METHODS.encode()),
    (b"access-control-allow-headers", CORS_HEADERS.encode()),
    (b"access-control-max-age", str(CORS_AGE_S).encode()),
]


class _Answer:
    """`send`, with the headers that every answer has. What the application has set stays as it is."""

    def __init__(self, send: Send, more: Sequence[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._more = more
        self.started = False
        self.finished = False
        self.body: _Body | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self.body is not None and self.body.refusal is not None and not self.started:
                return  # whatever the application makes of a body that was cut off
            self.started = True
            headers = list(message.get("headers", ()))
            there = {name.lower() for name, _ in headers}
            headers.extend((name, value) for name, value in _ALWAYS.items() if name not in there)
            headers.extend(self._more)
            message = {**message, "headers": headers}
        elif not self.started:
            return
        await self._send(message)
        self.finished = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def refuse(self, response: Response) -> None:
        """Answer in the application's place."""
        self.body = None
        await response({"type": "http"}, _nothing, self)


class _Body:
    """`receive`, with a bound and a pace. Beyond either, the application is told that the client is gone."""

    def __init__(
        self, receive: Receive, rules: EdgeRules, clock: Callable[[], float] | None, voice: Voice, *, bounded: bool
    ) -> None:
        self._receive = receive
        self._voice = voice
        self._rules = rules
        self._clock = clock or asyncio.get_running_loop().time
        self._most = rules.body_octets if bounded else None
        self._began = self._clock()
        self._octets = 0
        self._whole = False
        self.refusal: Response | None = None
        """What to answer in place of the application."""

    async def __call__(self) -> Message:
        if self.refusal is not None:
            return {"type": "http.disconnect"}
        if self._whole:
            return await self._receive()
        rules = self._rules
        left_s = self._began + rules.body_grace_s + self._octets / rules.body_octets_per_s - self._clock()
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                message = await self._receive()
        except TimeoutError:
            words = said("The body did not come in time.")
            self.refusal = told(408, "LIMIT_REACHED", words, self._voice, {"connection": "close"})
            return {"type": "http.disconnect"}
        if message["type"] == "http.request":
            self._octets += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._most is not None and self._octets > self._most:
                self.refusal = _too_large(self._most, self._voice)
                return {"type": "http.disconnect"}
        return message


def _is_two(headers: Headers) -> bool:
    """Whether the request says twice who asks: a proxy might look at the other one than we do."""
    return len(headers.getlist("authorization")) > 1


def _too_large(most: int, voice: Voice) -> Response:
    words = said("A body has at most {most} octets.", most=most)
    return told(413, "LIMIT_REACHED", words, voice)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
