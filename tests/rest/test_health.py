"""What machines that watch a node are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import pytest

from motet import __version__
from motet.rest import health
from motet.rest.health import NotReadyError, Readiness, rest_application
from motet.rest.metrics import Family, Metrics


async def well() -> None:
    return None


async def ending() -> None:
    raise NotReadyError("the node is ending")


async def broken() -> None:
    raise OSError("postgresql://user:secret@host")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Calls the routes as an ASGI server does."""

    def __init__(
        self, checks: dict[str, health.Check], metrics: Metrics | None = None, metrics_token: str | None = None
    ) -> None:
        self._application = rest_application(Readiness(checks), metrics or Metrics(), metrics_token=metrics_token)

    async def get(self, path: str, method: str = "GET", authorization: str | None = None) -> Answer:
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [] if authorization is None else [(b"authorization", authorization.encode())],
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._application(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


async def test_a_running_node_is_healthy_whatever_its_database_does() -> None:
    response = await Client({"database": broken}).get("/healthz")
    assert (response.status, json.loads(response.body)) == (200, {"status": "ok", "version": __version__})


async def test_ready_when_all_checks_pass() -> None:
    response = await Client({"database": well}).get("/readyz")
    assert (response.status, json.loads(response.body)) == (200, {"status": "ready", "failures": {}})
    assert response.headers["cache-control"] == "no-store"


async def test_not_ready_says_which_check_without_its_secrets() -> None:
    response = await Client({"database": broken, "node": ending, "other": well}).get("/readyz")
    assert response.status == 503
    assert json.loads(response.body) == {
        "status": "unavailable",
        "failures": {"database": "OSError", "node": "the node is ending"},
    }


async def test_a_check_that_hangs_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_S", 0.01)

    async def hang() -> None:
        await asyncio.Event().wait()

    assert await Readiness({"database": hang}).failures() == {"database": "TimeoutError"}


async def test_checks_run_at_most_twice_a_second_whoever_asks() -> None:
    now, calls = 0.0, 0

    async def counted() -> None:
        nonlocal calls
        calls += 1

    clock: Callable[[], float] = lambda: now  # noqa: E731
    readiness = Readiness({"x": counted}, clock=clock)
    await asyncio.gather(*(readiness.failures() for _ in range(20)))
    assert calls == 1
    now = 0.5
    await readiness.failures()
    assert calls == 2


async def test_metrics_read_plain_numbers_when_asked() -> None:
    counts = {"accepted": 1, "refused": 0}
    metrics = Metrics()
    metrics.add(
        Family("motet_messages", "Messages by fate", lambda: {(k,): v for k, v in counts.items()}, ("fate",)),
        Family("motet_open_messages", "Messages in memory", lambda: 7, gauge=True),
    )
    watched = Client({}, metrics)
    counts["accepted"] += 41
    text = (await watched.get("/metrics")).body.decode()
    assert 'motet_messages_total{fate="accepted"} 42.0' in text
    assert 'motet_messages_total{fate="refused"} 0.0' in text
    assert "# TYPE motet_open_messages gauge\nmotet_open_messages 7.0" in text
    assert f'motet_build{{version="{__version__}"}} 1.0' in text
    assert "process_resident_memory_bytes" in text


async def test_metrics_ask_for_their_token_where_there_is_one() -> None:
    watched = Client({}, metrics_token="t0ken")
    for shown in (None, "", "t0ken", "Bearer t0ke", "Bearer t0kens", "Bearer tök\xffen"):
        refused = await watched.get("/metrics", authorization=shown)
        assert (refused.status, json.loads(refused.body)["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert (await watched.get("/metrics", authorization="Bearer t0ken")).status == 200
    assert (await watched.get("/healthz")).status == 200


async def test_unknown_paths_and_methods() -> None:
    watched = Client({})
    assert (await watched.get("/")).status == 404
    assert (await watched.get("/healthz", "POST")).status == 405
