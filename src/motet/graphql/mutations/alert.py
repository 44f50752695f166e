"""Alert rules: make, change, remove. Alerts: acknowledge, end. And how long events are kept."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain import alerts as domain
from motet.domain import states
from motet.fleet.alerts.alert_rule import AlertRuleChanges
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, given_or_null, idempotency_key, mutation, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.types.alert import Alert, AlertGrouping, AlertRule
from motet.graphql.types.event import EventSeverity
from motet.graphql.types.operator import Workspace
from motet.graphql.types.relay import described


@strawberry.input(description="A new alert rule.")
class AlertRuleCreateInput:
    name: str = strawberry.field(description="What people call it: 1 to 100 characters, one line.")
    event_types: list[str] = strawberry.field(
        description="The types that it looks for: those that `eventTypes` lists, families such as `sim.*`, or `*`."
    )
    enabled: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it looks at events; default true."
    )
    minimum_severity: EventSeverity | None = strawberry.field(
        default=strawberry.UNSET, description="Events that matter less are left out; default INFO."
    )
    device_tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="The event's device must have all of these tags; default none."
    )
    group_by: AlertGrouping | None = strawberry.field(
        default=strawberry.UNSET, description="What has an alert of its own; default DEVICE."
    )
    threshold: int | None = strawberry.field(
        default=strawberry.UNSET, description="So many events within `windowS` raise an alert: 1 to 10,000; default 1."
    )
    window_s: int | None = strawberry.field(
        default=strawberry.UNSET, description="The seconds within which they must happen: 1 to 86,400; default 300."
    )
    severity: EventSeverity | None = strawberry.field(
        default=strawberry.UNSET, description="How much its alerts matter; default WARN."
    )
    quiet_s: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="After so many seconds without an event an alert is over: 1 to 2,592,000; default 3,600.",
    )
    resolved_by: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Event types that end an alert of the same group at once; default none."
    )
    remind_s: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="While events go on it is told again after so many seconds, 60 to 2,592,000; default never.",
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making an alert rule.")
class AlertRuleCreatePayload:
    alert_rule: AlertRule | None = described("The rule.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of an alert rule; what is left out stays.")
class AlertRuleUpdateInput:
    id: strawberry.ID = strawberry.field(description="The rule.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="What people call it: 1 to 100 characters, one line."
    )
    event_types: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="All types that it is to look for."
    )
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether it looks at events.")
    minimum_severity: EventSeverity | None = strawberry.field(
        default=strawberry.UNSET, description="Events that matter less are left out."
    )
    device_tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="The event's device must have all of these tags."
    )
    group_by: AlertGrouping | None = strawberry.field(
        default=strawberry.UNSET, description="What has an alert of its own."
    )
    threshold: int | None = strawberry.field(
        default=strawberry.UNSET, description="So many events within `windowS` raise an alert: 1 to 10,000."
    )
    window_s: int | None = strawberry.field(
        default=strawberry.UNSET, description="The seconds within which they must happen: 1 to 86,400."
    )
    severity: EventSeverity | None = strawberry.field(
        default=strawberry.UNSET, description="How much its alerts matter."
    )
    quiet_s: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="After so many seconds without an event an alert is over: 1 to 2,592,000.",
    )
    resolved_by: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Event types that end an alert of the same group at once."
    )
    remind_s: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="While events go on it is told again after so many seconds, 60 to 2,592,000; null: never.",
    )


@strawberry.type(description="What came of changing an alert rule.")
class AlertRuleUpdatePayload:
    alert_rule: AlertRule | None = described("The rule, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which alert rule to remove.")
class AlertRuleDeleteInput:
    id: strawberry.ID = strawberry.field(description="The rule.")


@strawberry.type(description="What came of removing an alert rule.")
class AlertRuleDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the rule that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="Which alert someone has seen.")
class AlertAcknowledgeInput:
    id: strawberry.ID = strawberry.field(description="The alert.")


@strawberry.type(description="What came of acknowledging an alert.")
class AlertAcknowledgePayload:
    alert: Alert | None = described("The alert, as it is now.")
    user_errors: list[UserError] = described("Why it was not acknowledged; empty if it is.")


@strawberry.input(description="Which alert to end.")
class AlertResolveInput:
    id: strawberry.ID = strawberry.field(description="The alert.")


@strawberry.type(description="What came of ending an alert.")
class AlertResolvePayload:
    alert: Alert | None = described("The alert, as it is now.")
    user_errors: list[UserError] = described("Why it was not ended; empty if it is.")


@strawberry.input(description="How long the workspace's events are kept.")
class EventRetentionUpdateInput:
    days: int = strawberry.field(description="1 to 3,650 days; what is older is removed within the next hour or so.")


@strawberry.type(description="What came of changing how long events are kept.")
class EventRetentionUpdatePayload:
    workspace: Workspace | None = described("The workspace, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.type
class AlertMutations:
    """The part of Mutation that is about alerts and the life of events."""

    @mutation(Permission.ALERT_WRITE, "Make an alert rule: it looks at events from now on.", ("alertRule", "AlertRule"))
    async def alert_rule_create(
        self,
        info: Info,
        input: Annotated[AlertRuleCreateInput, strawberry.argument(description="The rule.")],  # noqa: A002
    ) -> AlertRuleCreatePayload | None:
        context = context_of(info)
        return done(await context.services.alert_rules.create(context.workspace_id, _changes(input)))

    @mutation(Permission.ALERT_WRITE, "Change an alert rule.", ("alertRule", "AlertRule"))
    async def alert_rule_update(
        self,
        info: Info,
        input: Annotated[AlertRuleUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> AlertRuleUpdatePayload | None:
        context = context_of(info)
        rule_id = row_id_of(input.id, "AlertRule", "id")
        await context.services.alert_rules.update(context.workspace_id, rule_id, _changes(input))
        return done(rule_id)

    @mutation(Permission.ALERT_WRITE, "Remove an alert rule. Its alerts stay, and end within a minute.")
    async def alert_rule_delete(
        self,
        info: Info,
        input: Annotated[AlertRuleDeleteInput, strawberry.argument(description="Which rule.")],  # noqa: A002
    ) -> AlertRuleDeletePayload | None:
        context = context_of(info)
        await context.services.alert_rules.delete(context.workspace_id, row_id_of(input.id, "AlertRule", "id"))
        return done(deletedId=input.id)

    @mutation(
        Permission.ALERT_WRITE,
        "Say that someone has seen an alert: it lasts, but reminds of itself no more.",
        ("alert", "Alert"),
        scoping=Scoping.IDS,
    )
    async def alert_acknowledge(
        self,
        info: Info,
        input: Annotated[AlertAcknowledgeInput, strawberry.argument(description="Which alert.")],  # noqa: A002
    ) -> AlertAcknowledgePayload | None:
        context = context_of(info)
        alert_id = row_id_of(input.id, "Alert", "id")
        await context.services.alert_rules.acknowledge(context.workspace_id, context.principal.subject, alert_id)
        return done(alert_id)

    @mutation(
        Permission.ALERT_WRITE,
        "End an alert: the next event raises a new one.",
        ("alert", "Alert"),
        scoping=Scoping.IDS,
    )
    async def alert_resolve(
        self,
        info: Info,
        input: Annotated[AlertResolveInput, strawberry.argument(description="Which alert.")],  # noqa: A002
    ) -> AlertResolvePayload | None:
        context = context_of(info)
        alert_id = row_id_of(input.id, "Alert", "id")
        await context.services.alert_rules.resolve(context.workspace_id, context.principal.subject, alert_id)
        return done(alert_id)

    @mutation(Permission.WORKSPACE_WRITE, "Set how long events are kept.", ("workspace", "Workspace"))
    async def event_retention_update(
        self,
        info: Info,
        input: Annotated[EventRetentionUpdateInput, strawberry.argument(description="How long.")],  # noqa: A002
    ) -> EventRetentionUpdatePayload | None:
        context = context_of(info)
        await context.services.event_retention.set_days(context.workspace_id, input.days)
        return done(context.workspace_id)


def _changes(rule: AlertRuleCreateInput | AlertRuleUpdateInput) -> AlertRuleChanges:
    plain = ("name", "enabled", "event_types", "device_tags", "threshold", "window_s", "quiet_s", "resolved_by")
    enums: dict[str, Any] = {
        "minimum_severity": states.EventSeverity,
        "severity": states.EventSeverity,
        "group_by": domain.AlertGrouping,
    }
    changes: dict[str, Any] = {name: given(getattr(rule, name), name) for name in plain}
    for name, kind in enums.items():
        value = given(getattr(rule, name), name)
        changes[name] = kind[value] if isinstance(value, str) else value
    return AlertRuleChanges(remind_s=given_or_null(rule.remind_s), **changes)
