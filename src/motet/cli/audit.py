"""`motet audit`: verify the log's chains, keep their ends elsewhere, export entries, say how long they are kept."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from motet.bootstrap.audit_commands import audit_anchors, export_audit, keep_audit, verify_audit
from motet.cli.access_flags import DATABASE_FLAGS
from motet.config.errors import SettingError
from motet.config.flags import add_flags, read_settings
from motet.identity.audit_check import Verdict
from motet.log import configure_logging

BAR_CHARACTERS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="walk all chains; exit status 1 if one is broken")
    verify.add_argument("--since", metavar="TIME", help="leave out what was made before: 2026-11-30 or with a time")
    verify.add_argument("--anchor", metavar="FILE", type=Path, help="what `motet audit anchor` printed some time ago")
    anchor = actions.add_parser("anchor", help="print where the chains end, to be kept elsewhere")
    export = actions.add_parser("export", help="print sealed entries as JSON lines")
    export.add_argument("--since", metavar="TIME", help="made at this time or later")
    export.add_argument("--until", metavar="TIME", help="made before this time")
    retention = actions.add_parser("retention", help="how long entries are kept")
    kept = retention.add_mutually_exclusive_group(required=True)
    kept.add_argument("--days", type=int, metavar="N", help="30 to 36500")
    kept.add_argument("--default", action="store_true", help="as the installation's log; that one: for ever")
    for each in (verify, anchor, export):
        which = each.add_mutually_exclusive_group()
        which.add_argument("--workspace", metavar="W", help="its log alone; by number if it is no more")
        which.add_argument("--installation", action="store_true", help="the operator's log alone")
    retention.add_argument("--workspace", metavar="W", help="its log; without it the installation's, and the default")
    add_flags(verify, (*DATABASE_FLAGS, "json"))
    for each in (anchor, export, retention):
        add_flags(each, DATABASE_FLAGS)


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    match arguments.action:
        case "anchor":
            for line in audit_anchors(settings, arguments.workspace, installation=arguments.installation):
                print(line)
        case "export":
            export_audit(
                settings,
                arguments.workspace,
                lambda line: print(json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"))),
                installation=arguments.installation,
                since=_moment(arguments.since, "--since"),
                until=_moment(arguments.until, "--until"),
            )
        case "retention":
            keep_audit(settings, arguments.workspace, None if arguments.default else arguments.days)
        case _:
            show = _bar if sys.stderr.isatty() and not settings.json else _no_bar
            verdicts = verify_audit(
                settings,
                arguments.workspace,
                installation=arguments.installation,
                since=_moment(arguments.since, "--since"),
                anchor_file=arguments.anchor,
                show=show,
            )
            return _told(verdicts, as_json=settings.json)
    return 0


def _told(verdicts: list[Verdict], *, as_json: bool) -> int:
    broken = [one for one in verdicts if one.broken is not None]
    for one in verdicts:
        name = one.name or ("the installation" if one.log == 0 else f"workspace {one.log}, which is no more")
        if as_json:
            told = {"log": str(one.log), "workspace": one.name, "entries": one.entries, "seq": one.end.seq,
                    "hash": one.end.hash.hex(), "broken": one.broken}  # fmt: skip
            print(json.dumps({"event": "verified", **told}))
        elif one.broken is None:
            print(f"{name}: {one.entries} entries, whole")
        else:
            print(f"{name}: BROKEN: {one.broken} ({one.entries} entries before it are whole)")
    return 1 if broken else 0


def _moment(text: str | None, flag: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingError(f"{flag} must be a day or a time such as 2026-11-30T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _bar(done: int, total: int) -> None:
    filled = round((done / total if total else 1.0) * BAR_CHARACTERS)
    bar = "#" * filled + "." * (BAR_CHARACTERS - filled)
    end = "\n" if done >= total else ""
    print(f"\r[{bar}] {done}/{total} entries", end=end, file=sys.stderr, flush=True)


def _no_bar(_done: int, _total: int) -> None:
    pass
