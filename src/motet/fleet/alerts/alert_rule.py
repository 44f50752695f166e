"""What a workspace does with its alert rules and alerts: make, change, remove; acknowledge, end."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from motet.domain.alerts import OWN_FAMILY, AlertGrouping, AlertRule, AlertState
from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.event_types import ALERT_ACKNOWLEDGED, ALERT_RESOLVED, EVENT_TYPES, EventType
from motet.domain.ids import IdGenerator
from motet.domain.states import EventSeverity, EventSource
from motet.fleet.journal import Change, Journal
from motet.fleet.rules import UNCHANGED, Unchanged, check_range, check_text
from motet.storage import alert, alert_rule
from motet.storage.alert import Ended, Raised
from motet.storage.database import Database, PooledConnection
from motet.storage.transaction import transaction

MAX_RULES = 100
"""Rules of one workspace: each is tried on each of its events."""
MAX_NAME_CHARACTERS = 100
MAX_EVENT_TYPES = 50
MAX_TAGS = 20
MAX_TAG_CHARACTERS = 50
MAX_THRESHOLD = 10_000
LONGEST_WINDOW_S = 86_400
LONGEST_QUIET_S = 30 * 86_400
SHORTEST_REMINDER_S = 60

DEFAULTS = AlertRule(
    name="",
    enabled=True,
    event_types=(),
    minimum_severity=EventSeverity.INFO,
    device_tags=(),
    group_by=AlertGrouping.DEVICE,
    threshold=1,
    window_s=300,
    severity=EventSeverity.WARN,
    quiet_s=3_600,
    resolved_by=(),
    remind_s=None,
)
"""A new rule, but for what must be given."""

_FAMILY = re.compile(r"[a-z][a-z0-9_]{0,30}\.\*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRuleChanges:
    """What to set of a rule; what is not named keeps its value, or the default in a new rule."""

    name: str | Unchanged = UNCHANGED
    enabled: bool | Unchanged = UNCHANGED
    event_types: Sequence[str] | Unchanged = UNCHANGED
    minimum_severity: EventSeverity | Unchanged = UNCHANGED
    device_tags: Sequence[str] | Unchanged = UNCHANGED
    group_by: AlertGrouping | Unchanged = UNCHANGED
    threshold: int | Unchanged = UNCHANGED
    window_s: int | Unchanged = UNCHANGED
    severity: EventSeverity | Unchanged = UNCHANGED
    quiet_s: int | Unchanged = UNCHANGED
    resolved_by: Sequence[str] | Unchanged = UNCHANGED
    remind_s: int | Unchanged | None = UNCHANGED


class AlertRuleService:
    """The alert rules of all workspaces, each call scoped to one. Errors are domain errors; paths name input fields."""

    def __init__(
        self, database: Database, ids: IdGenerator, journal: Journal, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._ids = ids
        self._journal = journal
        self._clock = clock

    async def create(self, workspace_id: int, changes: AlertRuleChanges) -> int:
        """Add a rule: its id. It looks at events from now on. Raises InvalidError, LimitReachedError at `MAX_RULES`."""
        rule = _applied(changes, DEFAULTS)
        rule_id = self._ids.next(int(self._clock() * 1_000))
        async with self._transaction(makes=rule_id) as connection:
            await alert_rule.insert(connection, workspace_id, rule_id, rule, limit=MAX_RULES)
        return rule_id

    async def update(self, workspace_id: int, rule_id: int, changes: AlertRuleChanges) -> None:
        """Change a rule. Raises NotFoundError (path `id`), InvalidError."""
        async with self._transaction() as connection:
            before = await alert_rule.lock(connection, workspace_id, rule_id)
            if before is None:
                raise NotFoundError("No such alert rule.", path=("id",))
            await alert_rule.update(connection, workspace_id, rule_id, _applied(changes, before))

    async def delete(self, workspace_id: int, rule_id: int) -> None:
        """Remove a rule. Its alerts stay, and end within a minute. Raises NotFoundError (path `id`)."""
        async with self._transaction() as connection:
            if not await alert_rule.delete(connection, workspace_id, rule_id):
                raise NotFoundError("No such alert rule.", path=("id",))

    async def acknowledge(self, workspace_id: int, actor: str, alert_id: int) -> None:
        """Say that someone has seen an alert: it reminds no more. Idempotent. Raises NotFoundError (path `id`)."""
        await self._set_state(workspace_id, actor, alert_id, AlertState.ACKNOWLEDGED)

    async def resolve(self, workspace_id: int, actor: str, alert_id: int) -> None:
        """End an alert; the next event raises a new one. Idempotent. Raises NotFoundError (path `id`)."""
        await self._set_state(workspace_id, actor, alert_id, AlertState.RESOLVED)

    async def _set_state(self, workspace_id: int, actor: str, alert_id: int, state: AlertState) -> None:
        kind = ALERT_ACKNOWLEDGED if state is AlertState.ACKNOWLEDGED else ALERT_RESOLVED
        now = datetime.fromtimestamp(self._clock(), UTC)
        async with self._transaction() as connection:
            done = await alert.set_state(connection, workspace_id, alert_id, state, now, actor)
            if done is not None:
                await self._journal.write(connection, workspace_id, actor, [told(kind, done, EventSource.API)])
            elif not await alert.exists(connection, workspace_id, alert_id):
                raise NotFoundError("No such alert.", path=("id",))

    def _transaction(self, *, makes: int | None = None) -> AbstractAsyncContextManager[PooledConnection]:
        return transaction(self._database, makes=makes, after=self._journal.committed)


def told(kind: EventType, subject: Raised | Ended, source: EventSource = EventSource.POLICY) -> Change:
    """The event that tells of an alert."""
    severity = EventSeverity(subject.severity) if kind.severity is not EventSeverity.INFO else None
    return Change(
        kind,
        subject.device_id,
        subject.sim_id,
        {"alert": {"rule": subject.rule_name, "eventCount": subject.event_count}},
        source=source,
        severity=severity,
        words=f"{kind.words}: {subject.rule_name}",
    )


def _applied(changes: AlertRuleChanges, rule: AlertRule) -> AlertRule:
    """The rule as the changes make it. Raises InvalidError."""
    given: dict[str, Any] = {
        one.name: value for one in fields(changes) if not isinstance(value := getattr(changes, one.name), Unchanged)
    }
    rule = replace(rule, **given)
    check_text(rule.name, "name", at_least=1, at_most=MAX_NAME_CHARACTERS)
    if rule.name != rule.name.strip() or "\n" in rule.name or "\t" in rule.name:
        raise InvalidError("A name is one line and has no space at its ends.", path=("name",))
    check_range(rule.threshold, "threshold", 1, MAX_THRESHOLD)
    check_range(rule.window_s, "window_s", 1, LONGEST_WINDOW_S)
    check_range(rule.quiet_s, "quiet_s", 1, LONGEST_QUIET_S)
    if rule.remind_s is not None:
        check_range(rule.remind_s, "remind_s", SHORTEST_REMINDER_S, LONGEST_QUIET_S)
    if len(rule.device_tags) > MAX_TAGS:
        raise InvalidError("A rule asks for at most {most} tags.", path=("device_tags",), most=MAX_TAGS)
    for tag in rule.device_tags:
        check_text(tag, "device_tags", at_least=1, at_most=MAX_TAG_CHARACTERS)
    return replace(
        rule,
        event_types=_checked_types(rule.event_types, "event_types", at_least=1),
        device_tags=list(dict.fromkeys(rule.device_tags)),
        resolved_by=_checked_types(rule.resolved_by, "resolved_by", at_least=0),
    )


def _checked_types(event_types: Sequence[str], field: str, *, at_least: int) -> list[str]:
    """Each once, in the order given."""
    if not at_least <= len(event_types) <= MAX_EVENT_TYPES:
        raise InvalidError(
            "A rule takes {least} to {most} event types.", path=(field,), least=at_least, most=MAX_EVENT_TYPES
        )
    for index, each in enumerate(event_types):
        if each.startswith(OWN_FAMILY):
            raise InvalidError("A rule cannot look for events of alerts.", path=(field, index))
        if each not in EVENT_TYPES and each != "*" and not _FAMILY.match(each):
            raise InvalidError("There is no event type of this name; `eventTypes` lists them.", path=(field, index))
    return list(dict.fromkeys(event_types))
