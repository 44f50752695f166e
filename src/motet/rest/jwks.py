"""What others may know of access tokens: the public keys, and where OAuth 2.0 clients find what (RFC 8414)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from motet.access.principals import Permission
from motet.access.tokens import TokenAuthority

JWKS_PATH = "/.well-known/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
REVOKE_PATH = "/oauth2/revoke"
INTROSPECT_PATH = "/oauth2/introspect"

CACHED_S = 300
"""How long others may keep the keys. A token with a `kid` that they do not know tells them to ask again."""

GRANTS = ("client_credentials", "refresh_token")
_CLIENT_METHODS = ("client_secret_basic", "client_secret_post")


def well_known_routes(
    authority: TokenAuthority, public_url: str, *, clock: Callable[[], float] = time.time
) -> Sequence[Route]:
    """The two routes. `public_url`: where clients reach this installation."""

    async def jwks(_: Request) -> Response:
        return _json(authority.jwks(int(clock())))

    async def metadata(_: Request) -> Response:
        return _json(_metadata(public_url.rstrip("/")))

    return [Route(JWKS_PATH, jwks), Route(METADATA_PATH, metadata)]


def _metadata(base: str) -> dict[str, Any]:
    return {
        "issuer": base,
        "jwks_uri": base + JWKS_PATH,
        "token_endpoint": base + TOKEN_PATH,
        "token_endpoint_auth_methods_supported": [*_CLIENT_METHODS, "none"],
        "revocation_endpoint": base + REVOKE_PATH,
        "revocation_endpoint_auth_methods_supported": [*_CLIENT_METHODS, "none"],
        "introspection_endpoint": base + INTROSPECT_PATH,
        "introspection_endpoint_auth_methods_supported": list(_CLIENT_METHODS),
        "grant_types_supported": list(GRANTS),
        "response_types_supported": [],
        "scopes_supported": sorted(permission.value for permission in Permission),
    }


def _json(body: object) -> Response:
    headers = {"cache-control": f"public, max-age={CACHED_S}", "access-control-allow-origin": "*"}
    return Response(orjson.dumps(body), 200, headers, "application/json")
