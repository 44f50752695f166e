"""What a membership says, and what it is to the rules about roles."""

from __future__ import annotations

from motet.access.principals import Role, custom_grant
from motet.access.standings import CUSTOM, custom_standing
from motet.access.standings import standing_of as built_in_standing
from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.role_rules import Standing
from motet.storage import custom_role
from motet.storage.database import PooledConnection


def role_name(role: Role | None, role_id: int | None) -> str:
    """What a membership holds for a built-in role or, by id, one of the workspace's own. Raises InvalidError unless
    exactly one is given, and for super administrators, who are no members."""
    if (role is None) == (role_id is None):
        raise InvalidError("Give either a role or the id of one of your own.", path=("role",))
    if role is Role.SUPER_ADMIN:
        raise InvalidError("Super administrators are named by their organisation.", path=("role",))
    return CUSTOM if role is None else role.value


async def standing_of(
    connection: PooledConnection, workspace_id: int, role: str, role_id: int | None, *, is_super_admin: bool = False
) -> Standing:
    """The role as it is now. Raises NotFoundError for a custom role that is not the workspace's."""
    if is_super_admin:
        return built_in_standing(Role.SUPER_ADMIN)
    if role_id is not None:
        settings = await custom_role.lock(connection, workspace_id, role_id)
        if settings is None:
            raise NotFoundError("There is no CustomRole with this id.", path=("role_id",))
        grant = custom_grant(settings.permissions, settings.tags)
        return custom_standing(grant.permissions, grant.tags)
    return built_in_standing(Role(role))
