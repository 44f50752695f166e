"""Going from one workspace to another."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.global_ids import encode_global_id
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, mutation, or_none, row_id_of
from motet.graphql.types.relay import described


@strawberry.input(description="Where to go.")
class WorkspaceSwitchInput:
    workspace_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The workspace; null or left out: above all of them, for the operator."
    )


@strawberry.type(description="What came of going to another workspace.")
class WorkspaceSwitchPayload:
    access_token: str | None = described("A bearer token for the other workspace, of the same login session.")
    refresh_token: str | None = described("Good once, for the next access token of that workspace.")
    expires_in_seconds: int | None = described("How long the access token is good for.")
    workspace_id: strawberry.ID | None = described("The workspace that the tokens are for; null for the operator.")
    workspace_name: str | None = described("Its name.")
    user_errors: list[UserError] = described("Why there are no tokens; empty if there are.")


@strawberry.input(description="Where to begin.")
class ViewerDefaultWorkspaceSetInput:
    workspace_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The workspace; null or left out: the oldest that the viewer is in."
    )


@strawberry.type(description="What came of saying where to begin.")
class ViewerDefaultWorkspaceSetPayload:
    default_workspace_id: strawberry.ID | None = described("Where the viewer begins after signing in.")
    user_errors: list[UserError] = described("Why it was not set; empty if it was.")


@strawberry.type
class OwnWorkspaceMutations:
    """The part of Mutation that is about the workspaces that one is in."""

    @mutation(
        Permission.VIEWER_WRITE,
        "Tokens for another workspace that the viewer is a member of, or a super administrator over. Those at hand stay"
        " good.",
    )
    async def workspace_switch(
        self,
        info: Info,
        input: Annotated[WorkspaceSwitchInput, strawberry.argument(description="Which workspace.")],  # noqa: A002
    ) -> WorkspaceSwitchPayload | None:
        context = context_of(info)
        given = or_none(input.workspace_id)
        workspace_id = None if given is None else row_id_of(given, "Workspace", "workspace_id")
        signed = await context.services.identity.own_workspaces.switch(context.principal, workspace_id)
        return done(
            accessToken=signed.access_token,
            refreshToken=signed.refresh_token,
            expiresInSeconds=signed.expires_in,
            workspaceId=None if workspace_id is None else encode_global_id("Workspace", workspace_id),
            workspaceName=signed.workspace,
        )

    @mutation(Permission.VIEWER_WRITE, "Say in which workspace the viewer begins after signing in.")
    async def viewer_default_workspace_set(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            ViewerDefaultWorkspaceSetInput, strawberry.argument(description="Which workspace.")
        ],
    ) -> ViewerDefaultWorkspaceSetPayload | None:
        context = context_of(info)
        given = or_none(input.workspace_id)
        workspace_id = None if given is None else row_id_of(given, "Workspace", "workspace_id")
        await context.services.identity.own_workspaces.set_default(context.principal, workspace_id)
        return done(defaultWorkspaceId=given)
