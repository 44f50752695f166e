"""Events: what happened, for people and applications."""

from collections.abc import Sequence
from typing import Any

import asyncpg

EVENT_COLUMNS = (
    "workspace_id", "id", "type", "severity", "device_id", "sim_id", "message_id", "description", "data",
)  # fmt: skip


async def copy_events(connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows in the order of EVENT_COLUMNS."""
    await connection.copy_records_to_table("event", records=rows, columns=EVENT_COLUMNS)


_EXISTS = "SELECT EXISTS (SELECT FROM event WHERE workspace_id = $1 AND id = $2)"


async def exists(connection: asyncpg.Connection, workspace_id: int, event_id: int) -> bool:
    """Whether an insert whose answer was lost did commit."""
    return bool(await connection.fetchval(_EXISTS, workspace_id, event_id))
