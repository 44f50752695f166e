"""Workspaces as they are read: all by the operator, its own by a principal inside one."""

from motet.reading.makers import column, global_id
from motet.reading.model import Entity
from motet.reading.tag_scope import SHARED

WORKSPACE = Entity(
    name="Workspace",
    table="workspace",
    permission=None,
    fields={
        "id": global_id("Workspace"),
        "name": column("name"),
        "createdAt": column("created_at"),
        "eventRetentionDays": column("event_retention_days"),
    },
    tenant_column="id",
    operator_reads_all=True,
    scope=SHARED,
)
