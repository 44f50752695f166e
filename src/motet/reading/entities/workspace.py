"""Workspaces as they are read: all by the operator, those of a super administrator's organisation and below it, its own
by a principal inside one. One that has ended is still there for who asks for it."""

# ruff: noqa: S608 - text of declared constants

from motet.reading.filters import contains, not_null, refers_to
from motet.reading.makers import column, global_id
from motet.reading.model import Entity, Hidden, ToMany, ToOne
from motet.reading.reach import ADMINISTERED
from motet.reading.reach import WORKSPACE as OWN
from motet.reading.tag_scope import SHARED

WORKSPACE = Entity(
    name="Workspace",
    table="workspace",
    permission=None,
    fields={
        "id": global_id("Workspace"),
        "name": column("name"),
        "createdAt": column("created_at"),
        "endedAt": column("ended_at"),
        "suspendedAt": column("suspended_at"),
        "eventRetentionDays": column("event_retention_days"),
        "organisation": ToOne("Organisation", "organisation_id"),
        "members": ToMany("User", "workspace_id"),
    },
    tenant_column="id",
    operator_reads_all=True,
    reach=f"({{t}}.id = {OWN} OR {{t}}.organisation_id IN"
    f" (SELECT ro.id FROM organisation ro WHERE ro.path @> ARRAY[{ADMINISTERED}]))",
    filters={
        "nameContains": contains("name"),
        "organisationId": refers_to("organisation_id", "Organisation"),
        "hasEnded": not_null("ended_at"),
        "isSuspended": not_null("suspended_at"),
    },
    scope=SHARED,
    hidden=Hidden("hasEnded", "{t}.ended_at IS NULL"),
)
