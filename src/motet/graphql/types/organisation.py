"""Organisations: the tree above the workspaces."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.filters import filter_input, optional
from motet.graphql.lists import later, listed
from motet.graphql.types.operator import Workspace, WorkspaceFilter
from motet.graphql.types.relay import Node, described


@strawberry.enum(description="What an organisation is to those below it, the highest first. Kinds go down, or stay.")
class OrganisationKind(Enum):
    OPERATOR = strawberry.enum_value("OPERATOR", description="Runs the platform: the root of the tree, and no other.")
    SERVICE_PROVIDER = strawberry.enum_value("SERVICE_PROVIDER", description="Sells connectivity under its own name.")
    RESELLER = strawberry.enum_value("RESELLER", description="Sells for a service provider.")
    ENTERPRISE = strawberry.enum_value("ENTERPRISE", description="Uses it; also a division of one.")


@strawberry.enum(description="Whom an organisation asks for a second factor, of its users and those of all below it.")
class SecondFactorOf(Enum):
    EVERYONE = strawberry.enum_value("EVERYONE", description="All of them.")
    ADMINISTRATORS = strawberry.enum_value(
        "ADMINISTRATORS",
        description="Super administrators, administrators of any workspace, and who has a role of a workspace's own"
        " that changes people, roles, keys or credentials.",
    )


@filter_input("Which organisations. All conditions must hold.")
class OrganisationFilter:
    kind: list[OrganisationKind] | None = optional("It is one of these.")
    name_contains: str | None = optional("The name contains this, whatever the case.")
    parent_id: strawberry.ID | None = optional("It is directly below this one.")


@strawberry.type(
    description="Whom workspaces and users belong to. Organisations are a tree; super administrators of one administer"
    " it and all below it."
)
class Organisation(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it.")
    kind: OrganisationKind = described("What it is to those below it.")
    locale: str | None = described("The language of its users who have chosen none (BCP 47); null: English.")
    created_at: datetime = described("When it was made.")
    suspended_at: datetime | None = described(
        "Since when nobody is let in, here and below; null: it is not suspended itself, though one above it may be."
    )
    second_factor_of: SecondFactorOf | None = described(
        "Whom it asks for a second factor (`secondFactorRequire`); null: nobody, though one above it may."
    )
    parent: Organisation | None = described("The one above; null for the root, and where it is out of reach.")
    organisations = listed(
        later("Organisation", "organisation"),
        "Those directly below it that are within the viewer's reach.",
        filter_by=OrganisationFilter,
    )
    workspaces = listed(Workspace, "Its own workspaces that are within the viewer's reach.", filter_by=WorkspaceFilter)
