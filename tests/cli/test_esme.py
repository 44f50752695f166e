"""`motet esme` against the simulated network, both as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

WAIT_S = 20
FIRST = "99900000001"


class _Network:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "motet", "simulator", "--json", "--stop-on-stdin-eof", "--phones", "5"),
                *("--smpp", "127.0.0.1:0", "--network", "127.0.0.1:0", "--log-level", "warning"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())
        smpp = self.ready["smpp"]
        self.environment = {
            **os.environ,
            "MOTET_SMPP": f"{smpp['host']}:{smpp['port']}",
            "MOTET_SYSTEM_ID": smpp["system_id"],
            "MOTET_PASSWORD": smpp["password"],
        }

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.ready["network"] + path, data=data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=WAIT_S) as response:  # noqa: S310
            return json.loads(response.read())

    def esme(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "motet", "esme", *words],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=WAIT_S,
        )

    def stop(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        assert self.process.wait(WAIT_S) == 0


@pytest.fixture(scope="module")
def network() -> Iterator[_Network]:
    started = _Network()
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def well_behaved(network: _Network) -> Iterator[None]:
    yield
    network.call("PATCH", f"/phones/{FIRST}", {"behaviour": "deliver", "reply": None})


def _events(finished: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in finished.stdout.splitlines()]


def test_a_text_is_sent_and_its_receipt_printed(network: _Network) -> None:
    finished = network.esme("send", "--to", FIRST, "--text", "hello", "--from", "7000", "--json")
    assert (finished.returncode, finished.stderr) == (0, "")
    bound, accepted, receipt = _events(finished)
    assert bound == {"event": "bound", "system_id": "network", "bind": "transceiver"}
    assert accepted["event"] == "accepted"
    assert receipt == {
        "event": "receipt",
        "message_id": accepted["message_id"],
        "state": "DELIVERED",
        "error": "000",
    }
    entry = network.call("GET", f"/phones/{FIRST}")["inbox"][-1]
    assert (entry["from"], entry["text"]) == ("7000", "hello")


def test_people_get_plain_lines(network: _Network) -> None:
    finished = network.esme("--bind", "transceiver", "send", "--to", f"+{FIRST}", "--text", "plain")
    assert finished.returncode == 0
    assert [line.split()[0] for line in finished.stdout.splitlines()] == ["bound", "accepted", "receipt"]


def test_a_long_text_goes_in_parts_and_arrives_as_one(network: _Network) -> None:
    text = "Grüße 😀 Привет " * 10
    finished = network.esme("send", "--to", FIRST, "--text", text, "--json")
    assert [event["event"] for event in _events(finished)].count("accepted") == 3
    entry = network.call("GET", f"/phones/{FIRST}")["inbox"][-1]
    assert (entry["text"], entry["parts"]) == (text, 3)


def test_a_refused_text_ends_with_1(network: _Network) -> None:
    finished = network.esme("send", "--to", "4917012345678", "--text", "x", "--json")
    assert finished.returncode == 1
    assert _events(finished)[-1] == {"event": "refused", "command": "submit_sm_resp", "status": "ESME_RINVDSTADR"}


def test_a_failed_delivery_ends_with_1(network: _Network) -> None:
    network.call("PATCH", f"/phones/{FIRST}", {"behaviour": "memory_full"})
    finished = network.esme("send", "--to", FIRST, "--text", "x", "--json")
    assert finished.returncode == 1
    assert _events(finished)[-1].items() >= {"state": "UNDELIVERABLE", "error": "022"}.items()


def test_a_receipt_that_does_not_come_is_said(network: _Network) -> None:
    network.call("PATCH", f"/phones/{FIRST}", {"behaviour": "silent"})
    finished = network.esme("send", "--to", FIRST, "--text", "x", "--json", "--wait", "0.1")
    assert finished.returncode == 1
    assert _events(finished)[-1]["event"] == "no receipt"


def test_without_waiting_no_receipt_is_asked_for(network: _Network) -> None:
    finished = network.esme("send", "--to", FIRST, "--text", "x", "--json", "--wait", "0")
    assert finished.returncode == 0
    assert [event["event"] for event in _events(finished)] == ["bound", "accepted"]


def test_listening_prints_mo_until_interrupted(network: _Network) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "motet", "esme", "--bind", "receiver", "listen", "--json"],
        env=network.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as listening:
        assert listening.stdout is not None
        assert listening.stderr is not None
        assert json.loads(listening.stdout.readline())["event"] == "bound"
        network.call("POST", f"/phones/{FIRST}/mo", {"to": "7000", "text": "hi €"})
        assert json.loads(listening.stdout.readline()) == {
            "event": "mo",
            "from": FIRST,
            "to": "7000",
            "text": "hi €",
            "hex": "6869201b65",
        }
        listening.send_signal(signal.SIGINT)
        assert listening.wait(WAIT_S) == 0
        assert listening.stderr.read() == ""


def test_a_wrong_password_is_said(network: _Network) -> None:
    finished = network.esme("listen", MOTET_PASSWORD="wrong")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "Invalid Password" in finished.stderr


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["listen", "--smpp", "127.0.0.1:1"], 1, "the connection failed"),
        (["listen", "--smpp", "nowhere"], 1, "--smpp must be HOST:PORT"),
        (["send", "--text", "x"], 2, "--to"),
        (["send", "--to", "1", "--text", "x", "--wait", "-1"], 2, "--wait"),
        ([], 2, "send|listen"),
    ],
)
def test_wrong_usage_is_said(network: _Network, words: list[str], status: int, message: str) -> None:
    finished = network.esme(*words)
    assert finished.returncode == status
    assert message in finished.stderr


def test_an_account_is_needed(network: _Network) -> None:
    finished = network.esme("listen", MOTET_SYSTEM_ID="")
    assert (finished.returncode, finished.stderr) == (1, "motet: --system-id is needed, or MOTET_SYSTEM_ID\n")
