"""Identity providers through GraphQL: who may set them up, what is kept, and what cannot be read again."""

from __future__ import annotations

from typing import Any

from graphql_client import Client
from graphql_world import World

from motet.access.principals import Role
from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.domain.users import UserStatus
from motet.storage.user import add_user

SECRET = "do not tell"
PROVIDER = {"name": "New", "issuer": "https://idp.example.org/realm", "clientId": "motet"}

CREATE = """mutation ($input: IdentityProviderCreateInput!) { identityProviderCreate(input: $input) {
  identityProvider {
    id kind name issuer clientId hasClientSecret scopes domains trustsUnverifiedMail mailClaim groupClaim
    groupRoles { group workspaceId role roleId } provisioning defaultWorkspaceId defaultRole enabled signInPath
    redirectPath acsPath
    lastSignInAt lastError lastErrorAt
  }
  userErrors { code path } } }"""
UPDATE = """mutation ($input: IdentityProviderUpdateInput!) { identityProviderUpdate(input: $input) {
  identityProvider { name issuer hasClientSecret domains groupClaim enabled } userErrors { code path } } }"""
DELETE = """mutation ($input: IdentityProviderDeleteInput!) { identityProviderDelete(input: $input) {
  deletedId userErrors { code path } } }"""
REQUIRE = """mutation ($input: OrganisationSsoSetInput!) { organisationSsoSet(input: $input) {
  ssoRequired userErrors { code path } } }"""
ROLE = 'mutation { roleCreate(input: {name: "Drivers of lorries", permissions: ["device:read"]}) { role { id } } }'
LIST = "{ identityProviders { totalCount nodes { id name } } }"


async def ask(client: Client, document: str, **given: Any) -> dict[str, Any]:
    reply = await client.query(document, {"input": given})
    assert SECRET.encode() not in reply.body
    (payload,) = reply.data.values()
    found: dict[str, Any] = payload
    return found


async def user(world: World, email: str, *, role: Role | None = Role.ADMINISTRATOR, hashed: str | None = "x") -> str:
    """A user of demo's organisation, as a global id."""
    user_id = world.tenants.new_id()
    async with world.tenants.database.pool.acquire() as connection:
        await add_user(
            connection, user_id, world.demo.organisation_id, email, email, status=UserStatus.ACTIVE,
            password_hash=hashed,
        )  # fmt: skip
        if role is not None:
            await connection.execute(
                "INSERT INTO membership (workspace_id, user_id, role) VALUES ($1, $2, $3)",
                world.demo.workspace_id, user_id, role.value,
            )  # fmt: skip
    return encode_global_id("User", user_id)


async def test_a_provider_is_made_and_its_secret_is_sealed(world: World) -> None:
    client = world.client(world.demo)
    workspace = encode_global_id("Workspace", world.demo.workspace_id)
    made = await ask(
        client, CREATE, **PROVIDER, clientSecret=SECRET, domains=["Example.ORG", "@example.org", "münchen.example"],
        groupClaim="groups", groupRoles=[{"group": "ops", "workspaceId": workspace, "role": "USER"}],
        provisioning="JUST_IN_TIME", defaultWorkspaceId=workspace, idempotencyKey="once",
    )  # fmt: skip
    assert made["userErrors"] == []
    provider = made["identityProvider"]
    assert provider | {"id": "", "signInPath": "", "redirectPath": ""} == {
        "id": "", "kind": "OIDC", **PROVIDER, "hasClientSecret": True, "scopes": ["openid", "email", "profile"],
        "domains": ["example.org", "münchen.example"], "trustsUnverifiedMail": False, "mailClaim": "email",
        "groupClaim": "groups", "groupRoles": [
            {"group": "ops", "workspaceId": workspace, "role": "USER", "roleId": None},
        ], "provisioning": "JUST_IN_TIME", "defaultWorkspaceId": workspace, "defaultRole": "OBSERVER", "enabled": True,
        "signInPath": "", "redirectPath": "", "acsPath": None,
        "lastSignInAt": None, "lastError": None, "lastErrorAt": None,
    }  # fmt: skip
    assert provider["signInPath"] == f"/auth/sso/{provider['id']}/start"
    assert provider["redirectPath"] == f"/auth/sso/{provider['id']}/callback"
    sealed = await world.tenants.database.pool.fetchval(
        "SELECT client_secret_encrypted FROM identity_provider WHERE id = $1", decode_global_id(provider["id"])[1]
    )
    assert SECRET.encode() not in sealed
    assert (await client.query(LIST)).data["identityProviders"]["totalCount"] == 2
    assert (await world.client(world.other).query(LIST)).data["identityProviders"]["totalCount"] == 1


async def test_what_a_provider_must_not_be_is_said_where(world: World) -> None:
    client = world.client(world.demo)
    workspace = encode_global_id("Workspace", world.demo.workspace_id)
    theirs = encode_global_id("Workspace", world.other.workspace_id)
    rule = {"group": "g", "workspaceId": workspace, "role": "USER"}
    for wrong, code, path in (
        ({"name": ""}, "INVALID", ["name"]),
        ({"name": "x" * 101}, "INVALID", ["name"]),
        ({"issuer": "http://idp.example.org"}, "INVALID", ["issuer"]),
        ({"issuer": "https://127.0.0.1"}, "INVALID", ["issuer"]),
        ({"issuer": "https://idp.example.org/?x=1"}, "INVALID", ["issuer"]),
        ({"issuer": "https://user:password@idp.example.org"}, "INVALID", ["issuer"]),
        ({"clientId": " "}, "INVALID", ["clientId"]),
        ({"clientId": ""}, "INVALID", ["clientId"]),
        ({"clientSecret": ""}, "INVALID", ["clientSecret"]),
        ({"scopes": ["email"]}, "INVALID", ["scopes"]),
        ({"scopes": ["openid", "a b"]}, "INVALID", ["scopes"]),
        ({"scopes": None}, "INVALID", ["scopes"]),
        ({"domains": ["example"]}, "INVALID", ["domains", "0"]),
        ({"domains": [f"d{n}.example" for n in range(51)]}, "INVALID", ["domains"]),
        ({"domains": ["other.test"]}, "CONFLICT", ["domains"]),
        ({"trustsUnverifiedMail": True}, "INVALID", ["domains"]),
        ({"provisioning": "JUST_IN_TIME", "defaultWorkspaceId": workspace}, "INVALID", ["domains"]),
        ({"provisioning": "JUST_IN_TIME", "domains": ["x.example"]}, "INVALID", ["defaultWorkspaceId"]),
        ({"defaultWorkspaceId": theirs}, "NOT_FOUND", ["defaultWorkspaceId"]),
        ({"defaultRole": "SUPER_ADMIN"}, "INVALID", ["defaultRole"]),
        ({"groupRoles": [rule, {**rule, "role": "SUPER_ADMIN"}]}, "INVALID", ["groupRoles", "1", "role"]),
        ({"groupRoles": [{**rule, "workspaceId": theirs}]}, "NOT_FOUND", ["groupRoles", "0", "workspaceId"]),
        ({"groupRoles": [{**rule, "group": "\u0000"}]}, "INVALID", ["groupRoles", "0", "group"]),
    ):
        refused = await ask(client, CREATE, **{**PROVIDER, **wrong})
        assert refused["userErrors"] == [{"code": code, "path": ["input", *path]}], wrong
        assert refused["identityProvider"] is None


async def test_a_provider_may_be_made_before_it_knows_us_but_lets_nobody_in_until_then(world: World) -> None:
    client = world.client(world.demo)
    early = {name: value for name, value in PROVIDER.items() if name != "clientId"}
    made = await ask(client, CREATE, **early, enabled=False)
    assert (made["userErrors"], made["identityProvider"]["clientId"]) == ([], "")
    provider_id = made["identityProvider"]["id"]
    too_early = await ask(client, UPDATE, id=provider_id, enabled=True)
    assert too_early["userErrors"] == [{"code": "INVALID", "path": ["input", "clientId"]}]
    assert (await ask(client, UPDATE, id=provider_id, clientId="motet", enabled=True))["userErrors"] == []


async def test_a_rule_names_one_role_that_its_workspace_has(world: World) -> None:
    client = world.client(world.demo)
    workspace = encode_global_id("Workspace", world.demo.workspace_id)
    ours, theirs = [
        (await world.client(tenant).query(ROLE)).data["roleCreate"]["role"]["id"]
        for tenant in (world.demo, world.other)
    ]
    rule = {"group": "g", "workspaceId": workspace}
    made = await ask(client, CREATE, **PROVIDER, groupRoles=[{**rule, "roleId": ours}])
    assert made["userErrors"] == []
    assert made["identityProvider"]["groupRoles"] == [{**rule, "role": "CUSTOM", "roleId": ours}]
    for wrong, code, field in (
        ({}, "INVALID", "role"),
        ({"role": None, "roleId": None}, "INVALID", "role"),
        ({"role": "USER", "roleId": ours}, "INVALID", "role"),
        ({"role": "CUSTOM"}, "INVALID", "role"),
        ({"roleId": theirs}, "NOT_FOUND", "roleId"),
        ({"roleId": workspace}, "NOT_FOUND", "roleId"),
    ):
        refused = await ask(client, CREATE, **PROVIDER, groupRoles=[{**rule, **wrong}])
        assert refused["userErrors"] == [{"code": code, "path": ["input", "groupRoles", "0", field]}], wrong


async def test_the_secret_goes_to_no_other_issuer(world: World) -> None:
    client = world.client(world.demo)
    provider_id = (await ask(client, CREATE, **PROVIDER, clientSecret=SECRET))["identityProvider"]["id"]
    moved = {"id": provider_id, "issuer": "https://elsewhere.example"}
    assert (await ask(client, UPDATE, **moved))["userErrors"] == [
        {"code": "INVALID", "path": ["input", "clientSecret"]}
    ]
    assert (await ask(client, UPDATE, **moved, clientSecret="another"))["identityProvider"]["issuer"] == moved["issuer"]
    assert (await ask(client, UPDATE, id=provider_id, clientSecret=None))["identityProvider"][
        "hasClientSecret"
    ] is False
    kept = await ask(client, UPDATE, id=provider_id, groupClaim=None, domains=[])
    assert kept["identityProvider"] == {
        "name": "New", "issuer": moved["issuer"], "hasClientSecret": False, "domains": [], "groupClaim": None,
        "enabled": True,
    }  # fmt: skip


async def test_only_who_speaks_for_the_whole_organisation_may_do_it(world: World) -> None:
    for role in (Role.OBSERVER, Role.USER):
        reply = await world.client(world.demo, role).query(CREATE, {"input": PROVIDER})
        assert reply.body.count(b"FORBIDDEN") == 1
    await world.tenants.execute(
        "INSERT INTO workspace (id, organisation_id, name) VALUES (1, $1, 'second')", world.demo.organisation_id
    )
    refused = await ask(world.client(world.demo), CREATE, **PROVIDER)
    assert refused["userErrors"] == [{"code": "DENIED", "path": None}]
    made = await ask(world.client(world.demo, Role.SUPER_ADMIN), CREATE, **PROVIDER)
    assert made["userErrors"] == []


async def test_an_organisation_has_a_bounded_number_of_providers(world: World) -> None:
    client = world.client(world.demo)
    codes = [(await ask(client, CREATE, **PROVIDER))["userErrors"] for _ in range(20)]
    assert codes == [[]] * 19 + [[{"code": "LIMIT_REACHED", "path": None}]]


async def test_single_sign_on_is_required_only_with_a_way_in_and_a_way_round(world: World) -> None:
    client = world.client(world.demo)
    anna, boss = await user(world, "anna@example.org", role=Role.USER), await user(world, "boss@example.org")
    invited = await user(world, "invited@example.org", hashed=None)
    now = {"code": "DENIED", "path": ["input", "breakGlassUserIds"]}
    for nobody in ([], [anna], [invited]):
        assert (await ask(client, REQUIRE, required=True, breakGlassUserIds=nobody))["userErrors"] == [now]
    theirs = encode_global_id("User", 1)
    assert (await ask(client, REQUIRE, required=True, breakGlassUserIds=[boss, theirs]))["userErrors"] == [
        {"code": "NOT_FOUND", "path": ["input", "breakGlassUserIds"]}
    ]
    pool = world.tenants.database.pool
    for session_id, who in enumerate((anna, boss), 1):
        await pool.execute(
            "INSERT INTO login_session (id, user_id, methods, expires_at) VALUES ($1, $2, '{pwd,otp}', now() + '1 h')",
            session_id, decode_global_id(who)[1],
        )  # fmt: skip
    assert await ask(client, REQUIRE, required=True, breakGlassUserIds=[boss]) == {
        "ssoRequired": True, "userErrors": [],
    }  # fmt: skip
    assert await pool.fetchval("SELECT array_agg(id) FROM login_session WHERE ended_at IS NULL") == [2]
    (ours,) = (await client.query(LIST)).data["identityProviders"]["nodes"]
    only = {"code": "DENIED", "path": ["input", "id"]}
    assert (await ask(client, DELETE, id=ours["id"]))["userErrors"] == [only]
    assert (await ask(client, UPDATE, id=ours["id"], enabled=False))["userErrors"] == [only]
    assert (await ask(client, REQUIRE, required=False))["ssoRequired"] is False
    assert (await ask(client, UPDATE, id=ours["id"], enabled=False))["userErrors"] == []
    no_way_in = {"code": "DENIED", "path": ["input", "required"]}
    assert (await ask(client, REQUIRE, required=True))["userErrors"] == [no_way_in]
    assert (await ask(client, DELETE, id=ours["id"]))["deletedId"] == ours["id"]
