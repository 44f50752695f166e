"""What an operator sets: flags, each with a MOTET_* variable behind it, made into one frozen object. A flag wins."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formataddr, parseaddr
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from motet.domain.cidrs import Network, parse_cidr

MAX_DEVICES = 1_000_000
"""Sample devices of the demo: what its numbering plan has room for."""

MAX_BINDS = 64
MAX_WINDOW = 10_000
SYSTEM_ID_OCTETS = 15
"""SMPP 3.4 §4.1.1: a C-octet string of at most 16 with its end."""
PASSWORD_OCTETS = 8
"""SMPP 3.4 §4.1.1, of at most 9 with its end."""


class StartError(Exception):
    """Motet cannot start. The message is for the person at the shell: what is wrong, and what to do about it."""


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


HTTP_ADDRESS = Address("127.0.0.1", 8080)
SMPP_ADDRESS = Address("127.0.0.1", 2775)
SMPP_TLS_ADDRESS = Address("127.0.0.1", 3550)
NETWORK_ADDRESS = Address("127.0.0.1", 8090)


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


FACTORY_TEST_NAMES = ("sms", "data_octets", "days")
"""What of a factory test can be set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, with its default."""

    http: Address = HTTP_ADDRESS
    https: Address | None = None
    smpp: Address = SMPP_ADDRESS
    smpp_tls: Address | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    public_url: str | None = None
    """Where browsers reach this installation, without a slash at the end; None: where HTTP is served."""
    sso_network: tuple[str, ...] = ()
    """Networks that are not globally routable and where identity providers may be."""
    tls_client_ca: Path | None = None
    tls_min_version: TlsVersion = TlsVersion.TLS_1_2
    trusted_proxies: tuple[Network, ...] = ()
    cors_origin: tuple[str, ...] = ()
    allowed_host: tuple[str, ...] = ()
    smpp_limit: tuple[tuple[str, int], ...] = ()
    http_limit: tuple[tuple[str, int], ...] = ()
    smtp: SmtpUrl | None = None
    mail_from: str = "Motet <motet@localhost>"
    breached_passwords: Path | None = None
    network: Address = NETWORK_ADDRESS
    data_dir: Path = Path("data")
    database_url: str | None = field(default=None, repr=False)
    secret_key_file: Path | None = None
    smsc: tuple[SmscUrl, ...] = ()
    smsc_ca: Path | None = None
    graphql_limit: tuple[tuple[str, int], ...] = ()
    introspection: bool = False
    trusted_documents_only: bool = False
    factory_test: tuple[tuple[str, int], ...] = ()
    network_url: str | None = None
    network_token: str | None = field(default=None, repr=False)
    devices: int = 1000
    json: bool = False
    log_format: LogFormat = LogFormat.CONSOLE
    log_level: LogLevel = LogLevel.INFO


class SettingError(StartError):
    """A flag or variable has a value that it cannot have."""


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
        given[name] = _number(value, 1, numbers[name][1], name)
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


def _mail_from(text: str) -> str:
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


def _number(text: str, least: int, most: int, name: str = "") -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name + ' ' if name else ''}must be a number from {least} to {most}")
    return int(text)


def _path(text: str) -> Path:
    if not text:
        raise ValueError("must be a path")
    return Path(text).expanduser()


def _database_url(text: str) -> str:
    if urlsplit(text).scheme not in ("postgresql", "postgres"):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return text


def _http_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment or url.username:
        raise ValueError("must look like https://carrier.example/motet")
    return text


def _public_url(text: str) -> str:
    url = urlsplit(text)
    named = url.scheme in ("http", "https") and url.hostname and not (url.query or url.fragment or url.username)
    if not named or url.path not in ("", "/"):
        raise ValueError("must look like https://motet.example.com")
    return text.rstrip("/")


def _cidr(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("must be a network such as 10.20.0.0/16") from None


def _token(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one word of ASCII characters")
    return text


def _switch(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError("must be 1 or 0")
    return words[text.lower()]


def _factory_test(text: str) -> tuple[str, int]:
    """`sms=N`, `data_octets=N` or `days=N`."""
    name, equals, number = text.partition("=")
    if not equals or name not in FACTORY_TEST_NAMES:
        raise ValueError(f"must be {', '.join(f'{each}=N' for each in FACTORY_TEST_NAMES)}")
    return name, _number(number, 1, 366 if name == "days" else 1 << 31, name)


def _proxies(text: str) -> Network:
    try:
        return parse_cidr(text)
    except ValueError:
        raise ValueError("must be a network such as 10.0.0.0/8 or 2001:db8::/32") from None


def _origin(text: str) -> str:
    """What browsers send as Origin: scheme, host, and the port unless it is the scheme's."""
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or text != f"{url.scheme}://{url.netloc}" or "@" in text:
        raise ValueError("must look like https://portal.example or http://localhost:3000")
    return text.lower()


def _host(text: str) -> str:
    if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[0-9A-Za-z.\-]{1,253})(:\d{1,5})?", text):
        raise ValueError("must be a host, with a port if only that one is meant")
    return text.lower()


def _named_limit(text: str) -> tuple[str, int]:
    """`NAME=NUMBER`; whether there is a limit of that name is for the edge to say."""
    name, equals, number = text.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError("must look like sessions=5000")
    return name, _number(number, 1, 1 << 31, name)


def _graphql_limit(text: str) -> tuple[str, int]:
    """`NAME=NUMBER`; whether there is a limit of that name is for the GraphQL edge to say."""
    name, equals, number = text.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError("must look like depth=30")
    return name, _number(number, 1, 1 << 31, name)


class _Flag(NamedTuple):
    parse: Callable[[str], Any]
    metavar: str
    help: str


FLAGS: Mapping[str, _Flag] = {
    "http": _Flag(parse_address, "HOST:PORT", "where HTTP is served: GraphQL, REST, portal (127.0.0.1:8080)"),
    "https": _Flag(parse_address, "HOST:PORT", "where the same is served with TLS; needs --tls-cert"),
    "smpp": _Flag(parse_address, "HOST:PORT", "where ESMEs connect (127.0.0.1:2775)"),
    "smpp-tls": _Flag(parse_address, "HOST:PORT", "where ESMEs connect with TLS (127.0.0.1:3550 once there is a cert)"),
    "tls-cert": _Flag(_path, "FILE", "the certificate chain for --smpp-tls, PEM; read again when it changes"),
    "tls-key": _Flag(_path, "FILE", "its private key, PEM"),
    "public-url": _Flag(_public_url, "URL", "where browsers reach it: for links in mails and single sign-on"),
    "sso-network": _Flag(_cidr, "CIDR", "a private network where identity providers may be, such as 10.20.0.0/16"),
    "tls-client-ca": _Flag(_path, "FILE", "authorities, PEM: ESMEs need a certificate of one of them on --smpp-tls"),
    "tls-min-version": _Flag(TlsVersion, "1.2|1.3", "the oldest version of TLS that is spoken (1.2)"),
    "trusted-proxies": _Flag(_proxies, "CIDR", "reverse proxies whose X-Forwarded-For is believed (none)"),
    "cors-origin": _Flag(_origin, "ORIGIN", "pages of this origin may ask from browsers (none)"),
    "allowed-host": _Flag(_host, "HOST", "a name that we are asked by; requests to others get 421 (any)"),
    "smpp-limit": _Flag(_named_limit, "NAME=N", "another bound for ESMEs, such as sessions_per_address=50"),
    "http-limit": _Flag(_named_limit, "NAME=N", "another bound for HTTP connections, such as sessions=20000"),
    "smtp": _Flag(parse_smtp_url, "URL", "who takes mails: smtp://user:password@host:587 (the demo: the console)"),
    "mail-from": _Flag(_mail_from, "ADDRESS", "whom mails come from (Motet <motet@localhost>)"),
    "breached-passwords": _Flag(_path, "FILE", "passwords that are not taken: sorted SHA-1 hashes, one a line"),
    "network": _Flag(parse_address, "HOST:PORT", "the simulated network's control API (127.0.0.1:8090)"),
    "data-dir": _Flag(_path, "DIR", "where this Motet keeps what is its own (./data)"),
    "database-url": _Flag(_database_url, "URL", "a PostgreSQL >= 15; absent: an embedded one under the data dir"),
    "secret-key-file": _Flag(_path, "FILE", "encrypts secrets in the database; 64 hex digits (in the data dir)"),
    "smsc": _Flag(parse_smsc_url, "URL", "an upstream: smpp://system_id:password@host:port?binds=1&window=100"),
    "smsc-ca": _Flag(_path, "FILE", "authorities, PEM, that SMSCs' certificates may be of, beside the system's"),
    "network-url": _Flag(_http_url, "URL", "the mobile network's API that takes our orders: URL/orders/…"),
    "network-token": _Flag(_token, "TOKEN", "the bearer token that we show there"),
    "graphql-limit": _Flag(_graphql_limit, "NAME=N", "another bound for GraphQL, such as depth=30 or sockets=500"),
    "introspection": _Flag(_switch, "", "let callers of GraphQL read the schema (the demo does)"),
    "trusted-documents-only": _Flag(_switch, "", "run only GraphQL documents that were registered"),
    "factory-test": _Flag(
        _factory_test, "NAME=N", "what a SIM under test may use: sms=10, data_octets=100000 or days=30"
    ),
    "devices": _Flag(lambda text: _number(text, 1, MAX_DEVICES), "N", "how many sample devices (1000)"),
    "json": _Flag(_switch, "", "one JSON line on stdout when ready"),
    "log-format": _Flag(LogFormat, "json|console", "how logs are written to stderr (console)"),
    "log-level": _Flag(LogLevel, "debug|info|warning|error", "the least severe log that is written (info)"),
}


REPEATABLE = frozenset(
    {
        "smsc",
        "sso-network",
        "graphql-limit",
        "factory-test",
        "trusted-proxies",
        "cors-origin",
        "allowed-host",
        "smpp-limit",
        "http-limit",
    }
)
"""Flags that may be given several times; their variables hold values parted by spaces."""


def add_flags(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Gives the parser these of the `FLAGS`. Values stay text: `read_settings` judges flags and variables alike."""
    for name in names:
        flag = FLAGS[name]
        text = f"{flag.help} [{variable_of(name)}]"
        if flag.parse is _switch:
            parser.add_argument(f"--{name}", action="store_const", const="1", help=text)
        elif name in REPEATABLE:
            parser.add_argument(f"--{name}", action="append", metavar=flag.metavar, help=text + "; repeatable")
        else:
            parser.add_argument(f"--{name}", metavar=flag.metavar, help=text)


def variable_of(name: str) -> str:
    """The environment variable behind a flag: `MOTET_DATA_DIR` for `data-dir`."""
    return "MOTET_" + name.upper().replace("-", "_")


def read_settings(arguments: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings from parsed arguments and the environment. Raises SettingError naming the flag or variable.

    A variable that is set but empty counts as absent. Those of `REPEATABLE` flags hold values parted by spaces.
    """
    values: dict[str, Any] = {}
    for name, flag in FLAGS.items():
        key = name.replace("-", "_")
        given, where = getattr(arguments, key, None), f"--{name}"
        if given is None and environment.get(variable_of(name)):
            given, where = environment[variable_of(name)], variable_of(name)
            if name in REPEATABLE:
                given = given.split()
        if given is None:
            continue
        try:
            values[key] = tuple(map(flag.parse, given)) if isinstance(given, list) else flag.parse(given)
        except ValueError as error:
            words = f"must be {flag.metavar.replace('|', ', ')}" if isinstance(flag.parse, type) else str(error)
            raise SettingError(f"{where} {words}") from None
    return _with_tls(Settings(**values))


def _with_tls(settings: Settings) -> Settings:
    """TLS takes a certificate and its key, or neither; together they turn it on."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingError("--tls-cert and --tls-key go together")
    if settings.smpp_tls is not None and settings.tls_cert is None:
        raise SettingError("--smpp-tls needs --tls-cert and --tls-key")
    if settings.tls_client_ca is not None and settings.tls_cert is None:
        raise SettingError("--tls-client-ca needs --tls-cert and --tls-key")
    if settings.https is not None and settings.tls_cert is None:
        raise SettingError("--https needs --tls-cert and --tls-key")
    if settings.tls_cert is None or settings.smpp_tls is not None:
        return settings
    return replace(settings, smpp_tls=SMPP_TLS_ADDRESS)
