"""The audit log."""

from __future__ import annotations

import strawberry

from motet.access.principals import Permission
from motet.graphql.lists import root_list
from motet.graphql.types.audit import AuditEntry, AuditEntryFilter


@strawberry.type
class AuditQueries:
    """The part of Query that is about what people did."""

    audit_log = root_list(
        AuditEntry,
        Permission.AUDIT_READ,
        "Who did what in the workspace, newest first; for the operator the installation's own log.",
        filter_by=AuditEntryFilter,
    )
