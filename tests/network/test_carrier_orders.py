"""Orders to a network over HTTP: kept until answered, one after the other for a SIM, each end told once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from motet.domain.errors import ConflictError, InvalidError, LimitReachedError, NotFoundError, UpstreamError
from motet.domain.ids import IdGenerator
from motet.domain.network import OperationResult, OrderKind, OrderState, Verdict
from motet.fleet.devices.connectivity_reset import ConnectivityResetService
from motet.network.carrier import HttpCarrier
from motet.network.dispatcher import Dispatcher
from motet.storage.database import Database
from network_world import NetworkWorld, attached, network_world


class Carrier:
    """A network that answers as it is told to: (status, body) by kind."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, dict[str, Any], str]] = []
        self.answers: dict[str, tuple[int, Any]] = {}

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.orders.append((request.match_info["order"], body, request.headers.get("authorization", "")))
        status, answer = self.answers.get(body["kind"], (200, {"state": "done"}))
        return web.json_response(answer, status=status)

    @property
    def kinds(self) -> list[str]:
        return [body["kind"] for _, body, _ in self.orders]


class Line:
    """The world, a carrier, and the dispatcher between them."""

    def __init__(self, net: NetworkWorld, carrier: Carrier, dispatcher: Dispatcher) -> None:
        self.net = net
        self.carrier = carrier
        self.dispatcher = dispatcher

    async def work(self) -> None:
        while await self.dispatcher.dispatch():
            pass

    async def reset(self, device_id: int, **what: bool) -> int:
        return await self.net.resets.reset(self.net.demo.workspace_id, "someone", device_id, **what)

    async def row(self, reset_id: int) -> Any:
        return await self.net.database.pool.fetchrow("SELECT * FROM connectivity_reset WHERE id = $1", reset_id)


@pytest_asyncio.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    net, carrier = await network_world(database), Carrier()
    application = web.Application()
    application.router.add_put("/motet/orders/{order}", carrier.take)
    async with TestServer(application) as server:
        client = HttpCarrier(str(server.make_url("/motet/")), "word")
        yield Line(net, carrier, Dispatcher(database, client, net.ends, clock=lambda: net.now))
        await client.close()


async def test_a_reset_is_ordered_done_and_proven_by_the_sim_coming_back(line: Line) -> None:
    net, device = line.net, line.net.demo.devices[0]
    sim = await net.sim_of(device)
    reset_id = await line.reset(device)
    assert await line.reset(device) == reset_id, "the same asked again is the same"
    await line.work()
    assert line.carrier.kinds == ["cut_data", "cancel_location"]
    _, body, authorization = line.carrier.orders[1]
    assert (body["sim"], authorization) == (
        {"iccid": sim["iccid"], "imsi": sim["imsi"], "msisdn": sim["msisdn"]}, "Bearer word",
    )  # fmt: skip
    row = await line.row(reset_id)
    assert (row["open_orders"], row["failed"], row["done_at"] is None, row["reattached_at"]) == (0, None, False, None)
    net.now += 60
    told = replace(attached(sim["iccid"]), at=datetime.fromtimestamp(net.now, UTC))
    assert [one.verdict for one in await net.tell(told)] == [Verdict.DONE]
    assert (await line.row(reset_id))["reattached_at"] == told.at
    assert [kind for kind, _ in await net.events(net.demo)] == [
        "device.connectivity_reset", "device.attached", "device.reset_done",
    ]  # fmt: skip


async def test_a_network_that_is_away_is_asked_again_and_one_order_of_a_sim_waits_for_the_other(line: Line) -> None:
    line.carrier.answers["cut_data"] = (503, {})
    reset_id = await line.reset(line.net.demo.devices[0])
    await line.work()
    assert line.carrier.kinds == ["cut_data"]
    assert await line.net.order_rows() == [("cut_data", 0, 1), ("cancel_location", 0, 0)]
    line.carrier.answers.clear()
    await line.work()
    assert line.carrier.kinds == ["cut_data"], "not before its time"
    line.net.now += 2
    await line.work()
    assert line.carrier.kinds == ["cut_data", "cut_data", "cancel_location"]
    assert line.carrier.orders[0][0] == line.carrier.orders[1][0], "under the same id"
    assert (await line.row(reset_id))["done_at"] is not None


async def test_an_order_that_was_taken_by_a_node_that_died_is_taken_again(line: Line) -> None:
    await line.reset(line.net.demo.devices[0], data=False)
    await line.net.database.pool.execute(
        "UPDATE network_order SET attempts = 1, due = due + interval '20 seconds'"
    )  # what a node leaves that is killed between asking and noting
    await line.work()
    assert line.carrier.kinds == []
    line.net.now += 21
    await line.work()
    assert await line.net.order_rows() == [("cancel_location", OrderState.DONE, 2)]


async def test_a_network_that_refuses_or_stays_silent_fails_the_reset(line: Line) -> None:
    first, second = line.net.demo.devices[:2]
    line.carrier.answers["cancel_location"] = (409, {"error": "no such subscriber"})
    refused = await line.reset(first, data=False)
    await line.work()
    line.carrier.answers["cancel_location"] = (500, {})
    silent = await line.reset(second, data=False)
    await line.work()
    line.net.now += timedelta(days=3, minutes=2).total_seconds()
    await line.work()
    assert (await line.row(refused))["failed"] == "no such subscriber"
    assert (await line.row(silent))["failed"].startswith("The network did not answer")
    assert [kind for kind, _ in await line.net.events(line.net.demo)].count("device.reset_failed") == 2


async def test_what_was_accepted_ends_when_the_network_tells_and_only_once(line: Line) -> None:
    line.carrier.answers["cancel_location"] = (202, {"state": "accepted"})
    reset_id = await line.reset(line.net.demo.devices[0], data=False)
    await line.work()
    assert await line.net.order_rows() == [("cancel_location", OrderState.ACCEPTED, 1)]
    order = int(line.carrier.orders[0][0])
    now = (await line.row(reset_id))["at"]
    said = await line.net.tell(
        OperationResult(now, order, True), OperationResult(now, order, True), OperationResult(now, 5, True)
    )
    assert [one.verdict for one in said] == [Verdict.DONE, Verdict.UNKNOWN_ORDER, Verdict.UNKNOWN_ORDER]
    assert (await line.row(reset_id))["done_at"] == now


async def test_a_device_is_reset_six_times_an_hour_at_most(line: Line) -> None:
    device = line.net.demo.devices[0]
    for _ in range(6):
        await line.reset(device)
        await line.work()
    with pytest.raises(LimitReachedError):
        await line.reset(device)
    await line.reset(line.net.demo.devices[1])
    line.net.now += 3_601
    await line.reset(device)


async def test_what_cannot_be_reset_is_said_to_be_so(line: Line) -> None:
    net = line.net
    with pytest.raises(NotFoundError):
        await line.reset(net.other.devices[0])
    with pytest.raises(InvalidError):
        await line.reset(net.demo.devices[0], location=False, data=False)
    bare = await net.tenants.device(net.demo, with_sim=False)
    with pytest.raises(ConflictError):
        await line.reset(bare)

    async def nobody() -> None: ...

    alone = ConnectivityResetService(
        net.database, IdGenerator(4), net.journal, net.orders, has_network=False, on_change=nobody
    )
    with pytest.raises(UpstreamError):
        await alone.reset(net.demo.workspace_id, "someone", net.demo.devices[0])


async def test_a_reset_ends_a_factory_test(line: Line) -> None:
    device = line.net.demo.devices[0]
    sim = await line.net.sim_of(device)
    await line.net.tenants.execute("UPDATE sim SET status = 1 WHERE id = $1", sim["id"])
    await line.reset(device)
    assert await line.net.database.pool.fetchval("SELECT status FROM sim WHERE id = $1", sim["id"]) == 2
    assert line.net.changed == ["fleet"]


async def test_an_order_that_says_the_same_and_was_not_sent_is_not_added_twice(line: Line) -> None:
    net = line.net
    sims = net.demo.sims[:3]

    async def order() -> list[int]:
        async with net.database.pool.acquire() as connection, connection.transaction():
            return await net.orders.add(connection, net.demo.workspace_id, OrderKind.SUBSCRIBER, sims)

    first = await order()
    assert await order() == first
    await line.work()
    again = await order()
    assert not set(again) & set(first)
    assert [body["barred"] for _, body, _ in line.carrier.orders] == [{"data": False, "sms": False}] * 3
