"""`motet domains`: to whose identity provider a mail domain leads, and taking it from them."""

from __future__ import annotations

import argparse
import json

from motet.bootstrap.domain_commands import mail_domains, release_domain
from motet.cli.access_flags import DATABASE_FLAGS
from motet.config.flags import add_flags, read_settings
from motet.log import configure_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="who holds which mail domain")
    releasing = actions.add_parser("release", help="take a domain from the provider that holds it")
    releasing.add_argument("domain", metavar="DOMAIN", help="such as example.com")
    add_flags(listing, (*DATABASE_FLAGS, "json"))
    add_flags(releasing, DATABASE_FLAGS)


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    if arguments.action == "release":
        row, enabled = release_domain(settings, arguments.domain)
        print(f"{row.domain} is no longer {row.organisation}'s, by its provider {row.provider}.")
        if row.enabled and not enabled:
            print("That was the provider's last domain: nobody can sign in by it now.")
        return 0
    for row in mail_domains(settings):
        if settings.json:
            seen = None if row.last_sign_in_at is None else row.last_sign_in_at.isoformat()
            print(json.dumps(row._asdict() | {"last_sign_in_at": seen}, ensure_ascii=False))
        else:
            seen = "nobody yet" if row.last_sign_in_at is None else f"last {row.last_sign_in_at:%Y-%m-%d}"
            closed = "" if row.enabled else ", closed"
            print(f"{row.domain}  {row.organisation}, by {row.provider}{closed} ({seen})")
    return 0
