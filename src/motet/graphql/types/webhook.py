"""Webhooks and their deliveries."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from motet.graphql.filters import filter_input, optional
from motet.graphql.types.relay import (
    After,
    Before,
    Connection,
    First,
    Last,
    Node,
    declared,
    described,
    read_elsewhere,
)


@strawberry.enum(description="Whether a webhook gets events.")
class WebhookStatus(Enum):
    ENABLED = strawberry.enum_value("ENABLED", description="It gets events.")
    DISABLED = strawberry.enum_value("DISABLED", description="It gets none: switched off, or its target answered 410.")


@strawberry.enum(description="How far a delivery has come.")
class WebhookDeliveryStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="To be sent, or sent again.")
    DELIVERED = strawberry.enum_value("DELIVERED", description="The target has taken it.")
    DEAD = strawberry.enum_value("DEAD", description="Retries are over; it can be replayed.")


@filter_input("Which deliveries.")
class WebhookDeliveryFilter:
    event_type: list[str] | None = optional("Of an event of one of these types.")
    created_after: datetime | None = optional("Made at this time or later.")
    created_before: datetime | None = optional("Made before this time.")
    attempts_at_least: int | None = optional("Tried so many times or more.")
    attempts_at_most: int | None = optional("Tried so many times or less.")
    status: list[WebhookDeliveryStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states."
    )


@strawberry.type(description="A URL that gets signed events (the Standard Webhooks specification).")
class Webhook(Node):
    id: strawberry.ID = described("The global id.")
    url: str = described("Where events are posted to.")
    event_types: list[str] = described("The types of event it gets; `sms.*` stands for all that begin with `sms.`.")
    description: str = described("What it is for.")
    status: WebhookStatus = described("Whether it gets events.")
    disabled_reason: str | None = described("Why it gets none, if it was not switched off by hand.")
    created_at: datetime = described("When the webhook was made.")

    @declared("What was, or is to be, sent to it, newest first.")
    def deliveries(
        self,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: Annotated[  # noqa: A002 - GraphQL's name
            WebhookDeliveryFilter | None, strawberry.argument(description="Which of them.")
        ] = strawberry.UNSET,
    ) -> Connection[WebhookDelivery] | None:
        read_elsewhere()


@strawberry.type(description="One event on its way to one webhook.")
class WebhookDelivery(Node):
    id: strawberry.ID = described("The global id.")
    event_type: str = described("The event's type.")
    status: WebhookDeliveryStatus = described("How far it has come.")
    attempts: int = described("How often it was posted.")
    next_attempt_at: datetime = described("When it is posted next, while it is pending.")
    last_attempt_at: datetime | None = described("When it was last posted.")
    last_http_status: int | None = described("The status that the target answered last; null: no answer.")
    last_error: str | None = described("Why the last attempt failed.")
    created_at: datetime = described("When the event happened.")
    webhook: Webhook | None = described("The webhook that it goes to.")
