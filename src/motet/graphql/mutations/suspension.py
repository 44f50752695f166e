"""Organisations and workspaces that nobody is let into for a while, and again."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, mutation, row_id_of
from motet.graphql.types.operator import Workspace
from motet.graphql.types.organisation import Organisation
from motet.graphql.types.relay import described


@strawberry.input(description="Which workspace to suspend.")
class WorkspaceSuspendInput:
    id: strawberry.ID = strawberry.field(description="The workspace.")


@strawberry.type(description="What came of suspending a workspace.")
class WorkspaceSuspendPayload:
    workspace: Workspace | None = described("The workspace, as it is now.")
    user_errors: list[UserError] = described("Why it is as it was; empty if it is not.")


@strawberry.input(description="Which workspace to restore.")
class WorkspaceRestoreInput:
    id: strawberry.ID = strawberry.field(description="The workspace.")


@strawberry.type(description="What came of restoring a workspace.")
class WorkspaceRestorePayload:
    workspace: Workspace | None = described("The workspace, as it is now.")
    user_errors: list[UserError] = described("Why it is as it was; empty if it is not.")


@strawberry.input(description="Which organisation to suspend.")
class OrganisationSuspendInput:
    id: strawberry.ID = strawberry.field(description="The organisation.")


@strawberry.type(description="What came of suspending an organisation.")
class OrganisationSuspendPayload:
    organisation: Organisation | None = described("The organisation, as it is now.")
    user_errors: list[UserError] = described("Why it is as it was; empty if it is not.")


@strawberry.input(description="Which organisation to restore.")
class OrganisationRestoreInput:
    id: strawberry.ID = strawberry.field(description="The organisation.")


@strawberry.type(description="What came of restoring an organisation.")
class OrganisationRestorePayload:
    organisation: Organisation | None = described("The organisation, as it is now.")
    user_errors: list[UserError] = described("Why it is as it was; empty if it is not.")


@strawberry.type
class SuspensionMutations:
    """The part of Mutation that is about suspending organisations and workspaces."""

    @mutation(
        Permission.ORGANISATION_WRITE,
        "Let nobody into a workspace until it is restored: tokens, keys and sessions are good for nothing there, open"
        " subscriptions and SMPP sessions end. Messages on their way go on, and what comes for it is kept.",
        ("workspace", "Workspace"),
    )
    async def workspace_suspend(
        self,
        info: Info,
        input: Annotated[WorkspaceSuspendInput, strawberry.argument(description="Which workspace.")],  # noqa: A002
    ) -> WorkspaceSuspendPayload | None:
        context, workspace_id = context_of(info), row_id_of(input.id, "Workspace", "id")
        await context.services.identity.workspaces.suspend(context.principal, workspace_id)
        return done(workspace_id)

    @mutation(
        Permission.ORGANISATION_WRITE,
        "Let people into a suspended workspace again.",
        ("workspace", "Workspace"),
    )
    async def workspace_restore(
        self,
        info: Info,
        input: Annotated[WorkspaceRestoreInput, strawberry.argument(description="Which workspace.")],  # noqa: A002
    ) -> WorkspaceRestorePayload | None:
        context, workspace_id = context_of(info), row_id_of(input.id, "Workspace", "id")
        await context.services.identity.workspaces.restore(context.principal, workspace_id)
        return done(workspace_id)

    @mutation(
        Permission.ORGANISATION_WRITE,
        "Let nobody into the workspaces of an organisation and of those below it, nor its users anywhere, until it is"
        " restored.",
        ("organisation", "Organisation"),
    )
    async def organisation_suspend(
        self,
        info: Info,
        input: Annotated[OrganisationSuspendInput, strawberry.argument(description="Which organisation.")],  # noqa: A002
    ) -> OrganisationSuspendPayload | None:
        context, organisation_id = context_of(info), row_id_of(input.id, "Organisation", "id")
        await context.services.identity.organisations.suspend(context.principal, organisation_id)
        return done(organisation_id)

    @mutation(
        Permission.ORGANISATION_WRITE,
        "Let people into a suspended organisation again. What is suspended by itself stays so.",
        ("organisation", "Organisation"),
    )
    async def organisation_restore(
        self,
        info: Info,
        input: Annotated[OrganisationRestoreInput, strawberry.argument(description="Which organisation.")],  # noqa: A002
    ) -> OrganisationRestorePayload | None:
        context, organisation_id = context_of(info), row_id_of(input.id, "Organisation", "id")
        await context.services.identity.organisations.restore(context.principal, organisation_id)
        return done(organisation_id)
