"""What Motet itself, a network or a command has left in the audit log."""

from __future__ import annotations

from motet.storage.database import Database


async def acts_of(database: Database, *edges: str) -> list[tuple[int, str, str, str, dict[str, int]]]:
    """(log, kind of actor, actor, action, changes counted) of each entry that came by one of these edges, in order."""
    rows = await database.pool.fetch(
        "SELECT workspace_id, actor_kind, actor, action, change_counts FROM audit_entry"
        " WHERE edge = ANY ($1) ORDER BY id",
        edges,
    )
    return [tuple(row) for row in rows]
