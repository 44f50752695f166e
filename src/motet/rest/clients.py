"""Who is at the other end: the peer of the connection, or whom a proxy that is trusted says it speaks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from motet.domain.cidrs import Network, address_of, within

MAX_HOPS = 20
"""Of X-Forwarded-For; what stands further away is nobody's word that counts."""


class Origin(NamedTuple):
    """Where a request comes from."""

    host: str | None
    """An address in text."""
    secure: bool
    """Whether it came by TLS, to us or to the proxy."""


def origin_of(
    peer: str | None, secure: bool, proxies: Sequence[Network], forwarded_for: Sequence[str], proto: Sequence[str]
) -> Origin:
    """The client, by X-Forwarded-For and X-Forwarded-Proto if the peer is one of the proxies.

    Each proxy adds its peer at the end, so the list is read from there: the first that is no proxy is the client, and
    whatever it wrote before itself is ignored. An entry that is no address ends the walk.
    """
    address = None if peer is None else address_of(peer)
    if address is None:
        return Origin(peer, secure)
    if not proxies or not within(proxies, address):
        return Origin(str(address), secure)
    hops = [hop.strip() for line in forwarded_for for hop in line.split(",")]
    for hop in reversed(hops[-MAX_HOPS:]):
        found = address_of(_without_port(hop))
        if found is None:
            break
        address = found
        if not within(proxies, found):
            break
    said = [word.strip().lower() for line in proto for word in line.split(",")]
    return Origin(str(address), said[-1] == "https" if said and said[-1] in ("http", "https") else secure)


def _without_port(hop: str) -> str:
    """`192.0.2.1:443` and `[2001:db8::1]:443` as some proxies write them."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
