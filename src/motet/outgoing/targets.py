"""Where a customer may have us send: https to globally routable addresses, and what the operator allows. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from yarl import URL

from motet.domain.errors import InvalidError

MAX_URL_OCTETS = 2048
"""What common servers and proxies take in a request line."""

_UNFIT = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")

# IANA IPv4 Special-Purpose Address Registry (not globally reachable), with multicast and the old 6to4 relay anycast.
_SPECIAL_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
# IANA IPv6 Special-Purpose Address Registry, as far as it lies in 2000::/3: protocol assignments (Teredo, ORCHID,
# benchmarking), documentation, and 6to4, whose address hides an IPv4 one and which RFC 7526 has retired.
_SPECIAL_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")


def is_globally_routable(address: IPv4Address | IPv6Address) -> bool:
    """Whether the public internet routes to the address. IPv4 inside IPv6 (mapped, NAT64) is judged as IPv4.

    Own tables, since `ipaddress.is_global` has changed its mind between the Python versions that we run on.
    """
    if isinstance(address, IPv6Address):
        inner = _inner_v4(address)
        if inner is None:
            if address.scope_id is not None or address not in _GLOBAL_UNICAST_V6:
                return False
            return not any(address in network for network in _SPECIAL_V6)
        address = inner
    return not any(address in network for network in _SPECIAL_V4)


def _inner_v4(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


class TargetRefusedError(OSError):
    """The target's address or URL is not one that we send to. An OSError, so that an HTTP client passes it on."""


@dataclass(frozen=True, slots=True)
class TargetPolicy:
    """What the operator allows beside https to globally routable addresses.

    `allowed_networks` may be sent to although they are not routable, by https or http (they are the operator's own);
    `allow_http` permits plain http to routable addresses too.
    """

    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    allow_http: bool = False

    @classmethod
    def of(cls, networks: Sequence[str], *, allow_http: bool = False) -> "TargetPolicy":
        """The policy with networks as settings spell them, such as `127.0.0.0/8`; raises ValueError for others."""
        return cls(tuple(ip_network(network) for network in networks), allow_http)

    def permits(self, address: str, *, plain: bool) -> bool:
        """Whether an attempt may connect to the address (as `getaddrinfo` spells it); `plain`: by http. Total."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        judged = (_inner_v4(parsed) or parsed) if isinstance(parsed, IPv6Address) else parsed
        if any(judged in network for network in self.allowed_networks):
            return True
        return is_globally_routable(parsed) and (self.allow_http or not plain)


LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1/128")
"""What the demo allows."""


URL_PATH = ("url",)


def parse_target(url: str, policy: TargetPolicy) -> URL:
    """The URL as the HTTP client will take it; raises InvalidError (path `url`) for one that is refused unresolved.

    Refused: too long, with control characters or blanks, not https (nor http where something allows it), without a
    host, with user information or a fragment, with port 0, and a literal address that the policy does not permit.
    """
    if len(url.encode("utf-8", "replace")) > MAX_URL_OCTETS:
        raise InvalidError("The URL is longer than {most} octets.", path=URL_PATH, most=MAX_URL_OCTETS)
    if _UNFIT.search(url):
        raise InvalidError(
            "The URL holds a blank, a backslash, a control character or half of a surrogate pair.", path=URL_PATH
        )
    try:
        target = URL(url)
        host, port = target.raw_host, target.port
    except (ValueError, UnicodeError):
        raise InvalidError("This is not a URL.", path=URL_PATH) from None
    if target.scheme not in ("https", "http"):
        raise InvalidError("The URL must begin with https://.", path=URL_PATH)
    plain = target.scheme == "http"
    if plain and not policy.allow_http and not policy.allowed_networks:
        raise InvalidError("Plain http is not allowed; the URL must begin with https://.", path=URL_PATH)
    if not host:
        raise InvalidError("The URL names no host.", path=URL_PATH)
    if target.user is not None or target.password is not None:
        raise InvalidError("The URL must not hold a user name or password.", path=URL_PATH)
    if target.fragment:
        raise InvalidError("The URL must not hold a fragment.", path=URL_PATH)
    if not port:
        raise InvalidError("The port must be 1 to 65535.", path=URL_PATH)
    if _looks_like_address(host) and not policy.permits(host, plain=plain):
        raise _refused(plain)
    return target


def _looks_like_address(host: str) -> bool:
    """What resolvers and HTTP clients take for a literal; `permits` refuses the short and octal spellings of IPv4."""
    return ":" in host or host.replace(".", "").isdigit()


def check_addresses(addresses: Sequence[str], policy: TargetPolicy, *, plain: bool) -> None:
    """Raises InvalidError (path `url`) unless every address that the name resolves to is permitted.

    A plain http target that does not resolve (no address) is refused too, where only allowed networks may have it.
    """
    if plain and not addresses and not policy.allow_http:
        raise _refused(plain)
    if not all(policy.permits(address, plain=plain) for address in addresses):
        raise _refused(plain)


def _refused(plain: bool) -> InvalidError:
    if plain:
        return InvalidError("The host's address is not allowed for plain http.", path=URL_PATH)
    return InvalidError("The host's address is not globally routable.", path=URL_PATH)
