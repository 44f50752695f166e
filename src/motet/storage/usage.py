"""Usage: hours, days and months added up from messages and session records, each of them counted once.

Messages are counted a range of one incarnation's ids at a time, in the transaction that moves the incarnation's mark.
"""

# ruff: noqa: S608 - text of this module's constants; a caller's values are parameters

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import asyncpg

from motet.storage.database import Executor, PooledConnection

Value = TypeVar("Value")

ACCOUNT_LOCK = 1297044565
"""Advisory lock class ('MOTU'): one transaction at a time adds to what a workspace has used."""

_LOCK = """
SELECT pg_advisory_xact_lock($1, hashint8(w.id))
  FROM (SELECT DISTINCT id FROM unnest($2::bigint[]) AS u (id) ORDER BY id) w
"""


async def lock_workspaces(connection: PooledConnection, workspace_ids: Sequence[int]) -> None:
    """Let nobody else add to these workspaces' usage and quotas until the transaction ends. Take them all at once."""
    await connection.execute(_LOCK, ACCOUNT_LOCK, sorted(set(workspace_ids)))


# What is in `counted` goes into the roll-ups. Rows in the order of the key, so that two writers do not lock crosswise.
_ADD = """
by_grain AS (
    SELECT c.workspace_id, c.device_id, c.sim_id, g.granularity, date_trunc(g.unit, c.hour) AS start,
           sum(c.sms_mt) AS sms_mt, sum(c.sms_mt_parts) AS sms_mt_parts, sum(c.sms_mo) AS sms_mo,
           sum(c.sms_mo_parts) AS sms_mo_parts, sum(c.octets_up) AS octets_up, sum(c.octets_down) AS octets_down
      FROM counted c
     CROSS JOIN (VALUES (0::smallint, 'hour'), (1::smallint, 'day'), (2::smallint, 'month')) AS g (granularity, unit)
     GROUP BY 1, 2, 3, 4, 5
),
of_devices AS (
    INSERT INTO device_usage AS u (workspace_id, device_id, sim_id, granularity, start, sms_mt, sms_mt_parts, sms_mo,
                                   sms_mo_parts, octets_up, octets_down)
    SELECT * FROM by_grain ORDER BY workspace_id, device_id, granularity, start, sim_id
    ON CONFLICT (workspace_id, device_id, granularity, start, sim_id) DO UPDATE
       SET sms_mt = u.sms_mt + excluded.sms_mt, sms_mt_parts = u.sms_mt_parts + excluded.sms_mt_parts,
           sms_mo = u.sms_mo + excluded.sms_mo, sms_mo_parts = u.sms_mo_parts + excluded.sms_mo_parts,
           octets_up = u.octets_up + excluded.octets_up, octets_down = u.octets_down + excluded.octets_down
),
of_workspaces AS (
    INSERT INTO workspace_usage AS u (workspace_id, granularity, start, sms_mt, sms_mt_parts, sms_mo, sms_mo_parts,
                                      octets_up, octets_down)
    SELECT workspace_id, granularity, start, sum(sms_mt), sum(sms_mt_parts), sum(sms_mo), sum(sms_mo_parts),
           sum(octets_up), sum(octets_down)
      FROM by_grain GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (workspace_id, granularity, start) DO UPDATE
       SET sms_mt = u.sms_mt + excluded.sms_mt, sms_mt_parts = u.sms_mt_parts + excluded.sms_mt_parts,
           sms_mo = u.sms_mo + excluded.sms_mo, sms_mo_parts = u.sms_mo_parts + excluded.sms_mo_parts,
           octets_up = u.octets_up + excluded.octets_up, octets_down = u.octets_down + excluded.octets_down
)
"""

# The range is read by the message table's key, workspace by workspace. An MO that was refused is nobody's usage.
_COUNT_MESSAGES = (
    """
WITH counted AS MATERIALIZED (
    SELECT m.workspace_id, m.device_id, m.sim_id, date_trunc('hour', m.submitted_at) AS hour,
           count(*) FILTER (WHERE m.direction = 0) AS sms_mt,
           coalesce(sum(m.part_count) FILTER (WHERE m.direction = 0), 0) AS sms_mt_parts,
           count(*) FILTER (WHERE m.direction = 1) AS sms_mo,
           coalesce(sum(m.part_count) FILTER (WHERE m.direction = 1), 0) AS sms_mo_parts,
           0 AS octets_up, 0 AS octets_down,
           min(m.submitted_at) AS first_at, max(m.submitted_at) AS last_at
      FROM workspace w
     CROSS JOIN LATERAL (
        SELECT workspace_id, device_id, sim_id, submitted_at, direction, part_count
          FROM message
         WHERE workspace_id = w.id AND id > $2 AND id <= $3 AND owner = $1 AND device_id <> 0
           AND (direction = 0 OR state = 7)
        OFFSET 0
     ) m
     GROUP BY 1, 2, 3, 4
),
"""
    + _ADD
    + """
SELECT c.workspace_id, c.device_id, sum(c.sms_mt_parts)::bigint AS mt, sum(c.sms_mo_parts)::bigint AS mo,
       min(c.first_at) AS first_at, max(c.last_at) AS last_at
  FROM counted c
  JOIN device d ON d.workspace_id = c.workspace_id AND d.id = c.device_id
  JOIN service_policy p ON p.workspace_id = d.workspace_id AND p.id = d.service_policy_id
 WHERE p.apply_sms_quota OR p.sms_mt_limit_per_month IS NOT NULL OR p.sms_mo_limit_per_month IS NOT NULL
 GROUP BY 1, 2
"""
)


class MeteredDevice(NamedTuple):
    """What one range of messages came to for a device whose SMS are metered, in parts."""

    workspace_id: int
    device_id: int
    mt: int
    mo: int
    first_at: datetime
    last_at: datetime


async def count_messages(
    connection: PooledConnection, incarnation: int, after_id: int, up_to_id: int
) -> list[MeteredDevice]:
    """Add the incarnation's messages of a range of ids to the roll-ups: after the first, up to and with the second.

    Gives the devices that have a quota or a monthly limit for SMS.
    """
    return [
        MeteredDevice(*record) for record in await connection.fetch(_COUNT_MESSAGES, incarnation, after_id, up_to_id)
    ]


# Not EXISTS, which is planned as a join over every message of the range.
_ACTIVE_WORKSPACES = """
SELECT w.id
  FROM workspace w
 CROSS JOIN LATERAL (
    SELECT FROM message m WHERE m.workspace_id = w.id AND m.id > $2 AND m.id <= $3 AND m.owner = $1 LIMIT 1
 ) any_message
"""


async def workspaces_with_messages(
    connection: PooledConnection, incarnation: int, after_id: int, up_to_id: int
) -> list[int]:
    """The workspaces that the range of ids has messages of."""
    records = await connection.fetch(_ACTIVE_WORKSPACES, incarnation, after_id, up_to_id)
    return [record["id"] for record in records]


_PARTS_SINCE = """
SELECT coalesce(sum(part_count), 0)::bigint
  FROM message
 WHERE workspace_id = $1 AND device_id = $2 AND id > $4 AND id <= $5 AND owner = $3 AND (direction = 0 OR state = 7)
   AND submitted_at >= $6
"""


async def parts_since(
    connection: PooledConnection,
    workspace_id: int,
    device_id: int,
    incarnation: int,
    after_id: int,
    up_to_id: int,
    since: datetime,
) -> int:
    """The parts of one device in a range of ids that were accepted at a time or later."""
    return int(await connection.fetchval(_PARTS_SINCE, workspace_id, device_id, incarnation, after_id, up_to_id, since))


_COUNT_OCTETS = (
    """
WITH counted AS MATERIALIZED (
    SELECT r.workspace_id, r.device_id, r.sim_id, date_trunc('hour', r.at) AS hour, 0 AS sms_mt, 0 AS sms_mt_parts,
           0 AS sms_mo, 0 AS sms_mo_parts, sum(r.octets_up) AS octets_up, sum(r.octets_down) AS octets_down
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::bigint[], $6::bigint[])
           AS r (workspace_id, device_id, sim_id, at, octets_up, octets_down)
     GROUP BY 1, 2, 3, 4
),
"""
    + _ADD
    + "SELECT"
)


async def count_octets(connection: PooledConnection, rows: Sequence[tuple[int, int, int, datetime, int, int]]) -> None:
    """Add session records to the roll-ups: (workspace_id, device_id, sim_id, at, octets_up, octets_down)."""
    if rows:
        await connection.execute(_COUNT_OCTETS, *map(list, zip(*rows, strict=True)))


_PURGE_USAGE = """
DELETE FROM device_usage
 WHERE ctid = ANY (ARRAY (SELECT ctid FROM device_usage WHERE granularity = $1 AND start < $2 LIMIT $3))
"""


async def purge(connection: Executor, granularity: int, before: datetime, limit: int) -> int:
    """Remove old hours or days of devices, at most so many: how many there were."""
    return int((await connection.execute(_PURGE_USAGE, granularity, before, limit)).split()[-1])


# Marks --------------------------------------------------------------------------------------------------------------

_BEGIN = "INSERT INTO usage_mark (incarnation, counted_to) VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def begin_counting(connection: Executor, incarnation: int, before_id: int) -> None:
    """An incarnation is about to accept its first message; all of its ids will be larger than `before_id`."""
    await connection.execute(_BEGIN, incarnation, before_id)


_FENCE = "SELECT motet_fence($1)"
_LOCK_MARK = "SELECT counted_to FROM usage_mark WHERE incarnation = $1 AND NOT finished FOR NO KEY UPDATE"
_MOVE_MARK = "UPDATE usage_mark SET counted_to = $2, finished = $3 WHERE incarnation = $1"


async def fence(connection: PooledConnection, incarnation: int) -> None:
    """Raises, with node.FENCED_SQLSTATE, if the incarnation was succeeded."""
    await connection.execute(_FENCE, incarnation)


async def lock_mark(connection: PooledConnection, incarnation: int) -> int | None:
    """How far the incarnation's messages are counted, and let nobody else count them; None: all are."""
    mark: int | None = await connection.fetchval(_LOCK_MARK, incarnation)
    return mark


async def move_mark(connection: PooledConnection, incarnation: int, to_id: int, *, finished: bool = False) -> None:
    """Note how far the incarnation's messages are counted; `finished`: there will not be more."""
    await connection.execute(_MOVE_MARK, incarnation, to_id, finished)


_DEAD = """
SELECT m.incarnation, n.last_id, n.ended_at
  FROM usage_mark m JOIN node n ON n.incarnation = m.incarnation
 WHERE NOT m.finished AND n.succeeded_by IS NOT NULL
 ORDER BY m.incarnation LIMIT 64
"""


async def uncounted_dead(connection: Executor) -> list[asyncpg.Record]:
    """Incarnations that others have succeeded, and whose last messages may not be counted yet."""
    records: list[asyncpg.Record] = await connection.fetch(_DEAD)
    return records


# A text that is replaced may need another number of parts. What is not counted yet will be as it is then.
_RECOUNT_PARTS = (
    """
WITH counted AS MATERIALIZED (
    SELECT m.workspace_id, m.device_id, m.sim_id, date_trunc('hour', m.submitted_at) AS hour, 0 AS sms_mt,
           $3::integer - m.part_count AS sms_mt_parts, 0 AS sms_mo, 0 AS sms_mo_parts, 0 AS octets_up, 0 AS octets_down
      FROM message m
     CROSS JOIN LATERAL (SELECT counted_to FROM usage_mark WHERE incarnation = m.owner FOR SHARE) k
     WHERE m.workspace_id = $1 AND m.id = $2 AND m.device_id <> 0 AND m.id <= k.counted_to AND m.part_count <> $3
),
"""
    + _ADD
    + "SELECT"
)


async def recount_parts(connection: PooledConnection, workspace_id: int, message_id: int, parts: int) -> None:
    """An open message is about to have so many parts: put that right where it is counted already."""
    await connection.execute(_RECOUNT_PARTS, workspace_id, message_id, parts)


# Monthly limits -----------------------------------------------------------------------------------------------------

_MONTH_OF_DEVICES = """
SELECT k.workspace_id, k.device_id, p.sms_mt_limit_per_month AS mt_limit, p.sms_mo_limit_per_month AS mo_limit,
       p.data_limit_per_month_octets AS data_limit, p.limit_warning_percent AS warning_percent,
       p.apply_sms_quota, p.apply_data_quota, u.mt, u.mo, u.octets, x.extensions, x.warned, x.reached
  FROM unnest($1::bigint[], $2::bigint[]) AS k (workspace_id, device_id)
  JOIN device d ON d.workspace_id = k.workspace_id AND d.id = k.device_id
  JOIN service_policy p ON p.workspace_id = d.workspace_id AND p.id = d.service_policy_id
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(sms_mt_parts), 0)::bigint AS mt, coalesce(sum(sms_mo_parts), 0)::bigint AS mo,
           coalesce(sum(octets_up + octets_down), 0)::bigint AS octets
      FROM device_usage
     WHERE workspace_id = k.workspace_id AND device_id = k.device_id AND granularity = 2 AND start = $3
 ) u
 CROSS JOIN LATERAL (
    SELECT array_agg(l.extension ORDER BY n.kind) AS extensions, array_agg(coalesce(l.warned, false) ORDER BY n.kind)
           AS warned, array_agg(coalesce(l.reached, false) ORDER BY n.kind) AS reached
      FROM (VALUES (0), (1), (2)) AS n (kind)
      LEFT JOIN month_limit l
        ON l.workspace_id = k.workspace_id AND l.device_id = k.device_id AND l.month = $3 AND l.kind = n.kind
 ) x
 WHERE p.apply_sms_quota OR p.apply_data_quota OR p.sms_mt_limit_per_month IS NOT NULL
    OR p.sms_mo_limit_per_month IS NOT NULL OR p.data_limit_per_month_octets IS NOT NULL
"""


class DeviceMonth(NamedTuple):
    """A device whose traffic is metered: its policy's limits, and what it used in the month. SMS are parts."""

    workspace_id: int
    device_id: int
    limits: tuple[int | None, int | None, int | None]
    """By MonthLimit, as all below."""
    warning_percent: int | None
    sms_quota_applies: bool
    data_quota_applies: bool
    used: tuple[int, int, int]
    extensions: tuple[int, int, int]
    warned: tuple[bool, bool, bool]
    reached: tuple[bool, bool, bool]


async def month_of_devices(
    connection: Executor, devices: Sequence[tuple[int, int]], month: datetime
) -> dict[int, DeviceMonth]:
    """The metered ones of these devices, given as (workspace_id, device_id), by their ids."""
    if not devices:
        return {}
    workspaces, ids = zip(*devices, strict=True)
    return {
        r["device_id"]: DeviceMonth(
            r["workspace_id"],
            r["device_id"],
            (r["mt_limit"], r["mo_limit"], r["data_limit"]),
            r["warning_percent"],
            r["apply_sms_quota"],
            r["apply_data_quota"],
            (r["mt"], r["mo"], r["octets"]),
            _three(r["extensions"], 0),
            _three(r["warned"], False),
            _three(r["reached"], False),
        )
        for r in await connection.fetch(_MONTH_OF_DEVICES, list(workspaces), list(ids), month)
    }


def _three(values: Sequence[Value | None], missing: Value) -> tuple[Value, Value, Value]:
    first, second, third = (missing if value is None else value for value in values)
    return first, second, third


_NOTE_TOLD = """
INSERT INTO month_limit AS l (workspace_id, device_id, month, kind, warned, reached)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (workspace_id, device_id, month, kind) DO UPDATE SET warned = excluded.warned, reached = excluded.reached
"""


async def note_told(connection: PooledConnection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Remember what was told of monthly limits: (workspace_id, device_id, month, kind, warned, reached)."""
    if rows:
        await connection.executemany(_NOTE_TOLD, rows)


_EXTEND = """
INSERT INTO month_limit AS l (workspace_id, device_id, month, kind, extension)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (workspace_id, device_id, month, kind) DO UPDATE
   SET extension = l.extension + excluded.extension, warned = false, reached = false
 WHERE l.extension + excluded.extension <= $6
RETURNING extension
"""


async def extend_limit(
    connection: PooledConnection,
    workspace_id: int,
    device_id: int,
    month: datetime,
    kind: int,
    amount: int,
    at_most: int,
) -> int | None:
    """Let a device pass its limit by `amount` more in the month: all that it may now; None if that is too much."""
    total: int | None = await connection.fetchval(_EXTEND, workspace_id, device_id, month, kind, amount, at_most)
    return total
