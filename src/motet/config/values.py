"""The kinds of values that flags have, and how each is read from its text. Every `parse_…` raises ValueError in words
that go behind the name of the flag."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import formataddr, parseaddr
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from motet.domain.cidrs import Network, parse_cidr

MAX_BINDS = 64
MAX_WINDOW = 10_000
SYSTEM_ID_OCTETS = 15
"""SMPP 3.4 §4.1.1: a C-octet string of at most 16 with its end."""
PASSWORD_OCTETS = 8
"""SMPP 3.4 §4.1.1, of at most 9 with its end."""

FACTORY_TEST_NAMES = ("sms", "data_octets", "days")
"""What of a factory test can be set."""


class Address(NamedTuple):
    """Where a server listens. Port 0 means a free port, chosen when it does."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def reachable(self) -> Address:
        """The same for one who connects from this machine: all interfaces are reached through loopback."""
        return Address({"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host), self.port)  # noqa: S104


@dataclass(frozen=True, slots=True)
class SmscUrl:
    """An upstream given on the command line: `smpp://system_id:password@host:port?binds=1&window=100`, or `smpps://`."""

    system_id: str
    password: str = field(repr=False)
    address: Address
    binds: int = 1
    window: int = 100
    tls: bool = False


@dataclass(frozen=True, slots=True)
class SmtpUrl:
    """Who takes our mails: `smtp://user:password@host:587` or `smtps://user:password@host:465`."""

    address: Address
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    """TLS from the first octet."""
    starttls: bool = True
    """TLS is begun before anything is told; a server that cannot is not told."""


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class TlsVersion(StrEnum):
    TLS_1_2 = "1.2"
    TLS_1_3 = "1.3"


def parse_address(text: str) -> Address:
    """`HOST:PORT`, the host in brackets if it is IPv6. Raises ValueError."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.%]+)\]|([^\s:\[\]]+)):(\d{1,5})", text)
    if match is None or int(match[3]) > 65_535:
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:2775 or [::1]:2775")
    return Address(match[1] or match[2], int(match[3]))


def parse_smsc_url(text: str) -> SmscUrl:
    """`smpp://system_id:password@host:port?binds=1&window=100`, percent-encoded as URLs are; `smpps` is with TLS.

    Raises ValueError.
    """
    url = urlsplit(text)
    if (
        url.scheme not in ("smpp", "smpps")
        or not url.hostname
        or url.username is None
        or url.path not in ("", "/")
        or url.fragment
    ):
        raise ValueError("must look like smpp://system_id:password@host:port?binds=1&window=100")
    system_id, password = unquote(url.username), unquote(url.password or "")
    if not 1 <= len(system_id.encode()) <= SYSTEM_ID_OCTETS:
        raise ValueError(f"its system_id must have 1 to {SYSTEM_ID_OCTETS} octets")
    if len(password.encode()) > PASSWORD_OCTETS:
        raise ValueError(f"its password must have at most {PASSWORD_OCTETS} octets")
    numbers = {"binds": (1, MAX_BINDS), "window": (100, MAX_WINDOW)}
    given: dict[str, int] = {}
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        if name not in numbers or name in given:
            raise ValueError(f"has {name!r} among its options, which are binds and window, each once")
        given[name] = parse_number(value, 1, numbers[name][1], name)
    tls = url.scheme == "smpps"
    port = (3550 if tls else 2775) if url.port is None else url.port
    if port == 0:
        raise ValueError("must name a port")
    options = {name: given.get(name, default) for name, (default, _) in numbers.items()}
    return SmscUrl(system_id, password, Address(url.hostname, port), tls=tls, **options)


def parse_smtp_url(text: str) -> SmtpUrl:
    """`smtp://user:password@host:587`, with `?starttls=off` for a server on this machine, or `smtps://…:465`. Raises
    ValueError."""
    url = urlsplit(text)
    if url.scheme not in ("smtp", "smtps") or not url.hostname or url.path not in ("", "/") or url.fragment:
        raise ValueError("must look like smtp://user:password@host:587 or smtps://user:password@host:465")
    if (url.username is None) != (url.password is None):
        raise ValueError("must have a user and a password, or neither")
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    if options.pop("starttls", "on") not in ("on", "off") or options:
        raise ValueError("has one option: starttls=off")
    tls = url.scheme == "smtps"
    return SmtpUrl(
        Address(url.hostname, url.port or (465 if tls else 587)),
        None if url.username is None else unquote(url.username),
        None if url.password is None else unquote(url.password),
        tls,
        "starttls=off" not in url.query,
    )


def parse_mail_from(text: str) -> str:
    name, address = parseaddr(text)
    if "@" not in address or not text.isprintable():
        raise ValueError("must look like Motet <motet@example.com>")
    return formataddr((name, address))


def parse_duration_s(text: str) -> int:
    """`90s`, `15m`, `1h`, `30d` in seconds; a bare number is seconds. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,9})([smhd]?)", text)
    if match is None or int(match[1]) == 0:
        raise ValueError("must be a time such as 90s, 15m, 1h or 30d")
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}[match[2]]


def parse_number(text: str, least: int, most: int, name: str = "") -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name + ' ' if name else ''}must be a number from {least} to {most}")
    return int(text)


def parse_path(text: str) -> Path:
    if not text:
        raise ValueError("must be a path")
    return Path(text).expanduser()


def parse_database_url(text: str) -> str:
    if urlsplit(text).scheme not in ("postgresql", "postgres"):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return text


def parse_http_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment or url.username:
        raise ValueError("must look like https://carrier.example/motet")
    return text


def parse_public_url(text: str) -> str:
    url = urlsplit(text)
    named = url.scheme in ("http", "https") and url.hostname and not (url.query or url.fragment or url.username)
    if not named or url.path not in ("", "/"):
        raise ValueError("must look like https://motet.example.com")
    return text.rstrip("/")


def parse_cidr_text(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("must be a network such as 10.20.0.0/16") from None


def parse_token(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one word of ASCII characters")
    return text


def parse_switch(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError("must be 1 or 0")
    return words[text.lower()]


def parse_factory_test(text: str) -> tuple[str, int]:
    """`sms=N`, `data_octets=N` or `days=N`."""
    name, equals, number = text.partition("=")
    if not equals or name not in FACTORY_TEST_NAMES:
        raise ValueError(f"must be {', '.join(f'{each}=N' for each in FACTORY_TEST_NAMES)}")
    return name, parse_number(number, 1, 366 if name == "days" else 1 << 31, name)


def parse_network(text: str) -> Network:
    try:
        return parse_cidr(text)
    except ValueError:
        raise ValueError("must be a network such as 10.0.0.0/8 or 2001:db8::/32") from None


def parse_origin(text: str) -> str:
    """What browsers send as Origin: scheme, host, and the port unless it is the scheme's."""
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or text != f"{url.scheme}://{url.netloc}" or "@" in text:
        raise ValueError("must look like https://portal.example or http://localhost:3000")
    return text.lower()


def parse_host(text: str) -> str:
    if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[0-9A-Za-z.\-]{1,253})(:\d{1,5})?", text):
        raise ValueError("must be a host, with a port if only that one is meant")
    return text.lower()


def parse_named_limit(text: str) -> tuple[str, int]:
    """`NAME=NUMBER`; whether there is a limit of that name is for the edge to say."""
    name, equals, number = text.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError("must be NAME=NUMBER")
    return name, parse_number(number, 1, 1 << 31, name)
