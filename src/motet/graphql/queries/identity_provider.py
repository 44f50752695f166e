"""Identity providers of the workspace's organisation."""

from __future__ import annotations

import strawberry

from motet.access.principals import Permission
from motet.graphql.lists import root_list
from motet.graphql.types.identity_provider import IdentityProvider


@strawberry.type
class IdentityProviderQueries:
    """The part of Query that is about single sign-on."""

    identity_providers = root_list(
        IdentityProvider,
        Permission.IDENTITY_PROVIDER_READ,
        "The identity providers of the workspace's organisation.",
    )
