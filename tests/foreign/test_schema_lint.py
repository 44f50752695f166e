"""The schema as graphql-schema-linter judges it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from foreign_programs import FOREIGN, node_with

pytestmark = pytest.mark.timeout(120)

SCHEMA = Path(__file__).parents[2] / "schema.graphql"

RULES = {
    # What a reader of GraphiQL sees: every element says what it is.
    "types-have-descriptions",
    "fields-have-descriptions",
    "arguments-have-descriptions",
    "input-object-values-have-descriptions",
    "enum-values-have-descriptions",
    "descriptions-are-capitalized",
    # A client finds out what to use instead.
    "deprecations-have-a-reason",
    # Names as every GraphQL API spells them.
    "types-are-capitalized",
    "fields-are-camel-cased",
    "input-object-values-are-camel-cased",
    "enum-values-all-caps",
    # Relay's clients page through every list in one way.
    "relay-connection-types-spec",
    "relay-connection-arguments-spec",
    "relay-page-info-spec",
    # Nothing is left over of what was taken out.
    "defined-types-are-used",
}

UNUSED = {
    "type-fields-sorted-alphabetically": "fields stand in the order in which one reads them: id first",
    "input-object-fields-sorted-alphabetically": "required ones first",
    "interface-fields-sorted-alphabetically": "the same",
    "enum-values-sorted-alphabetically": "states stand in the order of a life",
}
"""Rules that we do not keep, and why."""


def test_the_schema_keeps_the_rules() -> None:
    node = node_with("graphql-schema-linter")
    linter = FOREIGN / "node_modules" / "graphql-schema-linter" / "lib"
    known = {path.stem.replace("_", "-") for path in (linter / "rules").glob("*.js")}
    assert known == RULES | UNUSED.keys(), "the linter has other rules than were chosen from"
    done = subprocess.run(
        [node, linter / "cli.js", "--format", "json", "--rules", ",".join(sorted(RULES)), SCHEMA],
        capture_output=True,
        text=True,
        check=False,
    )
    errors = json.loads(done.stdout)["errors"]
    assert [f"{error['location']['line']}: {error['message']} ({error['rule']})" for error in errors] == []
    assert done.returncode == 0, done.stderr
