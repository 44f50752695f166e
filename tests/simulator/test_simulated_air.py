"""What the simulated network tells Motet: in order, kept until answered, and what is refused does not stay."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from simulator_support import FIRST, SECOND, Network


class Motet:
    """Takes notifications; those of which `refuses` says so are refused."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.refuses: Callable[[dict[str, Any]], bool] = lambda _: False

    async def take(self, request: web.Request) -> web.Response:
        assert request.headers["authorization"] == "Bearer word"
        results = []
        for one in (await request.json())["notifications"]:
            self.told.append(one)
            refused = {"verdict": "refused", "reason": "NETWORK_NOT_ALLOWED", "words": "no", "decision": "REFUSE"}
            results.append({"id": one["id"], **(refused if self.refuses(one) else {"verdict": "done"})})
        return web.json_response({"results": results})

    @property
    def kinds(self) -> list[str]:
        return [one["type"] for one in self.told]


def served(motet: Motet, port: int) -> TestServer:
    application = web.Application()
    application.router.add_post("/network/v1/notifications", motet.take)
    return TestServer(application, port=port)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(network: Network, method: str, path: str, body: Any = None) -> Any:
    return asyncio.to_thread(network.call, method, path, body)


async def test_phones_attach_carry_data_and_fall_out_as_motet_lets_them(start: Callable[..., Network]) -> None:
    motet, port = Motet(), free_port()
    async with served(motet, port):
        network = start("--motet-url", f"http://127.0.0.1:{port}", "--motet-token", "word")
        shown = await call(
            network, "PATCH", f"/phones/{FIRST}", {"operator": "26201", "rat": "4G", "imei": "49015420323751"}
        )
        assert (shown["attached"], shown["operator"], shown["rat"]) == (True, "26201", "LTE")
        used = await call(network, "POST", f"/phones/{FIRST}/session", {"up": 10, "bytes_down": 5})
        assert (used["allowed"], used["open"], used["bytes_up"]) == (True, True, 10)
        again = await call(network, "POST", f"/phones/{FIRST}/session", {"up": 1, "close": True})
        assert (again["session_id"], again["open"]) == (used["session_id"], False)
        records = [
            (one["sequence"], one["octets_up"], one["octets_down"]) for one in motet.told if one["type"] == "session"
        ]
        assert records == [(0, 0, 0), (1, 10, 5), (2, 1, 0)]
        motet.refuses = lambda one: one["type"] in ("attached", "session")
        refused = await call(network, "POST", f"/phones/{FIRST}/session", {"up": 1})
        assert refused == {"allowed": False, "reason": "NETWORK_NOT_ALLOWED", "words": "no"}
        shown = await call(network, "PATCH", f"/phones/{FIRST}", {"operator": "22801"})
        assert (shown["attached"], shown["refused"]) == (False, {"reason": "NETWORK_NOT_ALLOWED", "words": "no"})
        assert (await call(network, "POST", f"/phones/{FIRST}/session", {"up": 1}))["reason"] == "NOT_ATTACHED"
        motet.refuses = lambda _: False
        await call(network, "PATCH", f"/phones/{SECOND}", {"attached": True, "operator": "20801"})
        del motet.told[:]
        assert (await call(network, "PATCH", "/operators/20801", {"outage": True}))["phones"] == 1
        assert (await call(network, "GET", f"/phones/{SECOND}"))["attached"] is False
        assert (await call(network, "PATCH", "/operators/20801", {"outage": False}))["phones"] == 1
        assert (await call(network, "PATCH", f"/phones/{SECOND}", {"cell": "1"}))["attached"] is True
        assert motet.kinds == ["outage", "detached", "attach_failed", "outage", "attached", "location_updated"]


async def test_what_motet_did_not_answer_is_told_after_kill_9(start: Callable[..., Network], tmp_path: Path) -> None:
    motet, port = Motet(), free_port()
    flags = ("--motet-url", f"http://127.0.0.1:{port}", "--motet-token", "word")
    network = start(*flags, data_dir=tmp_path)
    await call(network, "PATCH", f"/phones/{FIRST}", {"operator": "26201", "cell": "7"})
    await call(network, "PATCH", "/operators/22801", {"outage": True})
    network.kill()
    async with served(motet, port):
        network = start(*flags, data_dir=tmp_path)
        shown = await call(network, "GET", f"/phones/{FIRST}")
        assert (shown["operator"], shown["cell"]) == ("26201", "7")
        assert await call(network, "GET", "/operators") == [{"operator": "22801", "outage": True}]
        await call(network, "PATCH", f"/phones/{FIRST}", {"cell": "8"})
        assert motet.kinds == ["attached", "outage", "location_updated"]
        assert len({one["id"] for one in motet.told}) == 3


def test_orders_need_their_token_and_are_done_once(start: Callable[..., Network]) -> None:
    network = start("--orders-token", "word")
    order = {"kind": "subscriber", "sim": {"iccid": "8949", "imsi": "262", "msisdn": "491"}}
    assert network.refused("PUT", "/orders/1", order)[0] == 401
    assert network.call("GET", "/phones?msisdn=491") == []
    assert json.dumps(network.call("GET", "/operators")) == "[]"
