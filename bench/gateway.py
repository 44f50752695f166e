"""The processes of a benchmark: children that speak JSON lines, and the gateway under test."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shlex
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

READY_WITHIN_S = 120.0

_DEVICES = """
query ($after: String) {
  devices(first: 200, after: $after) { nodes { sim { msisdn } } pageInfo { hasNextPage endCursor } }
}
"""


@dataclass(slots=True)
class Child:
    """A process of ours: commands go to its stdin, JSON lines come from its stdout, its log is a file."""

    process: asyncio.subprocess.Process
    events: asyncio.StreamReader
    commands: asyncio.StreamWriter
    log: IO[bytes]

    @classmethod
    async def start(cls, *command: str, log: Path) -> Child:
        opened = log.open("wb")
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=opened,
            limit=16 << 20,
        )
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("pipes were asked for")
        return cls(process, process.stdout, process.stdin, opened)

    async def event(self, name: str | None, timeout_s: float) -> dict[str, Any]:
        """The next line, or the next with this `event`; others are passed over. Raises when the child ends."""
        async with asyncio.timeout(timeout_s):
            while True:
                line = await self.events.readline()
                if not line:
                    raise SystemExit(f"a process of the benchmark ended; see {self.log.name}")
                if line.startswith(b"{"):
                    event: dict[str, Any] = json.loads(line)
                    if name in (None, event.get("event")):
                        return event

    async def ask(self, word: str) -> dict[str, Any]:
        """Send a command, and the event of the same name."""
        self.commands.write(word.encode() + b"\n")
        return await self.event(word, 10)

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL after `grace_s`."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            try:
                await asyncio.wait_for(self._drained(), grace_s)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        self.log.close()

    async def _drained(self) -> None:
        await self.events.read()
        await self.process.wait()


@dataclass(slots=True)
class Gateway:
    """What is measured. `pids` are the roots of its process trees, `ready` its ready line if it is ours."""

    name: str
    target: str
    pids: list[int]
    child: Child | None
    ready: dict[str, Any] | None
    data_dir: Path | None

    @property
    def short_code(self) -> str | None:
        return self.ready["short_code"] if self.ready else None


async def start_demo(arguments: argparse.Namespace, smsc_port: int, data_dir: Path, out: Path) -> Gateway:
    """`motet demo` with the load SMSC in place of the simulated network, on free ports and a fresh data directory."""
    python = [sys.executable]
    if arguments.profile == "cprofile":
        python += ["-m", "cProfile", "-o", str(out / "gateway.prof")]
        print(f"profile: {out / 'gateway.prof'} (python -m pstats)", file=sys.stderr)
    smsc = f"smpp://load:load@127.0.0.1:{smsc_port}?binds={arguments.smsc_binds}&window={arguments.smsc_window}"
    child = await Child.start(
        *python, "-m", "motet", "demo", "--json", "--smsc", smsc, "--http", "127.0.0.1:0", "--smpp", "127.0.0.1:0",
        "--data-dir", str(data_dir), "--devices", str(arguments.devices), *shlex.split(arguments.gateway_args),
        log=out / "gateway.log",
    )  # fmt: skip
    try:
        ready = await child.event("ready", READY_WITHIN_S)
    except BaseException:
        await child.stop(5)
        raise
    smpp = ready["smpp"]
    target = f"smpp://{smpp['system_id']}:{smpp['password']}@{smpp['host']}:{smpp['port']}"
    return Gateway(f"motet {ready['version']}", target, [child.process.pid], child, ready, data_dir)


def msisdns_of(gateway: Gateway) -> list[str]:
    """The MSISDNs of the demo's devices, by GraphQL."""
    ready = gateway.ready or {}
    found: list[str] = []
    after: str | None = None
    while True:
        body = json.dumps({"query": _DEVICES, "variables": {"after": after}}).encode()
        headers = {"Authorization": f"Bearer {ready['token']}", "Content-Type": "application/json"}
        request = urllib.request.Request(ready["graphql"], body, headers)  # noqa: S310 -- our own address
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            devices = json.load(response)["data"]["devices"]
        found += [node["sim"]["msisdn"] for node in devices["nodes"] if node["sim"]]
        if not devices["pageInfo"]["hasNextPage"]:
            return found
        after = devices["pageInfo"]["endCursor"]
