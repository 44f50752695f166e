"""What the operator sees: workspaces and links; and the roles."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.types.relay import Node, described


@strawberry.type(description="A tenant: everything but the operator's own belongs to one.")
class Workspace(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("The name, unique on the platform.")
    created_at: datetime = described("When the workspace was made.")
    event_retention_days: int = described("How many days its events are kept.")


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
