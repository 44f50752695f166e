"""GraphiQL in a real browser: it loads from this server alone, takes a token, and runs its first query."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chromium import Page, browser
from running_demo import RunningDemo, eventually


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browser(tmp_path / "profile") as opened:
        yield opened


def shows_after_a_click(page: Page, words: str) -> bool:
    """Runs the query and looks a while: the token has GraphiQL drawn anew, and a click before that is lost with it."""
    page.run("document.querySelector('.graphiql-execute-button').click()")
    looks = (page.run("document.querySelector('.result-window').innerText") or "" for _ in range(200))
    return any(words in text for text in looks)


def test_graphiql_runs_a_query_with_the_demos_token(demo: RunningDemo, page: Page) -> None:
    page.call("Page.navigate", url=demo.facts["graphql"])
    eventually(lambda: page.run("!!document.querySelector('.graphiql-execute-button')"), "GraphiQL is drawn")
    assert page.run("document.body.innerText.includes('Give a token')")
    page.run(
        "(() => { const input = document.querySelector('input'); input.value = "
        + json.dumps(demo.facts["token"])
        + "; input.dispatchEvent(new Event('input', {bubbles: true})); input.form.requestSubmit(); })()"
    )
    eventually(lambda: page.run("document.body.innerText.includes('administrator@demo')"), "the token is taken")
    eventually(lambda: shows_after_a_click(page, "Delivery van 0001"), "the first device is shown", within_s=60)
    foreign = page.run(
        "performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith(location.origin))"
    )
    assert foreign == []
