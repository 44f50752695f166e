"""How far a principal reaches: which organisation it is a super administrator of."""

from __future__ import annotations

from motet.access.principals import Principal, Role
from motet.domain.errors import NotFoundError
from motet.storage import organisation
from motet.storage.database import Executor


async def root_of(connection: Executor, principal: Principal) -> int:
    """The organisation at the top of what the principal administers: the root for the operator, its own for a super
    administrator; a token that names no organisation is one of its workspace's.

    Raises NotFoundError (path `id`) for anybody else: there is nothing that they administer.
    """
    if principal.is_operator:
        found = await organisation.root(connection)
    elif principal.role is Role.SUPER_ADMIN and principal.workspace_id is not None:
        found = principal.organisation_id or await organisation.of_workspace(connection, principal.workspace_id)
    else:
        found = None
    if found is None:
        raise NotFoundError("No such organisation.", path=("id",))
    return found


async def own_organisation(connection: Executor, principal: Principal) -> int | None:
    """The organisation that a principal belongs to: the root for the operator, that of the workspace for an ordinary
    member, the one that a super administrator is one of."""
    if principal.is_operator:
        return await organisation.root(connection)
    if principal.role is Role.SUPER_ADMIN and principal.organisation_id is not None:
        return principal.organisation_id
    if principal.workspace_id is None:
        return None
    return await organisation.of_workspace(connection, principal.workspace_id)
