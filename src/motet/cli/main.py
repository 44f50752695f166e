"""The `motet` command: finds the subcommand's module and leaves the rest to it.

A command is a module with `add_arguments(parser)` and `run(arguments) -> int`, the exit status. Only the one that is
called is imported, so that `motet esme` does not wait for a web server.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

from motet import __version__
from motet.config.errors import StartError


class Command(NamedTuple):
    """Where a command lives, and what `motet --help` says of it."""

    module: str
    summary: str


COMMANDS = {
    "serve": Command("motet.cli.serve", "the gateway: HTTP, SMPP server, hub, upstream links, webhooks"),
    "demo": Command("motet.cli.demo", "serve with an embedded PostgreSQL, sample data and a simulated network"),
    "simulator": Command("motet.simulator.command", "the simulated network alone: an SMSC with virtual phones"),
    "migrate": Command("motet.cli.migrate", "bring the database to the newest schema"),
    "schema": Command("motet.cli.schema", "print the GraphQL schema (SDL)"),
    "esme": Command("motet.cli.esme", "a small ESME for trying an account from a shell"),
    "workspace": Command("motet.cli.workspace", "make a workspace with a first administrator"),
    "sim": Command("motet.cli.sim", "import a list of SIMs"),
    "audit": Command("motet.cli.audit", "verify, anchor and export the audit log"),
    "user": Command("motet.cli.user", "print links by which people set their passwords"),
    "domains": Command("motet.cli.domains", "list or release the mail domains of identity providers"),
    "documents": Command("motet.cli.documents", "register GraphQL documents that clients may name"),
    "token": Command("motet.cli.token", "print an access token"),
    "keys": Command("motet.cli.keys", "list or change the keys that sign access tokens"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit status: 2 for wrong usage, 1 for what could not be done."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="motet",
        description="A self-hosted platform for cellular IoT fleets: a GraphQL gateway with an SMS/SMPP hub.",
        epilog="`motet COMMAND --help` tells a command's flags. Each has an environment variable; the flag wins.",
    )
    parser.add_argument("--version", action="version", version=f"motet {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    called = next((word for word in words if not word.startswith("-")), None)
    for name, command in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=command.summary, description=command.summary[:1].upper() + command.summary[1:] + "."
        )
        if name == called:
            importlib.import_module(command.module).add_arguments(subparser)
    parsed = parser.parse_args(words)
    try:
        status: int = importlib.import_module(COMMANDS[parsed.command].module).run(parsed)
    except StartError as error:
        print(f"motet: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status
