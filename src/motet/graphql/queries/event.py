"""What happened."""

from __future__ import annotations

import strawberry

from motet.access.principals import Permission
from motet.graphql.lists import root_list
from motet.graphql.types.event import Event, EventFilter


@strawberry.type
class EventQueries:
    """The part of Query that is about events."""

    events = root_list(
        Event, Permission.EVENT_READ, "What happened in the workspace, newest first.", filter_by=EventFilter
    )
