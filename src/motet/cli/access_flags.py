"""The flags that the commands share which need the database and nothing else."""

from __future__ import annotations

import argparse

from motet.access.tokens import MAX_TTL_S
from motet.config.errors import SettingError
from motet.config.flags import add_flags
from motet.config.values import parse_duration_s

DATABASE_FLAGS = ("data-dir", "database-url", "log-format", "log-level")


def add_issuing_flags(parser: argparse.ArgumentParser) -> None:
    """For commands that print a token."""
    add_flags(parser, (*DATABASE_FLAGS, "secret-key-file"))
    parser.add_argument(
        "--ttl", default="1h", metavar="TIME", help="how long the token is good: 90s, 15m, 1h, 30d (1h)"
    )


def read_ttl_s(arguments: argparse.Namespace) -> int:
    """--ttl in seconds. Raises SettingError."""
    try:
        ttl_s = parse_duration_s(arguments.ttl)
    except ValueError as error:
        raise SettingError(f"--ttl {error}") from None
    if ttl_s > MAX_TTL_S:
        raise SettingError(f"--ttl must be at most {MAX_TTL_S // 86_400}d")
    return ttl_s
