"""Reports as CSV, and sums."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from motet.domain.organisation_report import OrganisationReport, Volume, WorkspaceReport, as_csv, inert

volumes = st.builds(Volume, *[st.integers(0, 1 << 50)] * 6)


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1), volumes), max_size=5))
def test_a_line_a_workspace_and_nothing_is_a_formula(rows):
    report = OrganisationReport(
        [WorkspaceReport(n, f"w{n}", name, None, volume=volume) for n, (name, volume) in enumerate(rows)], False, []
    )
    lines = list(csv.DictReader(io.StringIO(as_csv(report))))
    assert [line["workspace"] for line in lines] == [f"w{n}" for n in range(len(rows))]
    for line, (name, volume) in zip(lines, rows, strict=True):
        assert line["organisation"].removeprefix("'") == name.removeprefix("'")
        assert line["organisation"][:1] not in "=+-@"
        assert [int(line[field]) for field in Volume._fields] == list(volume)
    assert (
        list(report.totals) == [sum(column) for column in zip(*(volume for _, volume in rows), strict=True)] or not rows
    )


def test_what_a_spreadsheet_would_run_is_quoted():
    assert [inert(text) for text in ("=1+1", "-1", "+1", "@x", "Ltd", "")] == ["'=1+1", "'-1", "'+1", "'@x", "Ltd", ""]
