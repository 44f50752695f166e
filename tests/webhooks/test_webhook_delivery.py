"""From a committed event to a signed POST, and all that can happen on the way. Real PostgreSQL, real HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook
from webhook_support import (
    OTHER_WORKSPACE,
    SECRET_KEY,
    WORKSPACE,
    Clock,
    Receiver,
    deliveries,
    emit,
    make_webhooks,
    until,
)

from audit_reading import acts_of
from motet.access.secrets import SecretBox
from motet.domain.ids import first_id_at
from motet.domain.states import DeliveryStatus, WebhookStatus
from motet.outgoing.targets import TargetPolicy
from motet.storage import webhook, webhook_delivery
from motet.storage.database import Database
from motet.webhooks.dispatcher import LEASE_S
from motet.webhooks.ladder import MAX_ATTEMPTS, RETRY_DELAYS_S
from motet.webhooks.node import Webhooks
from motet.webhooks.places import PROMPT_S
from motet.webhooks.posting import ANSWER_OCTETS
from motet.webhooks.retention import KEPT_S, Retention

DATA = {"id": "U21zTWVzc2FnZTo3", "from": "491701", "text": "Grüße 😀"}


async def add(webhooks: Webhooks, receiver: Receiver, path: str = "/hook", **options: Any) -> tuple[int, str]:
    options = {"event_types": ["sms.*"]} | options
    return await webhooks.service.create(WORKSPACE, url=receiver.url + path, **options)


async def webhook_row(database: Database, webhook_id: int) -> dict[str, Any]:
    async with database.pool.acquire() as connection:
        return dict(await connection.fetchrow("SELECT * FROM webhook WHERE id = $1", webhook_id))


async def test_a_committed_event_arrives_signed_as_the_standard_library_verifies(
    database: Database, webhooks: Webhooks, receiver: Receiver, clock: Clock
) -> None:
    _, secret = await add(webhooks, receiver)
    await emit(database, webhooks, "sms.received", DATA)
    (received,) = await receiver.wait_for(1)
    assert Webhook(secret).verify(received.body, received.headers) == {
        "type": "sms.received",
        "timestamp": "2023-11-14T22:13:20.123456Z",
        "data": DATA,
    }
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-timestamp"] == str(int(clock.now))
    await until(lambda: webhooks.counters.delivered == 1)
    (row,) = await deliveries(database)
    assert (row["status"], row["attempts"], row["last_status"], row["last_error"]) == (1, 1, 204, None)
    assert received.headers["webhook-id"] == f"msg_{row['id']}"


async def test_only_webhooks_of_the_workspace_that_want_the_type_get_it(
    database: Database, webhooks: Webhooks, receiver: Receiver
) -> None:
    await add(webhooks, receiver, "/received", event_types=["sms.received"])
    await add(webhooks, receiver, "/device", event_types=["device.*"])
    await webhooks.service.create(OTHER_WORKSPACE, url=receiver.url + "/other", event_types=["*"])
    assert webhooks.outbox.wants(WORKSPACE, "sms.received")
    assert not webhooks.outbox.wants(WORKSPACE, "sms.delivered")
    assert not webhooks.outbox.wants(99, "sms.received")
    assert webhooks.outbox.rows_for(WORKSPACE, "sms.delivered", 0, {}) == []
    await emit(database, webhooks, "sms.received", DATA)
    await until(lambda: webhooks.counters.delivered == 1)
    assert [one.path for one in receiver.received] == ["/received"]


async def test_one_event_for_two_webhooks_has_two_ids_and_two_signatures(
    database: Database, webhooks: Webhooks, receiver: Receiver
) -> None:
    secrets = {path: (await add(webhooks, receiver, path))[1] for path in ("/a", "/b")}
    await emit(database, webhooks, "sms.failed", DATA)
    received = await receiver.wait_for(2)
    for one in received:
        Webhook(secrets[one.path]).verify(one.body, one.headers)
    assert len({one.headers["webhook-id"] for one in received}) == 2


async def test_a_failed_attempt_is_made_again_with_the_same_id_and_body_and_its_own_timestamp(
    database: Database, webhooks: Webhooks, receiver: Receiver, clock: Clock
) -> None:
    _, secret = await add(webhooks, receiver)
    receiver.answers["/hook"] = 500
    await emit(database, webhooks, "sms.received", DATA)
    began = clock.now
    for retried, delay in enumerate(RETRY_DELAYS_S[:4], start=1):
        await until(lambda retried=retried: webhooks.counters.retried == retried)
        (row,) = await deliveries(database)
        assert 0.89 * delay <= row["next_attempt_at"].timestamp() - clock.now <= 1.11 * delay
        clock.now += 1.2 * delay
        webhooks.outbox.wake()
    receiver.answers["/hook"] = 200
    received = await receiver.wait_for(5)
    assert len({(one.headers["webhook-id"], one.body) for one in received}) == 1
    assert len({one.headers["webhook-signature"] for one in received}) == 5
    elapsed = [int(one.headers["webhook-timestamp"]) - int(began) for one in received]
    assert elapsed == sorted(set(elapsed))
    Webhook(secret).verify(received[1].body, received[1].headers)


async def test_a_delivery_dies_at_the_end_of_the_ladder_and_can_be_replayed(
    database: Database, webhooks: Webhooks, receiver: Receiver, clock: Clock
) -> None:
    webhook_id, _ = await add(webhooks, receiver)
    receiver.answers["/hook"] = 503
    await emit(database, webhooks, "sms.received", DATA)
    for attempts, delay in enumerate(RETRY_DELAYS_S, start=1):
        await until(lambda attempts=attempts: webhooks.counters.retried == attempts)
        clock.now += 1.2 * delay
        webhooks.outbox.wake()
    await until(lambda: webhooks.counters.dead == 1)
    (row,) = await deliveries(database)
    assert (row["status"], row["attempts"], row["last_error"]) == (DeliveryStatus.DEAD, MAX_ATTEMPTS, "HTTP 503")

    receiver.answers["/hook"] = 200
    assert await webhooks.service.replay(WORKSPACE, webhook_id) == 1
    await until(lambda: webhooks.counters.delivered == 1)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert len(receiver.received) == MAX_ATTEMPTS + 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_failure_and_is_not_followed(
    database: Database, webhooks: Webhooks, receiver: Receiver, status: int
) -> None:
    async def redirect(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    receiver.answers["/hook"] = redirect
    await add(webhooks, receiver)
    await emit(database, webhooks, "sms.received", DATA)
    await until(lambda: webhooks.counters.retried == 1)
    assert [one.path for one in receiver.received] == ["/hook"]
    (row,) = await deliveries(database)
    assert (row["status"], row["last_status"]) == (DeliveryStatus.PENDING, status)


async def test_410_disables_the_webhook_and_its_pending_deliveries_become_dead(
    database: Database, webhooks: Webhooks, receiver: Receiver, clock: Clock
) -> None:
    webhook_id, _ = await add(webhooks, receiver)
    receiver.answers["/hook"] = 500
    await emit(database, webhooks, "sms.received", DATA, count=3)
    await until(lambda: webhooks.counters.retried == 3)
    receiver.answers["/hook"] = 410
    await emit(database, webhooks, "sms.received", DATA)
    await until(lambda: webhooks.counters.dead == 4)
    assert [row["status"] for row in await deliveries(database)] == [DeliveryStatus.DEAD] * 4
    row = await webhook_row(database, webhook_id)
    assert (row["status"], row["disabled_reason"]) == (WebhookStatus.DISABLED, "the target answered 410 Gone")
    assert [act[1:] for act in await acts_of(database, "SYSTEM")] == [
        ("SYSTEM", "webhooks", "webhookGone", {"webhook.UPDATE": 1})
    ]
    assert not webhooks.outbox.wants(WORKSPACE, "sms.received")

    receiver.answers["/hook"] = 200
    await webhooks.service.update(WORKSPACE, webhook_id, enabled=True)
    assert (await webhook_row(database, webhook_id))["disabled_reason"] is None
    assert await webhooks.service.replay(WORKSPACE, webhook_id) == 4
    await until(lambda: webhooks.counters.delivered == 4)


async def test_a_slow_target_does_not_hold_up_others(
    database: Database, webhooks: Webhooks, receiver: Receiver
) -> None:
    release = asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    receiver.answers["/slow"] = wait
    await add(webhooks, receiver, "/slow", event_types=["sms.failed"])
    await add(webhooks, receiver, "/quick", event_types=["sms.received"])
    await emit(database, webhooks, "sms.failed", DATA, count=300)
    await until(lambda: webhooks.in_flight > 0)
    await emit(database, webhooks, "sms.received", DATA, count=100)
    await receiver.wait_for(100, "/quick")
    assert webhooks.in_flight <= 50
    release.set()
    await until(lambda: webhooks.counters.delivered == 400)


async def test_an_endless_answer_is_cut_and_its_status_counts(
    database: Database, webhooks: Webhooks, receiver: Receiver
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * ANSWER_OCTETS)

    receiver.answers["/hook"] = endless
    await add(webhooks, receiver)
    await emit(database, webhooks, "sms.received", DATA)
    await until(lambda: webhooks.counters.delivered == 1)


async def test_a_target_that_is_not_there_is_retried(database: Database, webhooks: Webhooks) -> None:
    await webhooks.service.create(WORKSPACE, url="http://127.0.0.1:1/", event_types=["*"])
    await emit(database, webhooks, "sms.received", DATA)
    await until(lambda: webhooks.counters.retried == 1)
    (row,) = await deliveries(database)
    assert (row["status"], row["last_status"]) == (DeliveryStatus.PENDING, None)
    assert "127.0.0.1" in row["last_error"]


async def test_a_target_that_is_no_longer_allowed_is_not_sent_to(
    database: Database, webhooks: Webhooks, receiver: Receiver, secret_box: SecretBox, clock: Clock
) -> None:
    await add(webhooks, receiver)
    await webhooks.stop(0.1)
    strict = make_webhooks(database, secret_box, clock, policy=TargetPolicy())
    await strict.start()
    await emit(database, strict, "sms.received", DATA)
    await until(lambda: strict.counters.refused == 1)
    await strict.stop(0.1)
    assert receiver.received == []


async def test_events_committed_by_a_node_that_died_are_sent_by_another(
    database: Database, webhooks: Webhooks, receiver: Receiver, secret_box: SecretBox, clock: Clock
) -> None:
    await add(webhooks, receiver)
    await webhooks.stop(0.1)
    await emit(database, webhooks, "sms.received", DATA, count=3)
    another = make_webhooks(database, secret_box, clock)
    await another.start()
    await receiver.wait_for(3)
    await another.stop(1)
    assert [row["status"] for row in await deliveries(database)] == [DeliveryStatus.DELIVERED] * 3


async def test_two_dispatchers_on_one_database_share_the_work(
    database: Database, webhooks: Webhooks, receiver: Receiver, secret_box: SecretBox, clock: Clock
) -> None:
    await add(webhooks, receiver)
    another = make_webhooks(database, secret_box, clock)
    await another.start()
    await emit(database, webhooks, "sms.received", DATA, count=200)
    another.outbox.wake()
    await until(lambda: webhooks.counters.delivered + another.counters.delivered == 200)
    await another.stop(1)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == len(receiver.received) == 200


async def test_an_attempt_cut_by_our_stop_is_due_again_at_once(
    database: Database, webhooks: Webhooks, receiver: Receiver, secret_box: SecretBox, clock: Clock
) -> None:
    hang = asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        await hang.wait()
        return web.Response()

    receiver.answers["/hook"] = wait
    await add(webhooks, receiver)
    await emit(database, webhooks, "sms.received", DATA)
    await receiver.wait_for(1)
    await webhooks.stop(0.01)
    hang.set()
    another = make_webhooks(database, secret_box, clock)
    await another.start()
    await until(lambda: another.counters.delivered == 1)
    await another.stop(1)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1


async def test_a_delivery_in_flight_at_kill_9_is_made_again_when_its_lease_is_over(
    database: Database, database_url: str, webhooks: Webhooks, receiver: Receiver, secret_box: SecretBox, clock: Clock
) -> None:
    hang = asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        await hang.wait()
        return web.Response()

    receiver.answers["/hook"] = wait
    _, secret = await add(webhooks, receiver)
    await webhooks.stop(0.1)
    await emit(database, webhooks, "sms.received", DATA)
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("webhook_sender.py")), database_url, SECRET_KEY.hex()
    )
    await receiver.wait_for(1)
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    hang.set()
    clock.now += LEASE_S + 30  # the child's clock was the real one
    another = make_webhooks(database, secret_box, clock)
    await another.start()
    await until(lambda: another.counters.delivered == 1)
    await another.stop(1)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert json.loads(Webhook(secret).verify(second.body, second.headers) and second.body)["data"] == DATA


async def test_deliveries_of_a_deleted_webhook_are_dropped_and_never_fail_a_commit(
    database: Database, webhooks: Webhooks, receiver: Receiver
) -> None:
    webhook_id, _ = await add(webhooks, receiver)
    late = webhooks.outbox.rows_for(WORKSPACE, "sms.received", 0, DATA)
    await webhooks.service.delete(WORKSPACE, webhook_id)
    lane = await database.connect_lane()
    await webhook_delivery.copy_deliveries(lane, late)
    await lane.close()
    webhooks.outbox.wake()
    while await deliveries(database):
        webhooks.outbox.wake()
    assert receiver.received == []


async def test_sending_goes_on_when_the_database_drops_its_connections(
    database: Database, webhooks: Webhooks, receiver: Receiver, clock: Clock
) -> None:
    await add(webhooks, receiver)
    receiver.answers["/hook"] = database_that_drops_connections(database)
    await emit(database, webhooks, "sms.received", DATA, count=3)
    await receiver.wait_for(3)
    receiver.answers["/hook"] = 204
    await emit(database, webhooks, "sms.received", DATA)
    async with asyncio.timeout(60):  # what was settled may not be counted: the answer to it was lost
        while await delivered_rows(database) < 4:
            clock.now += 1  # the lease of a claim whose answer was lost must run out
            await asyncio.sleep(0.05)
    assert [row["status"] for row in await deliveries(database)] == [DeliveryStatus.DELIVERED] * 4


async def delivered_rows(database: Database) -> int:
    """How many deliveries are settled; none while the connection is cut."""
    try:
        return int(await database.pool.fetchval("SELECT count(*) FROM webhook_delivery WHERE status = 1"))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return 0


def database_that_drops_connections(database: Database) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """An answer that comes after every connection of the pool has been cut."""

    async def answer(request: web.Request) -> web.StreamResponse:
        cutter = await database.connect("cutter")
        await cutter.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'motet'"
        )
        await cutter.close()
        return web.Response()

    return answer


@pytest.mark.parametrize("module", [webhook, webhook_delivery])
async def test_every_statement_fits_the_schema(database: Database, module: ModuleType) -> None:
    private = {name: value for name, value in vars(module).items() if name.startswith("_") and name.isupper()}
    statements = [value for value in private.values() if isinstance(value, str)]
    assert len(statements) > 5
    async with database.pool.acquire() as connection:
        for statement in statements:
            await connection.prepare(statement)


async def test_old_deliveries_are_purged_by_status(database: Database, workspaces: None, clock: Clock) -> None:
    now_ms = int(clock.now * 1_000)
    ages_s = {"new": 3_600, "week": KEPT_S[DeliveryStatus.DELIVERED] + 60, "month": KEPT_S[DeliveryStatus.DEAD] + 60}
    async with database.pool.acquire() as connection:
        for index, (age, status) in enumerate((age, status) for age in ages_s for status in DeliveryStatus):
            await connection.execute(
                "INSERT INTO webhook_delivery (workspace_id, id, webhook_id, event_type, body, status, next_attempt_at,"
                " created_at) VALUES ($1, $2, 5, $3, '', $4, now(), now())",
                WORKSPACE,
                first_id_at(now_ms - ages_s[age] * 1_000) + index,
                age,
                status,
            )
    retention = Retention(database, clock=clock)
    assert (await retention.purge(), retention.purged) == (3, 3)
    left = {(row["event_type"], DeliveryStatus(row["status"]).name) for row in await deliveries(database)}
    assert left == {
        ("new", "PENDING"),
        ("new", "DELIVERED"),
        ("new", "DEAD"),
        ("week", "PENDING"),
        ("week", "DEAD"),
        ("month", "PENDING"),
    }


def test_an_attempt_turns_slow_well_before_it_times_out() -> None:
    assert PROMPT_S < LEASE_S
