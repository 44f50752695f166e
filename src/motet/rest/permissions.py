"""What each path outside GraphQL takes: a permission, or in words who may ask without one.

A test finds every route in the code and fails for one that is not here; docs/permissions.md is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from motet.access.principals import Permission

ANYONE: Final = "anyone"
"""Health, public keys, and what one signs in with."""

ROUTES: Final[Mapping[str, Permission | str]] = {
    "/": ANYONE,
    "/healthz": ANYONE,
    "/readyz": ANYONE,
    "/metrics": ANYONE,
    "/graphql": "whoever has a token; each field says what it takes",
    "/network/v1/notifications": Permission.NETWORK_WRITE,
    "/sim-imports": Permission.SIM_WRITE,
    "/auth/login": ANYONE,
    "/auth/refresh": "whoever has a refresh token",
    "/auth/invitation": "whoever has the token of an invitation's mail",
    "/auth/invitation/accept": "whoever has the token of an invitation's mail",
    "/auth/password/forgot": ANYONE,
    "/auth/password/reset": "whoever has the token of a reset's mail",
    "/auth/mfa": "whoever has shown a right password",
    "/auth/passkey/options": ANYONE,
    "/auth/passkey/verify": ANYONE,
    "/account/invitation": ANYONE,
    "/account/reset": ANYONE,
    "/account": ANYONE,
    "/account/files/{name}": ANYONE,
    "/oauth2/token": "whoever has a client's credentials",
    "/oauth2/revoke": "whoever has a client's credentials, or the token that is to end",
    "/oauth2/introspect": "whoever has a client's credentials",
    "/scim/v2/…": "a directory, by the token that it was given",
    "/scim/v2/{rest:path}": "a directory, by the token that it was given",
    "/auth/sso/discover": ANYONE,
    "/auth/sso/{provider}/start": ANYONE,
    "/auth/sso/{provider}/callback": "whoever comes back from a provider, with the state that they left with",
    "/auth/sso/{provider}/metadata": ANYONE,
    "/auth/sso/{provider}/acs": "whoever comes back from a SAML provider, with the state that they left with",
    "/auth/sso/exchange": "whoever has the code of a finished sign-on",
    "/auth/sso/logout": "whoever has a token of a session",
    "/auth/sso/{provider}/backchannel-logout": "the provider, by a token that it has signed",
    "/auth/logout": "whoever has a token of a session",
    "/.well-known/jwks.json": ANYONE,
    "/.well-known/oauth-authorization-server": ANYONE,
}
"""By path, as its route spells it."""
