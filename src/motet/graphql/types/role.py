"""Roles that workspaces make themselves, and what roles are made of."""

from __future__ import annotations

from datetime import datetime

import strawberry

from motet.graphql.types.operator import Role
from motet.graphql.types.relay import Node, described


@strawberry.type(description="A role that the workspace has made: what its members may do, and with which devices.")
class CustomRole(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it, unique in the workspace.")
    description: str = described("What it is for.")
    permissions: list[str] = described("What it allows, as `noun:verb`, sorted; besides it what everyone may.")
    tags: list[str] | None = described(
        "Of devices, and what belongs to them, only those with one of these tags exist for who has the role; null: all."
    )
    version: int = described("1, and one more with each change.")
    member_count: int = described("How many members have it.")
    created_at: datetime = described("When the role was made.")
    updated_at: datetime = described("When it was last changed.")


@strawberry.input(description="Which roles. Conditions that are left out let all through; all given ones must hold.")
class CustomRoleFilter:
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="The name holds this text, whatever the case."
    )


@strawberry.type(description="Something that a role may allow.")
class PermissionInfo:
    code: str = described("Its name, as `noun:verb`.")
    description: str = described("What it allows, in words.")
    roles: list[Role] = described("The roles of every workspace that have it.")
    grantable: bool = described("Whether a role of the workspace's own may have it.")
    grantable_with_tags: bool = described("Whether one that is bound to tags may.")
