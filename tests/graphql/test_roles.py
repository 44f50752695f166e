"""Roles of a workspace's own: who may make which, and that they hold at once."""

from __future__ import annotations

from typing import Any

from graphql_client import Client, Reply
from graphql_world import World
from scoped_client import bound_to, client_as

from motet.access.clients import Client as Caller
from motet.access.principals import (
    GRANTABLE,
    GRANTABLE_WITH_TAGS,
    Permission,
    Principal,
    Role,
    custom_grant,
    custom_member,
)
from motet.domain.global_ids import decode_global_id
from motet.identity.roles import MAX_ROLES

CREATE = """mutation ($input: RoleCreateInput!) { x: roleCreate(input: $input) {
    role { id name description permissions tags version memberCount } userErrors { code path message } } }"""
UPDATE = """mutation ($input: RoleUpdateInput!) { x: roleUpdate(input: $input) {
    role { name description permissions tags version } userErrors { code path } } }"""
DELETE = "mutation ($input: RoleDeleteInput!) { x: roleDelete(input: $input) { deletedId userErrors { code path } } }"


async def create(client: Client, **given: Any) -> Any:
    given = {"name": "Fitters, Lyon", "permissions": ["device:read", "sim:read"]} | given
    return (await client.query(CREATE, {"input": given})).data["x"]


def trouble(payload: Any) -> list[tuple[str, str]]:
    return [(error["code"], (error["path"] or ["", ""])[-1]) for error in payload["userErrors"]]


async def change(client: Client, **given: Any) -> Any:
    return (await client.query(UPDATE, {"input": given})).data["x"]


async def test_a_role_is_made_changed_and_removed(world: World, client: Client) -> None:
    made = await create(client, tags=["lyon", "lyon", "bron"], permissions=["sim:read", "device:read", "viewer:read"])
    role = made["role"]
    assert made["userErrors"] == []
    assert {name: role[name] for name in ("name", "description", "version", "memberCount")} == {
        "name": "Fitters, Lyon", "description": "", "version": 1, "memberCount": 0,
    }  # fmt: skip
    assert (role["permissions"], role["tags"]) == (["device:read", "sim:read"], ["bron", "lyon"])
    assert trouble(await create(client)) == [("CONFLICT", "name")]
    changed = await change(client, id=role["id"], tags=None, permissions=["policy:read"])
    assert trouble(changed) == [("INVALID", "permissions")]
    changed = await change(client, id=role["id"], tags=None, permissions=["webhook:write"], description="for all")
    assert changed == {
        "role": {"name": "Fitters, Lyon", "description": "for all", "permissions": ["webhook:write"], "tags": None,
                 "version": 2},
        "userErrors": [],
    }  # fmt: skip
    assert (await change(client, id=role["id"]))["role"]["version"] == 2
    listed = (await client.query('{ roles(filter: {name: "LYON"}) { totalCount nodes { id } } }')).data["roles"]
    assert listed == {"totalCount": 1, "nodes": [{"id": role["id"]}]}
    assert (await world.client(world.other).query(f'{{ role(id: "{role["id"]}") {{ id }} }}')).data["role"] is None
    gone = (await client.query(DELETE, {"input": {"id": role["id"]}})).data["x"]
    assert gone == {"deletedId": role["id"], "userErrors": []}
    assert trouble(await change(client, id=role["id"])) == [("NOT_FOUND", "id")]


async def test_what_no_role_can_be_is_told_where(client: Client) -> None:
    for given, path in (
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"permissions": ["smsc_link:read"]}, "permissions"),
        ({"permissions": ["device:read"] * 100}, "permissions"),
        ({"tags": []}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": [str(number) for number in range(51)]}, "tags"),
        ({"tags": ["lyon"], "permissions": ["service_policy:write"]}, "permissions"),
        ({"description": "x" * 1_001}, "description"),
        ({"description": None}, "description"),
    ):
        assert trouble(await create(client, **given)) == [("INVALID", path)], given


async def test_nobody_makes_a_role_that_allows_more_than_their_own(world: World, client: Client) -> None:
    mighty = (await create(client, name="mighty", permissions=["webhook:write"]))["role"]["id"]
    some = custom_grant(["role:read", "role:write", "device:read"], None)
    principal = Principal(
        "maker", world.demo.workspace_id, "demo", None, False, some.permissions, 2_000_000_000, role_id=1
    )
    maker = client_as(world, principal)
    assert trouble(await create(maker, permissions=["device:read", "device:write"])) == [("DENIED", "permissions")]
    own = (await create(maker, permissions=["device:read"], tags=["lyon"]))["role"]["id"]
    assert trouble(await change(maker, id=own, permissions=["webhook:write"], tags=None)) == [("DENIED", "permissions")]
    assert trouble(await change(maker, id=mighty, name="mine")) == [("DENIED", "id")]
    assert trouble((await maker.query(DELETE, {"input": {"id": mighty}})).data["x"]) == [("DENIED", "id")]
    assert (await maker.query(DELETE, {"input": {"id": own}})).data["x"]["deletedId"] == own
    reply: Reply = await world.client(world.demo, Role.USER).query(CREATE, {"input": {"name": "x", "permissions": []}})
    assert reply.codes == ["FORBIDDEN"]
    bound = await bound_to(world, world.demo, "lyon").query(CREATE, {"input": {"name": "x", "permissions": []}})
    assert bound.codes == ["FORBIDDEN"]


def clerk(world: World, *permissions: str) -> Client:
    grant = custom_grant(permissions, None)
    return client_as(world, custom_member("clerk", world.demo.workspace_id, "demo", (1, "Clerks"), grant, 1 << 40))


async def test_nobody_has_a_webhook_told_what_they_may_not_read(world: World) -> None:
    make = """mutation ($input: WebhookCreateInput!) { x: webhookCreate(input: $input) {
        webhook { id } userErrors { code } } }"""
    update = "mutation ($input: WebhookUpdateInput!) { x: webhookUpdate(input: $input) { userErrors { code } } }"
    both = clerk(world, "webhook:read", "webhook:write", "sms:read", "event:read")
    url = "https://93.184.215.14/hook"
    made = (await both.query(make, {"input": {"url": url, "eventTypes": ["*"]}})).data["x"]
    assert made["userErrors"] == []
    webhook_id = made["webhook"]["id"]
    for held, types, lacks in (
        ("event:read", ["sms.received"], "sms:read"),
        ("event:read", ["sms.*", "device.updated"], "sms:read"),
        ("event:read", ["*"], "sms:read"),
        ("sms:read", ["device.updated"], "event:read"),
        ("sms:read", ["*"], "event:read"),
    ):
        client = clerk(world, "webhook:read", "webhook:write", held)
        for document, given in (
            (make, {"url": url, "eventTypes": types}),
            (update, {"id": webhook_id, "eventTypes": types}),
            (update, {"id": webhook_id, "url": url + "s"}),
        ):
            reply = await client.query(document, {"input": given})
            assert reply.codes == ["FORBIDDEN"], (held, given)
            assert document != make or lacks in reply.json["errors"][0]["message"]
        told = await client.query(update, {"input": {"id": webhook_id, "enabled": False}})
        assert told.data["x"] == {"userErrors": []}
        allowed = {"url": url, "eventTypes": ["sms.received" if held == "sms:read" else "device.updated"]}
        assert (await client.query(make, {"input": allowed})).data["x"]["userErrors"] == []


async def test_nobody_gets_the_password_of_an_account_that_does_more_than_they_may(world: World) -> None:
    make = """mutation { x: smppAccountCreate(input: {systemId: "clerks"}) {
        smppAccount { id } password userErrors { code } } }"""
    rotate = """mutation ($id: ID!) { x: smppAccountRotatePassword(input: {id: $id}) {
        password userErrors { code } } }"""
    whole = clerk(world, "smpp_account:read", "smpp_account:write", "sms:send", "sms:read")
    account = (await whole.query(make)).data["x"]
    assert (account["password"] is None, account["userErrors"]) == (False, [])
    for held in ("sms:send", "sms:read"):
        client = clerk(world, "smpp_account:read", "smpp_account:write", held)
        for document in (make, rotate):
            assert (await client.query(document, {"id": account["smppAccount"]["id"]})).codes == ["FORBIDDEN"]
    rotated = (await whole.query(rotate, {"id": account["smppAccount"]["id"]})).data["x"]
    assert rotated["userErrors"] == []


async def test_a_workspace_has_a_bounded_number_of_roles(world: World, client: Client) -> None:
    await world.tenants.execute(
        "INSERT INTO custom_role (workspace_id, id, name, permissions)"
        " SELECT $1, n, 'role ' || n, '{}' FROM generate_series(1, $2) n",
        world.demo.workspace_id, MAX_ROLES - 1,
    )  # fmt: skip
    assert [code for code, _ in trouble(await create(client, name="one more"))] == ["LIMIT_REACHED"]


async def test_a_role_that_someone_has_stays_and_a_change_of_it_holds_at_once(world: World, client: Client) -> None:
    pool = world.tenants.database.pool
    role_id = (decode_global_id((await create(client, tags=["one"]))["role"]["id"]) or ("", 0))[1]
    await pool.execute(
        "INSERT INTO user_account (id, organisation_id, email, email_key, status)"
        " SELECT 7, id, 'fitter@example.org', 'fitter@example.org', 1 FROM organisation WHERE parent_id IS NULL"
    )
    await pool.execute(
        "INSERT INTO membership (workspace_id, user_id, role, role_id) VALUES ($1, 7, 'CUSTOM', $2)",
        world.demo.workspace_id, role_id,
    )  # fmt: skip
    signed = await world.services.identity.sessions.start(7, ["pwd"], Caller(), world.demo.workspace_id)
    fitter = Client(world.app, signed.access_token)
    viewer = "{ viewer { subject role roleName tags permissions } devices { totalCount } webhooks { totalCount } }"
    reply = await fitter.query(viewer)
    assert reply.json["data"]["viewer"] == {
        "subject": "fitter@example.org",
        "role": "CUSTOM",
        "roleName": "Fitters, Lyon",
        "tags": ["one"],
        "permissions": ["device:read", "reference:read", "sim:read", "viewer:read", "viewer:write"],
    }
    assert reply.json["data"]["devices"] == {"totalCount": 0}
    assert reply.codes == ["FORBIDDEN"]
    await world.tenants.execute("UPDATE device SET tags = '{one}' WHERE id = $1", world.demo.devices[0])
    shown = "{ roles { nodes { id memberCount } } }"
    role = next(one for one in (await client.query(shown)).data["roles"]["nodes"] if one["memberCount"])
    assert trouble((await client.query(DELETE, {"input": {"id": role["id"]}})).data["x"]) == [("CONFLICT", "id")]
    await change(client, id=role["id"], permissions=["device:read", "webhook:read"])
    reply = await fitter.query(viewer)
    assert (reply.data["devices"], reply.data["webhooks"]) == ({"totalCount": 1}, {"totalCount": 1})
    await change(client, id=role["id"], tags=None)
    assert (await fitter.query(viewer)).data["devices"] == {"totalCount": 5}


async def test_permissions_are_told_in_words(client: Client) -> None:
    reply = await client.query("{ permissions { code description roles grantable grantableWithTags } }")
    told = {one["code"]: one for one in reply.data["permissions"]}
    assert set(told) == {permission.value for permission in Permission}
    assert told["device:write"] == {
        "code": "device:write",
        "description": "Change devices: their settings, and where they are",
        "roles": ["SUPER_ADMIN", "ADMINISTRATOR", "USER"],
        "grantable": True,
        "grantableWithTags": True,
    }
    assert {code for code, one in told.items() if one["grantable"]} == {one.value for one in GRANTABLE}
    assert {code for code, one in told.items() if one["grantableWithTags"]} == {
        one.value for one in GRANTABLE_WITH_TAGS
    }
