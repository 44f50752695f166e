"""What the operator sees: workspaces and links; and the viewer."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.types.relay import Node, described
from motet.graphql.types.second_factor import Passkey, Totp, TrustedDevice


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
    created_at: datetime = described("When the link was made.")


@strawberry.enum(description="What a member of a workspace is.")
class Role(Enum):
    SUPER_ADMIN = strawberry.enum_value("SUPER_ADMIN", description="Administrator of each workspace.")
    ADMINISTRATOR = strawberry.enum_value("ADMINISTRATOR", description="May do everything in the workspace.")
    USER = strawberry.enum_value("USER", description="Runs the fleet: everything but people, keys and credentials.")
    OBSERVER = strawberry.enum_value("OBSERVER", description="Reads the fleet.")


@strawberry.type(description="Whoever asks.")
class Viewer:
    subject: str = described("Who, as the audit log shows it.")
    role: Role | None = described("The role in the workspace; null for the operator.")
    is_operator: bool = described("Whether the viewer stands above the workspaces.")
    permissions: list[str] = described("What the viewer may do, as `noun:verb`, sorted.")
    expires_at: datetime = described("When the token ends.")
    workspace: Workspace | None = described("The workspace that the viewer is in; null for the operator.")
    must_enrol_second_factor: bool | None = described(
        "Whether the viewer's organisation asks for a second factor that the session has not shown: until one is set"
        " up, nothing else may be done. Null for who is no signed-in user, like all that is the viewer's own below."
    )
    totp: Totp | None = described("The viewer's authenticator app; null if there is none.")
    recovery_codes_left: int | None = described("How many of the viewer's recovery codes are unused.")
    passkeys: list[Passkey] | None = described("The viewer's passkeys, the oldest first; at most 20.")
    trusted_devices: list[TrustedDevice] | None = described(
        "Where the viewer is not asked for the second factor, the oldest first; at most 20."
    )
