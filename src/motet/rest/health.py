"""The routes that machines watch a node by: /healthz (it runs), /readyz (send it traffic), /metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hmac import compare_digest

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from motet import __version__
from motet.access.tokens import AuthenticationError
from motet.domain.messages import said
from motet.rest.answers import REQUEST_ID, internal, told, unauthenticated, unavailable, voice_of
from motet.rest.metrics import Metrics
from motet.storage.database import AWAY

CHECK_TIMEOUT_S = 2.0
"""A check that takes longer has failed: those who ask wait for 1 to 5 s themselves."""

REMEMBERED_S = 0.5
"""Answers are kept so long: asking often costs the database nothing."""

Check = Callable[[], Awaitable[None]]
"""Returns when all is well, else raises; the exception's text is shown, so it must be fit for strangers."""


class NotReadyError(Exception):
    """Why the node should get no traffic, in words for an operator."""


class Readiness:
    """Runs a node's checks, at most twice a second whoever asks."""

    def __init__(self, checks: Mapping[str, Check], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._checks = checks
        self._clock = clock
        self._last: tuple[float, dict[str, str]] | None = None
        self._lock = asyncio.Lock()

    async def failures(self) -> dict[str, str]:
        """What is wrong, by the name of its check; empty when the node is ready."""
        async with self._lock:
            if self._last is None or self._clock() - self._last[0] >= REMEMBERED_S:
                results = await asyncio.gather(*(self._run(name, check) for name, check in self._checks.items()))
                self._last = self._clock(), {name: words for name, words in results if words is not None}
            return self._last[1]

    @staticmethod
    async def _run(name: str, check: Check) -> tuple[str, str | None]:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await check()
        except NotReadyError as error:
            return name, str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the node is not ready
            return name, type(error).__name__
        return name, None


def rest_application(
    readiness: Readiness, metrics: Metrics, routes: Sequence[BaseRoute] = (), *, metrics_token: str | None = None
) -> Starlette:
    """The ASGI application of these routes and the others given; anything else is 404. With `metrics_token` only who
    shows it as a bearer token reads /metrics."""
    wanted = None if metrics_token is None else f"Bearer {metrics_token}".encode()

    async def healthz(_: Request) -> Response:
        return _json({"status": "ok", "version": __version__})

    async def readyz(_: Request) -> Response:
        failures = await readiness.failures()
        body = {"status": "unavailable" if failures else "ready", "failures": failures}
        return _json(body, 503 if failures else 200)

    async def scrape(request: Request) -> Response:
        shown = request.headers.get("authorization", "").encode("latin-1")
        if wanted is not None and not compare_digest(shown, wanted):
            return unauthenticated(AuthenticationError("a bearer token is needed"), voice_of(request))
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    watched = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", scrape)]
    return Starlette(routes=[*watched, *routes], exception_handlers={HTTPException: _told, Exception: _failed})


_OWN = {404: ("NOT_FOUND", said("There is nothing here.")), 405: ("INVALID", said("Another method is needed."))}


async def _told(request: Request, error: Exception) -> Response:
    """Starlette's own refusals, 404 and 405 above all, in the form that all errors have."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    code, words = _OWN.get(error.status_code, ("INVALID", str(error.detail)))
    return told(error.status_code, code, words, voice_of(request), error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    """Our own fault, of which the log tells under the id; or the database's, which is away for a moment."""
    if isinstance(error, AWAY):
        return unavailable(voice_of(request))
    return internal(request.scope.get(REQUEST_ID, ""), voice_of(request))


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, {"cache-control": "no-store"}, "application/json")
