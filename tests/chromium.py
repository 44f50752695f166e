"""A real browser, driven by its own protocol."""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from foreign_programs import program
from running_demo import eventually

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
    "--window-size=1300,800",
)  # fmt: skip


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self.events: list[dict[str, Any]] = []
        """What the browser told by itself while it was called."""

    def call(self, method: str, **parameters: object) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(30))
            if "id" not in answer:
                self.events.append(answer)
            elif answer["id"] == number:
                assert "error" not in answer, answer
                return answer["result"]

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)["result"].get(
            "value"
        )

    def sees(self, words: str) -> None:
        """Waits until the page says so."""
        try:
            eventually(lambda: words in self._words(), f"the page says: {words}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it says: {self._words()[:2_000]}") from None

    def types(self, field: str, text: str, form: str = "") -> None:
        """Into the field of this name that is shown, in what the selector `form` finds, once there is one."""
        script = (
            f"(() => {{ const found = [...document.querySelectorAll({json.dumps(form)} + ' [name={field}]')]"
            ".find((each) => each.offsetParent); if (!found) return false;"
            f" found.focus(); found.value = {json.dumps(text)};"
            " found.dispatchEvent(new Event('input', {bubbles: true})); return true; })()"
        )
        eventually(lambda: self._glance(script), f"the field {field} is there")

    def presses(self, label: str) -> None:
        """The button of this label that is shown, once there is one."""
        script = (
            "(() => { const found = [...document.querySelectorAll('button')].find((one) => one.offsetParent &&"
            f" !one.disabled && one.innerText.trim() === {json.dumps(label)});"
            " if (found) found.click(); return !!found; })()"
        )
        eventually(lambda: self._glance(script), f"the button {label} is there")

    def _words(self) -> str:
        """What the page says now."""
        return self._glance("document.body?.innerText") or ""

    def _glance(self, script: str) -> Any:
        """The same, or nothing while the page is being left."""
        try:
            return self.run(script)
        except AssertionError:
            return None

    def picture(self, path: Path) -> None:
        """What the whole page looks like, as PNG."""
        shown = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(shown))


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A browser with a profile of its own, at its first tab."""
    process = subprocess.Popen(
        [program("chromium"), *FLAGS, f"--user-data-dir={profile}", "about:blank"],
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
        process.terminate()
        process.wait(30)
