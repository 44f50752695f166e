"""Alerts: what lasts and what lasted, and the events that were counted for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from motet.domain.alerts import AlertState, EventFacts
from motet.storage.database import PooledConnection, Row

_FACTS = """
SELECT e.id, e.type, e.severity, e.device_id, e.sim_id, coalesce(d.tags, '{}') AS tags
  FROM event e LEFT JOIN device d ON d.workspace_id = e.workspace_id AND d.id = e.device_id
 WHERE e.workspace_id = $1 AND e.id = ANY ($2) ORDER BY e.id
"""
_FACTS_FROM = """
SELECT e.id, e.type, e.severity, e.device_id, e.sim_id, coalesce(d.tags, '{}') AS tags
  FROM event e LEFT JOIN device d ON d.workspace_id = e.workspace_id AND d.id = e.device_id
 WHERE e.workspace_id = $1 AND e.id > $2 ORDER BY e.id LIMIT $3
"""


async def facts(connection: PooledConnection, workspace_id: int, event_ids: Sequence[int]) -> list[EventFacts]:
    """What rules look at of these events, in the order of their ids."""
    return _facts(await connection.fetch(_FACTS, workspace_id, event_ids))


async def facts_from(connection: PooledConnection, workspace_id: int, after: int, limit: int) -> list[EventFacts]:
    """The same of the events behind an id, at most `limit`."""
    return _facts(await connection.fetch(_FACTS_FROM, workspace_id, after, limit))


def _facts(records: Sequence[Row]) -> list[EventFacts]:
    return [
        EventFacts(
            record["id"], record["type"], record["severity"], record["device_id"], record["sim_id"], record["tags"]
        )
        for record in records
    ]


_ADD_MATCHES = """
INSERT INTO alert_match (workspace_id, rule_id, event_id, group_key)
SELECT $1, $2, event_id, $4 FROM unnest($3::bigint[]) AS event_id
ON CONFLICT DO NOTHING RETURNING event_id
"""


async def add_matches(
    connection: PooledConnection, workspace_id: int, rule_id: int, group_key: str, event_ids: Sequence[int]
) -> list[int]:
    """Count these events for a rule's group: those that were not counted before, in the order of their ids."""
    records = await connection.fetch(_ADD_MATCHES, workspace_id, rule_id, event_ids, group_key)
    return sorted(record["event_id"] for record in records)


_COUNT = """
SELECT count(*) FROM (SELECT FROM alert_match
 WHERE workspace_id = $1 AND rule_id = $2 AND group_key = $3 AND event_id >= $4 LIMIT $5) AS counted
"""


async def count_matches(
    connection: PooledConnection, workspace_id: int, rule_id: int, group_key: str, since_id: int, at_most: int
) -> int:
    """How many events of the group are counted from an id on, up to `at_most`."""
    count: int = await connection.fetchval(_COUNT, workspace_id, rule_id, group_key, since_id, at_most)
    return count


class Lasting(NamedTuple):
    """An alert that lasts."""

    id: int
    state: int
    event_count: int
    last_event_id: int
    told_at: datetime


_ADD_EVENTS = """
UPDATE alert
   SET event_count = event_count + $4, last_event_id = greatest(last_event_id, $5),
       last_event_at = greatest(last_event_at, $6)
 WHERE workspace_id = $1 AND rule_id = $2 AND group_key = $3 AND state <> 2
RETURNING id, state, event_count, last_event_id, told_at
"""


async def add_events(
    connection: PooledConnection,
    workspace_id: int,
    rule_id: int,
    group_key: str,
    count: int,
    last_event_id: int,
    last_event_at: datetime,
) -> Lasting | None:
    """Add events to the alert of a group that lasts; None if none does."""
    record = await connection.fetchrow(
        _ADD_EVENTS, workspace_id, rule_id, group_key, count, last_event_id, last_event_at
    )
    return None if record is None else Lasting(*record.values())


_RAISE = """
INSERT INTO alert (workspace_id, id, rule_id, group_key, state, severity, rule_name, event_count, first_event_at,
                   last_event_at, last_event_id, told_at, device_id, sim_id)
VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (workspace_id, rule_id, group_key) WHERE state <> 2 DO NOTHING RETURNING id
"""


class Raised(NamedTuple):
    """A new alert, in the order of the statement's parameters."""

    workspace_id: int
    id: int
    rule_id: int
    group_key: str
    severity: int
    rule_name: str
    event_count: int
    first_event_at: datetime
    last_event_at: datetime
    last_event_id: int
    told_at: datetime
    device_id: int | None
    sim_id: int | None


async def insert(connection: PooledConnection, raised: Raised) -> bool:
    """Raise an alert; False if one of the same group lasts already."""
    return await connection.fetchval(_RAISE, *raised) is not None


_TELL_AGAIN = "UPDATE alert SET told_at = $3 WHERE workspace_id = $1 AND id = $2"


async def tell_again(connection: PooledConnection, workspace_id: int, alert_id: int, at: datetime) -> None:
    """It was told just now."""
    await connection.execute(_TELL_AGAIN, workspace_id, alert_id, at)


class Ended(NamedTuple):
    """An alert that has just ended or was acknowledged."""

    workspace_id: int
    id: int
    rule_name: str
    event_count: int
    severity: int
    device_id: int | None
    sim_id: int | None


_ENDED = "a.workspace_id, a.id, a.rule_name, a.event_count, a.severity, a.device_id, a.sim_id"

_END_GROUP = f"""
UPDATE alert a SET state = 2, resolved_at = $5
 WHERE workspace_id = $1 AND rule_id = $2 AND group_key = $3 AND state <> 2 AND last_event_id < $4
RETURNING {_ENDED}
"""  # noqa: S608 - a constant of this module


async def end_group(
    connection: PooledConnection, workspace_id: int, rule_id: int, group_key: str, event_id: int, at: datetime
) -> Ended | None:
    """End the alert of a group whose events are all older than this one; None if there is none."""
    record = await connection.fetchrow(_END_GROUP, workspace_id, rule_id, group_key, event_id, at)
    return None if record is None else Ended(*record.values())


# An alert whose rule is gone or disabled ends as well: nothing would end it any more.
_END_QUIET = f"""
UPDATE alert a SET state = 2, resolved_at = $1
 WHERE (a.workspace_id, a.id) IN (
    SELECT q.workspace_id, q.id
      FROM alert q LEFT JOIN alert_rule r ON r.workspace_id = q.workspace_id AND r.id = q.rule_id AND r.enabled
     WHERE q.state <> 2 AND (r.id IS NULL OR q.last_event_at < $1::timestamptz - make_interval(secs => r.quiet_s))
     ORDER BY q.last_event_at LIMIT $2 FOR UPDATE OF q SKIP LOCKED)
RETURNING {_ENDED}
"""  # noqa: S608 - a constant of this module


async def end_quiet(connection: PooledConnection, now: datetime, limit: int) -> list[Ended]:
    """End alerts, of all workspaces, that have had no event for as long as their rule waits: at most `limit`."""
    return [Ended(*record.values()) for record in await connection.fetch(_END_QUIET, now, limit)]


_SET_STATE = f"""
UPDATE alert a
   SET state = $3, acknowledged_at = CASE WHEN $3 = 1 THEN $4 ELSE acknowledged_at END,
       acknowledged_by = CASE WHEN $3 = 1 THEN $5 ELSE acknowledged_by END,
       resolved_at = CASE WHEN $3 = 2 THEN $4 ELSE resolved_at END
 WHERE workspace_id = $1 AND id = $2 AND state < $3
RETURNING {_ENDED}
"""  # noqa: S608 - a constant of this module
_EXISTS = "SELECT EXISTS (SELECT FROM alert WHERE workspace_id = $1 AND id = $2)"


async def set_state(
    connection: PooledConnection, workspace_id: int, alert_id: int, state: AlertState, at: datetime, actor: str
) -> Ended | None:
    """Acknowledge or end an alert; None if it is unknown, or is there or beyond already."""
    record = await connection.fetchrow(_SET_STATE, workspace_id, alert_id, int(state), at, actor)
    return None if record is None else Ended(*record.values())


async def exists(connection: PooledConnection, workspace_id: int, alert_id: int) -> bool:
    return bool(await connection.fetchval(_EXISTS, workspace_id, alert_id))


_PURGE_MATCHES = """
DELETE FROM alert_match WHERE (workspace_id, rule_id, event_id) IN (
    SELECT workspace_id, rule_id, event_id FROM alert_match WHERE event_id < $1 LIMIT $2)
"""


async def purge_matches(connection: PooledConnection, before_id: int, limit: int) -> int:
    """Forget counted events below an id, at most `limit`: how many there were."""
    return int((await connection.execute(_PURGE_MATCHES, before_id, limit)).split()[-1])


_PROGRESS = "SELECT event_id FROM alert_progress"
_SET_PROGRESS = """
INSERT INTO alert_progress (event_id) VALUES ($1)
ON CONFLICT (one) DO UPDATE SET event_id = greatest(alert_progress.event_id, excluded.event_id)
"""


async def progress(connection: PooledConnection) -> int | None:
    """The id up to which events have been looked at; None: none ever was."""
    found: int | None = await connection.fetchval(_PROGRESS)
    return found


async def set_progress(connection: PooledConnection, event_id: int) -> None:
    """Events below this id have been looked at. Never goes back."""
    await connection.execute(_SET_PROGRESS, event_id)
