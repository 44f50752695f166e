"""Organisations and workspaces: made, changed, removed."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.organisations import OrganisationKind as Kind
from motet.fleet.rules import UNCHANGED
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.types.operator import Workspace
from motet.graphql.types.organisation import Organisation, OrganisationKind
from motet.graphql.types.relay import described


@strawberry.input(description="A new organisation.")
class OrganisationCreateInput:
    name: str = strawberry.field(description="What people call it; 1 to 100 characters.")
    kind: OrganisationKind = strawberry.field(description="What it is; not above what it is put below.")
    parent_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The organisation that it is put below; the viewer's own if not given."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making an organisation.")
class OrganisationCreatePayload:
    organisation: Organisation | None = described("The organisation.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of an organisation; what is left out stays.")
class OrganisationUpdateInput:
    id: strawberry.ID = strawberry.field(description="The organisation.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What people call it.")
    kind: OrganisationKind | None = strawberry.field(
        default=strawberry.UNSET, description="What it is; between those of its parent and of those below it."
    )
    parent_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Where it moves to, with all that is below it."
    )
    locale: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The language of its users who have chosen none: en, de, es, fr, it, ja, zh-TW; null: English.",
    )


@strawberry.type(description="What came of changing an organisation.")
class OrganisationUpdatePayload:
    organisation: Organisation | None = described("The organisation, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which organisation to remove.")
class OrganisationDeleteInput:
    id: strawberry.ID = strawberry.field(description="The organisation: it holds no other, no workspace, no user.")


@strawberry.type(description="What came of removing an organisation.")
class OrganisationDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the organisation that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="A new workspace.")
class WorkspaceCreateInput:
    name: str = strawberry.field(
        description="The name, unique on the platform: 1 to 63 lower-case letters, digits and inner hyphens."
    )
    organisation_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The organisation that it belongs to; the viewer's own if not given."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making a workspace.")
class WorkspaceCreatePayload:
    workspace: Workspace | None = described("The workspace. A user who makes one is its administrator.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a workspace; what is left out stays.")
class WorkspaceUpdateInput:
    id: strawberry.ID = strawberry.field(description="The workspace.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The name, unique on the platform.")
    organisation_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The organisation that it moves to, with all that it holds."
    )


@strawberry.type(description="What came of changing a workspace.")
class WorkspaceUpdatePayload:
    workspace: Workspace | None = described("The workspace, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which workspace to end.")
class WorkspaceDeleteInput:
    id: strawberry.ID = strawberry.field(description="The workspace, in which nothing lives.")


@strawberry.type(description="What came of ending a workspace.")
class WorkspaceDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the workspace that has ended.")
    user_errors: list[UserError] = described("Why it goes on; empty if it ended.")


@strawberry.type
class OrganisationMutations:
    """The part of Mutation that is about organisations and workspaces."""

    @mutation(
        Permission.ORGANISATION_WRITE,
        "Make an organisation below the viewer's own. The operator's, and super administrators'.",
        ("organisation", "Organisation"),
    )
    async def organisation_create(
        self,
        info: Info,
        input: Annotated[OrganisationCreateInput, strawberry.argument(description="The organisation.")],  # noqa: A002
    ) -> OrganisationCreatePayload | None:
        context = context_of(info)
        parent = or_none(input.parent_id)
        return done(
            await context.services.identity.organisations.create(
                context.principal,
                None if parent is None else row_id_of(parent, "Organisation", "parent_id"),
                Kind(str(getattr(input.kind, "value", input.kind))),
                input.name,
            )
        )

    @mutation(
        Permission.ORGANISATION_WRITE,
        "Change an organisation, or move it with all that is below it.",
        ("organisation", "Organisation"),
    )
    async def organisation_update(
        self,
        info: Info,
        input: Annotated[OrganisationUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> OrganisationUpdatePayload | None:
        context = context_of(info)
        organisation_id = row_id_of(input.id, "Organisation", "id")
        kind, parent = _given(input.kind, "kind"), _given(input.parent_id, "parent_id")
        await context.services.identity.organisations.update(
            context.principal,
            organisation_id,
            name=_given(input.name, "name"),
            kind=None if kind is None else Kind(kind),
            parent_id=None if parent is None else row_id_of(parent, "Organisation", "parent_id"),
            locale=or_none(input.locale),
            sets_locale=input.locale is not strawberry.UNSET,
        )
        return done(organisation_id)

    @mutation(Permission.ORGANISATION_WRITE, "Remove an organisation that holds nothing.")
    async def organisation_delete(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            OrganisationDeleteInput, strawberry.argument(description="Which organisation.")
        ],
    ) -> OrganisationDeletePayload | None:
        context = context_of(info)
        await context.services.identity.organisations.delete(
            context.principal, row_id_of(input.id, "Organisation", "id")
        )
        return done(deletedId=input.id)

    @mutation(
        Permission.ORGANISATION_WRITE,
        "Make a workspace. The operator's, and super administrators'.",
        ("workspace", "Workspace"),
    )
    async def workspace_create(
        self,
        info: Info,
        input: Annotated[WorkspaceCreateInput, strawberry.argument(description="The workspace.")],  # noqa: A002
    ) -> WorkspaceCreatePayload | None:
        context = context_of(info)
        owner = or_none(input.organisation_id)
        return done(
            await context.services.identity.workspaces.create(
                context.principal,
                None if owner is None else row_id_of(owner, "Organisation", "organisation_id"),
                input.name,
            )
        )

    @mutation(
        Permission.ORGANISATION_WRITE,
        "Rename a workspace, or give it to another organisation.",
        ("workspace", "Workspace"),
    )
    async def workspace_update(
        self,
        info: Info,
        input: Annotated[WorkspaceUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> WorkspaceUpdatePayload | None:
        context = context_of(info)
        workspace_id = row_id_of(input.id, "Workspace", "id")
        owner = _given(input.organisation_id, "organisation_id")
        await context.services.identity.workspaces.update(
            context.principal,
            workspace_id,
            name=_given(input.name, "name"),
            organisation_id=None if owner is None else row_id_of(owner, "Organisation", "organisation_id"),
        )
        return done(workspace_id)

    @mutation(
        Permission.ORGANISATION_WRITE,
        "End a workspace for good, in which there are no SIMs, devices, accounts, webhooks and open messages any more."
        " What it sent and used is kept.",
    )
    async def workspace_delete(
        self,
        info: Info,
        input: Annotated[WorkspaceDeleteInput, strawberry.argument(description="Which workspace.")],  # noqa: A002
    ) -> WorkspaceDeletePayload | None:
        context = context_of(info)
        await context.services.identity.workspaces.end(context.principal, row_id_of(input.id, "Workspace", "id"))
        return done(deletedId=input.id)


def _given(value: Any, name: str) -> Any:
    """An optional input that cannot be null: None if it was left out."""
    found = given(value, name)
    return None if found is UNCHANGED else found
