"""What another tenant has is nothing to any path beside GraphQL: ids in paths, bodies and files, tokens, codes, keys.

Every path of `motet.rest.permissions.ROUTES` stands here: with a case of this file, with a test elsewhere that is one,
or with why nothing of a tenant can be named there. A new path fails until it does.
"""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Route

from motet.access.principals import Role
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator
from motet.domain.jobs import JobKind
from motet.fleet.jobs.runner import JobRunner
from motet.fleet.journal import Journal
from motet.fleet.seeds.tenant import identity
from motet.fleet.sims.sim import SimService
from motet.fleet.sims.sim_sheet import Layout
from motet.fleet.sims.sim_upload import SimImportWorker, SimUploadService
from motet.identity.api_keys import KeyChanges
from motet.identity.sso.provider_rules import GroupRole
from motet.network.app import NotificationsApp
from motet.rest.oauth2 import oauth2_routes
from motet.rest.permissions import ROUTES
from motet.rest.sim_imports import SimImports
from motet.storage.database import Database
from network_world import NetworkWorld
from people_world import PASSWORD, People, asked, people_world
from sso_provider import Provider, SsoWorld, served
from tenants import Tenant


@dataclass
class Streets:
    """All paths of one node, and two tenants."""

    people: People
    app: Starlette
    uploads: JobRunner

    async def ask(
        self, path: str, body: Any = None, *, token: str | None = None, method: str = "POST", form: bool = False
    ) -> tuple[int, Any]:
        """The status, and what came."""
        octets = urlencode(body).encode() if form else body if isinstance(body, bytes) else orjson.dumps(body or {})
        kind = b"application/x-www-form-urlencoded" if form else b"application/json"
        headers = [(b"content-type", b"application/scim+json" if path.startswith("/scim") else kind)]
        headers += [(b"authorization", (token if " " in token else f"Bearer {token}").encode())] if token else []
        told = await asked(self.app, method, path, headers, octets)
        return told.status, told.body

    def token(self, tenant: Tenant, role: Role = Role.ADMINISTRATOR) -> str:
        return self.people.ground.authority.issue(
            "administrator", now=int(time.time()), ttl_s=900, workspace_id=tenant.workspace_id, workspace=tenant.name,
            role=role,
        )  # fmt: skip

    async def key(self, tenant: Tenant, **changes: Any) -> tuple[str, str]:
        """The client id and the secret of an API key."""
        people = self.people.identity
        maker = await people.authenticator.authenticate(f"Bearer {self.token(tenant)}")
        given: KeyChanges = {"name": "a key", "role": "USER", **changes}  # type: ignore[typeddict-item]
        _, key = await people.api_keys.create(tenant.workspace_id, maker, given)
        return key.prefix, key.text

    async def fingerprint(self, tenant: Tenant) -> str:
        """All that a tenant has, as it is."""
        tables = await self.people.ground.database.pool.fetch(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND column_name = 'workspace_id' AND table_name NOT LIKE 'audit%' ORDER BY 1"
        )
        found = []
        for (table,) in tables:
            query = f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t WHERE workspace_id = $1"  # noqa: S608
            found.append(f"{table} {await self.people.ground.database.pool.fetchval(query, tenant.workspace_id)}")
        return "\n".join(found)


@pytest_asyncio.fixture
async def streets(database: Database) -> AsyncIterator[Streets]:
    async with people_world(database) as people:
        for tenant in (people.demo, people.other):
            await people.tenants.device(tenant)
        ids = IdGenerator(3)

        async def changed() -> None:
            pass

        sims = SimService(database, ids, Journal(ids), on_change=changed)
        runner = JobRunner(database, {JobKind.SIM_IMPORT: SimImportWorker(sims)})
        uploads = SimUploadService(sims, wake=runner.wake)

        async def upload(workspace_id: int, actor: str, file: Any, *, dry_run: bool, **layout: Any) -> tuple[int, int]:
            return await uploads.upload(workspace_id, actor, file, Layout(**layout), dry_run=dry_run)

        authenticator = people.identity.authenticator
        net = NetworkWorld(people.tenants, people.demo, people.other, time.time())
        apps = [
            Route("/sim-imports", SimImports(upload, authenticator, people.identity.audit, max_octets=1 << 20)),
            Route("/network/v1/notifications", NotificationsApp(authenticator, net.connectivity)),
        ]
        app = Starlette(routes=[*people.app.routes, *oauth2_routes(people.identity), *apps])
        yield Streets(people, app, runner)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


async def signed_in(streets: Streets, tenant: Tenant, email: str) -> dict[str, Any]:
    await streets.people.user(email, roles={tenant.name: Role.USER})
    status, told = await streets.ask("/auth/login", {"email": email, "password": PASSWORD})
    assert status == 200, told
    return dict(told)


async def a_session_is_in_ones_own_workspaces(streets: Streets) -> None:
    demo, other = streets.people.demo, streets.people.other
    await streets.people.user("theirs@example.org", roles={"other": Role.USER})
    wish = {"workspace": "demo", "workspace_id": encode_global_id("Workspace", demo.workspace_id)}
    status, told = await streets.ask("/auth/login", {"email": "theirs@example.org", "password": PASSWORD, **wish})
    assert (status, told["workspace"]) == (200, "other")
    status, told = await streets.ask("/auth/refresh", {"refresh_token": told["refresh_token"], **wish})
    assert (status, told["workspace"]) == (200, "other")
    principal = await streets.people.identity.authenticator.authenticate(f"Bearer {told['access_token']}")
    assert principal.workspace_id == other.workspace_id


async def only_ones_own_session_is_ended(streets: Streets) -> None:
    mine = await signed_in(streets, streets.people.demo, "mine@example.org")
    theirs = await signed_in(streets, streets.people.other, "theirs@example.org")
    for path in ("/auth/logout", "/auth/sso/logout"):
        assert (await streets.ask(path, {"refresh_token": theirs["refresh_token"]}, token=mine["access_token"]))[0] in {
            200,
            204,
            401,
        }
    assert (await streets.ask("/auth/refresh", {"refresh_token": theirs["refresh_token"]}))[0] == 200
    for token in (streets.token(streets.people.demo), (await streets.key(streets.people.demo))[1]):
        assert (await streets.ask("/auth/logout", token=token))[0] == 401


async def an_invitation_leads_where_it_says(streets: Streets) -> None:
    people = streets.people
    authenticate = people.identity.authenticator.authenticate
    inviter = await authenticate(f"Bearer {streets.token(people.other)}")
    invited = await people.identity.invitations.invite(
        inviter, people.other.workspace_id, "new@example.org", role=Role.USER
    )
    assert invited
    pool = people.ground.database.pool
    assert await pool.fetchval("SELECT count(*) FROM invitation WHERE workspace_id = $1", people.demo.workspace_id) == 0
    for path in ("/auth/invitation", "/auth/invitation/accept"):
        for token in ("x", encode_global_id("Invitation", 1)):
            assert (await streets.ask(path, {"token": token, "password": PASSWORD}))[0] in {400, 401, 404}


async def credentials_are_one_clients_own(streets: Streets) -> None:
    demo, other = streets.people.demo, streets.people.other
    (mine, secret), (theirs, their_secret) = await streets.key(demo), await streets.key(other)
    grant = {"grant_type": "client_credentials"}
    for client_id, shown in ((theirs, secret), (mine, their_secret)):
        status, told = await streets.ask("/oauth2/token", grant, token=basic(client_id, shown), form=True)
        assert (status, told["error"]) == (401, "invalid_client")
    status, told = await streets.ask("/oauth2/token", grant, token=basic(theirs, their_secret), form=True)
    token = told["access_token"]
    asked = {"token": token}
    for word in (token, their_secret, streets.token(other)):
        status, told = await streets.ask("/oauth2/introspect", {"token": word}, token=basic(mine, secret), form=True)
        assert (status, told) == (200, {"active": False})
    status, told = await streets.ask("/oauth2/revoke", asked, token=basic(mine, secret), form=True)
    assert (status, told["error"]) == (401, "invalid_client")
    principal = await streets.people.identity.authenticator.authenticate(f"Bearer {token}")
    assert principal.workspace_id == other.workspace_id


async def a_network_changes_the_sim_that_it_names(streets: Streets) -> None:
    people = streets.people
    before = await streets.fingerprint(people.demo)
    pool = people.ground.database.pool
    sim = await pool.fetchrow("SELECT imsi FROM sim WHERE workspace_id = $1", people.other.workspace_id)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    told = {"id": "a", "type": "attached", "at": at, "sim": sim["imsi"], "operator": "26201", "rat": "4G"}
    body = {"notifications": [told]}
    path = "/network/v1/notifications"
    for token in (streets.token(people.demo), (await streets.key(people.demo))[1]):
        assert (await streets.ask(path, body, token=token))[0] == 403
    await pool.execute("DELETE FROM api_key")
    network = people.ground.authority.issue_to_network("network:test", now=int(time.time()), ttl_s=60)
    status, answer = await streets.ask(path, body, token=network)
    assert (status, answer["results"][0]["verdict"]) == (200, "done")
    assert await streets.fingerprint(people.demo) == before


async def a_list_of_sims_takes_none_from_another_tenant(streets: Streets) -> None:
    people = streets.people
    pool, before = people.ground.database.pool, await streets.fingerprint(people.other)
    row = await pool.fetchrow("SELECT imsi, msisdn FROM sim WHERE workspace_id = $1", people.other.workspace_id)
    one, two = identity(95_000_000), identity(95_000_001)
    lines = [f"{one.iccid},{row['imsi']},{one.msisdn}", f"{two.iccid},{two.imsi},{row['msisdn']}"]
    sheet = "iccid,imsi,msisdn\n" + "\n".join(lines) + "\n"
    status, told = await streets.ask("/sim-imports", sheet.encode(), token=streets.token(people.demo))
    assert (status, told["rowCount"]) == (202, 2)
    await streets.uploads.run_all()
    items = await pool.fetch("SELECT code, message FROM job_item WHERE workspace_id = $1", people.demo.workspace_id)
    assert {item["code"] for item in items} == {"CONFLICT"}
    assert not [
        item for item in items if "other" in item["message"] or str(people.other.workspace_id) in item["message"]
    ]
    assert await streets.fingerprint(people.other) == before
    tags = await people.tenants.custom_role(people.demo)
    await pool.execute(
        "UPDATE custom_role SET permissions = '{sim:write,sim:read}', tags = '{van}' WHERE id = $1", tags
    )
    bound = people.ground.authority.issue(
        "bound", now=int(time.time()), ttl_s=60, workspace_id=people.demo.workspace_id, workspace="demo", role_id=tags
    )
    assert (await streets.ask("/sim-imports", sheet.encode(), token=bound))[0] == 403


async def a_directory_finds_nobody_elsewhere(streets: Streets) -> None:
    people = streets.people
    async with served(Provider(now=lambda: people.clock.at.timestamp())) as provider:
        world = SsoWorld(people, provider)
        rules = [GroupRole("ops", people.demo.workspace_id, "USER")]
        await world.add_provider((), group_roles=rules)
        token = await people.identity.identity_providers.make_scim_token(world.admin, world.provider_id)
        theirs = await people.user(
            "theirs@example.org", roles={"other": Role.USER}, organisation_id=people.other.organisation_id
        )
        group = encode_global_id("ScimGroup", people.tenants.new_id())
        before = await streets.fingerprint(people.other)
        patch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
        off = {"schemas": [patch], "Operations": [{"op": "replace", "path": "active", "value": False}]}
        for kind, row_id in (("User", theirs), ("Workspace", people.other.workspace_id)):
            for collection in ("/Users", "/Groups"):
                path = f"/scim/v2{collection}/{encode_global_id(kind, row_id)}"
                for method, body in (
                    ("GET", None),
                    ("PUT", {"userName": "x@example.org"}),
                    ("PATCH", off),
                    ("DELETE", None),
                ):
                    status, told = await streets.ask(path, body, token=token, method=method)
                    assert status in {400, 404}, (method, path, told)
                    assert "theirs" not in str(told)
        for query in ('userName eq "theirs@example.org"', f'id eq "{encode_global_id("User", theirs)}"'):
            _, told = await streets.ask(f"/scim/v2/Users?filter={quote(query)}", token=token, method="GET")
            assert told.get("totalResults", 0) == 0
        _, told = await streets.ask("/scim/v2/Users", token=token, method="GET")
        assert "theirs" not in str(told)
        assert (await streets.ask(f"/scim/v2/Groups/{group}", token=token, method="GET"))[0] == 404
        for foreign in (streets.token(people.demo), (await streets.key(people.other))[1]):
            assert (await streets.ask("/scim/v2/Users", token=foreign, method="GET"))[0] == 401
        await people.ground.database.pool.execute("DELETE FROM api_key")
        assert await streets.fingerprint(people.other) == before


async def a_provider_ends_only_sessions_of_its_own(streets: Streets) -> None:
    people = streets.people
    theirs = await signed_in(streets, people.other, "theirs@example.org")
    async with served(Provider(now=lambda: people.clock.at.timestamp())) as provider:
        world = SsoWorld(people, provider)
        await world.add_provider()
        path = f"/auth/sso/{encode_global_id('IdentityProvider', world.provider_id)}/backchannel-logout"
        status, _ = await streets.ask(path, {"logout_token": theirs["access_token"]}, form=True)
        assert status == 400
    assert (await streets.ask("/auth/refresh", {"refresh_token": theirs["refresh_token"]}))[0] == 200


Case = Callable[[Streets], Awaitable[None]]

CASES: Mapping[str, Case] = {
    "/auth/login": a_session_is_in_ones_own_workspaces,
    "/auth/refresh": a_session_is_in_ones_own_workspaces,
    "/auth/logout": only_ones_own_session_is_ended,
    "/auth/sso/logout": only_ones_own_session_is_ended,
    "/auth/invitation": an_invitation_leads_where_it_says,
    "/auth/invitation/accept": an_invitation_leads_where_it_says,
    "/oauth2/token": credentials_are_one_clients_own,
    "/oauth2/revoke": credentials_are_one_clients_own,
    "/oauth2/introspect": credentials_are_one_clients_own,
    "/network/v1/notifications": a_network_changes_the_sim_that_it_names,
    "/sim-imports": a_list_of_sims_takes_none_from_another_tenant,
    "/scim/v2/…": a_directory_finds_nobody_elsewhere,
    "/scim/v2/{rest:path}": a_directory_finds_nobody_elsewhere,
    "/auth/sso/{provider}/backchannel-logout": a_provider_ends_only_sessions_of_its_own,
}

ELSEWHERE = {
    "/graphql": "graphql/test_isolation.py::test_ids_of_another_tenant_in_filters_let_nothing_through",
    "/auth/password/forgot": "identity/test_people.py::test_who_asks_for_a_new_password_learns_nothing",
    "/auth/password/reset": "identity/test_people.py::"
    "test_a_forgotten_password_is_replaced_by_a_link_that_is_good_once",
    "/auth/mfa": "identity/test_passkeys.py::test_another_users_key_is_no_second_factor",
    "/auth/passkey/options": "identity/test_passkeys.py::test_a_challenge_is_bound_to_its_session_purpose_and_user",
    "/auth/passkey/verify": "identity/test_passkeys.py::test_a_wrong_answer_signs_nobody_in",
    "/auth/sso/discover": "identity/test_sso_sign_in.py::test_discovery_goes_by_the_domain_alone",
    "/auth/sso/{provider}/start": "identity/test_sso_sign_in.py::test_a_provider_that_is_not_there_is_not_found",
    "/auth/sso/{provider}/callback": "identity/test_sso_sign_in.py::"
    "test_a_provider_of_evil_gets_no_code_of_another_one",
    "/auth/sso/{provider}/acs": "identity/test_saml_sign_in.py::"
    "test_an_assertion_for_one_provider_is_not_taken_by_another_with_the_same_key",
    "/auth/sso/exchange": "identity/test_sso_sign_in.py::test_the_code_is_good_once_and_in_one_browser_for_a_minute",
}
"""Tests that are a case."""

NOTHING_TO_NAME = {
    "/": "leads elsewhere",
    "/healthz": "tells of the node",
    "/readyz": "tells of the node",
    "/metrics": "counts of the node, without names of tenants",
    "/account": "a page",
    "/account/invitation": "the same page, whoever asks",
    "/account/reset": "the same page, whoever asks",
    "/account/files/{name}": "files of the program",
    "/auth/sso/{provider}/metadata": "what a provider's administrators publish of us, by the provider's own id",
    "/.well-known/jwks.json": "public keys of the installation",
    "/.well-known/oauth-authorization-server": "where the paths are",
}
"""Paths that read no id, no name and no body of a tenant."""


def test_every_path_is_looked_at() -> None:
    told = [*CASES, *ELSEWHERE, *NOTHING_TO_NAME]
    assert len(told) == len(set(told))
    assert set(ROUTES) - set(told) == set(), "a new path needs a case here: what another tenant has is nothing to it"
    assert set(told) - set(ROUTES) == set(), "paths that are no more"
    tests = Path(__file__).parents[1]
    for at in ELSEWHERE.values():
        file, _, name = at.partition("::")
        assert f"def {name}(" in (tests / file).read_text(), at


@pytest.mark.parametrize(
    "case", sorted(set(CASES.values()), key=lambda case: case.__name__), ids=lambda case: case.__name__
)
async def test_another_tenants_is_nothing(streets: Streets, case: Case) -> None:
    await case(streets)
