"""graphql-ws as the subscriber: what an SMPP client submits is told as it goes on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from foreign_programs import FOREIGN, node_with
from raw_esme import SUBMIT_SM, RawEsme, sm_body
from running_demo import DEADLINE_S, RunningDemo

pytestmark = pytest.mark.timeout(120)

SUBSCRIPTION = "subscription ($f: SmsMessageFilter) { smsMessages(filter: $f) { id status text to } }"
FORBIDDEN = 4403


class Subscriber:
    """A graphql-ws client in Node, a line for each result."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> str:
        """The next line; pytest's own time limit ends a wait in vain."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def next(self) -> Any:
        """The next result."""
        return json.loads(self.line())


@contextmanager
def subscriber(demo: RunningDemo, token: str, **variables: object) -> Iterator[Subscriber]:
    words = [node_with("graphql-ws"), "graphql_ws_client.mjs", demo.facts["graphql_ws"], token, SUBSCRIPTION]
    process = subprocess.Popen(
        [*words, json.dumps(variables)], cwd=FOREIGN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield Subscriber(process)
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_S)


def submit(demo: RunningDemo, msisdn: str, text: bytes, system_id: str = "demo") -> None:
    password = demo.password if system_id == "demo" else demo.facts["other"]["smpp"]["password"]
    with RawEsme(demo.smpp) as esme:
        assert esme.bind(system_id, password).status == 0
        assert esme.ask(SUBMIT_SM, sm_body(msisdn, text)).status == 0
        esme.deliver()


def test_a_subscriber_follows_what_an_esme_submits(demo: RunningDemo) -> None:
    msisdn = demo.phones()[0]
    with subscriber(demo, demo.facts["token"]) as one:
        assert one.line() == "ready"
        submit(demo, demo.others_phone(), b"not ours", "other")
        submit(demo, msisdn, b"to be followed")
        told = [one.next()]
        while told[-1]["data"]["smsMessages"]["status"] != "DELIVERED":
            told.append(one.next())
    messages = [result["data"]["smsMessages"] for result in told]
    assert {(message["text"], message["to"]) for message in messages} == {("to be followed", msisdn)}
    assert len({message["id"] for message in messages}) == 1
    statuses = [message["status"] for message in messages]
    assert statuses == sorted(statuses, key=("PENDING", "IN_PROGRESS", "DELIVERED").index)


def test_the_second_tenant_hears_its_own_only(demo: RunningDemo) -> None:
    with subscriber(demo, demo.facts["other"]["token"]) as other:
        assert other.line() == "ready"
        submit(demo, demo.phones()[1], b"not theirs")
        submit(demo, demo.others_phone(), b"theirs", "other")
        assert other.next()["data"]["smsMessages"]["text"] == "theirs"


@pytest.mark.parametrize("token", ["", "nonsense"])
def test_without_a_good_token_the_socket_is_closed(demo: RunningDemo, token: str) -> None:
    with subscriber(demo, token) as nobody:
        assert nobody.next() == {"closed": FORBIDDEN}


def test_what_breaks_the_protocol_closes_with_its_code(demo: RunningDemo) -> None:
    words = [node_with("ws"), "graphql_ws_codes.mjs", demo.facts["graphql_ws"], demo.facts["token"]]
    done = subprocess.run(words, cwd=FOREIGN, capture_output=True, text=True, timeout=60, check=True)
    codes, legacy = (json.loads(line) for line in done.stdout.splitlines())
    assert codes == {
        "no connection_init": 4408,
        "a bad token": 4403,
        "subscribe before connection_init": 4401,
        "a second connection_init": 4429,
        "an id in use": 4409,
        "no JSON": 4400,
        "no such type": 4400,
        "subscribe without an id": 4400,
        "a binary message": 4400,
        "a frame of 15 MB": 1009,
        "no subprotocol": 4406,
    }
    assert legacy["legacy"] in {"Server sent no subprotocol", "4406"}
