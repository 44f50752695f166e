"""What the workspaces of an organisation have and used. Across workspaces: of those that the caller may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from motet.storage.database import Executor, Row

_WORKSPACES = """
SELECT w.id, w.name, o.name AS organisation, w.ended_at
  FROM workspace w JOIN organisation o ON o.id = w.organisation_id
 WHERE o.path @> ARRAY[$1::bigint] AND (w.ended_at IS NULL OR w.ended_at >= $2)
 ORDER BY w.name, w.id LIMIT $3
"""


async def workspaces(connection: Executor, organisation_id: int, since: datetime, limit: int) -> list[Row]:
    """The workspaces of the organisation and those below it that had not ended by then, by name."""
    rows: list[Row] = await connection.fetch(_WORKSPACES, organisation_id, since, limit)
    return rows


_SIMS = "SELECT workspace_id, status, count(*) AS n FROM sim WHERE workspace_id = ANY ($1::bigint[]) GROUP BY 1, 2"
_DEVICES = """
SELECT workspace_id, count(*) AS n FROM device WHERE workspace_id = ANY ($1::bigint[]) AND status <> 2 GROUP BY 1
"""


async def sims(connection: Executor, workspace_ids: Sequence[int]) -> list[Row]:
    """How many SIMs of which status each has now."""
    rows: list[Row] = await connection.fetch(_SIMS, workspace_ids)
    return rows


async def devices(connection: Executor, workspace_ids: Sequence[int]) -> dict[int, int]:
    """How many live devices each has now."""
    return {row["workspace_id"]: row["n"] for row in await connection.fetch(_DEVICES, workspace_ids)}


_BY_WORKSPACE = """
SELECT workspace_id, sum(sms_mt)::bigint, sum(sms_mt_parts)::bigint, sum(sms_mo)::bigint, sum(sms_mo_parts)::bigint,
       sum(octets_up)::bigint, sum(octets_down)::bigint
  FROM workspace_usage
 WHERE workspace_id = ANY ($1::bigint[]) AND granularity = $2 AND start >= $3 AND start < $4
 GROUP BY workspace_id
"""
_BY_PERIOD = """
SELECT start, sum(sms_mt)::bigint, sum(sms_mt_parts)::bigint, sum(sms_mo)::bigint, sum(sms_mo_parts)::bigint,
       sum(octets_up)::bigint, sum(octets_down)::bigint
  FROM workspace_usage
 WHERE workspace_id = ANY ($1::bigint[]) AND granularity = $2 AND start >= $3 AND start < $4
 GROUP BY start ORDER BY start
"""


async def by_workspace(
    connection: Executor, workspace_ids: Sequence[int], granularity: int, since: datetime, until: datetime
) -> list[Row]:
    """What each used in the periods that began in that time: its id, and the counters."""
    rows: list[Row] = await connection.fetch(_BY_WORKSPACE, workspace_ids, granularity, since, until)
    return rows


async def by_period(
    connection: Executor, workspace_ids: Sequence[int], granularity: int, since: datetime, until: datetime
) -> list[Row]:
    """What all used in each of the periods: its start, and the counters."""
    rows: list[Row] = await connection.fetch(_BY_PERIOD, workspace_ids, granularity, since, until)
    return rows


_OUTCOMES = """
SELECT w.id AS workspace_id, s.state, c.n
  FROM unnest($1::bigint[]) AS w (id), unnest($2::smallint[]) AS s (state),
       LATERAL (SELECT count(*) AS n FROM (
           SELECT FROM outcome o
            WHERE o.workspace_id = w.id AND o.state = s.state AND o.message_id >= $3 AND o.message_id < $4
            LIMIT $5) x) c
 WHERE c.n > 0
"""


async def outcomes(
    connection: Executor, workspace_ids: Sequence[int], states: Sequence[int], ids: tuple[int, int], limit: int
) -> list[Row]:
    """How many messages with ids in the range ended so, up to the limit each."""
    rows: list[Row] = await connection.fetch(_OUTCOMES, workspace_ids, states, *ids, limit)
    return rows
