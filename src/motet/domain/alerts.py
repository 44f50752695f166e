"""Alert rules: which events they look for, and which of those are told as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from motet.domain.event_types import covers

OWN_FAMILY = "alert."
"""Events of alerts themselves: no rule looks for them, so that none feeds on what it raises."""


class AlertState(IntEnum):
    OPEN = 0
    ACKNOWLEDGED = 1
    """Someone has seen it; it lasts all the same, and reminds of itself no more."""
    RESOLVED = 2


class AlertGrouping(IntEnum):
    """What has an alert of its own; the rest of a rule's events is told with it."""

    WORKSPACE = 0
    DEVICE = 1
    SIM = 2
    EVENT_TYPE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """What a rule asks for. Times are seconds, severities motet.domain.states.EventSeverity."""

    name: str
    enabled: bool
    event_types: Sequence[str]
    """Tokens and `family.*`."""
    minimum_severity: int
    device_tags: Sequence[str]
    group_by: int
    threshold: int
    window_s: int
    severity: int
    quiet_s: int
    resolved_by: Sequence[str]
    remind_s: int | None


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What rules look at of an event."""

    id: int
    type: str
    severity: int
    device_id: int | None
    sim_id: int | None
    device_tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a rule makes of some events: those that it looks for, by group, and the newest that ends each group."""

    matches: Mapping[str, Sequence[EventFacts]]
    ends: Mapping[str, int]
    """The id of the newest event of `resolved_by`."""


def findings_of(rule: AlertRule, events: Iterable[EventFacts]) -> Findings:
    """What the rule makes of these events, which are in the order of their ids."""
    matches: dict[str, list[EventFacts]] = {}
    ends: dict[str, int] = {}
    for event in events:
        if event.type.startswith(OWN_FAMILY):
            continue
        key = group_key(rule.group_by, event)
        if _is_looked_for(rule, event):
            matches.setdefault(key, []).append(event)
        elif rule.group_by != AlertGrouping.EVENT_TYPE and covers(rule.resolved_by, event.type):
            ends[key] = event.id
    return Findings(matches, ends)


def group_key(group_by: int, event: EventFacts) -> str:
    """What the event is told together with: events of equal keys share an alert. An event about no device or SIM is
    grouped with the others about none."""
    if group_by == AlertGrouping.DEVICE:
        return str(event.device_id or 0)
    if group_by == AlertGrouping.SIM:
        return str(event.sim_id or 0)
    if group_by == AlertGrouping.EVENT_TYPE:
        return event.type
    return ""


def _is_looked_for(rule: AlertRule, event: EventFacts) -> bool:
    return (
        event.severity >= rule.minimum_severity
        and covers(rule.event_types, event.type)
        and set(rule.device_tags) <= set(event.device_tags)
    )
