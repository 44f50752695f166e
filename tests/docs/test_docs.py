"""The pages that people read: their links lead somewhere, and what they tell to type exists."""

from __future__ import annotations

import argparse
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from graphql import parse, validate

from motet.cli.main import COMMANDS
from motet.cli.serve import FLAGS as SERVE_FLAGS
from motet.config.flags import FLAGS, variable_of
from motet.graphql.limits import Limits
from motet.graphql.schema import SCHEMA

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *ROOT.glob("docs/**/*.md")])
ADR_LINES = 30

_LINK = re.compile(r"\]\(([^()\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"^(?: {4}|\t).*(?:\n|\Z)|`[^`\n]+`", re.MULTILINE)
_MAKE = re.compile(r"\bmake ([a-z]+)\b")
_MOTET = re.compile(r"(?<![\w/.=-])(?:\.venv/bin/)?motet ([a-z]+)((?:[^\n`|#]|\\\n)*)")
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_BLOCK = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
_DOCUMENT = re.compile(r"(?:mutation|query|subscription)\b.*\{|\{ [a-z]")
_BODY = re.compile(r"""'(\{"query": .*\})'""")
_VARIABLE = re.compile(r"\bMOTET_[A-Z_]+\b")
_OTHER_VARIABLES = {"MOTET_FOREIGN", "MOTET_TEST_DATABASE_URL"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@every_page
def test_links_lead_to_files_and_headings(page: Path) -> None:
    broken = []
    for target in _LINK.findall(_CODE.sub("", page.read_text())):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = unquote(target).partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


@every_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {target for words in typed(page) for target in _MAKE.findall(words)} <= targets


@every_page
def test_motet_commands_exist_and_take_the_flags_shown(page: Path) -> None:
    wrong = []
    for words in typed(page):
        for command, rest in _MOTET.findall(words):
            known = COMMANDS.keys() and (flags_of(command) if command in COMMANDS else None)
            if known is None or not set(_FLAG.findall(rest)) <= known:
                wrong.append(f"motet {command}{rest}")
    assert wrong == []


def test_every_test_that_the_security_page_names_exists() -> None:
    page = (ROOT / "docs/security.md").read_text()
    named = set(re.findall(r"`(tests/[^`]+)`", page))
    assert len(named) > 15
    assert sorted(name for name in named if not (ROOT / name).is_file()) == []
    promises = page.partition("## Promises and their tests")[2].partition("\n## ")[0]
    rows = [row for row in promises.splitlines() if row.startswith("| ")][1:]
    assert [row for row in rows if "`tests/" not in row] == [], "a promise without a test"


def test_operations_tells_every_flag_of_serve_and_demo_with_its_variable() -> None:
    rows = (ROOT / "docs/operations.md").read_text().splitlines()
    missing = [
        name
        for name in (*SERVE_FLAGS, "network", "devices")
        if not any(row.startswith(f"| `--{name}") and f"`{variable_of(name)}`" in row for row in rows)
    ]
    assert missing == []


@every_page
def test_variables_exist(page: Path) -> None:
    simulators = {variable_of(flag.removeprefix("--")) for flag in flags_of("simulator")}
    known = {variable_of(name) for name in FLAGS} | simulators | _OTHER_VARIABLES
    assert set(_VARIABLE.findall(page.read_text())) <= known


def test_graphql_tells_every_limit_with_its_default() -> None:
    rows = (ROOT / "docs/graphql.md").read_text().splitlines()
    limits = Limits()
    missing = [
        name
        for name in Limits.__dataclass_fields__
        if not any(row.startswith(f"| `{name}` | {getattr(limits, name):,.0f} |") for row in rows)
    ]
    assert missing == []


@every_page
def test_graphql_shown_is_valid(page: Path) -> None:
    text = page.read_text()
    blocks = [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in _BLOCK.findall(text)]
    documents = [block for block in blocks if _DOCUMENT.match(block)]
    documents += [json.loads(body)["query"] for body in _BODY.findall(text)]
    assert [(document, errors) for document in documents if (errors := validate(SCHEMA, parse(document)))] == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/adr/*.md")), ids=lambda page: page.name)
def test_decisions_are_short_and_say_what_was_rejected(page: Path) -> None:
    text = page.read_text()
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name)
    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert len(text.splitlines()) <= ADR_LINES
    assert all(f"**{word}.**" in text for word in ("Decision", "Reasons", "Rejected"))


def typed(page: Path) -> Iterator[str]:
    """What a page shows as typed: indented lines and words in backticks, continued lines joined."""
    for found in _TYPED.findall(page.read_text().replace("\\\n", " ")):
        yield found.strip().strip("`")


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    if page.suffix != ".md":
        return set()
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def flags_of(command: str) -> set[str]:
    """Every flag that a command takes, those of its actions included."""
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[command].module).add_arguments(parser)
    found: set[str] = set()
    parsers = [parser]
    while parsers:
        for action in parsers.pop()._actions:
            found.update(action.option_strings)
            if isinstance(action, argparse._SubParsersAction):
                parsers.extend(action.choices.values())
    return found
