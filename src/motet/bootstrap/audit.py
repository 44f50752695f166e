"""The audit log of a node: its sealer, the removal of old entries, and what was only counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from motet.bootstrap.node import Node
from motet.identity.audit_retention import AuditRetention
from motet.identity.audit_sealing import Sealer
from motet.identity.sessions import utc_now


@asynccontextmanager
async def audit(node: Node) -> AsyncIterator[None]:
    """Keeps the audit log while it runs. Needs the identity component; it ends after all that is told of in it."""
    assert node.identity is not None  # noqa: S101 - components start in order
    log = node.identity.audit
    node.supervisor.start("audit sealing", Sealer(node.database).keep_sealing)
    node.supervisor.start("audit retention", AuditRetention(node.database, utc_now).keep_purging)
    node.supervisor.start("audit counting", log.keep)
    try:
        yield
    finally:
        await log.close()
