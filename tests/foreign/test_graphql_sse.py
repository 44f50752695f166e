"""graphql-sse as the client, in both of its modes: an operation that lasts and one that ends."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from foreign_programs import FOREIGN, node_with
from running_demo import DEADLINE_S, RunningDemo

pytestmark = pytest.mark.timeout(120)

SUBSCRIPTION = "subscription { smsMessages { id status text } }"


@contextmanager
def client(demo: RunningDemo, mode: str, token: str) -> Iterator[subprocess.Popen[str]]:
    words = [node_with("graphql-sse"), "graphql_sse_client.mjs", demo.facts["graphql"], token, mode, SUBSCRIPTION]
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, cwd=FOREIGN, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_S)


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """Each line that the client prints; pytest's own time limit ends a wait in vain."""
    assert process.stdout is not None
    while line := process.stdout.readline().strip():
        yield line


def send(demo: RunningDemo, text: str) -> None:
    query = "mutation ($to: String, $text: String) { smsSend(input: {msisdn: $to, text: $text}) { sms { id } } }"
    assert demo.graphql(query, to=demo.phones()[0], text=text)["smsSend"]["sms"]


@pytest.mark.parametrize("mode", ["single", "distinct"])
def test_a_subscription_and_a_query_are_answered_and_ended(demo: RunningDemo, mode: str) -> None:
    with client(demo, mode, demo.facts["token"]) as process:
        told = lines(process)
        before = [next(told) for _ in range(3 if mode == "single" else 4)]
        assert before.count("connected") == (1 if mode == "single" else 2)
        assert json.dumps({"query": {"subject": "administrator@demo"}}).replace(" ", "") in before
        assert before[-1] == "answered" or "answered" in before
        messages: list[Any] = []
        send(demo, f"over {mode}")
        while not messages or messages[-1]["status"] != "DELIVERED":
            messages.append(json.loads(next(told))["data"]["smsMessages"])
        assert {message["text"] for message in messages} == {f"over {mode}"}
        assert process.stdin is not None
        process.stdin.write("stop\n")
        process.stdin.flush()
        assert next(told) == "complete"


@pytest.mark.parametrize("mode", ["single", "distinct"])
def test_without_a_good_token_there_is_no_stream(demo: RunningDemo, mode: str) -> None:
    with client(demo, mode, "nonsense") as process:
        assert json.loads(next(lines(process)))["status"] == 401
