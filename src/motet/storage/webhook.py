"""Webhooks: where a workspace wants its events sent. Times are aware datetimes."""

from collections.abc import Sequence

import asyncpg

from motet.domain.errors import LimitReachedError
from motet.storage.database import PooledConnection

WEBHOOK_DELIVERY_COLUMNS = (
    "workspace_id", "id", "webhook_id", "event_type", "body", "next_attempt_at", "created_at",
)  # fmt: skip
"""What whoever commits an event copies into webhook_delivery; the rest has defaults."""

_LIST_ENABLED = """
SELECT workspace_id, id, url, event_types, secret_encrypted
  FROM webhook
 WHERE status = 0
"""


async def list_enabled(connection: PooledConnection) -> list[asyncpg.Record]:
    """Every enabled webhook of every workspace: what a node keeps in memory."""
    records: list[asyncpg.Record] = await connection.fetch(_LIST_ENABLED)
    return records


_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO webhook (workspace_id, id, url, event_types, description, secret_encrypted)
SELECT $1, $2, $3, $4, $5, $6
 WHERE (SELECT count(*) FROM webhook WHERE workspace_id = $1) < $7
RETURNING id
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    webhook_id: int,
    *,
    url: str,
    event_types: Sequence[str],
    description: str,
    secret_encrypted: bytes,
    limit: int,
) -> None:
    """Add a webhook. Needs a transaction: the workspace is locked, so that two callers cannot pass the limit together.

    Raises LimitReachedError when the workspace has `limit` webhooks.
    """
    await connection.execute(_LOCK_WORKSPACE, workspace_id)
    added = await connection.fetchval(
        _INSERT, workspace_id, webhook_id, url, event_types, description, secret_encrypted, limit
    )
    if added is None:
        raise LimitReachedError("A workspace has at most {most} webhooks.", most=limit)


# Enabling again forgets why it was disabled.
_UPDATE = """
UPDATE webhook
   SET url = coalesce($3, url),
       event_types = coalesce($4, event_types),
       description = coalesce($5, description),
       status = coalesce($6, status),
       disabled_reason = CASE WHEN $6 = 0 THEN NULL ELSE disabled_reason END
 WHERE workspace_id = $1 AND id = $2
RETURNING id
"""


async def update(
    connection: PooledConnection,
    workspace_id: int,
    webhook_id: int,
    *,
    url: str | None,
    event_types: Sequence[str] | None,
    description: str | None,
    status: int | None,
) -> bool:
    """Change what is not None; False if the workspace has no such webhook."""
    found = await connection.fetchval(_UPDATE, workspace_id, webhook_id, url, event_types, description, status)
    return found is not None


_DISABLE = """
UPDATE webhook SET status = 1, disabled_reason = $3
 WHERE workspace_id = $1 AND id = $2 AND status = 0
RETURNING id
"""


async def disable(connection: PooledConnection, workspace_id: int, webhook_id: int, reason: str) -> bool:
    """Stop sending to a webhook; False if it is not there or disabled already."""
    return await connection.fetchval(_DISABLE, workspace_id, webhook_id, reason) is not None


_DELETE = "DELETE FROM webhook WHERE workspace_id = $1 AND id = $2 RETURNING id"


async def delete(connection: PooledConnection, workspace_id: int, webhook_id: int) -> bool:
    """Remove a webhook; False if the workspace has no such webhook. Its deliveries stay until they are purged."""
    return await connection.fetchval(_DELETE, workspace_id, webhook_id) is not None


_STATUS = "SELECT status FROM webhook WHERE workspace_id = $1 AND id = $2"


async def status_of(connection: PooledConnection, workspace_id: int, webhook_id: int) -> int | None:
    """The WebhookStatus, None if the workspace has no such webhook."""
    status: int | None = await connection.fetchval(_STATUS, workspace_id, webhook_id)
    return status
