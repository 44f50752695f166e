"""Two tenants, the services of who may do what, and people in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from starlette.applications import Starlette

from motet.access.clients import Client
from motet.access.passwords import PasswordChecker, hash_password
from motet.access.principals import Role
from motet.access.secrets import SecretBox
from motet.access.tokens import TokenAuthority, generate_key
from motet.bootstrap.telling import JournalTeller
from motet.domain.ids import IdGenerator
from motet.domain.users import UserStatus, email_of
from motet.fleet.journal import Journal
from motet.identity.services import Ground, Identity, build_identity
from motet.outgoing.targets import LOOPBACK_NETWORKS, TargetPolicy
from motet.rest.auth import auth_routes
from motet.rest.saml import saml_routes
from motet.rest.scim import scim_routes
from motet.rest.second_factor import second_factor_routes
from motet.rest.sso import sso_routes
from motet.storage.database import Database
from motet.storage.user import add_user
from tenants import Tenant, Tenants

PASSWORD = "correct horse battery staple"
_HASH = hash_password(PASSWORD)

HERE = Client("192.0.2.7", "a browser")


@dataclass
class Clock:
    """A time that tests move."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.at

    def forward(self, span: timedelta) -> None:
        self.at += span


@dataclass
class Told:
    """An answer over HTTP."""

    status: int
    headers: list[tuple[str, str]]
    body: Any

    @property
    def code(self) -> str:
        """Of an error."""
        return str(self.body["error"]["code"])

    @property
    def cookies(self) -> list[str]:
        return [value for name, value in self.headers if name == "set-cookie"]


@dataclass
class People:
    """The services, over a clock of the test's."""

    tenants: Tenants
    demo: Tenant
    other: Tenant
    ground: Ground
    identity: Identity
    clock: Clock
    app: Starlette
    """Over HTTP."""

    async def user(
        self,
        email: str = "anna@example.org",
        *,
        roles: dict[str, Role] | None = None,
        status: UserStatus = UserStatus.ACTIVE,
        is_super_admin: bool = False,
        organisation_id: int | None = None,
    ) -> int:
        """A user with `PASSWORD` and these roles by workspace name; an administrator of demo if none are given."""
        shown, key = email_of(email)
        user_id = self.tenants.new_id()
        by_name = {tenant.name: tenant.workspace_id for tenant in (self.demo, self.other)}
        async with self.ground.database.pool.acquire() as connection:
            home = organisation_id or await connection.fetchval(
                "SELECT organisation_id FROM workspace WHERE id = $1", self.demo.workspace_id
            )
            await add_user(
                connection, user_id, home, shown, key, status=status, password_hash=_HASH, is_super_admin=is_super_admin
            )
            for workspace, role in ({"demo": Role.ADMINISTRATOR} if roles is None else roles).items():
                await connection.execute(
                    "INSERT INTO membership (workspace_id, user_id, role) VALUES ($1, $2, $3)",
                    by_name[workspace], user_id, role.value,
                )  # fmt: skip
        return user_id

    async def http(
        self,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        cookie: str | None = None,
        method: str = "POST",
        content_type: str = "application/json",
        language: str | None = None,
    ) -> Told:
        """One request of JSON over HTTP; octets go as they are."""
        octets = body if isinstance(body, bytes) else orjson.dumps({} if body is None else body)
        headers = [(b"content-type", content_type.encode()), (b"user-agent", b"a browser")]
        headers += [(b"authorization", f"Bearer {token}".encode())] if token else []
        headers += [(b"cookie", cookie.encode())] if cookie else []
        headers += [(b"accept-language", language.encode())] if language else []
        return await asked(self.app, method, path, headers, octets)


async def asked(app: Any, method: str, path: str, headers: list[tuple[bytes, bytes]], octets: bytes) -> Told:
    """One request to an ASGI application, from 192.0.2.7 over https; `path` with its query. JSON is decoded."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": query.encode(), "headers": headers, "client": ("192.0.2.7", 5), "server": ("motet", 80),
        "scheme": "https", "root_path": "",
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": octets, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    answer = b"".join(message.get("body", b"") for message in sent[1:])
    shown = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    return Told(sent[0]["status"], shown, orjson.loads(answer) if answer.startswith((b"{", b"[")) else answer)


@asynccontextmanager
async def people_world(database: Database) -> AsyncIterator[People]:
    tenants, clock, passwords = Tenants(database), Clock(), PasswordChecker()
    demo, other = await tenants.workspace("demo"), await tenants.workspace("other")
    ids = IdGenerator(2)
    ground = Ground(
        database, ids, TokenAuthority([generate_key()]), passwords, SecretBox(bytes(32)),
        "https://motet.example.org", sends_mail=True, now=clock, targets=TargetPolicy.of(LOOPBACK_NETWORKS),
        teller=JournalTeller(Journal(ids)),
    )  # fmt: skip
    identity = build_identity(ground)
    routes = [auth_routes, second_factor_routes, sso_routes, saml_routes]
    served = [route for make in routes for route in make(identity, secure=True)]
    app = Starlette(routes=[*served, *scim_routes(identity, "https://motet.example.org/scim/v2")])
    yield People(tenants, demo, other, ground, identity, clock, app)
    await identity.authenticator.close()
    identity.close()
    passwords.close()
