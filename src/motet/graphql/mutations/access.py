"""API keys: make, change, give a new secret, revoke; and single access tokens: take back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.rules import UNCHANGED
from motet.graphql.errors import UserError
from motet.graphql.fields import (
    context_of,
    done,
    given,
    given_or_null,
    idempotency_key,
    mutation,
    or_none,
    row_id_of,
)
from motet.graphql.types.api_key import ApiKey
from motet.graphql.types.operator import Role
from motet.graphql.types.relay import described
from motet.identity.api_keys import KeyChanges

DEFAULT_OVERLAP_H = 24


@strawberry.input(description="A new API key, which may do no more than you: with a role, or scopes, or both.")
class ApiKeyCreateInput:
    name: str = strawberry.field(description="What people call it, 1 to 100 characters.")
    role: Role | None = strawberry.field(
        default=strawberry.UNSET, description="What it may do at most; yours if only scopes are given."
    )
    role_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="A role of the workspace's own in place of `role`: the key follows it, and ends with it.",
    )
    scopes: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The permissions that it has of its role's, such as `sms:send`; null or not given: all.",
    )
    tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="It sees devices with one of these tags alone; null or not given: all that you see.",
    )
    networks: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Where it may be used from: at most 20 addresses or CIDR blocks; none: anywhere.",
    )
    expires_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When it ends; null or not given: never."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making an API key.")
class ApiKeyCreatePayload:
    api_key: ApiKey | None = described("The key, as it is listed.")
    key: str | None = described("The key itself: what a program sends. It is shown this once.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of an API key; what is left out stays.")
class ApiKeyUpdateInput:
    id: strawberry.ID = strawberry.field(description="The key.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What people call it.")
    role: Role | None = strawberry.field(default=strawberry.UNSET, description="What it may do at most.")
    role_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A role of the workspace's own in place of `role`."
    )
    scopes: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="The permissions that it has of its role's; null: all."
    )
    tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="It sees devices with one of these tags alone; null: all."
    )
    networks: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Where it may be used from; empty: anywhere."
    )
    expires_at: datetime | None = strawberry.field(default=strawberry.UNSET, description="When it ends; null: never.")


@strawberry.type(description="What came of changing an API key.")
class ApiKeyUpdatePayload:
    api_key: ApiKey | None = described("The key, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which API key gets a new secret.")
class ApiKeyRotateInput:
    id: strawberry.ID = strawberry.field(description="The key.")
    overlap_hours: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="How long the secret before stays good, 0 to 720 hours; 24 if not given. 0 ends it at once.",
    )


@strawberry.type(description="What came of giving an API key a new secret.")
class ApiKeyRotatePayload:
    api_key: ApiKey | None = described("The key, as it is listed.")
    key: str | None = described("The key with its new secret. It is shown this once.")
    user_errors: list[UserError] = described("Why it has no new secret; empty if it has.")


@strawberry.input(description="Which API key to revoke.")
class ApiKeyRevokeInput:
    id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.type(description="What came of revoking an API key.")
class ApiKeyRevokePayload:
    api_key: ApiKey | None = described("The key, which is good no more.")
    user_errors: list[UserError] = described("Why it was not revoked; empty if it was.")


@strawberry.input(description="Which access token of the workspace to take back: itself, or its `jti`.")
class TokenRevokeInput:
    token: str | None = strawberry.field(default=strawberry.UNSET, description="The token.")
    token_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its `jti`, as the token's claims and the audit log show it."
    )


@strawberry.type(description="What came of taking an access token back.")
class TokenRevokePayload:
    token_id: str | None = described("The `jti` of the token, which is good no more.")
    user_errors: list[UserError] = described("Why it was not taken back; empty if it was.")


@strawberry.type
class AccessMutations:
    """The part of Mutation that is about API keys and tokens."""

    @mutation(Permission.API_KEY_WRITE, "Make an API key.", ("apiKey", "ApiKey"))
    async def api_key_create(
        self,
        info: Info,
        input: Annotated[ApiKeyCreateInput, strawberry.argument(description="The key.")],  # noqa: A002
    ) -> ApiKeyCreatePayload | None:
        context = context_of(info)
        changes: dict[str, Any] = {
            name: value
            for name in ("name", "role", "role_id", "scopes", "tags", "networks", "expires_at")
            if (value := or_none(getattr(input, name))) is not None
        }
        if "role_id" in changes:
            changes["role_id"] = row_id_of(changes["role_id"], "CustomRole", "role_id")
        api_key_id, key = await context.services.identity.api_keys.create(
            context.workspace_id, context.principal, _named(changes)
        )
        return done(api_key_id, key=key.text)

    @mutation(Permission.API_KEY_WRITE, "Change an API key, from the next request on.", ("apiKey", "ApiKey"))
    async def api_key_update(
        self,
        info: Info,
        input: Annotated[ApiKeyUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> ApiKeyUpdatePayload | None:
        context = context_of(info)
        api_key_id = row_id_of(input.id, "ApiKey", "id")
        changes = {name: given(getattr(input, name), name) for name in ("name", "role", "role_id", "networks")}
        changes |= {name: given_or_null(getattr(input, name)) for name in ("scopes", "tags", "expires_at")}
        changes = {name: value for name, value in changes.items() if value is not UNCHANGED}
        if "role_id" in changes:
            changes["role_id"] = row_id_of(changes["role_id"], "CustomRole", "role_id")
        await context.services.identity.api_keys.update(
            context.workspace_id, context.principal, api_key_id, _named(changes)
        )
        return done(api_key_id)

    @mutation(
        Permission.API_KEY_WRITE,
        "Give an API key a new secret; the one before stays good for a while. A key may do this to itself.",
        ("apiKey", "ApiKey"),
    )
    async def api_key_rotate(
        self,
        info: Info,
        input: Annotated[ApiKeyRotateInput, strawberry.argument(description="Which key.")],  # noqa: A002
    ) -> ApiKeyRotatePayload | None:
        context = context_of(info)
        api_key_id = row_id_of(input.id, "ApiKey", "id")
        hours = or_none(input.overlap_hours)
        key = await context.services.identity.api_keys.rotate(
            context.workspace_id,
            context.principal,
            api_key_id,
            timedelta(hours=DEFAULT_OVERLAP_H if hours is None else hours),
        )
        return done(api_key_id, key=key.text)

    @mutation(
        Permission.API_KEY_WRITE,
        "End an API key for good: requests, open connections and the tokens that it was exchanged for.",
        ("apiKey", "ApiKey"),
    )
    async def api_key_revoke(
        self,
        info: Info,
        input: Annotated[ApiKeyRevokeInput, strawberry.argument(description="Which key.")],  # noqa: A002
    ) -> ApiKeyRevokePayload | None:
        context = context_of(info)
        api_key_id = row_id_of(input.id, "ApiKey", "id")
        await context.services.identity.api_keys.revoke(context.workspace_id, api_key_id)
        return done(api_key_id)

    @mutation(Permission.API_KEY_WRITE, "Take back an access token of the workspace before its time.")
    async def token_revoke(
        self,
        info: Info,
        input: Annotated[TokenRevokeInput, strawberry.argument(description="Which token.")],  # noqa: A002
    ) -> TokenRevokePayload | None:
        context = context_of(info)
        token_id = await context.services.identity.tokens.revoke(
            context.workspace_id, token=or_none(input.token), token_id=or_none(input.token_id)
        )
        return done(tokenId=token_id)


def _named(changes: dict[str, Any]) -> KeyChanges:
    return {name: getattr(value, "value", value) for name, value in changes.items()}  # type: ignore[return-value]
