"""`motet workspace create NAME`: a workspace with a first administrator."""

from __future__ import annotations

import argparse
import json

from motet.bootstrap.commands import make_workspace
from motet.cli.access_flags import add_issuing_flags, read_ttl_s
from motet.config.flags import add_flags, read_settings
from motet.domain.global_ids import encode_global_id
from motet.log import configure_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make one, and print its first administrator's token")
    create.add_argument("name", metavar="NAME", help="lower-case letters, digits and inner hyphens")
    add_flags(create, ("json",))
    add_issuing_flags(create)


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    made = make_workspace(settings, arguments.name, read_ttl_s(arguments))
    if settings.json:
        workspace_id = encode_global_id("Workspace", made.workspace_id)
        print(json.dumps({"event": "created", "workspace": made.name, "id": workspace_id, "token": made.token}))
    else:
        print(f"Workspace {made.name} is made. Its administrator's token:\n{made.token}")
    return 0
