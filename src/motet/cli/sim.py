"""`motet sim import FILE --workspace W`: a carrier's list of SIMs from a shell, with a bar that shows how far it is."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from motet.bootstrap.sim_import import Progress, import_file
from motet.config.errors import StartError
from motet.config.flags import add_flags, read_settings
from motet.domain.sim_columns import FIELDS, PRESETS
from motet.fleet.sims.sim_sheet import Layout
from motet.log import configure_logging

BAR_CHARACTERS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    imports = actions.add_parser("import", help="register the SIMs of a carrier's list")
    imports.add_argument("file", metavar="FILE", type=Path, help="the list as CSV, up to 500,000 lines")
    imports.add_argument("--workspace", metavar="W", required=True, help="the workspace that the SIMs are for")
    imports.add_argument("--preset", choices=sorted(PRESETS), help="whose export it is")
    imports.add_argument("--delimiter", metavar="D", help="what stands between cells, if not as the header tells")
    imports.add_argument(
        "--column", metavar="FIELD=NAME", action="append", default=[], help=f"a column's name; of {', '.join(FIELDS)}"
    )
    imports.add_argument("--complete-iccid", action="store_true", help="ICCIDs lack their check digit: add it")
    imports.add_argument("--dry-run", action="store_true", help="check only")
    add_flags(imports, ("data-dir", "database-url", "json", "log-format", "log-level"))


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    layout = Layout(_columns(arguments.column), arguments.delimiter, arguments.preset, arguments.complete_iccid or None)
    show = _no_bar if settings.json or not sys.stderr.isatty() else _bar
    came = import_file(settings, arguments.workspace, arguments.file, layout, dry_run=arguments.dry_run, show=show)
    if settings.json:
        print(json.dumps({"event": "imported", "rows": came.total, "registered": came.changed, "failed": came.failed}))
        return 0 if not came.failed else 1
    for error in came.errors:
        where = f"line {error.line}" + (f", {error.field}" if error.field else "")
        print(f"{where}: {error.message}", file=sys.stderr)
    if came.failed > len(came.errors):
        print(f"and {came.failed - len(came.errors)} lines more", file=sys.stderr)
    done = "would be registered" if arguments.dry_run else "are registered"
    print(f"{came.changed} of {came.total} SIMs {done}.")
    return 0 if not came.failed else 1


def _columns(given: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for one in given:
        field, equals, name = one.partition("=")
        if field not in FIELDS or not equals or not name:
            raise StartError(f"--column must be FIELD=NAME with a FIELD of {', '.join(FIELDS)}")
        columns[field] = name
    return columns


def _bar(progress: Progress) -> None:
    part = progress.done / progress.total if progress.total else 1.0
    filled = round(part * BAR_CHARACTERS)
    bar = "#" * filled + "." * (BAR_CHARACTERS - filled)
    end = "\n" if progress.done >= progress.total else ""
    print(
        f"\r[{bar}] {progress.done}/{progress.total} lines, {progress.failed} wrong",
        end=end,
        file=sys.stderr,
        flush=True,
    )


def _no_bar(_progress: Progress) -> None:
    pass
