"""SIMs that are in use and use nothing."""

from __future__ import annotations

from datetime import datetime

from motet.storage.database import Executor

# Usage is added up by days of UTC: a SIM that was used on the day of the moment counts as used. One that was activated
# or resumed since has not had its chance yet; a message that is not counted yet is a few seconds old.
_IDLE = """
SELECT s.id FROM sim s
 WHERE s.workspace_id = $1 AND s.status = 2 AND s.created_at < $2
   AND NOT EXISTS (
       SELECT FROM device_usage u
        WHERE u.workspace_id = $1 AND u.sim_id = s.id AND u.granularity = 1 AND u.start >= date_trunc('day', $2, 'UTC'))
   AND NOT EXISTS (
       SELECT FROM sim_history h
        WHERE h.workspace_id = $1 AND h.sim_id = s.id AND h.to_status = 2 AND h.at >= $2)
 ORDER BY s.id LIMIT $3
"""


async def idle_since(connection: Executor, workspace_id: int, since: datetime, limit: int) -> list[int]:
    """The SIMs that were ACTIVATED before the moment, and have sent and received nothing since."""
    return [row[0] for row in await connection.fetch(_IDLE, workspace_id, since, limit)]
