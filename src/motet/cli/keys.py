"""`motet keys list` and `motet keys rotate`: the keys that sign access tokens."""

from __future__ import annotations

import argparse
import json

from motet.bootstrap.commands import list_keys, rotate_keys
from motet.cli.access_flags import DATABASE_FLAGS
from motet.config.flags import add_flags, read_settings
from motet.log import configure_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the keys, the one that signs first")
    rotating = actions.add_parser("rotate", help="let a new key sign; tokens of the former ones stay good")
    rotating.add_argument(
        "--end-tokens", action="store_true", help="end every access token that was issued before, at once"
    )
    for action in (listing, rotating):
        add_flags(action, (*DATABASE_FLAGS, "secret-key-file", "json"))


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    if arguments.action == "rotate":
        kid = rotate_keys(settings, end_tokens=arguments.end_tokens)
        print(json.dumps({"event": "rotated", "kid": kid}) if settings.json else f"The key {kid} signs from now on.")
        return 0
    for row in list_keys(settings):
        signs = row.sealed_key is not None
        facts = {
            "kid": row.kid,
            "signs": signs,
            "created_at": row.created_at.isoformat(),
            "checks_until": None if signs else row.last_expiry.isoformat(),
        }
        words = "signs" if signs else f"checks until {row.last_expiry:%Y-%m-%d %H:%M} UTC"
        print(json.dumps(facts) if settings.json else f"{row.kid}  made {row.created_at:%Y-%m-%d}, {words}")
    return 0
