"""`motet demo` from outside: the ready line, restarts, kill -9, and the short commands beside it."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from motet_process import MotetProcess, command
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from motet import __version__

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

Start = Callable[..., MotetProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[MotetProcess] = []

    def start_one(*flags: str) -> MotetProcess:
        words = ("--data-dir", str(tmp_path / "data"), "--devices", "12", *flags)
        started.append(MotetProcess("demo", *words, errors=tmp_path / "errors.log"))
        return started[-1]

    yield start_one
    for process in started:
        process.end()


def get(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - our own address
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def wait_gone(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 30)[0], f"process {pid} still lives"
    finally:
        os.close(descriptor)


def claims(token: str) -> dict[str, Any]:
    decoded: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return decoded


def test_the_ready_line_is_the_contracts_and_stays_but_for_tokens(start: Start, tmp_path: Path) -> None:
    first = start()
    facts = first.facts
    assert list(facts) == [
        "event", "version", "http", "graphql", "graphql_ws", "network", "smpp", "workspace", "token", "short_code",
        "other", "operator",
    ]  # fmt: skip
    assert (facts["event"], facts["version"], facts["workspace"]) == ("ready", __version__, "demo")
    assert facts["graphql"] == facts["http"] + "/graphql"
    assert facts["graphql_ws"] == facts["graphql"].replace("http://", "ws://")
    assert set(facts["smpp"]) == {"host", "port", "system_id", "password"}
    assert len(facts["smpp"]["password"]) <= 8
    assert set(facts["other"]) == {"workspace", "token", "short_code", "smpp"}
    assert claims(facts["token"])["workspace"] == "demo"
    assert claims(facts["token"])["role"] == "ADMINISTRATOR"
    assert claims(facts["other"]["token"])["workspace"] == "other"
    assert claims(facts["operator"]["token"])["operator"] is True
    assert get(facts["http"] + "/readyz") == (200, {"status": "ready", "failures": {}})
    status, phones = get(facts["network"] + "/phones?limit=100")
    assert (status, len(phones)) == (200, 12 + 25)

    token = command("token", "--operator", "--data-dir", str(tmp_path / "data"))
    assert token.returncode == 0, token.stderr
    assert claims(token.stdout.strip())["exp"] - claims(token.stdout.strip())["iat"] == 3600

    assert first.end() == 0
    second = start().facts
    for name in ("short_code", "workspace"):
        assert second[name] == facts[name]
    assert second["smpp"]["password"] == facts["smpp"]["password"]
    assert second["other"]["smpp"] == facts["other"]["smpp"]
    assert claims(second["token"])["workspace_id"] == claims(facts["token"])["workspace_id"]
    assert second["token"] != facts["token"]


def test_kill_9_takes_the_helpers_along_and_the_next_start_is_ready(start: Start) -> None:
    first = start()
    children = first.children()
    assert len(children) == 2
    first.end(signal.SIGKILL)
    second = start()
    assert second.facts["event"] == "ready"
    for pid in children:
        wait_gone(pid)


def test_a_second_demo_on_the_same_data_dir_is_refused(start: Start, tmp_path: Path) -> None:
    first = start()
    second = start()
    assert second.facts == {}
    assert second.end() == 1
    assert f"in use by another motet (process {first.process.pid})" in (tmp_path / "errors.log").read_text()
    assert get(first.facts["http"] + "/healthz")[0] == 200


def test_a_second_signal_ends_at_once(start: Start) -> None:
    demo = start()
    children = demo.children()
    for pid in children:  # so that the first signal alone would wait for them
        os.kill(pid, signal.SIGSTOP)
    try:
        demo.process.send_signal(signal.SIGTERM)
        while demo.process.poll() is None:  # until the second one finds the first one noticed
            demo.process.send_signal(signal.SIGTERM)
        assert demo.process.returncode == 128 + signal.SIGTERM
    finally:
        for pid in children:
            os.kill(pid, signal.SIGCONT)
            wait_gone(pid)


def test_an_open_subscription_does_not_hold_up_the_end(start: Start, tmp_path: Path) -> None:
    demo = start()
    with connect(demo.facts["graphql_ws"], subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {demo.facts['token']}"}}
        socket.send(json.dumps(init))
        assert json.loads(socket.recv(10)) == {"type": "connection_ack"}
        query = {"query": "subscription { smsMessages { id } }"}
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": query}))
        socket.send(json.dumps({"type": "ping"}))
        assert json.loads(socket.recv(10)) == {"type": "pong"}
        demo.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed):
            socket.recv(10)
    assert demo.process.wait(20) == 0
    assert "the time to drain is over" not in (tmp_path / "errors.log").read_text()


def test_an_unknown_graphql_limit_is_told(tmp_path: Path) -> None:
    done = command("demo", "--data-dir", str(tmp_path), "--http", "127.0.0.1:0", "--smpp", "127.0.0.1:0",
                   "--smsc", "smpp://a:b@127.0.0.1:1", "--graphql-limit", "height=3")  # fmt: skip
    assert done.returncode == 1
    assert "--graphql-limit height: there are aliases," in done.stderr


def test_with_smsc_there_is_no_network(start: Start) -> None:
    demo = start("--smsc", "smpp://a:b@127.0.0.1:1")
    page = urllib.request.Request(demo.facts["http"] + "/", headers={"Accept": "text/html"})  # noqa: S310
    with urllib.request.urlopen(page, timeout=10) as response:  # noqa: S310
        assert (response.url, response.status) == (demo.facts["graphql"], 200)
    assert demo.facts["network"] is None
    assert len(demo.children()) == 1


def test_postgres_and_the_network_are_started_again_when_they_die(start: Start) -> None:
    demo = start()
    for pid in demo.children():
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)
    for url in (demo.facts["http"] + "/readyz", demo.facts["network"] + "/stats"):
        deadline = time.monotonic() + 60
        while True:
            try:
                if get(url)[0] == 200:
                    break
            except OSError:
                pass
            assert time.monotonic() < deadline, f"{url} did not come back"
