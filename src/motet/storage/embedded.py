"""Supervises the PostgreSQL that Motet brings along: one server per data directory, on a Unix socket only."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import asyncpg

from motet.config.errors import StartError
from motet.storage.data_directory import DataDirectoryLock
from motet.storage.embedded_cluster import (
    SUPERUSER,
    Identity,
    choose_identity,
    cluster_argument,
    find_binaries,
    make_cluster,
)

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "min_wal_size": "512MB",  # recycled, not made anew: keeps the rate level over millions of messages
    "max_wal_size": "2GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",  # short statements by key: compiling them costs more than running them
    "logging_collector": "off",  # the guard keeps the log, with a bound
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_error_verbosity": "terse",  # DETAIL and CONTEXT of a failed COPY would show message texts
    "log_min_error_statement": "panic",  # and so would a statement
    "cluster_name": "motet",
}

DATABASE = "motet"
START_TIMEOUT_S = 120.0
"""Crash recovery replays at most `max_wal_size` of log: seconds on a disk, a minute on a slow one."""

REPLACE_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
SUN_PATH_OCTETS = 103
"""The shortest limit on a socket's path among our platforms (macOS; Linux has 107)."""

SOCKET_NOTE = "postgres.socket"
"""Says where the socket is: to commands beside a running Motet, and to the next start, which removes what a killed one
left."""

_SOCKET_NAME = ".s.PGSQL.5432"
_POLL_S = 0.01


class EmbeddedPostgres:
    """A running server. `url` stays the same over `restart`."""

    def __init__(self, data_directory: Path, settings: Mapping[str, str] | None = None) -> None:
        """`data_directory` is locked by `start`; `settings` are laid over `SETTINGS`."""
        self.data_directory = data_directory
        self.pid = 0
        """The postmaster's process id, 0 before the first start."""
        self._settings = {**SETTINGS, **(settings or {})}
        self._lock: DataDirectoryLock | None = None
        self._guard: asyncio.subprocess.Process | None = None
        self._socket_directory: Path | None = None
        self._binaries = Path()
        self._identity = Identity(None, None)

    @property
    def url(self) -> str:
        """Where `Database` and any libpq client on this machine, as this user, find it. Only after `start`."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The same for another database of this server."""
        if self._socket_directory is None:
            raise RuntimeError("the server has not been started")
        return _url(self._socket_directory, database)

    @property
    def log_path(self) -> Path:
        return self.data_directory / "postgres.log"

    @property
    def _cluster(self) -> Path:
        return self.data_directory / "postgres"

    async def start(self) -> None:
        """Locks the data directory, makes the cluster the first time, replaces a server left by a killed Motet, and
        returns when connections are answered. Raises StartError with the end of the server's log."""
        self._lock = DataDirectoryLock(self.data_directory)
        try:
            self.data_directory = self.data_directory.resolve()
            await asyncio.to_thread(self._prepare)
            await self._run()
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> int:
        """Returns when the server has ended, by `stop` or by itself; the exit status, 128 + n after signal n."""
        if self._guard is None:
            raise RuntimeError("the server has not been started")
        return await self._guard.wait()

    async def restart(self) -> None:
        """Starts the server again after it ended by itself, on the same socket."""
        await asyncio.to_thread(replace_leftover, self._cluster)
        await self._run()

    async def stop(self) -> None:
        """Shuts the server down (fast: open transactions are rolled back) and frees the data directory."""
        if self._guard is not None:
            if self._guard.stdin is not None:
                self._guard.stdin.close()
            await self._guard.wait()
            self._guard = None
        if self._socket_directory is not None:
            shutil.rmtree(self._socket_directory, ignore_errors=True)
            self._socket_directory = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _prepare(self) -> None:
        try:
            self._identity = choose_identity(self._cluster)
            self._binaries = find_binaries(self._identity)
            make_cluster(self._cluster, self._binaries, self._identity)
            self._remove_old_socket_directory()
            replace_leftover(self._cluster)
            self._socket_directory = make_socket_directory(self._identity)
            self._socket_note.write_text(str(self._socket_directory))
        except OSError as error:
            raise StartError(f"cannot prepare the embedded PostgreSQL in {self.data_directory}: {error}") from error

    @property
    def _socket_note(self) -> Path:
        return self.data_directory / SOCKET_NOTE

    def _remove_old_socket_directory(self) -> None:
        if not self._socket_note.exists():
            return
        old = Path(self._socket_note.read_text().strip())
        if old.name.startswith("motet-") and old.is_dir() and not old.is_symlink():
            shutil.rmtree(old, ignore_errors=True)

    async def _run(self) -> None:
        if self._socket_directory is None:
            raise RuntimeError("the server has been stopped")
        self._socket_directory = make_socket_directory(self._identity, self._socket_directory)
        settings = {**self._settings, "unix_socket_directories": str(self._socket_directory)}
        command = [str(self._binaries / "bin" / "postgres"), "-D", cluster_argument(self._cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        job = {
            "command": command,
            "directory": str(self._cluster),
            "uid": self._identity.uid,
            "gid": self._identity.gid,
            "log": str(self.log_path),
            "socket_directory": str(self._socket_directory),
        }
        self._guard = guard = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(Path(__file__).with_name("embedded_guard.py")),
            json.dumps(job),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
        )
        line = await guard.stdout.readline() if guard.stdout is not None else b""
        self.pid = int(line) if line else 0
        await self._wait_until_ready(guard)
        await self._make_database()

    async def _wait_until_ready(self, guard: asyncio.subprocess.Process) -> None:
        """Ready is what the server's pid file says. One left from before says it too, so the pid must be this one's."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while _status(self._cluster) != (self.pid, "ready"):
            if guard.returncode is not None or time.monotonic() > deadline:
                raise StartError(
                    f"the embedded PostgreSQL did not start; its log {self.log_path} ends:\n{self._log_end()}"
                )
            await asyncio.sleep(_POLL_S)

    async def _make_database(self) -> None:
        connection = await asyncpg.connect(self.url_of("postgres"))
        try:
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()

    def _log_end(self) -> str:
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-8:])
        except OSError:
            return "(no log)"


def running_url(data_directory: Path) -> str | None:
    """Where the server of another Motet on this data directory is found, if it may be reached from here."""
    try:
        socket_directory = Path((data_directory / SOCKET_NOTE).read_text().strip())
        reachable = (socket_directory / _SOCKET_NAME).exists()
    except OSError:
        return None
    return _url(socket_directory, DATABASE) if reachable else None


def _url(socket_directory: Path, database: str) -> str:
    """With the port, which is part of the socket's name: PGPORT in the environment must not get a say."""
    return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(socket_directory))}&port=5432"


def make_socket_directory(identity: Identity, path: Path | None = None) -> Path:
    """A new folder of mode 0700 outside the cluster, its path short enough for a socket; or `path` made again."""
    if path is None:
        candidates = dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp"))  # noqa: S108 - mkdtemp makes it private
        for parent in candidates:
            if len(os.fsencode(parent)) + len("/motet-12345678/") + len(_SOCKET_NAME) <= SUN_PATH_OCTETS:
                try:
                    path = Path(tempfile.mkdtemp(prefix="motet-", dir=parent))
                    break
                except OSError:
                    continue
        if path is None:
            raise StartError("no temporary folder is writable and short enough for a Unix socket; set TMPDIR to one")
    else:
        path.mkdir(mode=0o700, exist_ok=True)
    if identity.uid is not None and identity.gid is not None:
        os.chown(path, identity.uid, identity.gid)
    return path


def replace_leftover(cluster: Path) -> None:
    """Ends a server that still runs on this cluster, left by a Motet that was killed; the caller holds the lock.

    A pid file whose process is gone or is another program by now is removed: PostgreSQL would believe it.
    """
    for number, patience_s in REPLACE_STEPS:
        deadline = time.monotonic() + patience_s
        status = _status(cluster)
        if status is None:
            return
        pid = status[0]
        if not _serves(pid, cluster):
            (cluster / "postmaster.pid").unlink(missing_ok=True)
            return
        os.kill(pid, number)
        while time.monotonic() < deadline and _serves(pid, cluster):
            time.sleep(_POLL_S)
    raise StartError(f"an older PostgreSQL (process {pid}) still runs in {cluster} and does not end")


def _status(cluster: Path) -> tuple[int, str] | None:
    """The server's pid and state (`starting`, `ready`, `stopping`) from its pid file; None if there is none yet."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _serves(pid: int, cluster: Path) -> bool:
    """Whether the process is a live PostgreSQL on this very cluster, not merely one with the same number."""
    if sys.platform == "linux":
        try:
            if not os.path.samefile(f"/proc/{pid}/cwd", cluster):
                return False
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state != "Z"
    listing = subprocess.run(  # noqa: S603 - a number
        ["/bin/ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, check=False
    )
    return Path(listing.stdout.strip()).name == "postgres"
