"""What a workspace may do with its webhooks, and what it is told when it may not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook
from webhook_support import OTHER_WORKSPACE, WORKSPACE, Clock, Receiver, deliveries, emit, until

from motet.access.secrets import SecretBox
from motet.domain.errors import ConflictError, DeniedError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.global_ids import encode_global_id
from motet.domain.states import DeliveryStatus
from motet.storage.database import Database
from motet.webhooks.node import Webhooks
from motet.webhooks.roster import MAX_WEBHOOKS
from motet.webhooks.service import MAX_DESCRIPTION_CHARACTERS, REPLAY_LIMIT

LOOPBACK_URL = "http://127.0.0.1:1/hook"


async def rows(database: Database) -> list[dict[str, Any]]:
    async with database.pool.acquire() as connection:
        return [dict(row) for row in await connection.fetch("SELECT * FROM webhook ORDER BY id")]


async def test_a_new_webhook_is_stored_with_its_secret_encrypted(
    database: Database, webhooks: Webhooks, secret_box: SecretBox
) -> None:
    webhook_id, secret = await webhooks.service.create(
        WORKSPACE, url=LOOPBACK_URL, event_types=["sms.*", "sms.*", "device.*"], description="Grüße"
    )
    (row,) = await rows(database)
    assert (row["workspace_id"], row["id"], row["url"], row["event_types"], row["description"], row["status"]) == (
        WORKSPACE, webhook_id, LOOPBACK_URL, ["sms.*", "device.*"], "Grüße", 0,
    )  # fmt: skip
    key = secret_box.decrypt(row["secret_encrypted"])
    assert len(key) == 32
    assert secret.startswith("whsec_")
    assert key not in row["secret_encrypted"]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"url": "https://10.0.0.1/"}, ("url",)),
        ({"url": "http://8.8.8.8/"}, ("url",)),
        ({"event_types": []}, ("event_types",)),
        ({"event_types": ["sms.*", "sms.read"]}, ("event_types", 1)),
        ({"description": "x" * (MAX_DESCRIPTION_CHARACTERS + 1)}, ("description",)),
        ({"description": "\0"}, ("description",)),
        ({"description": "\ud800"}, ("description",)),
    ],
)
async def test_invalid_input_is_named_by_its_path_and_nothing_is_stored(
    database: Database, webhooks: Webhooks, options: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    good: dict[str, Any] = {"url": LOOPBACK_URL, "event_types": ["*"]}
    with pytest.raises(InvalidError) as refused:
        await webhooks.service.create(WORKSPACE, **(good | options))
    assert refused.value.path == path
    assert await rows(database) == []
    webhook_id, _ = await webhooks.service.create(WORKSPACE, **good)
    with pytest.raises(InvalidError) as refused:
        await webhooks.service.update(WORKSPACE, webhook_id, **options)
    assert refused.value.path == path


async def test_a_workspace_has_a_limited_number_of_webhooks_also_when_it_asks_in_parallel(
    database: Database, webhooks: Webhooks
) -> None:
    made = await asyncio.gather(
        *(webhooks.service.create(WORKSPACE, url=LOOPBACK_URL, event_types=["*"]) for _ in range(MAX_WEBHOOKS + 3)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, LimitReachedError) for one in made) == 3
    assert len(await rows(database)) == MAX_WEBHOOKS
    await webhooks.service.create(OTHER_WORKSPACE, url=LOOPBACK_URL, event_types=["*"])


async def test_an_update_changes_what_is_given_and_keeps_the_rest(database: Database, webhooks: Webhooks) -> None:
    webhook_id, _ = await webhooks.service.create(WORKSPACE, url=LOOPBACK_URL, event_types=["*"], description="old")
    await webhooks.service.update(WORKSPACE, webhook_id)
    await webhooks.service.update(WORKSPACE, webhook_id, event_types=["sms.received"], description="")
    (row,) = await rows(database)
    assert (row["url"], row["event_types"], row["description"]) == (LOOPBACK_URL, ["sms.received"], "")
    assert not webhooks.outbox.wants(WORKSPACE, "sms.failed")
    await webhooks.service.update(WORKSPACE, webhook_id, url=LOOPBACK_URL + "/b", enabled=False)
    assert not webhooks.outbox.wants(WORKSPACE, "sms.received")
    await webhooks.service.update(WORKSPACE, webhook_id, enabled=True)
    assert webhooks.outbox.wants(WORKSPACE, "sms.received")
    assert (await rows(database))[0]["url"] == LOOPBACK_URL + "/b"


async def test_another_workspace_s_webhook_is_not_found(
    database: Database, webhooks: Webhooks, receiver: Receiver
) -> None:
    webhook_id, _ = await webhooks.service.create(WORKSPACE, url=receiver.url, event_types=["*"])
    delivery_id = await webhooks.service.test(WORKSPACE, webhook_id)
    service = webhooks.service
    for attempt in (
        service.update(OTHER_WORKSPACE, webhook_id, description="mine"),
        service.delete(OTHER_WORKSPACE, webhook_id),
        service.test(OTHER_WORKSPACE, webhook_id),
        service.replay(OTHER_WORKSPACE, webhook_id),
        service.replay(OTHER_WORKSPACE, webhook_id, delivery_id=delivery_id),
        service.update(WORKSPACE, webhook_id + 1, description="none"),
    ):
        with pytest.raises(NotFoundError) as refused:
            await attempt
        assert refused.value.path == ("id",)
    assert (await rows(database))[0]["description"] == ""


async def test_a_test_event_reaches_this_webhook_whatever_it_subscribes(
    database: Database, webhooks: Webhooks, receiver: Receiver
) -> None:
    webhook_id, secret = await webhooks.service.create(WORKSPACE, url=receiver.url + "/a", event_types=["quota.*"])
    await webhooks.service.create(WORKSPACE, url=receiver.url + "/b", event_types=["*"])
    delivery_id = await webhooks.service.test(WORKSPACE, webhook_id)
    await until(lambda: webhooks.counters.delivered == 1)
    (received,) = receiver.received
    Webhook(secret).verify(received.body, received.headers)
    body = json.loads(received.body)
    assert (received.path, received.headers["webhook-id"]) == ("/a", f"msg_{delivery_id}")
    assert body["type"] == "webhook.test"
    assert body["data"] == {"webhook": {"id": encode_global_id("Webhook", webhook_id)}}


async def test_a_disabled_webhook_is_neither_tested_nor_replayed(webhooks: Webhooks) -> None:
    webhook_id, _ = await webhooks.service.create(WORKSPACE, url=LOOPBACK_URL, event_types=["*"])
    await webhooks.service.update(WORKSPACE, webhook_id, enabled=False)
    for attempt in (webhooks.service.test(WORKSPACE, webhook_id), webhooks.service.replay(WORKSPACE, webhook_id)):
        with pytest.raises(DeniedError):
            await attempt


async def test_one_dead_delivery_is_replayed_by_its_id_and_others_are_not(
    database: Database, webhooks: Webhooks, receiver: Receiver, clock: Clock
) -> None:
    webhook_id, _ = await webhooks.service.create(WORKSPACE, url=receiver.url, event_types=["*"])
    other_id, _ = await webhooks.service.create(WORKSPACE, url=receiver.url, event_types=["quota.*"])
    receiver.answers["/"] = 500
    await emit(database, webhooks, "sms.received", {}, count=2)
    await until(lambda: webhooks.counters.retried == 2)
    async with database.pool.acquire() as connection:
        await connection.execute("UPDATE webhook_delivery SET status = $1", DeliveryStatus.DEAD)
    first, second = [row["id"] for row in await deliveries(database)]
    receiver.answers["/"] = 200
    for wrong_webhook, wrong_delivery in ((other_id, first), (webhook_id, first - 1)):
        with pytest.raises(NotFoundError) as unknown:
            await webhooks.service.replay(WORKSPACE, wrong_webhook, delivery_id=wrong_delivery)
        assert unknown.value.path == ("delivery_id",)
    assert await webhooks.service.replay(WORKSPACE, webhook_id, delivery_id=first) == 1
    await until(lambda: webhooks.counters.delivered == 1)
    with pytest.raises(ConflictError):
        await webhooks.service.replay(WORKSPACE, webhook_id, delivery_id=first)
    status = {row["id"]: row["status"] for row in await deliveries(database)}
    assert status == {first: DeliveryStatus.DELIVERED, second: DeliveryStatus.DEAD}


async def test_one_replay_is_bounded(database: Database, webhooks: Webhooks) -> None:
    webhook_id, _ = await webhooks.service.create(WORKSPACE, url=LOOPBACK_URL, event_types=["*"])
    await webhooks.stop(0.1)
    async with database.pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO webhook_delivery (workspace_id, id, webhook_id, event_type, body, status, next_attempt_at,"
            " created_at) SELECT $1, n, $2, 'sms.failed', '', 2, now(), now() FROM generate_series(1, $3::int + 5) n",
            WORKSPACE,
            webhook_id,
            REPLAY_LIMIT,
        )
    assert await webhooks.service.replay(WORKSPACE, webhook_id) == REPLAY_LIMIT
    assert await webhooks.service.replay(WORKSPACE, webhook_id) == 5
    assert await webhooks.service.replay(WORKSPACE, webhook_id) == 0
