"""Second factors over GraphQL: the viewer's own, and nobody else's."""

from __future__ import annotations

import base64
import time
from typing import Any

from graphql_client import Client
from graphql_world import World

from motet.access.passwords import hash_password
from motet.domain.global_ids import encode_global_id
from motet.domain.totp import STEP_S, code_at, step_at
from motet.domain.users import UserStatus
from motet.identity.sessions import Signed
from motet.storage.user import add_user
from people_world import HERE, PASSWORD
from software_authenticator import SoftwareAuthenticator
from tenants import Tenant

VIEWER = """{ viewer { subject secondFactorRequired mustEnrolSecondFactor totp { status createdAt } recoveryCodesLeft
  passkeys { id name backedUp transports createdAt lastUsedAt }
  trustedDevices { id userAgent address createdAt lastUsedAt expiresAt } } }"""
PASSWORD_HASH = hash_password(PASSWORD)


async def user_in(world: World, email: str, tenant: Tenant) -> Client:
    """A signed-in administrator."""
    pool = world.tenants.database.pool
    organisation_id = await pool.fetchval("SELECT organisation_id FROM workspace WHERE id = $1", tenant.workspace_id)
    user_id = world.tenants.new_id()
    async with pool.acquire() as connection:
        await add_user(
            connection, user_id, organisation_id, email, email, status=UserStatus.ACTIVE, password_hash=PASSWORD_HASH
        )
        await connection.execute(
            "INSERT INTO membership (workspace_id, user_id, role) VALUES ($1, $2, 'ADMINISTRATOR')",
            tenant.workspace_id, user_id,
        )  # fmt: skip
    signed = await world.services.identity.login.with_password(email, PASSWORD, HERE)
    assert isinstance(signed, Signed)
    return Client(world.app, signed.access_token)


async def change(client: Client, mutation: str, selected: str, **given: Any) -> Any:
    """What the mutation answers."""
    kind = mutation[0].upper() + mutation[1:]
    wanted = f"{{ {selected} userErrors {{ code path }} }}"
    query = f"mutation ($input: {kind}Input!) {{ x: {mutation}(input: $input) {wanted} }}"
    return (await client.query(query, {"input": given})).data["x"]


async def enrolled(client: Client) -> tuple[bytes, list[str]]:
    new = await change(client, "totpEnroll", "secret otpauthUri qrCode")
    assert new["userErrors"] == []
    secret = base64.b32decode(new["secret"].replace(" ", ""))
    # The code of the step before: the present one stays unused.
    code = code_at(secret, step_at(time.time()) - 1)
    answer = await change(client, "totpConfirm", "recoveryCodes", code=code)
    assert answer["userErrors"] == []
    return secret, answer["recoveryCodes"]


async def test_the_viewer_sets_up_an_app_and_takes_it_away(world: World) -> None:
    ada = await user_in(world, "ada@example.org", world.demo)
    nothing = (await ada.query(VIEWER)).data["viewer"]
    assert nothing == {
        "subject": "ada@example.org", "secondFactorRequired": False, "mustEnrolSecondFactor": False, "totp": None,
        "recoveryCodesLeft": 0, "passkeys": [], "trustedDevices": [],
    }  # fmt: skip
    _, codes = await enrolled(ada)
    assert len(codes) == 10
    viewer = (await ada.query(VIEWER)).data["viewer"]
    assert (viewer["totp"]["status"], viewer["recoveryCodesLeft"]) == ("ACTIVE", 10)
    fresh = await change(ada, "recoveryCodesRegenerate", "recoveryCodes")
    assert not set(fresh["recoveryCodes"]) & set(codes)
    assert await change(ada, "totpConfirm", "recoveryCodes", code="123456") == {
        "recoveryCodes": None, "userErrors": [{"code": "CONFLICT", "path": None}],
    }  # fmt: skip
    assert await change(ada, "totpDelete", "", password="wrong") == {
        "userErrors": [{"code": "DENIED", "path": ["input", "password"]}]
    }
    assert await change(ada, "totpDelete", "") == {"userErrors": []}
    assert (await ada.query(VIEWER)).data["viewer"] == nothing


async def test_passkeys_and_devices_are_reached_by_their_owner_alone(world: World) -> None:
    ada = await user_in(world, "ada@example.org", world.demo)
    eve = await user_in(world, "eve@example.org", world.demo)
    key = SoftwareAuthenticator("http://localhost:8080", "localhost")
    asked = await change(ada, "passkeyRegisterBegin", "state options")
    credential = key.create(asked["options"])
    stolen = await change(eve, "passkeyRegister", "passkeyId", state=asked["state"], credential=credential, name="hers")
    assert stolen["userErrors"] == [{"code": "INVALID", "path": ["input", "state"]}]
    made = await change(
        ada, "passkeyRegister", "passkeyId recoveryCodes", state=asked["state"], credential=credential, name="mine"
    )
    assert (made["userErrors"], len(made["recoveryCodes"])) == ([], 10)
    user_id = await world.tenants.database.pool.fetchval("SELECT user_id FROM passkey")
    await world.services.identity.trusted_devices.trust(user_id, HERE)
    viewer = (await ada.query(VIEWER)).data["viewer"]
    assert [(one["id"], one["name"], one["transports"]) for one in viewer["passkeys"]] == [
        (made["passkeyId"], "mine", ["internal"])
    ]
    (device,) = viewer["trustedDevices"]
    assert (device["userAgent"], device["address"]) == ("a browser", "192.0.2.7")
    theirs = (await eve.query(VIEWER)).data["viewer"]
    assert (theirs["passkeys"], theirs["trustedDevices"]) == ([], [])
    not_found = {"userErrors": [{"code": "NOT_FOUND", "path": ["input", "id"]}]}
    for bad in (made["passkeyId"], encode_global_id("Passkey", 1), encode_global_id("TrustedDevice", 1), "nonsense"):
        assert await change(eve, "passkeyUpdate", "", id=bad, name="x") == not_found
        assert await change(eve, "passkeyDelete", "", id=bad) == not_found
    assert await change(eve, "trustedDeviceDelete", "", id=device["id"]) == not_found
    node = await ada.query("query ($id: ID!) { node(id: $id) { id } }", {"id": made["passkeyId"]})
    assert node.data["node"] is None
    assert (await change(ada, "passkeyUpdate", "passkeyId", id=made["passkeyId"], name=""))["userErrors"] == [
        {"code": "INVALID", "path": ["input", "name"]}
    ]
    assert (await change(ada, "passkeyUpdate", "passkeyId", id=made["passkeyId"], name="new"))["userErrors"] == []
    assert (await change(ada, "trustedDeviceDelete", "deletedId", id=device["id"]))["deletedId"] == device["id"]
    assert (await change(ada, "passkeyDelete", "deletedId", id=made["passkeyId"]))["deletedId"] == made["passkeyId"]


async def test_who_is_no_user_has_no_account(world: World) -> None:
    for client in (world.client(world.demo), world.operator()):
        viewer = (await client.query(VIEWER)).data["viewer"]
        del viewer["subject"]
        assert set(viewer.values()) == {None}
        assert await change(client, "totpEnroll", "secret") == {
            "secret": None, "userErrors": [{"code": "DENIED", "path": None}],
        }  # fmt: skip


async def test_who_must_have_a_second_factor_does_nothing_else_before(world: World) -> None:
    ada = await user_in(world, "ada@example.org", world.demo)
    await world.tenants.database.pool.execute("UPDATE organisation SET mfa_required = true")
    viewer = (await ada.query(VIEWER)).data["viewer"]
    assert viewer["mustEnrolSecondFactor"] is True
    reply = await ada.query("{ viewer { permissions } sims(first: 1) { nodes { id } } }")
    assert reply.json["data"] == {"viewer": {"permissions": ["viewer:read", "viewer:write"]}, "sims": None}
    assert reply.codes == ["FORBIDDEN"]
    assert (await ada.query('mutation { deviceDelete(input: {id: "x"}) { deletedId } }')).codes == ["FORBIDDEN"]
    secret, _ = await enrolled(ada)
    assert len(secret) * 8 == 160
    assert STEP_S == 30
    assert (await ada.query("{ sims(first: 1) { nodes { id } } }")).data["sims"]["nodes"]
    assert (await change(ada, "totpDelete", ""))["userErrors"] == [{"code": "DENIED", "path": None}]


async def test_an_organisation_says_whether_it_asks_for_a_second_factor(world: World) -> None:
    ada = await user_in(world, "ada@example.org", world.demo)
    denied = {"required": None, "userErrors": [{"code": "DENIED", "path": None}]}
    pool = world.tenants.database.pool
    of = "SELECT organisation_id FROM workspace WHERE id = $1"
    home, below = [await pool.fetchval(of, each.workspace_id) for each in (world.demo, world.other)]
    await pool.execute("UPDATE organisation SET parent_id = $1 WHERE id = $2", home, below)
    # There is another organisation below: the administrator of one workspace does not speak for all.
    assert await change(ada, "secondFactorRequire", "required", required=True) == denied
    await pool.execute("UPDATE user_account SET is_super_admin = true")
    assert await change(ada, "secondFactorRequire", "required", required=True) == {
        "required": None, "userErrors": [{"code": "DENIED", "path": ["input", "required"]}],
    }  # fmt: skip
    await enrolled(ada)
    assert await change(ada, "secondFactorRequire", "required", required=True) == {"required": True, "userErrors": []}
    viewer = (await ada.query(VIEWER)).data["viewer"]
    assert (viewer["secondFactorRequired"], viewer["mustEnrolSecondFactor"]) == (True, False)
    eve = await user_in(world, "eve@example.org", world.other)
    assert (await eve.query(VIEWER)).data["viewer"]["mustEnrolSecondFactor"] is True
    assert (await eve.query("mutation { secondFactorRequire(input: {required: false}) { required } }")).codes == [
        "FORBIDDEN"
    ]
    assert (await change(ada, "secondFactorRequire", "required", required=False))["required"] is False
    assert (await eve.query(VIEWER)).data["viewer"]["mustEnrolSecondFactor"] is False


async def test_an_organisation_says_whom_it_asks_for_a_second_factor(world: World) -> None:
    ada = await user_in(world, "ada@example.org", world.demo)
    pool = world.tenants.database.pool
    await enrolled(ada)
    await pool.execute("UPDATE user_account SET is_super_admin = true")
    ben = await user_in(world, "ben@example.org", world.demo)
    await pool.execute("UPDATE membership SET role = 'USER' WHERE user_id IN (SELECT max(id) FROM user_account)")

    async def asked() -> list[bool]:
        viewer = (await ben.query(VIEWER)).data["viewer"]
        return [viewer["secondFactorRequired"], viewer["mustEnrolSecondFactor"]]

    require = "secondFactorRequire"
    assert await change(ada, require, "required of", required=True, of="ADMINISTRATORS") == {
        "required": True, "of": "ADMINISTRATORS", "userErrors": [],
    }  # fmt: skip
    assert await asked() == [False, False]
    shown = "{ viewer { workspace { organisation { secondFactorOf } } } }"
    assert (await ada.query(shown)).data["viewer"]["workspace"]["organisation"] == {"secondFactorOf": "ADMINISTRATORS"}
    assert (await ada.query(VIEWER)).data["viewer"]["secondFactorRequired"] is True
    assert (await change(ada, require, "required of", required=True, of=None))["userErrors"] == [
        {"code": "INVALID", "path": ["input", "of"]}
    ]
    assert (await change(ada, require, "required of", required=True))["of"] == "EVERYONE"
    assert await asked() == [True, True]
    assert (await ada.query(shown)).data["viewer"]["workspace"]["organisation"] == {"secondFactorOf": "EVERYONE"}
    assert await change(ada, require, "required of", required=False, of="ADMINISTRATORS") == {
        "required": False, "of": None, "userErrors": [],
    }  # fmt: skip
    assert await asked() == [False, False]
