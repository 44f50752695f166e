"""`motet demo`: the whole of Motet in one go, on loopback."""

from __future__ import annotations

import argparse

from motet.bootstrap.components import COMPONENTS
from motet.bootstrap.demo import prepare_demo
from motet.bootstrap.node import run_node
from motet.cli.serve import FLAGS
from motet.config.flags import add_flags, read_settings
from motet.log import configure_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, (*FLAGS, "network", "devices"))


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    return run_node(settings, prepare_demo, COMPONENTS, demo=True)
