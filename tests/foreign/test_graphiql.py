"""GraphiQL in a real browser: it loads from this server alone, takes a token, and runs its first query."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from foreign_programs import program
from running_demo import RunningDemo, eventually

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
    "--window-size=1300,800",
)  # fmt: skip


class Page:
    """One tab, driven by the browser's own protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)

    def call(self, method: str, **parameters: object) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(30))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    chromium = program("chromium")
    profile = tmp_path / "profile"
    browser = subprocess.Popen(
        [chromium, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port_file = profile / "DevToolsActivePort"
        eventually(lambda: port_file.is_file() and port_file.read_text().count("\n") >= 1, "the browser is up")
        port = port_file.read_text().split("\n")[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as response:
            tab = next(one for one in json.loads(response.read()) if one["type"] == "page")
        with connect(tab["webSocketDebuggerUrl"], max_size=None) as socket:
            yield Page(socket)
    finally:
        browser.terminate()
        browser.wait(30)


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
