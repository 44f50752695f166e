"""A `motet demo` or `motet serve` as a process, the way that people run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

FREE_PORTS = ("--http", "127.0.0.1:0", "--smpp", "127.0.0.1:0")


class MotetProcess:
    """Started and ready, or ended. `facts` is its ready line, `errors` the file of its standard error."""

    def __init__(self, command: str, *flags: str, errors: Path) -> None:
        network = ("--network", "127.0.0.1:0") if command == "demo" else ()
        self.errors = errors
        with errors.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "motet", command, "--json", *FREE_PORTS, *network, *flags],
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env={name: value for name, value in os.environ.items() if not name.startswith("MOTET_")},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.facts: dict[str, Any] = json.loads(line) if line else {}

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends the signal unless it has ended already, and gives the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(40)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def children(self) -> list[int]:
        """Its child processes: the guard of PostgreSQL, the simulator."""
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listing.split()]


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs a short `motet` command."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOTET_")}
    return subprocess.run(
        [sys.executable, "-m", "motet", *words],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
