"""A webhook is told of its own workspace alone, for every type of event that there is, and signed for it alone."""

from __future__ import annotations

import asyncio

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from webhook_support import OTHER_WORKSPACE, WORKSPACE, Receiver

from motet.domain.event_types import EVENT_TYPES
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator
from motet.fleet.journal import Change, Journal
from motet.storage.database import Database
from motet.webhooks.node import Webhooks

TYPES = [kind for kind in EVENT_TYPES.values() if not kind.token.startswith("sms.")]
"""Those that a journal writes; the hub's `sms.*` go the same way: `WebhookOutbox.rows_for`."""

PATHS = {WORKSPACE: "/demo", OTHER_WORKSPACE: "/other"}


async def test_every_type_of_event_is_told_to_the_workspaces_own_webhooks(
    database: Database, webhooks: Webhooks, receiver: Receiver
) -> None:
    secrets = {}
    for workspace, path in PATHS.items():
        _, secrets[path] = await webhooks.service.create(workspace, url=receiver.url + path, event_types=["*"])
    journal = Journal(IdGenerator(5), webhooks.outbox)
    for workspace, path in PATHS.items():
        changes = [Change(kind, workspace * 100, workspace * 100 + 1, {"whose": path}) for kind in TYPES]
        async with database.pool.acquire() as connection, connection.transaction():
            await journal.write(connection, workspace, f"somebody@{path}", changes)
        journal.committed()
    async with asyncio.timeout(60):
        await receiver.wait_for(2 * len(TYPES))
    assert len(receiver.received) == 2 * len(TYPES)
    for workspace, path in PATHS.items():
        foreign = next(other for other in PATHS if other != workspace)
        named = {encode_global_id("Device", foreign * 100), encode_global_id("Sim", foreign * 100 + 1), PATHS[foreign]}
        told = [one for one in receiver.received if one.path == path]
        assert {Webhook(secrets[path]).verify(one.body, one.headers)["type"] for one in told} == {
            kind.token for kind in TYPES
        }
        for one in told:
            assert not [name for name in named if name in one.body.decode()]
            with pytest.raises(WebhookVerificationError):
                Webhook(secrets[PATHS[foreign]]).verify(one.body, one.headers)
        rows = await database.pool.fetch(
            "SELECT DISTINCT w.workspace_id FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id"
            " WHERE d.workspace_id = $1",
            workspace,
        )
        assert [row["workspace_id"] for row in rows] == [workspace]


async def test_subscribing_to_everything_takes_nothing_of_another_workspace(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    await webhooks.service.create(OTHER_WORKSPACE, url=receiver.url + "/other", event_types=["*", "sms.*", "sim.*"])
    for token in EVENT_TYPES:
        assert not webhooks.outbox.wants(WORKSPACE, token)
        assert webhooks.outbox.rows_for(WORKSPACE, token, 0, {}) == []
