"""The path on which networks tell things: who may, what is taken, and how what is not is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from motet.access.principals import Role
from motet.access.tokens import TokenAuthority, generate_key
from motet.identity.authenticator import Authenticator
from motet.network.app import MAX_BODY_OCTETS, MAX_NOTIFICATIONS, NotificationsApp
from motet.storage.database import Database
from network_world import NetworkWorld, network_world

NOW = int(time.time())
Ask = Callable[..., Awaitable[tuple[int, dict[str, str], Any]]]


class Path:
    """The application, and one request at a time to it."""

    def __init__(self, net: NetworkWorld) -> None:
        self.net = net
        self.authority = TokenAuthority([generate_key()])
        self.token = self.authority.issue_to_network("network:test", now=NOW, ttl_s=3600)
        self.app = NotificationsApp(Authenticator(net.database, self.authority), net.connectivity)

    async def ask(
        self, body: Any, *, token: str | None = None, method: str = "POST", scheme: str = "Bearer"
    ) -> tuple[int, dict[str, str], Any]:
        """(status, headers, answer)."""
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": text, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        shown = self.token if token is None else token
        headers = [(b"authorization", f"{scheme} {shown}".encode())] if shown else []
        scope = {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": headers}
        await self.app(scope, receive, send)
        kept = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], kept, json.loads(sent[1]["body"])

    async def told(self, **changes: Any) -> dict[str, Any]:
        sim = await self.net.sim_of(self.net.demo.devices[0])
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW))
        return {
            "id": "a",
            "type": "attached",
            "at": at,
            "sim": sim["imsi"],
            "operator": "26201",
            "rat": "4G",
            **changes,
        }


@pytest_asyncio.fixture
async def path(database: Database) -> Path:
    return Path(await network_world(database))


async def test_what_is_told_is_answered_one_by_one_and_a_bad_one_spoils_no_other(path: Path) -> None:
    good = await path.told()
    status, _, answer = await path.ask(
        {"notifications": [{"id": "x"}, good, 5, {**good, "id": "b", "sim": "89123456"}]}
    )
    assert status == 200
    assert [(one["id"], one["verdict"]) for one in answer["results"]] == [
        ("x", "invalid"), ("a", "done"), (None, "invalid"), ("b", "unknown_sim"),
    ]  # fmt: skip
    row = await path.net.attachment(path.net.demo.devices[0])
    assert (row["attached"], row["operator"], row["rat"]) == (True, "26201", "LTE")
    _, _, again = await path.ask({"notifications": [good]})
    assert again["results"] == [{"id": "a", "verdict": "done", "repeated": True}]
    assert (await path.ask({"notifications": []}))[2] == {"results": []}


async def test_only_a_networks_token_opens_the_path_and_it_opens_nothing_else(path: Path) -> None:
    body = {"notifications": [await path.told()]}
    member = path.authority.issue(
        "a@demo",
        now=NOW,
        ttl_s=3600,
        workspace_id=path.net.demo.workspace_id,
        workspace="demo",
        role=Role.ADMINISTRATOR,
    )
    operator = path.authority.issue("operator", now=NOW, ttl_s=3600)
    expired = path.authority.issue_to_network("network:test", now=NOW - 100, ttl_s=50)
    for token, status in ((member, 403), (operator, 403), (expired, 401), ("nonsense", 401), ("", 401)):
        got, headers, answer = await path.ask(body, token=token)
        assert (got, "error" in answer) == (status, True)
        assert ("www-authenticate" in headers) == (status == 401)
    assert (await path.ask(body, scheme="Basic"))[0] == 401
    assert await path.net.attachment(path.net.demo.devices[0]) is None
    principal = path.authority.verify(path.token, NOW)
    assert [permission.value for permission in principal.permissions] == ["network:write"]
    assert (principal.workspace_id, principal.is_operator) == (None, False)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[]", 400),
        (b"5", 400),
        (b'{"notifications": {}}', 400),
        (b'{"notifications": [], "more": 1}', 400),
        (json.dumps({"notifications": [1] * (MAX_NOTIFICATIONS + 1)}).encode(), 400),
        (b" " * (MAX_BODY_OCTETS + 1), 413),
        (b"[" * 100_000, 400),
    ],
)
async def test_a_request_that_is_none_is_refused_as_a_whole(path: Path, body: bytes, status: int) -> None:
    got, _, answer = await path.ask(body)
    assert (got, list(answer)) == (status, ["error"])


async def test_only_post_is_served(path: Path) -> None:
    status, headers, _ = await path.ask({}, method="GET")
    assert (status, headers["allow"]) == (405, "POST")


async def test_while_the_database_is_away_the_network_is_told_to_come_again(path: Path) -> None:
    body = {"notifications": [await path.told()]}
    await path.net.database.pool.close()
    status, headers, _ = await path.ask(body)
    assert (status, headers["retry-after"]) == (503, "2")
