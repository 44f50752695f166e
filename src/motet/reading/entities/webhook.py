"""Webhooks and their deliveries as they are read. The secret is shown once, at creation, and is no field."""

from motet.access.principals import Permission
from motet.domain.states import DeliveryStatus, WebhookStatus
from motet.reading.filters import any_of, at_least, at_most, one_of, since, until
from motet.reading.makers import column, global_id, state
from motet.reading.model import Entity, ToMany, ToOne
from motet.reading.tag_scope import NOTHING, SHARED

WEBHOOK = Entity(
    name="Webhook",
    table="webhook",
    permission=Permission.WEBHOOK_READ,
    fields={
        "id": global_id("Webhook"),
        "url": column("url"),
        "eventTypes": column("event_types"),
        "description": column("description"),
        "status": state("status", WebhookStatus),
        "disabledReason": column("disabled_reason"),
        "createdAt": column("created_at"),
        "deliveries": ToMany("WebhookDelivery", "webhook_id"),
    },
    scope=SHARED,
)

WEBHOOK_DELIVERY = Entity(
    name="WebhookDelivery",
    table="webhook_delivery",
    permission=Permission.WEBHOOK_READ,
    fields={
        "id": global_id("WebhookDelivery"),
        "eventType": column("event_type"),
        "status": state("status", DeliveryStatus),
        "attempts": column("attempts"),
        "nextAttemptAt": column("next_attempt_at"),
        "lastAttemptAt": column("last_attempt_at"),
        "lastHttpStatus": column("last_status"),
        "lastError": column("last_error"),
        "createdAt": column("created_at"),
        "webhook": ToOne("Webhook", "webhook_id"),
    },
    filters={
        "status": one_of("status", DeliveryStatus),
        "eventType": any_of("event_type"),
        "createdAfter": since("created_at"),
        "createdBefore": until("created_at"),
        "attemptsAtLeast": at_least("attempts"),
        "attemptsAtMost": at_most("attempts"),
    },
    sparse=frozenset({"eventType", "createdAfter", "createdBefore", "attemptsAtLeast", "attemptsAtMost"}),
    newest_first=True,
    scope=NOTHING,
)
