"""`motet serve`: the gateway."""

from __future__ import annotations

import argparse

from motet.bootstrap.components import COMPONENTS
from motet.bootstrap.gateway import prepare_gateway
from motet.bootstrap.node import run_node
from motet.config.flags import add_flags, read_settings
from motet.log import configure_logging

FLAGS = (
    "http", "https", "smpp", "smpp-tls",
    "tls-cert", "tls-key", "tls-client-ca", "tls-min-version",
    "trusted-proxies", "cors-origin", "allowed-host", "smpp-limit", "http-limit",
    "public-url", "smtp", "mail-from",
    "breached-passwords", "sso-network", "data-dir", "database-url", "secret-key-file", "smsc",
    "smsc-ca", "smsc-cert", "smsc-key", "metrics-token",
    "network-url", "network-token", "graphql-limit", "introspection", "trusted-documents-only", "factory-test",
    "json", "log-format", "log-level",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, FLAGS)


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    return run_node(settings, prepare_gateway, COMPONENTS)
