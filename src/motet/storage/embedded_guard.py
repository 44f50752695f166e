"""Runs PostgreSQL as a child and ends it when Motet is gone, however Motet went. A script of its own, for bare Python.

Started as `python -I -S embedded_guard.py JOB`, JOB being JSON:
`{"command": [...], "directory": "...", "uid": 5 or null, "gid": 5 or null, "log": "...", "socket_directory": "..."}`.
Its standard input is a pipe that only Motet holds: the end of it, by `stop` or by kill -9, is the sign to shut down.
Its standard output says the server's process id on one line.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LOG_OCTETS = 4 * 1024 * 1024
"""The log is rotated here, and one older file kept: what an operator may want to read of a server's troubles."""

SHUTDOWN_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
"""PostgreSQL's fast and immediate shutdown, then none at all; and how many seconds each is given. The fast one writes
a checkpoint, which takes as long as the disk needs for the shared buffers."""

_PR_SET_PDEATHSIG = 1


class Log:
    """A file of bounded size that takes the server's standard error."""

    def __init__(self, path: Path, limit_octets: int = LOG_OCTETS) -> None:
        self._path = path
        self._limit_octets = limit_octets
        self._descriptor = self._open()

    def write(self, data: bytes) -> None:
        """Appends; what the disk has no room for is lost, never waited for."""
        try:
            os.write(self._descriptor, data)
            if os.fstat(self._descriptor).st_size > self._limit_octets:
                os.replace(self._path, self._path.with_suffix(".log.1"))
                os.close(self._descriptor)
                self._descriptor = self._open()
        except OSError:
            pass  # a full disk must not end the guard

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def main() -> int:
    job = json.loads(sys.argv[1])
    # Signals to Motet's group or unit must not take the database from under a Motet that is still draining.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_read, False)
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    log = Log(Path(job["log"]))
    server = subprocess.Popen(  # noqa: S603 - the command is the supervisor's
        job["command"],
        cwd=job["directory"],
        user=job["uid"],
        group=job["gid"],
        extra_groups=None if job["uid"] is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=_child_preparation(),
        start_new_session=True,
    )
    print(server.pid, flush=True)
    if server.stderr is not None:
        _watch(server, server.stderr.fileno(), wakeup_read, log)
    shutil.rmtree(job["socket_directory"], ignore_errors=True)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


def _watch(server: subprocess.Popen[bytes], errors: int, wakeup: int, log: Log) -> None:
    """Passes the log on until the server has ended, and shuts it down once standard input has."""
    selector = selectors.DefaultSelector()
    parent = sys.stdin.fileno()
    for descriptor in (parent, errors, wakeup):
        selector.register(descriptor, selectors.EVENT_READ)
    steps: Iterator[tuple[signal.Signals, float]] | None = None
    deadline: float | None = None
    while server.poll() is None:
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        for key, _ in selector.select(wait):
            data = os.read(key.fd, 65_536)
            if key.fd == errors and data:
                log.write(data)
            elif not data:
                selector.unregister(key.fd)
                if key.fd == parent:
                    steps, deadline = iter(SHUTDOWN_STEPS), time.monotonic()
        if steps is not None and deadline is not None and time.monotonic() >= deadline:
            number, patience_s = next(steps, (signal.SIGKILL, 5.0))
            if server.poll() is None:
                os.kill(server.pid, number)
            deadline = time.monotonic() + patience_s
    os.set_blocking(errors, False)  # what is left; its children may hold the other end a little longer
    try:
        while data := os.read(errors, 65_536):
            log.write(data)
    except BlockingIOError:
        pass


def _child_preparation() -> Callable[[], None]:
    """What the child does before it becomes PostgreSQL: usual signals, and on Linux an end with this process."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)

    return prepare


if __name__ == "__main__":
    sys.exit(main())
