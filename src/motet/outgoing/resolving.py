"""Names to addresses for what customers name, each address judged before anything connects to it.

The HTTP client connects to the very addresses judged here, so a name that changes between check and use (DNS
rebinding) gains nothing; `guarded_socket` judges once more at the last step, whatever way the address came.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from motet.outgoing.targets import TargetPolicy, TargetRefusedError, check_addresses, parse_target

RESOLVE_TIMEOUT_S = 5.0
RESOLVE_THREADS = 64
"""getaddrinfo blocks a thread and cannot be cancelled: more than the slow names that one workspace may have at once."""

Lookup = Callable[[str, int], list[str]]


def system_lookup(host: str, port: int) -> list[str]:
    """The host's addresses as the system resolves them; blocks. Raises OSError for a name without any."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Resolver:
    """Looks names up in threads of its own, so that slow name servers hold up nothing else."""

    def __init__(self, lookup: Lookup = system_lookup) -> None:
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(RESOLVE_THREADS, thread_name_prefix="resolver")

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses, each once. Raises OSError for a name that does not resolve in `RESOLVE_TIMEOUT_S`."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                found = await loop.run_in_executor(self._threads, self._lookup, host, port)
        except TimeoutError:
            raise OSError(f"{host} was not resolved in {RESOLVE_TIMEOUT_S:g} s") from None
        except UnicodeError:
            raise OSError(f"{host} is not a host name") from None
        if not found:
            raise OSError(f"{host} has no address")
        return list(dict.fromkeys(found))

    async def check(self, url: str, policy: TargetPolicy) -> URL:
        """The URL, parsed; raises InvalidError (path `url`) for a target that is refused.

        A name that does not resolve now passes: it is judged at each send.
        """
        target = parse_target(url, policy)
        try:
            addresses = await self.addresses(target.raw_host or "", target.port or 0)
        except OSError:
            addresses = []
        check_addresses(addresses, policy, plain=target.scheme == "http")
        return target

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class JudgingResolver(AbstractResolver):
    """What aiohttp asks for addresses: a name with any address that is not permitted is refused as a whole."""

    def __init__(self, resolver: Resolver, policy: TargetPolicy, *, plain: bool) -> None:
        self._resolver = resolver
        self._policy = policy
        self._plain = plain

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await self._resolver.addresses(host, port)
        for address in addresses:
            if not self._policy.permits(address, plain=self._plain):
                raise TargetRefusedError(f"{host} resolves to {address}, which is not allowed")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing: the threads belong to the Resolver."""


def guarded_socket(policy: TargetPolicy, *, plain: bool) -> Callable[[Any], socket.socket]:
    """A socket factory for aiohttp's connector that makes no socket for an address that is not permitted."""

    def make(info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not policy.permits(str(address[0]), plain=plain):
            raise TargetRefusedError(f"{address[0]} is not allowed")
        return socket.socket(family, kind, protocol)

    return make
