"""Clients whose role is bound to tags, and what in a tenant is whose device's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from graphql_client import Client
from graphql_world import World

from motet.access.principals import Permission, Principal, custom_grant, custom_member
from motet.graphql.app import Dependencies, build_graphql_app
from motet.identity.authenticator import Authenticator
from tenants import Tenant

EVERYTHING = [permission.value for permission in Permission]


class _Always:
    """Knows one principal, whatever the token says."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    async def authenticate(self, authorization: str | None, address: str | None = None) -> Principal:
        return self._principal

    def watch(self, *watched: object) -> Callable[[], None]:
        return lambda: None


def client_as(world: World, principal: Principal) -> Client:
    """A client that is this principal."""
    authenticator = cast(Authenticator, _Always(principal))
    return Client(build_graphql_app(Dependencies(world.services, authenticator)), "any")


def bound_to(world: World, tenant: Tenant, *tags: str, permissions: Iterable[str] = EVERYTHING) -> Client:
    """A member with a custom role of all these permissions, bound to the tags."""
    grant = custom_grant(list(permissions), tags)
    expires_at = int(time.time()) + 3600
    return client_as(
        world, custom_member("scoped", tenant.workspace_id, tenant.name, (1, "Fitters"), grant, expires_at)
    )


def strings_in(value: Any) -> Iterable[str]:
    """All text in an answer."""
    if isinstance(value, dict):
        for each in value.values():
            yield from strings_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings_in(each)
    elif isinstance(value, str):
        yield value
