"""API keys: what programs prove themselves with."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.types.operator import Role
from motet.graphql.types.relay import Node, described
from motet.graphql.types.role import CustomRole


@strawberry.enum(description="Whether an API key is good.")
class ApiKeyStatus(Enum):
    ACTIVE = strawberry.enum_value("ACTIVE", description="It is good.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="Its time is over; a later `expiresAt` makes it good again.")
    REVOKED = strawberry.enum_value("REVOKED", description="It was ended for good.")


@strawberry.type(description="A key for programs. It belongs to the workspace, and outlives whoever made it.")
class ApiKey(Node):
    id: strawberry.ID = described("The global id.")
    prefix: str = described("Names the key, and is its OAuth 2.0 client id: what stands behind `motet_`.")
    name: str = described("What people call it.")
    status: ApiKeyStatus = described("Whether it is good.")
    role: Role | None = described("What it may do at most; null for a custom role.")
    custom_role: CustomRole | None = described("The role of the workspace's own that it has, if it is such a one.")
    scopes: list[str] | None = described("The permissions that it has of its role's; null: all.")
    tags: list[str] | None = described("It sees devices with one of these tags, and what belongs to them; null: all.")
    networks: list[str] = described("The CIDR blocks that it may be used from; empty: anywhere.")
    expires_at: datetime | None = described("When it ends; null: never.")
    created_at: datetime = described("When it was made.")
    created_by: str = described("Who made it.")
    rotated_at: datetime | None = described("When it got its present secret, if that is not its first.")
    previous_secret_until: datetime | None = described("Until when the secret before is good too; null: it is not.")
    revoked_at: datetime | None = described("When it was revoked.")
    last_used_at: datetime | None = described("When it was used last, to the minute; null: never.")
    last_used_address: str | None = described("The address that it was used from last.")
