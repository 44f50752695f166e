"""Webhooks: make, change, remove, test, replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.rules import UNCHANGED
from motet.graphql.context import Context
from motet.graphql.errors import UserError
from motet.graphql.fields import authorise, context_of, done, given, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.types.relay import described
from motet.graphql.types.webhook import Webhook, WebhookDelivery


@strawberry.input(description="A new webhook.")
class WebhookCreateInput:
    url: str = strawberry.field(description="Where events are posted to: https, at a globally routable address.")
    event_types: list[str] = strawberry.field(
        description="Which events it gets, such as `sms.received`; `sms.*` stands for all that begin with `sms.`."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making a webhook.")
class WebhookCreatePayload:
    webhook: Webhook | None = described("The webhook.")
    secret: str | None = described("The secret that events are signed with. It is shown this once.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a webhook; what is left out stays.")
class WebhookUpdateInput:
    id: strawberry.ID = strawberry.field(description="The webhook.")
    url: str | None = strawberry.field(default=strawberry.UNSET, description="Where events are posted to.")
    event_types: list[str] | None = strawberry.field(default=strawberry.UNSET, description="Which events it gets.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    enabled: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it gets events. Disabling ends what is pending."
    )


@strawberry.type(description="What came of changing a webhook.")
class WebhookUpdatePayload:
    webhook: Webhook | None = described("The webhook, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which webhook to remove.")
class WebhookDeleteInput:
    id: strawberry.ID = strawberry.field(description="The webhook.")


@strawberry.type(description="What came of removing a webhook.")
class WebhookDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the webhook that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="Which webhook to test.")
class WebhookTestInput:
    id: strawberry.ID = strawberry.field(description="The webhook.")


@strawberry.type(description="What came of testing a webhook.")
class WebhookTestPayload:
    delivery: WebhookDelivery | None = described("The delivery of the `webhook.test` event, about to be posted.")
    user_errors: list[UserError] = described("Why nothing is sent; empty if it is.")


@strawberry.input(description="Which dead deliveries to send again.")
class WebhookReplayInput:
    id: strawberry.ID = strawberry.field(description="The webhook.")
    delivery_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="One delivery; if not given, the oldest 1,000 that are dead."
    )


@strawberry.type(description="What came of sending dead deliveries again.")
class WebhookReplayPayload:
    webhook: Webhook | None = described("The webhook.")
    replayed_count: int | None = described("How many deliveries are due again.")
    user_errors: list[UserError] = described("Why nothing is sent; empty if it is.")


@strawberry.type
class WebhookMutations:
    """The part of Mutation that is about webhooks."""

    @mutation(
        Permission.WEBHOOK_WRITE,
        "Make a webhook. Needs the permission to read what it is told, too: `sms:read` for `sms.*`, `event:read` for"
        " all else.",
        ("webhook", "Webhook"),
    )
    async def webhook_create(
        self,
        info: Info,
        input: Annotated[WebhookCreateInput, strawberry.argument(description="The webhook.")],  # noqa: A002
    ) -> WebhookCreatePayload | None:
        context = context_of(info)
        _check_reads(context, input.event_types)
        webhook_id, secret = await context.services.webhooks.create(
            context.workspace_id,
            url=input.url,
            event_types=input.event_types,
            description=or_none(input.description),
        )
        return done(webhook_id, secret=secret)

    @mutation(
        Permission.WEBHOOK_WRITE,
        "Change a webhook. Another `url` or other `eventTypes` need the permissions that `webhookCreate` does.",
        ("webhook", "Webhook"),
    )
    async def webhook_update(
        self,
        info: Info,
        input: Annotated[WebhookUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> WebhookUpdatePayload | None:
        context = context_of(info)
        webhook_id = row_id_of(input.id, "Webhook", "id")
        changes = {name: given(getattr(input, name), name) for name in ("url", "event_types", "description", "enabled")}
        if changes["event_types"] is not UNCHANGED:
            _check_reads(context, changes["event_types"])
        elif changes["url"] is not UNCHANGED:
            _check_reads(context, ["*"])
        await context.services.webhooks.update(
            context.workspace_id,
            webhook_id,
            **{name: value for name, value in changes.items() if value is not UNCHANGED},
        )
        return done(webhook_id)

    @mutation(Permission.WEBHOOK_WRITE, "Remove a webhook, and what is pending for it.")
    async def webhook_delete(
        self,
        info: Info,
        input: Annotated[WebhookDeleteInput, strawberry.argument(description="Which webhook.")],  # noqa: A002
    ) -> WebhookDeletePayload | None:
        context = context_of(info)
        await context.services.webhooks.delete(context.workspace_id, row_id_of(input.id, "Webhook", "id"))
        return done(deletedId=input.id)

    @mutation(Permission.WEBHOOK_WRITE, "Send a `webhook.test` event to a webhook.", ("delivery", "WebhookDelivery"))
    async def webhook_test(
        self,
        info: Info,
        input: Annotated[WebhookTestInput, strawberry.argument(description="Which webhook.")],  # noqa: A002
    ) -> WebhookTestPayload | None:
        context = context_of(info)
        webhook_id = row_id_of(input.id, "Webhook", "id")
        return done(await context.services.webhooks.test(context.workspace_id, webhook_id))

    @mutation(Permission.WEBHOOK_WRITE, "Send deliveries again whose retries are over.", ("webhook", "Webhook"))
    async def webhook_replay(
        self,
        info: Info,
        input: Annotated[WebhookReplayInput, strawberry.argument(description="Which deliveries.")],  # noqa: A002
    ) -> WebhookReplayPayload | None:
        context = context_of(info)
        webhook_id = row_id_of(input.id, "Webhook", "id")
        delivery = or_none(input.delivery_id)
        delivery_id = None if delivery is None else row_id_of(delivery, "WebhookDelivery", "delivery_id")
        count = await context.services.webhooks.replay(context.workspace_id, webhook_id, delivery_id=delivery_id)
        return done(webhook_id, replayedCount=count)


def _check_reads(context: Context, event_types: Sequence[str]) -> None:
    """Whether the caller may read what a webhook is told: who sets it up reads it at the other end. Raises
    ForbiddenError."""
    if any(name == "*" or name.startswith("sms.") for name in event_types):
        authorise(context, Permission.SMS_READ)
    if any(not name.startswith("sms.") for name in event_types):
        authorise(context, Permission.EVENT_READ)
