"""Members of the workspace: invite, change, suspend, remove, export, erase."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from motet.access.principals import Permission
from motet.access.principals import Role as RoleName
from motet.domain.errors import InvalidError
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.types.operator import Role
from motet.graphql.types.relay import described
from motet.graphql.types.user import Invitation, User


@strawberry.input(description="Whom to ask to become a member.")
class UserInviteInput:
    email: str = strawberry.field(description="The address. An earlier invitation of it is replaced.")
    role: Role | None = strawberry.field(
        default=strawberry.UNSET, description="What they are to be; either this or `roleId`."
    )
    role_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A role of the workspace's own that they are to have."
    )
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What they are called.")
    locale: str | None = strawberry.field(
        default=strawberry.UNSET, description="The language of the mail (BCP 47): en, de, es, fr, it, ja, zh-TW."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of inviting someone.")
class UserInvitePayload:
    invitation: Invitation | None = described("The invitation: a mail is on its way.")
    user_errors: list[UserError] = described("Why they were not invited; empty if they were.")


@strawberry.input(description="Which invitation to withdraw.")
class InvitationDeleteInput:
    id: strawberry.ID = strawberry.field(description="The invitation.")


@strawberry.type(description="What came of withdrawing an invitation.")
class InvitationDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the invitation that is gone: its link is good no more.")
    user_errors: list[UserError] = described("Why it was not withdrawn; empty if it was.")


@strawberry.input(description="What a member is to be.")
class UserRoleSetInput:
    id: strawberry.ID = strawberry.field(description="The member.")
    role: Role | None = strawberry.field(default=strawberry.UNSET, description="The role; either this or `roleId`.")
    role_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A role of the workspace's own."
    )


@strawberry.type(description="What came of giving a member another role.")
class UserRoleSetPayload:
    user: User | None = described("The member, as they are now.")
    user_errors: list[UserError] = described("Why the role was not changed; empty if it was.")


@strawberry.input(description="Whom to suspend.")
class UserSuspendInput:
    id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.type(description="What came of suspending someone.")
class UserSuspendPayload:
    user: User | None = described("The member, as they are now.")
    user_errors: list[UserError] = described("Why they were not suspended; empty if they were.")


@strawberry.input(description="Who may sign in again.")
class UserActivateInput:
    id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.type(description="What came of activating someone.")
class UserActivatePayload:
    user: User | None = described("The member, as they are now.")
    user_errors: list[UserError] = described("Why they were not activated; empty if they were.")


@strawberry.input(description="Whom to take out of the workspace.")
class UserDeleteInput:
    id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.type(description="What came of taking someone out of the workspace.")
class UserDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of who is no member any more.")
    user_errors: list[UserError] = described("Why they are still a member; empty if they are not.")


@strawberry.input(description="Whose data to erase.")
class UserEraseInput:
    id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.type(description="What came of erasing someone's data.")
class UserErasePayload:
    deleted_id: strawberry.ID | None = described("The id that stood for them.")
    user_errors: list[UserError] = described("Why nothing was erased; empty if it was.")


@strawberry.input(description="Whose data to hand out.")
class UserExportInput:
    id: strawberry.ID = strawberry.field(description="The member; oneself always may.")


@strawberry.type(description="What is kept about someone.")
class UserExportPayload:
    export: JSON | None = described("The account, its memberships and its newest 1,000 sessions; no secrets.")
    user_errors: list[UserError] = described("Why nothing is handed out; empty if it is.")


@strawberry.type
class UserMutations:
    """The part of Mutation that is about people."""

    @mutation(
        Permission.USER_WRITE, "Ask someone by mail to become a member: the link is good once, for 7 days.",
        ("invitation", "Invitation"),
    )  # fmt: skip
    async def user_invite(
        self,
        info: Info,
        input: Annotated[UserInviteInput, strawberry.argument(description="Whom.")],  # noqa: A002
    ) -> UserInvitePayload | None:
        context = context_of(info)
        return done(
            await context.services.identity.invitations.invite(
                context.principal,
                context.workspace_id,
                input.email,
                role=_role(input.role),
                role_id=_role_id(input.role_id),
                name=or_none(input.name) or "",
                locale=or_none(input.locale),
            )
        )

    @mutation(Permission.USER_WRITE, "Withdraw an invitation.")
    async def invitation_delete(
        self,
        info: Info,
        input: Annotated[InvitationDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> InvitationDeletePayload | None:
        context = context_of(info)
        invitation_id = row_id_of(input.id, "Invitation", "id")
        await context.services.identity.invitations.withdraw(context.workspace_id, invitation_id)
        return done(deletedId=input.id)

    @mutation(Permission.USER_WRITE, "Give a member another role, equal to yours or lower.", ("user", "User"))
    async def user_role_set(
        self,
        info: Info,
        input: Annotated[UserRoleSetInput, strawberry.argument(description="Who and what.")],  # noqa: A002
    ) -> UserRoleSetPayload | None:
        context = context_of(info)
        user_id = row_id_of(input.id, "User", "id")
        await context.services.identity.users.set_role(
            context.principal,
            context.workspace_id,
            user_id,
            role=_role(input.role),
            role_id=_role_id(input.role_id),
        )
        return done(user_id)

    @mutation(
        Permission.USER_WRITE, "Keep someone of your organisation out: they are signed out at once.", ("user", "User")
    )
    async def user_suspend(
        self,
        info: Info,
        input: Annotated[UserSuspendInput, strawberry.argument(description="Whom.")],  # noqa: A002
    ) -> UserSuspendPayload | None:
        context = context_of(info)
        user_id = row_id_of(input.id, "User", "id")
        await context.services.identity.users.suspend(context.principal, context.workspace_id, user_id)
        return done(user_id)

    @mutation(Permission.USER_WRITE, "Let someone who was suspended in again.", ("user", "User"))
    async def user_activate(
        self,
        info: Info,
        input: Annotated[UserActivateInput, strawberry.argument(description="Whom.")],  # noqa: A002
    ) -> UserActivatePayload | None:
        context = context_of(info)
        user_id = row_id_of(input.id, "User", "id")
        await context.services.identity.users.activate(context.principal, context.workspace_id, user_id)
        return done(user_id)

    @mutation(
        Permission.USER_WRITE,
        "Take someone out of the workspace. An account of your organisation that is in no other workspace is deleted.",
    )
    async def user_delete(
        self,
        info: Info,
        input: Annotated[UserDeleteInput, strawberry.argument(description="Whom.")],  # noqa: A002
    ) -> UserDeletePayload | None:
        context = context_of(info)
        user_id = row_id_of(input.id, "User", "id")
        await context.services.identity.users.remove(context.principal, context.workspace_id, user_id)
        return done(deletedId=input.id)

    @mutation(Permission.USER_WRITE, "Erase what is kept about someone of your organisation, in all workspaces.")
    async def user_erase(
        self,
        info: Info,
        input: Annotated[UserEraseInput, strawberry.argument(description="Whose.")],  # noqa: A002
    ) -> UserErasePayload | None:
        context = context_of(info)
        user_id = row_id_of(input.id, "User", "id")
        await context.services.identity.users.erase(context.principal, context.workspace_id, user_id)
        return done(deletedId=input.id)

    @mutation(Permission.VIEWER_WRITE, "Hand out what is kept about oneself, or as administrator about someone.")
    async def user_export(
        self,
        info: Info,
        input: Annotated[UserExportInput, strawberry.argument(description="Whose.")],  # noqa: A002
    ) -> UserExportPayload | None:
        context = context_of(info)
        user_id = row_id_of(input.id, "User", "id")
        return done(export=await context.services.identity.users.export(context.principal, user_id))


def _role_id(role_id: strawberry.ID | None) -> int | None:
    given = or_none(role_id)
    return None if given is None else row_id_of(given, "CustomRole", "role_id")


def _role(role: Role | None) -> RoleName | None:
    given = or_none(role)
    if given is Role.CUSTOM:
        raise InvalidError("Say by `roleId` which role of the workspace's own.", path=("role",))
    return None if given is None else RoleName(given.value)
