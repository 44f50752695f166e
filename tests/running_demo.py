"""A `motet demo` of its own process, as an acceptance tester runs it, and waiting for what it does."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

Seen = TypeVar("Seen")

DEADLINE_S = 30.0
"""How long anything may take on a busy machine before a test calls it lost."""


def eventually(look: Callable[[], Seen], what: str, within_s: float = DEADLINE_S) -> Seen:
    """Looks until there is something true to see, and gives that."""
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what} (last: {str(seen)[:500]})"
        time.sleep(0.02)  # between two looks over HTTP; nothing is taken to have happened after it


class RunningDemo:
    """A demo on free ports. `facts` is its ready line."""

    def __init__(self, data_dir: Path, *flags: str, devices: int = 100) -> None:
        self._words = ("--data-dir", str(data_dir), "--devices", str(devices), *flags)
        self.data_dir = data_dir
        self.errors = data_dir.with_name(data_dir.name + ".log")
        self._http: http.client.HTTPConnection | None = None
        self.start()

    def start(self) -> None:
        """Starts it, again too: on the same data dir."""
        self._http = None
        with self.errors.open("ab") as stream:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "motet", "demo", "--json", "--http", "127.0.0.1:0", "--smpp", "127.0.0.1:0",
                    "--network", "127.0.0.1:0", *self._words,
                ],
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env={name: value for name, value in os.environ.items() if not name.startswith("MOTET_")},
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the demo did not come up: " + self.errors.read_text()[-2000:]
        self.facts: dict[str, Any] = json.loads(line)

    @property
    def smpp(self) -> tuple[str, int]:
        """Where ESMEs connect."""
        return self.facts["smpp"]["host"], self.facts["smpp"]["port"]

    @property
    def password(self) -> str:
        """Of the account `demo`."""
        password: str = self.facts["smpp"]["password"]
        return password

    @property
    def short_code(self) -> str:
        """Whose target is the account `demo`."""
        code: str = self.facts["short_code"]
        return code

    def phones(self, limit: int = 10_000) -> list[str]:
        """MSISDNs of the demo's own devices, those of workspace `other` left out."""
        foreign = {phone["msisdn"] for phone in self.network("/phones")[-25:]}
        return [p["msisdn"] for p in self.network(f"/phones?limit={limit}") if p["msisdn"] not in foreign]

    def others_phone(self) -> str:
        """A number of the second tenant."""
        msisdn: str = self.network("/phones")[-1]["msisdn"]
        return msisdn

    def inbox(self, msisdn: str) -> list[dict[str, Any]]:
        """What the phone shows."""
        inbox: list[dict[str, Any]] = self.network(f"/phones/{msisdn}")["inbox"]
        return inbox

    def behave(self, msisdn: str, behaviour: str, **settings: object) -> None:
        """Changes a phone."""
        self.network(f"/phones/{msisdn}", {"behaviour": behaviour, **settings}, "PATCH")

    def mobile_originated(self, msisdn: str, to: str, text: str) -> None:
        """The phone sends a text."""
        assert self.network(f"/phones/{msisdn}/mo", {"to": to, "text": text}, "POST") == {"accepted": True}

    def network(self, path: str, body: object = None, method: str = "GET") -> Any:
        """One call of the control API, again if it falls into a restart of the simulator."""
        return eventually(lambda: self._network(path, body, method), f"{method} {path}")

    def _network(self, path: str, body: object, method: str) -> Any:
        try:
            return self._ask_network(path, body, method)
        except (OSError, http.client.HTTPException):
            self._http = None
            return None

    def _ask_network(self, path: str, body: object, method: str) -> Any:
        if self._http is None:
            place = urlsplit(self.facts["network"])
            assert place.hostname is not None
            self._http = http.client.HTTPConnection(place.hostname, place.port, timeout=DEADLINE_S)
        self._http.request(method, path, None if body is None else json.dumps(body))
        response = self._http.getresponse()
        answer = json.loads(response.read())
        assert response.status == 200, answer
        return answer

    def graphql(self, query: str, token: str | None = None, **variables: object) -> dict[str, Any]:
        """One GraphQL request; its `data`, errors are failures."""
        place = urlsplit(self.facts["graphql"])
        assert place.hostname is not None
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=DEADLINE_S)
        try:
            connection.request(
                "POST",
                place.path,
                json.dumps({"query": query, "variables": variables}),
                {"content-type": "application/json", "authorization": f"Bearer {token or self.facts['token']}"},
            )
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def children(self) -> list[int]:
        """Its child processes: the guard of PostgreSQL and the simulator."""
        return children_of(self.process.pid)

    def simulator_pid(self) -> int:
        """The simulated network's process."""
        return next(pid for pid in self.children() if b"simulator" in command_line(pid))

    def upstream_port(self) -> int:
        """Where the simulated network's SMSC listens."""
        own = {os.readlink(link) for link in Path(f"/proc/{self.simulator_pid()}/fd").iterdir()}
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        ports = {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own}
        (port,) = ports - {urlsplit(self.facts["network"]).port}
        return port

    def postgres_pid(self) -> int:
        """The postmaster's process, from its own pid file."""
        return int(next(self.data_dir.glob("**/postmaster.pid")).read_text().split("\n", 1)[0])

    def resident_mib(self) -> float:
        """Resident memory of the gateway process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self._reap()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to end and gives its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self._reap()

    def _reap(self) -> int:
        if self._http is not None:
            self._http.close()
            self._http = None
        status = self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


def children_of(pid: int) -> list[int]:
    """Its children, of all its threads."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found.extend(int(child) for child in (task / "children").read_text().split())
    return found


def command_line(pid: int) -> bytes:
    """The words that a process was started with, separated by NUL."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()
