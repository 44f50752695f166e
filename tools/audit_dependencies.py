"""Asks pip-audit whether anything that Motet needs has a known vulnerability. A part of `make check`.

A known vulnerability of what Motet runs with fails, unless tools/audit-allowed.toml says why it does not matter and
until when. One of a tool that only development needs is told. Without a network, or where PyPI's answers hold nothing
about vulnerabilities, that is told too, loudly, and nothing fails.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

TIMEOUT_S = 180
ALLOWED = Path(__file__).with_name("audit-allowed.toml")


@dataclass(frozen=True)
class Allowance:
    """A vulnerability that does not matter here."""

    package: str
    id: str
    reason: str
    until: date


@dataclass(frozen=True)
class Verdict:
    """What came of it."""

    failed: bool
    words: list[str]


def main() -> int:
    allowances = read_allowances(ALLOWED.read_text())
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        run = subprocess.run(
            [*command, "--skip-editable"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        report = json.loads(run.stdout)
    except subprocess.TimeoutExpired:
        return _told(not_audited(f"no answer within {TIMEOUT_S} s"))
    except json.JSONDecodeError:
        return _told(not_audited(run.stderr.strip().rpartition("\n")[2][:300]))
    return _told(judge(report, allowances, needed_by("motet"), datetime.now(UTC).date()))


def _told(verdict: Verdict) -> int:
    for line in verdict.words:
        print(f"audit: {line}", file=sys.stderr)
    return int(verdict.failed)


def not_audited(why: str) -> Verdict:
    """Nothing could be asked."""
    return Verdict(False, [f"DEPENDENCIES WERE NOT AUDITED for known vulnerabilities: {why}"])


def read_allowances(text: str) -> list[Allowance]:
    """The file's tables. Raises KeyError, TypeError for what is no allowance."""
    return [Allowance(**one) for one in tomllib.loads(text).get("allowed", [])]


def judge(report: Mapping[str, Any], allowances: Iterable[Allowance], needed: set[str], today: date) -> Verdict:
    """What pip-audit's report means."""
    allowed = {(_name(one.package), one.id): one for one in allowances}
    words: list[str] = []
    failed = False
    audited = [one for one in report["dependencies"] if "vulns" in one]
    skipped = sorted(
        _name(one["name"]) for one in report["dependencies"] if "vulns" not in one and _name(one["name"]) in needed
    )
    if not audited:
        return not_audited("no package is known to the service that was asked")
    if skipped:
        words.append(f"not audited, the service does not know them: {', '.join(skipped)}")
    used: set[tuple[str, str]] = set()
    for one in audited:
        name = _name(one["name"])
        for vulnerability in one["vulns"]:
            names = {vulnerability["id"], *vulnerability.get("aliases", [])}
            told = f"{name} {one['version']}: {', '.join(sorted(names))}"
            fixed = ", ".join(vulnerability.get("fix_versions", [])) or "no version yet"
            keys = {(name, each) for each in names} & allowed.keys()
            used |= keys
            if keys and all(allowed[key].until >= today for key in keys):
                continue
            if keys:
                failed = True
                words.append(f"{told}: the allowance is over, look again; fixed in {fixed}")
            elif name in needed:
                failed = True
                words.append(f"{told}: fixed in {fixed}")
            else:
                words.append(f"{told}: only development needs it; fixed in {fixed}")
    words += [
        f"allowance for {package} {each} is of no use any more" for package, each in sorted(allowed.keys() - used)
    ]
    words.append(f"{len(audited)} packages audited")
    return Verdict(failed, words)


def needed_by(package: str) -> set[str]:
    """The names of all distributions that a package needs to run, as they are installed here."""
    needed: set[str] = set()
    waiting = [package]
    while waiting:
        try:
            requirements = metadata.requires(waiting.pop()) or []
        except metadata.PackageNotFoundError:
            continue
        for requirement in requirements:
            if "extra ==" in requirement:
                continue
            name = _name(re.split(r"[\s\[;<>=!~(]", requirement, maxsplit=1)[0])
            if name not in needed:
                needed.add(name)
                waiting.append(name)
    return needed


def _name(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
