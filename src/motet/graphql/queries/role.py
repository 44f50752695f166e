"""Roles of the workspace's own, and what roles are made of."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.permission_words import words_of
from motet.access.principals import GRANTABLE, GRANTABLE_WITH_TAGS, ROLE_PERMISSIONS, Permission
from motet.graphql.fields import query, raw
from motet.graphql.lists import root_list
from motet.graphql.plain import answered, shaped
from motet.graphql.reads import read_one
from motet.graphql.scoping import Scoping
from motet.graphql.selection import selection_of
from motet.graphql.types.role import CustomRole, CustomRoleFilter, PermissionInfo


@strawberry.type
class RoleQueries:
    """The part of Query that is about roles."""

    roles = root_list(
        CustomRole, Permission.ROLE_READ, "The roles that the workspace has made.", filter_by=CustomRoleFilter
    )

    @query(Permission.ROLE_READ, "The role with this id.")
    async def role(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> CustomRole | None:
        return await read_one(info, "CustomRole")

    @query(Permission.REFERENCE_READ, "All that roles are made of, by code.", Scoping.ROOM)
    async def permissions(self, info: Info) -> list[PermissionInfo] | None:
        return answered(shaped(selection_of(raw(info)), _PERMISSIONS))


_PERMISSIONS: list[dict[str, Any]] = [
    {
        "__typename": "PermissionInfo",
        "code": permission.value,
        "description": words_of(permission),
        "roles": [role.value for role, held in ROLE_PERMISSIONS.items() if permission in held],
        "grantable": permission in GRANTABLE,
        "grantableWithTags": permission in GRANTABLE_WITH_TAGS,
    }
    for permission in sorted(Permission)
]
