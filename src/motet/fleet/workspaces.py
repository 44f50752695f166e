"""Makes workspaces."""

from __future__ import annotations

from collections.abc import Callable

from motet.domain.organisations import check_workspace_name
from motet.storage import workspace as storage
from motet.storage.database import PooledConnection

OPERATOR_NAME = "Operator"


async def create_workspace(connection: PooledConnection, new_id: Callable[[], int], name: str) -> int:
    """Makes a workspace with an organisation of its own below the operator, and gives its id. The caller owns the
    transaction. Raises InvalidError for a name that could not stand in a URL, ConflictError for one that is taken."""
    check_workspace_name(name)
    operator_id = await storage.ensure_operator(connection, new_id(), OPERATOR_NAME)
    organisation_id, workspace_id = new_id(), new_id()
    await storage.add_organisation(connection, organisation_id, operator_id, name)
    await storage.add_workspace(connection, workspace_id, organisation_id, name)
    return workspace_id
