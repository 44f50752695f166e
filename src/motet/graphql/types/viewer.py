"""Whoever asks."""

from __future__ import annotations

from datetime import datetime

import strawberry

from motet.graphql.types.operator import Role, Workspace
from motet.graphql.types.relay import described
from motet.graphql.types.second_factor import Passkey, Totp, TrustedDevice
from motet.graphql.types.user import ViewerUser


@strawberry.type(description="A workspace that the viewer is a member of.")
class ViewerWorkspace:
    id: strawberry.ID = described("The workspace's global id: `workspaceSwitch` takes it.")
    name: str = described("Its name.")
    role: Role | None = described("What the viewer is in it; null: a role that people have made.")
    is_default: bool = described("Whether the viewer begins in it after signing in.")


@strawberry.type(description="Whoever asks.")
class Viewer:
    subject: str = described("Who, as the audit log shows it.")
    role: Role | None = described("The role in the workspace; null for the operator.")
    role_name: str | None = described("What the workspace calls the role, if it is one of its own.")
    tags: list[str] | None = described(
        "The tags that the viewer is bound to: of devices, and what belongs to them, there are only those with one of"
        " these; null: all."
    )
    is_operator: bool = described("Whether the viewer stands above the workspaces.")
    permissions: list[str] = described("What the viewer may do, as `noun:verb`, sorted.")
    expires_at: datetime = described("When the token ends.")
    workspace: Workspace | None = described("The workspace that the viewer is in; null for the operator.")
    workspaces: list[ViewerWorkspace] | None = described(
        "The workspaces that the viewer is a member of, by name, at most 500. Those that it administers besides are in"
        " `organisation`."
    )
    user: ViewerUser | None = described("The viewer as a person; null for tokens and keys that are nobody's.")
    second_factor_required: bool | None = described(
        "Whether the viewer's organisation, or one above it, asks the viewer for a second factor."
    )
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
