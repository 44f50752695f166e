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
