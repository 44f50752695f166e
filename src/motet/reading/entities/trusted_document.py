"""Trusted documents as they are read: a workspace's own by its administrators, all of them by the operator."""

from motet.access.principals import Permission
from motet.reading.makers import column, global_id
from motet.reading.model import Entity
from motet.reading.tag_scope import SHARED

TRUSTED_DOCUMENT = Entity(
    name="TrustedDocument",
    table="trusted_document",
    permission=Permission.TRUSTED_DOCUMENT_READ,
    fields={
        "id": global_id("TrustedDocument"),
        "workspaceId": global_id("Workspace", "workspace_id"),
        "documentId": column("document_id"),
        "sha256": column("sha256"),
        "text": column("source"),
        "createdAt": column("created_at"),
    },
    operator_reads_all=True,
    scope=SHARED,
)
