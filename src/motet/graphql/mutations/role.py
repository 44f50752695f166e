"""Roles of the workspace's own: make, change, remove."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, idempotency_key, mutation, row_id_of
from motet.graphql.types.relay import described
from motet.graphql.types.role import CustomRole
from motet.identity.roles import RoleChanges

_TAGS = (
    "Bind it to devices that have one of these tags, 1 to 50: to who has the role there are no others, nor what belongs"
    " to them; null: to all devices."
)


@strawberry.input(description="A new role.")
class RoleCreateInput:
    name: str = strawberry.field(description="What people call it: 1 to 100 characters, unique in the workspace.")
    permissions: list[str] = strawberry.field(
        description="What it allows: codes of `permissions`, none that you do not have."
    )
    tags: list[str] | None = strawberry.field(default=strawberry.UNSET, description=_TAGS)
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making a role.")
class RoleCreatePayload:
    role: CustomRole | None = described("The role.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a role; what is left out stays.")
class RoleUpdateInput:
    id: strawberry.ID = strawberry.field(description="The role.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="What people call it: 1 to 100 characters, unique in the workspace."
    )
    permissions: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="All that it is to allow: none that you do not have."
    )
    tags: list[str] | None = strawberry.field(default=strawberry.UNSET, description=_TAGS)
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")


@strawberry.type(description="What came of changing a role.")
class RoleUpdatePayload:
    role: CustomRole | None = described("The role, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which role to remove.")
class RoleDeleteInput:
    id: strawberry.ID = strawberry.field(description="The role; nobody has it.")


@strawberry.type(description="What came of removing a role.")
class RoleDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the role that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.type
class RoleMutations:
    """The part of Mutation that is about roles."""

    @mutation(Permission.ROLE_WRITE, "Make a role, which allows nothing that you may not.", ("role", "CustomRole"))
    async def role_create(
        self,
        info: Info,
        input: Annotated[RoleCreateInput, strawberry.argument(description="The role.")],  # noqa: A002
    ) -> RoleCreatePayload | None:
        context = context_of(info)
        roles = context.services.identity.roles
        return done(await roles.create(context.workspace_id, context.principal, _changes(input)))

    @mutation(
        Permission.ROLE_WRITE,
        "Change a role: it holds from the next request of whoever has it, and for their open subscriptions.",
        ("role", "CustomRole"),
    )
    async def role_update(
        self,
        info: Info,
        input: Annotated[RoleUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> RoleUpdatePayload | None:
        context = context_of(info)
        role_id = row_id_of(input.id, "CustomRole", "id")
        roles = context.services.identity.roles
        await roles.update(context.workspace_id, context.principal, role_id, _changes(input))
        return done(role_id)

    @mutation(Permission.ROLE_WRITE, "Remove a role. CONFLICT while someone has it.")
    async def role_delete(
        self,
        info: Info,
        input: Annotated[RoleDeleteInput, strawberry.argument(description="Which role.")],  # noqa: A002
    ) -> RoleDeletePayload | None:
        context = context_of(info)
        role_id = row_id_of(input.id, "CustomRole", "id")
        await context.services.identity.roles.delete(context.workspace_id, context.principal, role_id)
        return done(deletedId=input.id)


def _changes(role: RoleCreateInput | RoleUpdateInput) -> RoleChanges:
    changes = RoleChanges()
    if role.name is not strawberry.UNSET:
        changes["name"] = given(role.name, "name")
    if role.permissions is not strawberry.UNSET:
        changes["permissions"] = given(role.permissions, "permissions")
    if role.description is not strawberry.UNSET:
        changes["description"] = given(role.description, "description")
    if role.tags is not strawberry.UNSET:
        changes["tags"] = role.tags
    return changes
