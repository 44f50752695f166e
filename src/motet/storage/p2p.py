"""How many P2P messages devices have sent in the 24 hours that began with the first of them."""

from __future__ import annotations

from motet.storage.database import Executor

# A window that is over is taken for a new one.
_COUNT = """
INSERT INTO p2p_window AS w (workspace_id, device_id, started_at, count) VALUES ($1, $2, $3, 1)
ON CONFLICT (workspace_id, device_id) DO UPDATE
   SET started_at = CASE WHEN w.started_at <= $3 - interval '24 hours' THEN $3 ELSE w.started_at END,
       count = CASE WHEN w.started_at <= $3 - interval '24 hours' THEN 1 ELSE w.count + 1 END
RETURNING w.count
"""


async def count(connection: Executor, workspace_id: int, device_id: int, now_us: int) -> int:
    """Count one more in the caller's transaction: which of its window it is, from 1 on. For a lane's connection, which
    speaks microseconds."""
    counted: int = await connection.fetchval(_COUNT, workspace_id, device_id, now_us)
    return counted


_SENT = """
SELECT count FROM p2p_window
 WHERE workspace_id = $1 AND device_id = $2 AND started_at > now() - interval '24 hours'
"""


async def sent(connection: Executor, workspace_id: int, device_id: int) -> int:
    """How many were counted in the window that is open now."""
    return await connection.fetchval(_SENT, workspace_id, device_id) or 0
