"""One attempt to deliver: a signed POST, its answer judged by its status alone, everything about it bounded."""

import asyncio
import ssl
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from yarl import URL

import motet
from motet.domain.errors import InvalidError
from motet.outgoing.resolving import JudgingResolver, Resolver, guarded_socket
from motet.outgoing.targets import TargetPolicy, TargetRefusedError, parse_target
from motet.webhooks.signing import signature_headers

ATTEMPT_TIMEOUT_S = 15.0
"""Resolving, connecting, sending and the answer's status line, all together."""

ANSWER_OCTETS = 65_536
ANSWER_TIMEOUT_S = 1.0
"""How much of the answer's body is read, and for how long, so that the connection can be used again. It is dropped."""

ERROR_CHARACTERS = 300

GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt. `status`: HTTP, None without an answer; `error`: why it is a failure, for people."""

    status: int | None
    error: str | None
    refused: bool = False
    """Our own rules kept it from being sent."""

    @property
    def delivered(self) -> bool:
        return self.error is None


class Poster:
    """The HTTP client of one node: pooled connections, no redirects, no cookies, no proxy, no decompression."""

    def __init__(self, resolver: Resolver, policy: TargetPolicy, *, tls: ssl.SSLContext | None = None) -> None:
        """`tls` replaces the system's trusted authorities. Needs a running event loop."""
        self._policy = policy
        self._sessions = {
            scheme: aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=JudgingResolver(resolver, policy, plain=scheme == "http"),
                    socket_factory=guarded_socket(policy, plain=scheme == "http"),
                    ssl=tls or True,
                    limit=0,  # the dispatcher's places are the bound
                    ttl_dns_cache=30,
                    keepalive_timeout=20,
                ),
                timeout=aiohttp.ClientTimeout(total=None),  # one time-out for all of it is set in `post`
                trace_configs=[_watch_reuse()],
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                headers={"User-Agent": f"Motet/{motet.__version__}", "Content-Type": "application/json"},
                skip_auto_headers=("Accept-Encoding",),
            )
            for scheme in ("https", "http")
        }

    async def post(self, url: str, key: bytes, delivery_id: int, attempted_at_s: int, body: bytes) -> Outcome:
        """Send `body` to the target, signed with `key` for this moment. Raises nothing but CancelledError."""
        connection = _Connection()
        try:
            target = parse_target(url, self._policy)
            headers = signature_headers(key, delivery_id, attempted_at_s, body)
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                try:
                    return await self._post(target, headers, body, connection)
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                    if not connection.reused:
                        raise
                    return await self._post(target, headers, body, connection)
        except InvalidError as error:
            return Outcome(None, error.message, refused=True)
        except TimeoutError:
            if connection.status is not None:
                return _judge(connection.status)
            return Outcome(None, f"no answer within {ATTEMPT_TIMEOUT_S:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(None, _describe(error), refused=_is_refusal(error))

    async def _post(self, target: URL, headers: dict[str, str], body: bytes, connection: "_Connection") -> Outcome:
        async with self._sessions[target.scheme].post(
            target, data=body, headers=headers, allow_redirects=False, trace_request_ctx=connection
        ) as response:
            connection.status = response.status
            await _drop_body(response)
            return _judge(response.status)

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()


@dataclass(slots=True)
class _Connection:
    """What an attempt learns while it runs."""

    reused: bool = False
    """The connection was kept from before and may have been closed under us: no fault of the target's, so once more."""
    status: int | None = None
    """Set when the answer begins: it counts, however slowly its body comes."""


def _watch_reuse() -> aiohttp.TraceConfig:
    async def reused(_session: object, context: SimpleNamespace, _parameters: object) -> None:
        context.trace_request_ctx.reused = True

    watch = aiohttp.TraceConfig()
    watch.on_connection_reuseconn.append(reused)
    return watch


def _judge(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome(status, None)
    if 300 <= status < 400:
        return Outcome(status, f"HTTP {status}: redirects are not followed")
    return Outcome(status, f"HTTP {status}")


async def _drop_body(response: aiohttp.ClientResponse) -> None:
    """Read a short body to its end, so that the connection goes back to the pool; else close the connection."""
    left = ANSWER_OCTETS
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while left > 0:
                octets = await response.content.read(left)
                if not octets:
                    return
                left -= len(octets)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
        pass
    response.close()


def _is_refusal(error: BaseException) -> bool:
    """Whether a TargetRefusedError is at the bottom: the client wraps what its resolver and socket factory raise."""
    inner = getattr(error, "os_error", None) or error.__cause__
    return isinstance(error, TargetRefusedError) or (
        isinstance(inner, BaseException) and inner is not error and _is_refusal(inner)
    )


def _describe(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:ERROR_CHARACTERS]
