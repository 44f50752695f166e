"""A small OpenID provider on loopback that can be made to lie, and a browser that signs in by it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import orjson
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from motet.access.principals import Principal, Role, member
from motet.domain.global_ids import encode_global_id
from motet.identity.sso.provider_rules import ProviderChanges
from people_world import People, Told

CLIENT_ID = "motet test"
SECRET = "a secret: of + signs"

Lie = Callable[["Provider", dict[str, Any]], str]
"""Makes the ID token of these claims in place of an honest one."""


def new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


_KEYS = [new_key("one"), new_key("two")]


@dataclass
class Provider:
    """Knobs are fields; set them before the request that is to go wrong."""

    issuer: str = ""
    keys: list[RSAKey] = field(default_factory=lambda: [_KEYS[0]])
    claims: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "s-1", "email": "anna@example.org", "email_verified": True, "name": "Anna Example",
        }
    )  # fmt: skip
    overrides: dict[str, Any] = field(default_factory=dict)
    """Claims of the ID token as they must not be; None leaves one out."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Put over what the metadata says."""
    userinfo: dict[str, Any] | None = None
    lie: Lie | None = None
    answers: dict[str, Callable[[], web.StreamResponse]] = field(default_factory=dict)
    """By path, what is answered in place of the right thing."""
    asked: list[str] = field(default_factory=list)
    """Paths of requests."""
    forms: list[dict[str, str]] = field(default_factory=list)
    """What the token endpoint was sent."""
    hangs: set[str] = field(default_factory=set)
    """Paths that are not answered."""
    now: Callable[[], float] = time.time
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(self, claims: dict[str, Any], *, key: Any = None, alg: str = "RS256", kid: str | None = None) -> str:
        key = key or self.keys[0]
        header: dict[str, Any] = {"alg": alg, "kid": kid or key.kid}
        return jwt.encode(header, claims, key, algorithms=[alg])

    def grant(self, asked: dict[str, str]) -> str:
        """The code that a person who agreed comes back with."""
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return code

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in self.hangs:
            await asyncio.Event().wait()
        if request.path in self.answers:
            return self.answers[request.path]()
        if request.path == "/.well-known/openid-configuration":
            return web.json_response(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/jwks",
                    "userinfo_endpoint": f"{self.issuer}/userinfo",
                    "end_session_endpoint": f"{self.issuer}/end",
                    "id_token_signing_alg_values_supported": ["RS256", "none"],
                    "response_types_supported": ["code"],
                    "code_challenge_methods_supported": ["S256"],
                }
                | self.metadata
            )
        if request.path == "/jwks":
            return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})
        if request.path == "/userinfo":
            assert request.headers["authorization"] == "Bearer at-1"
            return web.json_response(self.userinfo)
        return await self._token(request)

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.forms.append({name: str(value) for name, value in form.items()})
        pair = f"{quote(CLIENT_ID).replace('%20', '+')}:{'a+secret%3A+of+%2B+signs'}"
        if request.headers.get("authorization") != "Basic " + base64.b64encode(pair.encode()).decode():
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self._codes.pop(str(form["code"]), None)
        if asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(self.now())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "nonce": asked["nonce"], "iat": now, "exp": now + 300}
        claims |= self.claims | self.overrides
        claims = {name: value for name, value in claims.items() if value is not None}
        token = self.token(claims) if self.lie is None else self.lie(self, claims)
        return web.json_response({"token_type": "Bearer", "access_token": "at-1", "id_token": token})


@asynccontextmanager
async def served(provider: Provider) -> AsyncIterator[Provider]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", provider.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()


@dataclass
class SignedIn:
    """Where our page is, and what it knows."""

    fragment: dict[str, str]
    cookies: dict[str, str]

    @property
    def error(self) -> str | None:
        return self.fragment.get("sso_error")


@dataclass
class SsoWorld:
    """People, a provider of demo's organisation, and the ways to sign in by it."""

    people: People
    provider: Provider
    provider_id: int = 0

    @property
    def admin(self) -> Principal:
        return self.principal()

    def principal(self, role: Role = Role.ADMINISTRATOR, *, other: bool = False) -> Principal:
        tenant = self.people.other if other else self.people.demo
        return member("administrator", tenant.workspace_id, tenant.name, role, 1 << 40)

    async def add_provider(self, domains: tuple[str, ...] = ("example.org",), **settings: Any) -> int:
        """demo's provider: invited people only, unless said otherwise."""
        named = {"name": "Ours", "issuer": self.provider.issuer, "client_id": CLIENT_ID, **settings}
        group_roles = named.pop("group_roles", None)
        changes = ProviderChanges(settings=named, domains=domains, client_secret=SECRET, group_roles=group_roles)
        self.provider_id = await self.people.identity.identity_providers.create(self.admin, changes)
        return self.provider_id

    @property
    def path(self) -> str:
        return f"/auth/sso/{encode_global_id('IdentityProvider', self.provider_id)}"

    async def start(self, query: str = "") -> tuple[dict[str, str], dict[str, str]]:
        """What the provider is asked, and the browser's cookies."""
        told = await self.people.http(f"{self.path}/start{query}", method="GET")
        assert told.status == 303, told
        return dict(parse_qsl(urlsplit(location(told)).query)), cookies_of(told)

    async def back(self, answer: dict[str, str], cookies: dict[str, str]) -> SignedIn:
        """The browser comes back with the provider's answer."""
        told = await self.people.http(
            f"{self.path}/callback?{urlencode(answer)}", method="GET", cookie=cookie_header(cookies)
        )
        assert told.status == 303, told
        at = urlsplit(location(told))
        assert (at.netloc, at.path) == ("", "/account")
        return SignedIn(dict(parse_qsl(at.fragment)), cookies | cookies_of(told))

    async def sign_in(self, query: str = "") -> SignedIn:
        """The whole way to our page."""
        asked, cookies = await self.start(query)
        return await self.back({"code": self.provider.grant(asked), "state": asked["state"]}, cookies)

    async def exchange(self, signed_in: SignedIn) -> Told:
        return await self.people.http(
            "/auth/sso/exchange",
            {"code": signed_in.fragment.get("sso_code", "")},
            cookie=cookie_header(signed_in.cookies),
        )

    async def subject(self) -> str:
        """Who is signed in after the whole way."""
        signed_in = await self.sign_in()
        assert signed_in.error is None, (signed_in.error, await self.last_error())
        told = await self.exchange(signed_in)
        assert told.status == 200, told
        principal = await self.people.identity.authenticator.authenticate(f"Bearer {told.body['access_token']}")
        return f"{principal.subject} {principal.role} in {principal.workspace}"

    async def refusal(self, query: str = "") -> tuple[str | None, str | None]:
        """What the person is told, and what the administrator reads."""
        return (await self.sign_in(query)).error, await self.last_error()

    async def last_error(self) -> str | None:
        found: str | None = await self.people.ground.database.pool.fetchval(
            "SELECT last_error FROM identity_provider WHERE id = $1", self.provider_id
        )
        return found


def none_token(provider: Provider, claims: dict[str, Any]) -> str:
    """alg none, no signature."""
    return ".".join(map(_base64, (b'{"alg":"none"}', _json(claims)))) + "."


def hmac_with_the_public_key(provider: Provider, claims: dict[str, Any]) -> str:
    """HS256, its secret the PEM that everybody can read. By hand: the library will not do it."""
    parts = [_json({"alg": "HS256", "kid": provider.keys[0].kid}), _json(claims)]
    signed = ".".join(map(_base64, parts))
    return f"{signed}.{_base64(hmac.digest(provider.keys[0].as_pem(private=False), signed.encode(), 'sha256'))}"


def _base64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _json(claims: dict[str, Any]) -> bytes:
    return orjson.dumps(claims)


def cookies_of(told: Told) -> dict[str, str]:
    """What a browser keeps of the answer."""
    found = {}
    for line in told.cookies:
        name, _, value = line.partition(";")[0].partition("=")
        if "max-age=0" not in line.lower():
            found[name] = value
    return found


def location(told: Told) -> str:
    return dict(told.headers)["location"]


def cookie_header(cookies: dict[str, str]) -> str | None:
    return "; ".join(f"{name}={value}" for name, value in cookies.items()) or None
