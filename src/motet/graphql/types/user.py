"""People: members of the workspace, invitations to it, and the viewer as a person."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.filters import filter_input
from motet.graphql.types.operator import Role
from motet.graphql.types.relay import Node, described
from motet.graphql.types.role import CustomRole


@strawberry.enum(description="Whether someone can sign in.")
class UserStatus(Enum):
    ACTIVATION_PENDING = strawberry.enum_value("ACTIVATION_PENDING", description="Has no way to sign in yet.")
    ACTIVE = strawberry.enum_value("ACTIVE", description="Can sign in.")
    SUSPENDED = strawberry.enum_value("SUSPENDED", description="Cannot, until activated again.")


@strawberry.type(description="A member of the workspace.")
class User(Node):
    id: strawberry.ID = described("The global id.")
    email: str = described("The address that they sign in with, unique on the platform.")
    name: str = described("What they are called; may be empty.")
    locale: str | None = described("The language that they are written to in (BCP 47); null: the organisation's.")
    status: UserStatus = described("Whether they can sign in.")
    role: Role = described("What they are in this workspace.")
    custom_role: CustomRole | None = described("The role of the workspace's own, where `role` is CUSTOM.")
    has_password: bool = described("Whether they can sign in by password.")
    joined_at: datetime = described("When they became a member.")
    created_at: datetime = described("When the account was made.")
    activated_at: datetime | None = described("When they could first sign in.")
    last_login_at: datetime | None = described("When they last signed in, to any workspace.")


@filter_input("Which members. Conditions side by side must all hold.")
class UserFilter:
    email: str | None = strawberry.field(default=strawberry.UNSET, description="With this in the address, in any case.")
    role: list[Role] | None = strawberry.field(default=strawberry.UNSET, description="With one of these roles.")
    status: list[UserStatus] | None = strawberry.field(default=strawberry.UNSET, description="In one of these states.")


@strawberry.type(description="Someone who was asked to become a member and has not followed the link yet.")
class Invitation(Node):
    id: strawberry.ID = described("The global id.")
    email: str = described("The address that was invited.")
    name: str = described("What they are called, as the inviter said; may be empty.")
    locale: str | None = described("The language of the mail (BCP 47); null: English, or what they chose themselves.")
    role: Role = described("What they are to be.")
    custom_role: CustomRole | None = described("The role of the workspace's own, where `role` is CUSTOM.")
    invited_by: str = described("Who invited them, as the viewer's `subject` shows them.")
    created_at: datetime = described("When the mail was written.")
    expires_at: datetime = described("When its link ends.")


@strawberry.type(description="Where the viewer is signed in.")
class LoginSession:
    id: strawberry.ID = described("The id, for `sessionEnd`.")
    methods: list[str] = described("What was shown to sign in: `pwd`, `otp`, `swk`, `fed` (RFC 8176).")
    address: str | None = described("The IP address that it was last used from.")
    user_agent: str | None = described("What the browser or program says it is.")
    created_at: datetime = described("When they signed in.")
    last_used_at: datetime = described("When a new access token was last taken.")
    expires_at: datetime = described("When one has to sign in again, however often it is used.")
    current: bool = described("Whether this request belongs to it.")


@strawberry.type(description="The viewer as a person.")
class ViewerUser:
    id: strawberry.ID = described("The id of the `User`.")
    email: str = described("The address that they sign in with.")
    name: str = described("What they are called; may be empty.")
    locale: str | None = described("The language that they are written to in (BCP 47); null: the organisation's.")
    has_password: bool = described("Whether they can sign in by password.")
    sessions: list[LoginSession] = described("Where they are signed in, newest first; at most 100.")
