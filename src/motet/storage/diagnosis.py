"""What is known of one device besides what the traffic rules look at, in one statement."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from motet.storage.database import Executor


class Signs(NamedTuple):
    """What networks have told of the SIM in a device, and what passed. None: nobody has said."""

    attached: bool | None
    since: datetime | None
    told_at: datetime | None
    operator: str | None
    outage_since: datetime | None
    refused: str | None
    refused_at: datetime | None
    session_status: int | None
    session_at: datetime | None
    session_reason: str | None
    session_cause: str | None
    sms_at: datetime | None


# An SMS that the device sent or got says that it was there; of the newest 50, since no index is on what became of them.
_SIGNS = """
SELECT CASE WHEN a.told_at IS NOT NULL THEN a.attached END AS attached, a.since, a.told_at, a.operator,
       o.since AS outage_since, a.refused, a.refused_at, d.status AS session_status, d.updated_at AS session_at,
       d.reason AS session_reason, d.cause AS session_cause, m.at AS sms_at
  FROM device v
  LEFT JOIN attachment a ON a.workspace_id = v.workspace_id AND a.sim_id = v.sim_id
  LEFT JOIN operator_outage o ON o.operator = a.operator
  LEFT JOIN LATERAL (
    SELECT s.status, s.updated_at, s.reason, s.cause
      FROM data_session s WHERE s.workspace_id = v.workspace_id AND s.device_id = v.id ORDER BY s.id DESC LIMIT 1
  ) d ON true
  LEFT JOIN LATERAL (
    SELECT max(coalesce(n.final_at, n.submitted_at)) AS at
      FROM (SELECT final_at, submitted_at, direction, state FROM message
             WHERE workspace_id = v.workspace_id AND device_id = v.id ORDER BY id DESC LIMIT 50) n
     WHERE n.direction = 1 OR n.state = 1
  ) m ON true
 WHERE v.workspace_id = $1 AND v.id = $2
"""


async def signs(connection: Executor, workspace_id: int, device_id: int) -> Signs | None:
    """What is known; None for a device that the workspace has not."""
    record = await connection.fetchrow(_SIGNS, workspace_id, device_id)
    return None if record is None else Signs(*record)


_REFUSAL_BY_EVENT = """
SELECT id, type, device_id, sim_id, message_id, description, data
  FROM event
 WHERE workspace_id = $1 AND id = $2 AND type IN ('sms.refused', 'sms.mo_refused')
"""

# The event is written with the message, so its id, which holds its time, is close by.
_REFUSAL_BY_MESSAGE = """
SELECT id, type, device_id, sim_id, message_id, description, data
  FROM event
 WHERE workspace_id = $1 AND id >= $2::bigint AND id < $2::bigint + $3::bigint AND message_id = $2
   AND type IN ('sms.refused', 'sms.mo_refused')
 ORDER BY id LIMIT 1
"""

NEAR_IDS = 60_000 << 22
"""Ids of a minute: within it the refusal of a message is told."""


class RefusalEvent(NamedTuple):
    """An event that tells of a refused SMS."""

    id: int
    type: str
    device_id: int | None
    sim_id: int | None
    message_id: int | None
    description: str
    data: dict[str, object]


async def refusal_by_event(connection: Executor, workspace_id: int, event_id: int) -> RefusalEvent | None:
    """The refusal that this event tells of; None for another event, or none of the workspace's."""
    record = await connection.fetchrow(_REFUSAL_BY_EVENT, workspace_id, event_id)
    return None if record is None else RefusalEvent(*record)


async def refusal_by_message(connection: Executor, workspace_id: int, message_id: int) -> RefusalEvent | None:
    """The refusal of a stored message; None if it was not refused, or is none of the workspace's."""
    record = await connection.fetchrow(_REFUSAL_BY_MESSAGE, workspace_id, message_id, NEAR_IDS)
    return None if record is None else RefusalEvent(*record)
