"""`motet schema`: the GraphQL schema as SDL."""

from __future__ import annotations

import argparse


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(_arguments: argparse.Namespace) -> int:
    from motet.graphql.schema import print_sdl

    print(print_sdl().rstrip("\n"))
    return 0
