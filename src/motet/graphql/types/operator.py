"""Workspaces, the operator's links, and the roles."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from motet.graphql.filters import filter_input, optional
from motet.graphql.lists import later, listed
from motet.graphql.types.relay import Node, described

if TYPE_CHECKING:
    from motet.graphql.types.organisation import Organisation


@strawberry.type(description="A tenant: everything but the operator's own belongs to one.")
class Workspace(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("The name, unique on the platform.")
    created_at: datetime = described("When the workspace was made.")
    ended_at: datetime | None = described("When it was ended for good; null: it lives.")
    suspended_at: datetime | None = described(
        "Since when nobody is let in; null: it is not suspended itself, though its organisation may be."
    )
    event_retention_days: int = described("How many days its events are kept.")
    organisation: Annotated[Organisation, strawberry.lazy("motet.graphql.types.organisation")] | None = described(
        "The organisation that it belongs to; null where that is out of the viewer's reach."
    )
    members = listed(
        later("User", "user"),
        "Who is in it, and as what, for those who may see people. Of the workspace that the viewer is in: of another"
        " one nobody is shown, and null to the operator; switch to it.",
    )


@filter_input("Which workspaces. All conditions must hold.")
class WorkspaceFilter:
    name_contains: str | None = optional("The name contains this, whatever the case.")
    organisation_id: strawberry.ID | None = optional("It belongs to this organisation itself, not to one below it.")
    is_suspended: bool | None = optional("It is suspended itself, or is not.")
    has_ended: bool | None = optional("It has ended, or has not; without such a condition it has not.")


@strawberry.type(description="A link of the operator's to an SMSC upstream.")
class SmscLink(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it, unique.")
    host: str = described("The SMSC's host.")
    port: int = described("The SMSC's port.")
    system_id: str = described("The name that we bind with.")
    binds: int = described("Sessions that we keep.")
    window_size: int = described("Commands that we leave unanswered per session.")
    enabled: bool = described("Whether we connect.")
    tls: bool = described("Whether by TLS.")
    tls_name: str | None = described("The name that its certificate must have; null: that of the host.")
    created_at: datetime = described("When the link was made.")


@strawberry.enum(description="What a member of a workspace is.")
class Role(Enum):
    SUPER_ADMIN = strawberry.enum_value("SUPER_ADMIN", description="Administrator of each workspace.")
    ADMINISTRATOR = strawberry.enum_value("ADMINISTRATOR", description="May do everything in the workspace.")
    USER = strawberry.enum_value("USER", description="Runs the fleet: everything but people, keys and credentials.")
    OBSERVER = strawberry.enum_value("OBSERVER", description="Reads the fleet.")
    CUSTOM = strawberry.enum_value("CUSTOM", description="As a role of the workspace's own says.")
