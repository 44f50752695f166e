"""No secret of a body, a header or an answer over REST reaches the audit log: every route that takes a body."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Route

from motet.access.api_keys import new_api_key
from motet.access.principals import Role
from motet.domain.global_ids import encode_global_id
from motet.domain.totp import STEP_S, code_at, step_at
from motet.identity.second_factor.enrolment import Account
from motet.identity.sessions import Signed, hash_token
from motet.identity.sso.provider_rules import GroupRole
from motet.rest.oauth2 import oauth2_routes
from motet.storage.database import Database
from motet.storage.password_reset import add_reset
from people_world import HERE, PASSWORD, People, Told, people_world
from sso_provider import Provider, SsoWorld

EMAIL = "anna@example.org"
FORM = "application/x-www-form-urlencoded"
BASE = "https://motet.example.org/scim/v2"

SECRETS = (
    "password", "token", "refresh_token", "mfa_token", "code", "recovery_code", "state", "device", "client_secret",
    "logout_token", "access_token", "assertion", "client_assertion", "code_verifier", "SAMLResponse", "credential",
    "passkey",
)  # fmt: skip
"""Whatever any route takes that nobody may see."""

PLAIN = {
    "email": EMAIL, "name": "Anna", "cookie": False, "grant_type": "client_credentials", "scope": "sms:send",
    "client_id": "motet_abcdefgh", "token_type_hint": "access_token", "userName": "bert@example.org", "active": True,
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "displayName": "ops",
}  # fmt: skip


@dataclass
class Desk:
    """Everything that takes a body, and what was secret in those that were sent."""

    people: People
    secrets: dict[str, str] = field(default_factory=dict)
    """Secret -> where it was given or answered."""
    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    def secret(self, where: str) -> str:
        made = f"marker{next(iter(self.numbers)):04}x"
        self.secrets[made] = where
        return made

    def body(self, where: str) -> dict[str, Any]:
        """One that has everything, each secret once as text and once inside an object."""
        given: dict[str, Any] = dict(PLAIN)
        for name in SECRETS:
            one = self.secret(f"{where} {name}")
            given[name] = {"state": one, "credential": {"id": one}} if name in {"credential", "passkey"} else one
        return given

    async def ask(self, path: str, body: Any = None, **options: Any) -> Told:
        """What is asked with real secrets: what is secret in the answer may not be found either."""
        told = await self.people.http(path, body, **options)
        for name, value in told.body.items() if isinstance(told.body, dict) else ():
            if name.endswith("token") or name in {"device", "state"}:
                self.secrets[value] = f"{path} {name} of the answer"
        for cookie in told.cookies:
            self.secrets[cookie.partition("=")[2].partition(";")[0].strip('"') or cookie] = f"{path} a cookie"
        return told

    async def leaked(self) -> set[str]:
        rows = await self.people.ground.database.pool.fetch("SELECT e::text FROM audit_entry e")
        text = "\n".join(row[0] for row in rows)
        return {where for secret, where in self.secrets.items() if secret in text or secret.encode().hex() in text}

    async def entries(self, action: str) -> list[Any]:
        found: list[Any] = await self.people.ground.database.pool.fetch(
            "SELECT * FROM audit_entry WHERE action = $1 ORDER BY id", action
        )
        return found


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with people_world(database) as people:
        people.app = Starlette(routes=[*people.app.routes, *oauth2_routes(people.identity)])
        yield Desk(people)


async def test_whatever_is_sent_to_any_route_its_secrets_are_not_kept(desk: Desk) -> None:
    people = desk.people
    await people.user()
    world = SsoWorld(people, Provider(issuer="https://idp.example.org"))
    await world.add_provider((), group_roles=[GroupRole("ops", people.demo.workspace_id, "USER")])
    scim = await people.identity.identity_providers.make_scim_token(world.admin, world.provider_id)
    desk.secrets[scim] = "the directory's token"
    desk.secrets[PASSWORD] = "a password"
    provider = encode_global_id("IdentityProvider", world.provider_id)
    asked = 0
    for route in people.app.routes:
        assert isinstance(route, Route)
        path = re.sub(r"\{rest:path\}", "x", route.path).replace("{provider}", provider).replace("{id}", "x")
        token = scim if path.startswith("/scim") else desk.secret(f"{path} authorization")
        for method in sorted((route.methods or set()) & {"POST", "PUT", "PATCH"}):
            where, cookie = f"{method} {path}", f"motet_refresh={desk.secret(path)}; motet_device={desk.secret(path)}"
            bodies = [("application/json", orjson.dumps(desk.body(where)))]
            flat = {name: str(value) for name, value in desk.body(where).items()}
            bodies.append((FORM, urlencode(flat).encode()))
            basic = {**flat, "token": desk.secret(where)}
            bodies.append((FORM, urlencode({k: v for k, v in basic.items() if k != "client_secret"}).encode()))
            for content_type, octets in bodies:
                await people.http(path, octets, token=token, cookie=cookie, method=method, content_type=content_type)
                asked += 1
    assert asked > 40
    assert await desk.leaked() == set()
    assert await desk.entries("POST /auth/login")
    assert await desk.entries("POST /scim/v2/Users")


async def test_signing_in_with_everything_leaves_no_secret(desk: Desk) -> None:
    people = desk.people
    user_id = await people.user()
    desk.secrets[PASSWORD] = "the password"
    await desk.ask("/auth/login", {"email": EMAIL, "password": desk.secret("a wrong password")})
    signed = await desk.ask("/auth/login", {"email": EMAIL, "password": PASSWORD, "cookie": True})
    assert signed.status == 200
    signed = await desk.ask("/auth/login", {"email": EMAIL, "password": PASSWORD})
    again = await desk.ask("/auth/refresh", {"refresh_token": signed.body["refresh_token"]})
    assert again.status == 200
    form = urlencode({"grant_type": "refresh_token", "refresh_token": again.body["refresh_token"]}).encode()
    assert (await desk.ask("/oauth2/token", form, content_type=FORM)).status == 200
    form = urlencode({"token": again.body["access_token"], "client_secret": desk.secret("revoke")}).encode()
    assert (await desk.ask("/oauth2/revoke", form, content_type=FORM)).status in {200, 401}
    key = new_api_key()
    desk.secrets[key.text] = "a key"
    form = urlencode({"grant_type": "client_credentials", "client_id": key.prefix, "client_secret": key.text}).encode()
    assert (await desk.ask("/oauth2/token", form, content_type=FORM)).status == 401
    assert await desk.entries("POST /oauth2/token")
    await desk.ask("/auth/logout", token=signed.body["access_token"])
    # A second factor: the app's secret, codes, recovery codes, a device's token.
    session = await people.identity.login.with_password(EMAIL, PASSWORD, HERE)
    assert isinstance(session, Signed)
    account = Account(user_id, session.session_id)
    new = await people.identity.enrolment.enroll_totp(account, PASSWORD)
    secret = base64.b32decode(new.secret.replace(" ", ""))
    desk.secrets |= {new.secret.replace(" ", ""): "the app's secret", secret.hex(): "its octets"}

    def code() -> str:
        return code_at(secret, step_at(people.clock().timestamp()))

    enrolled = await people.identity.enrolment.confirm_totp(account, code())
    desk.secrets |= dict.fromkeys(enrolled.recovery_codes, "a recovery code")
    people.clock.forward(timedelta(seconds=STEP_S))
    needed = await desk.ask("/auth/login", {"email": EMAIL, "password": PASSWORD})
    wrong = {"mfa_token": needed.body["mfa_token"], "recovery_code": desk.secret("a wrong recovery code")}
    assert (await desk.ask("/auth/mfa", wrong)).status >= 400
    right = {"mfa_token": needed.body["mfa_token"], "code": code(), "remember_device": True}
    told = await desk.ask("/auth/mfa", right)
    assert told.status == 200
    people.clock.forward(timedelta(seconds=STEP_S))
    needed = await desk.ask("/auth/login", {"email": EMAIL, "password": PASSWORD})
    right = {"mfa_token": needed.body["mfa_token"], "recovery_code": enrolled.recovery_codes[0]}
    assert (await desk.ask("/auth/mfa", right)).status == 200
    trusted = {"email": EMAIL, "password": PASSWORD, "device": told.body["device"]}
    assert (await desk.ask("/auth/login", trusted)).status == 200
    await desk.ask("/auth/passkey/options", {})
    # Links by mail.
    token, password = desk.secret("a reset"), desk.secret("a new password") + " that is long"
    async with people.ground.database.pool.acquire() as connection:
        await add_reset(connection, hash_token(token), user_id, people.clock(), people.clock() + timedelta(hours=1))
    assert (await desk.ask("/auth/password/reset", {"token": token, "password": password})).status == 204
    link = await people.identity.invitations.link_for(
        SsoWorld(people, Provider()).principal(), people.demo.workspace_id, "bert@example.org", role=Role.USER
    )
    token, password = link.partition("token=")[2], desk.secret("a first password") + " that is long"
    desk.secrets[token] = "an invitation"
    assert (await desk.ask("/auth/invitation/accept", {"token": token, "password": password})).status == 200
    assert await desk.leaked() == set()
    codes = {entry["input"].get("code") for entry in await desk.entries("POST /auth/mfa")}
    assert codes <= {None, "[redacted]"}  # six digits are found anywhere: so they are looked for where they would be


async def test_what_is_typed_where_the_address_goes_is_not_kept_unless_it_is_one(desk: Desk) -> None:
    for typed in (
        desk.secret("in the wrong field"),
        f"{desk.secret('with a space')} @x",
        f"@{desk.secret('at first')}",
    ):
        await desk.ask("/auth/login", {"email": typed, "password": "x"})
        await desk.ask("/auth/password/forgot", {"email": typed})
    await desk.ask("/auth/login", {"email": "nobody@example.org", "password": "x"})
    assert await desk.leaked() == set()
    *others, last = await desk.entries("POST /auth/login")
    assert {entry["actor"] for entry in others} == {"someone"}
    assert (last["actor"], last["input"]) == ("nobody@example.org", {"email": "nobody@example.org"})
