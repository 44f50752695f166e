"""Events: what happened, for people and applications."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from motet.storage.database import PooledConnection

EVENT_COLUMNS = (
    "workspace_id", "id", "type", "severity", "device_id", "sim_id", "message_id", "description", "data",
)  # fmt: skip
"""What the hub writes of a message: its source is a rule of ours, nobody in person."""

CHANGE_COLUMNS = (*EVENT_COLUMNS, "source", "actor")
"""What tells of a change that somebody made."""


async def copy_events(connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows in the order of EVENT_COLUMNS, by a lane's connection: `data` is JSON text."""
    await connection.copy_records_to_table("event", records=rows, columns=EVENT_COLUMNS)


async def copy_changes(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of CHANGE_COLUMNS, by a connection of the pool: `data` is a dict."""
    await connection.copy_records_to_table("event", records=rows, columns=CHANGE_COLUMNS)


_EXISTS = "SELECT EXISTS (SELECT FROM event WHERE workspace_id = $1 AND id = $2)"


async def exists(connection: asyncpg.Connection, workspace_id: int, event_id: int) -> bool:
    """Whether an insert whose answer was lost did commit."""
    return bool(await connection.fetchval(_EXISTS, workspace_id, event_id))


# The newest of them, if there are more.
_IDS_SINCE = """
SELECT id FROM (SELECT id FROM event WHERE workspace_id = $1 AND id >= $2 ORDER BY id DESC LIMIT $3) AS newest
 ORDER BY id
"""


async def ids_since(connection: PooledConnection, workspace_id: int, since_id: int, limit: int) -> list[int]:
    """The workspace's events from this id on, oldest first, at most the newest `limit`."""
    return [record["id"] for record in await connection.fetch(_IDS_SINCE, workspace_id, since_id, limit)]


_PURGE = """
DELETE FROM event WHERE workspace_id = $1 AND id = ANY (
    ARRAY (SELECT id FROM event WHERE workspace_id = $1 AND id < $2 ORDER BY id LIMIT $3))
"""


async def purge(connection: PooledConnection, workspace_id: int, before_id: int, limit: int) -> int:
    """Remove the workspace's oldest events below an id, at most `limit`: how many there were."""
    return int((await connection.execute(_PURGE, workspace_id, before_id, limit)).split()[-1])


_RETENTIONS = "SELECT id, event_retention_days FROM workspace ORDER BY id"


async def retentions(connection: PooledConnection) -> list[tuple[int, int]]:
    """(workspace, days that its events are kept) of every workspace."""
    return [(record["id"], record["event_retention_days"]) for record in await connection.fetch(_RETENTIONS)]


_SET_RETENTION = "UPDATE workspace SET event_retention_days = $2 WHERE id = $1"


async def set_retention(connection: PooledConnection, workspace_id: int, days: int) -> None:
    """How long the workspace's events are kept from now on."""
    await connection.execute(_SET_RETENTION, workspace_id, days)
