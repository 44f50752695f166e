"""What `make check` makes of known vulnerabilities in dependencies."""

from __future__ import annotations

import importlib.util
import sys
from datetime import date
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).parents[2] / "tools"
_spec = importlib.util.spec_from_file_location("audit_dependencies", TOOLS / "audit_dependencies.py")
assert _spec is not None
assert _spec.loader is not None
audit = importlib.util.module_from_spec(_spec)
sys.modules["audit_dependencies"] = audit
_spec.loader.exec_module(audit)

TODAY = date(2026, 11, 22)
VULNERABLE = {
    "name": "Aio_HTTP", "version": "3.0.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["3.0.1"]}],
}  # fmt: skip
FINE = {"name": "orjson", "version": "3", "vulns": []}
UNKNOWN = {"name": "motet", "skip_reason": "not found"}


def judged(*dependencies: dict[str, Any], allowed: str = "", needed: frozenset[str] = frozenset({"aio-http"})) -> Any:
    return audit.judge({"dependencies": dependencies}, audit.read_allowances(allowed), set(needed), TODAY)


def allowance(until: str) -> str:
    return f'[[allowed]]\npackage = "aio-http"\nid = "CVE-2026-1"\nreason = "why"\nuntil = {until}\n'


def test_nothing_known_passes() -> None:
    assert judged(FINE) == audit.Verdict(False, ["1 packages audited"])


def test_a_known_vulnerability_fails_and_says_what_helps() -> None:
    verdict = judged(VULNERABLE, FINE)
    assert verdict.failed
    assert verdict.words[0] == "aio-http 3.0.0: CVE-2026-1, PYSEC-1: fixed in 3.0.1"


def test_one_that_is_allowed_passes_until_its_day() -> None:
    assert not judged(VULNERABLE, allowed=allowance("2026-11-22")).failed
    assert judged(VULNERABLE, allowed=allowance("2026-11-21")).failed


def test_an_allowance_without_a_use_is_told() -> None:
    assert judged(FINE, allowed=allowance("2027-01-01")).words[0].endswith("is of no use any more")


def test_one_of_a_development_tool_is_told_and_fails_nothing() -> None:
    verdict = judged(VULNERABLE, needed=frozenset())
    assert (verdict.failed, "only development needs it" in verdict.words[0]) == (False, True)


def test_where_nothing_could_be_asked_that_is_said_and_nothing_fails() -> None:
    verdict = judged(UNKNOWN)
    assert (verdict.failed, "NOT AUDITED" in verdict.words[0]) == (False, True)


def test_what_motet_needs_is_known_and_tools_are_no_part_of_it() -> None:
    needed = audit.needed_by("motet")
    assert {"aiohttp", "starlette", "multidict", "argon2-cffi-bindings"} <= needed
    assert not {"pytest", "ruff", "pip", "matplotlib"} & needed


def test_the_list_of_allowances_can_be_read_and_gives_reasons() -> None:
    for one in audit.read_allowances((TOOLS / "audit-allowed.toml").read_text()):
        assert one.reason
        assert isinstance(one.until, date)
