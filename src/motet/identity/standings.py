"""What a principal and a membership are to the rules about roles."""

from __future__ import annotations

from motet.access.principals import ROLE_PERMISSIONS, Principal, Role, custom_grant
from motet.access.standings import custom_standing
from motet.domain.errors import NotFoundError
from motet.domain.role_rules import Actor, Standing
from motet.storage import custom_role
from motet.storage.database import PooledConnection

CUSTOM = "CUSTOM"


def actor_of(principal: Principal) -> Actor:
    """Who asks, as the rules see them."""
    if principal.is_operator:
        return Actor(principal.user_id, None)
    role = CUSTOM if principal.role is None else principal.role.value
    return Actor(principal.user_id, Standing(role, principal.permissions, principal.tags))


async def standing_of(
    connection: PooledConnection, workspace_id: int, role: str, role_id: int | None, *, is_super_admin: bool = False
) -> Standing:
    """The role as it is now. Raises NotFoundError for a custom role that is not the workspace's."""
    if is_super_admin:
        return Standing(Role.SUPER_ADMIN, ROLE_PERMISSIONS[Role.SUPER_ADMIN])
    if role_id is not None:
        settings = await custom_role.lock(connection, workspace_id, role_id)
        if settings is None:
            raise NotFoundError("There is no Role with this id.", path=("role_id",))
        grant = custom_grant(settings.permissions, settings.tags)
        return custom_standing(grant.permissions, grant.tags)
    return Standing(role, ROLE_PERMISSIONS[Role(role)])
