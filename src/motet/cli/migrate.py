"""`motet migrate`: the newest schema."""

from __future__ import annotations

import argparse

from motet.bootstrap.commands import migrate_database
from motet.cli.access_flags import DATABASE_FLAGS
from motet.config.flags import add_flags, read_settings
from motet.log import configure_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, DATABASE_FLAGS)


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    applied = migrate_database(settings)
    for one in applied:
        print(f"applied {one.version:04}_{one.name}")
    if not applied:
        print("the schema is the newest already")
    return 0
