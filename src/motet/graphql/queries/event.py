"""What happened, and what of it needs looking at."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.event_types import EVENT_TYPES
from motet.graphql.fields import query, raw
from motet.graphql.lists import root_list
from motet.graphql.plain import answered, shaped
from motet.graphql.selection import selection_of
from motet.graphql.types.alert import Alert, AlertFilter, AlertRule
from motet.graphql.types.event import Event, EventFilter, EventType


@strawberry.type
class EventQueries:
    """The part of Query that is about events."""

    events = root_list(
        Event, Permission.EVENT_READ, "What happened in the workspace, newest first.", filter_by=EventFilter
    )
    alert_rules = root_list(AlertRule, Permission.ALERT_READ, "The alert rules of the workspace.")
    alerts = root_list(
        Alert, Permission.ALERT_READ, "The alerts of the workspace, newest first.", filter_by=AlertFilter
    )

    @query(Permission.EVENT_READ, "The catalogue: every type of event that is ever written.")
    async def event_types(self, info: Info) -> list[EventType] | None:
        return answered(shaped(selection_of(raw(info)), _CATALOGUE))


_CATALOGUE: list[dict[str, Any]] = [
    {
        "code": one.token,
        "number": one.number,
        "severity": one.severity.name,
        "description": one.words,
        "__typename": "EventType",
    }
    for one in sorted(EVENT_TYPES.values())
]
