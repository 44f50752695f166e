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
