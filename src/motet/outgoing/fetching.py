"""Asks a server that a customer named, for a small answer. All about it is bounded, and it is followed nowhere."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import orjson

import motet
from motet.domain.errors import InvalidError
from motet.outgoing.resolving import JudgingResolver, Resolver, guarded_socket
from motet.outgoing.targets import TargetPolicy, TargetRefusedError, parse_target

FETCH_TIMEOUT_S = 10.0
"""Resolving, connecting, sending and the whole answer: a person waits in front of a browser."""

ANSWER_OCTETS = 256 * 1024
"""Of an answer. Key sets and metadata of the large providers have 2 to 20 KB."""

HEADER_OCTETS = 16 * 1024

PARALLEL = 64
"""Requests at once on one node; more wait, within the same time."""


class FetchError(Exception):
    """There is no answer to go by. `str()` says why, and may be shown to whoever named the server."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whole."""

    status: int
    media_type: str
    """Without parameters, in lower case."""
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """The JSON object that it holds. Raises FetchError."""
        if self.media_type != "application/json" and not self.media_type.endswith("+json"):
            raise FetchError(f"the answer is {self.media_type or 'of no type'}, not JSON")
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise FetchError("the answer is not valid JSON") from None
        if not isinstance(found, dict):
            raise FetchError("the answer is no JSON object")
        return found


class Fetch(Protocol):
    """What asks. Raises FetchError, also for a redirect, which is not followed; any other status is an answer."""

    async def __call__(
        self,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply: ...


class Fetcher:
    """GET, or POST of a form: no redirects, no cookies, no proxy, no decompression, judged addresses only."""

    def __init__(self, policy: TargetPolicy, *, tls: ssl.SSLContext | None = None) -> None:
        """`tls` replaces the system's trusted authorities."""
        self.policy = policy
        self._resolver = Resolver()
        self._tls = tls
        self._places = asyncio.Semaphore(PARALLEL)

    async def __call__(
        self, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S), self._places:
                return await self._ask(url, form, headers or {})
        except InvalidError as error:
            raise FetchError(error.message) from None
        except TimeoutError:
            raise FetchError(f"no answer within {FETCH_TIMEOUT_S:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(_words(error)) from None

    async def _ask(self, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]) -> Reply:
        target = parse_target(url, self.policy)
        plain = target.scheme == "http"
        connector = aiohttp.TCPConnector(
            resolver=JudgingResolver(self._resolver, self.policy, plain=plain),
            socket_factory=guarded_socket(self.policy, plain=plain),
            ssl=self._tls or True,
            force_close=True,
        )
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None),  # one time-out for all of it is set outside
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": f"Motet/{motet.__version__}", "Accept": "application/json"},
            skip_auto_headers=("Accept-Encoding",),
            max_line_size=HEADER_OCTETS,
            max_field_size=HEADER_OCTETS,
        ) as session:
            method = "GET" if form is None else "POST"
            async with session.request(method, target, data=form, headers=headers, allow_redirects=False) as response:
                if 300 <= response.status < 400:
                    raise FetchError(f"it answered with a redirect ({response.status}), which is not followed")
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > ANSWER_OCTETS:
                        raise FetchError(f"the answer has more than {ANSWER_OCTETS} octets")
                return Reply(response.status, response.content_type.lower(), bytes(body))

    def close(self) -> None:
        """Ends the threads that look names up."""
        self._resolver.close()


def _words(error: Exception) -> str:
    """What went wrong, for people, without an address that our network would know better."""
    if isinstance(error, TargetRefusedError) or isinstance(error.__cause__, TargetRefusedError):
        return "its address is not one that may be asked"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not valid"
    if isinstance(error, aiohttp.ClientConnectorError | OSError):
        return "it cannot be reached"
    return f"its answer cannot be read ({type(error).__name__})"
