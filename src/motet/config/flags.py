"""The flags, the MOTET_* variable behind each, and the settings that come of them. A flag wins."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from motet.config.errors import SettingError
from motet.config.settings import SMPP_TLS_ADDRESS, Settings
from motet.config.values import (
    LogFormat,
    LogLevel,
    TlsVersion,
    parse_address,
    parse_cidr_text,
    parse_database_url,
    parse_factory_test,
    parse_host,
    parse_http_url,
    parse_mail_from,
    parse_named_limit,
    parse_network,
    parse_number,
    parse_origin,
    parse_path,
    parse_public_url,
    parse_smsc_url,
    parse_smtp_url,
    parse_switch,
    parse_token,
)

MAX_DEVICES = 1_000_000
"""Sample devices of the demo: what its numbering plan has room for."""


class _Flag(NamedTuple):
    parse: Callable[[str], Any]
    metavar: str
    help: str


FLAGS: Mapping[str, _Flag] = {
    "http": _Flag(parse_address, "HOST:PORT", "where HTTP is served: GraphQL, REST, portal (127.0.0.1:8080)"),
    "https": _Flag(parse_address, "HOST:PORT", "where the same is served with TLS; needs --tls-cert"),
    "smpp": _Flag(parse_address, "HOST:PORT", "where ESMEs connect (127.0.0.1:2775)"),
    "smpp-tls": _Flag(parse_address, "HOST:PORT", "where ESMEs connect with TLS (127.0.0.1:3550 once there is a cert)"),
    "tls-cert": _Flag(parse_path, "FILE", "the certificate chain for --smpp-tls, PEM; read again when it changes"),
    "tls-key": _Flag(parse_path, "FILE", "its private key, PEM"),
    "public-url": _Flag(parse_public_url, "URL", "where browsers reach it: for links in mails and single sign-on"),
    "sso-network": _Flag(
        parse_cidr_text, "CIDR", "a private network where identity providers may be, such as 10.20.0.0/16"
    ),
    "tls-client-ca": _Flag(
        parse_path, "FILE", "authorities, PEM: ESMEs need a certificate of one of them on --smpp-tls"
    ),
    "tls-min-version": _Flag(TlsVersion, "1.2|1.3", "the oldest version of TLS that is spoken (1.2)"),
    "trusted-proxies": _Flag(parse_network, "CIDR", "reverse proxies whose X-Forwarded-For is believed (none)"),
    "cors-origin": _Flag(parse_origin, "ORIGIN", "pages of this origin may ask from browsers (none)"),
    "allowed-host": _Flag(parse_host, "HOST", "a name that we are asked by; requests to others get 421 (any)"),
    "smpp-limit": _Flag(parse_named_limit, "NAME=N", "another bound for ESMEs, such as sessions_per_address=50"),
    "http-limit": _Flag(parse_named_limit, "NAME=N", "another bound for HTTP connections, such as sessions=20000"),
    "smtp": _Flag(parse_smtp_url, "URL", "who takes mails: smtp://user:password@host:587 (the demo: the console)"),
    "mail-from": _Flag(parse_mail_from, "ADDRESS", "whom mails come from (Motet <motet@localhost>)"),
    "breached-passwords": _Flag(parse_path, "FILE", "passwords that are not taken: sorted SHA-1 hashes, one a line"),
    "metrics-token": _Flag(parse_token, "TOKEN", "the bearer token that /metrics asks for (none: it is open)"),
    "network": _Flag(parse_address, "HOST:PORT", "the simulated network's control API (127.0.0.1:8090)"),
    "data-dir": _Flag(parse_path, "DIR", "where this Motet keeps what is its own (./data)"),
    "database-url": _Flag(parse_database_url, "URL", "a PostgreSQL >= 15; absent: an embedded one under the data dir"),
    "secret-key-file": _Flag(parse_path, "FILE", "encrypts secrets in the database; 64 hex digits (in the data dir)"),
    "smsc": _Flag(parse_smsc_url, "URL", "an upstream: smpp://system_id:password@host:port?binds=1&window=100"),
    "smsc-ca": _Flag(parse_path, "FILE", "authorities, PEM, that SMSCs' certificates may be of, beside the system's"),
    "smsc-cert": _Flag(parse_path, "FILE", "the certificate chain that we show to SMSCs, PEM"),
    "smsc-key": _Flag(parse_path, "FILE", "its private key, PEM"),
    "network-url": _Flag(parse_http_url, "URL", "the mobile network's API that takes our orders: URL/orders/…"),
    "network-token": _Flag(parse_token, "TOKEN", "the bearer token that we show there"),
    "graphql-limit": _Flag(parse_named_limit, "NAME=N", "another bound for GraphQL, such as depth=30 or sockets=500"),
    "introspection": _Flag(parse_switch, "", "let callers of GraphQL read the schema (the demo does)"),
    "trusted-documents-only": _Flag(parse_switch, "", "run only GraphQL documents that were registered"),
    "factory-test": _Flag(
        parse_factory_test, "NAME=N", "what a SIM under test may use: sms=10, data_octets=100000 or days=30"
    ),
    "devices": _Flag(lambda text: parse_number(text, 1, MAX_DEVICES), "N", "how many sample devices (1000)"),
    "json": _Flag(parse_switch, "", "one JSON line on stdout when ready"),
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
        if flag.parse is parse_switch:
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
    if (settings.smsc_cert is None) != (settings.smsc_key is None):
        raise SettingError("--smsc-cert and --smsc-key go together")
    if settings.tls_cert is None or settings.smpp_tls is not None:
        return settings
    return replace(settings, smpp_tls=SMPP_TLS_ADDRESS)
