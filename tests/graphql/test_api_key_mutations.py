"""API keys through GraphQL: made, used, changed, rotated, revoked; nobody makes one that may do more than they may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from graphql_client import Client
from graphql_world import World
from scoped_client import client_as

from motet.access.principals import ROLE_PERMISSIONS, Role, custom_grant, custom_member
from motet.domain.global_ids import decode_global_id

CREATE = """
mutation ($input: ApiKeyCreateInput!) {
  apiKeyCreate(input: $input) {
    key userErrors { code path }
    apiKey { id prefix name status role scopes tags networks expiresAt createdBy lastUsedAt revokedAt }
  }
}
"""
LATER = "2099-01-01T00:00:00Z"


@dataclass
class Made:
    id: str
    key: str
    client: Client


async def create(client: Client, **given: Any) -> dict[str, Any]:
    reply = await client.query(CREATE, {"input": {"name": "a key", **given}})
    made: dict[str, Any] = reply.data["apiKeyCreate"]
    return made


async def made(world: World, client: Client, **given: Any) -> Made:
    answer = await create(client, **given)
    assert answer["userErrors"] == []
    return Made(answer["apiKey"]["id"], answer["key"], Client(world.app, answer["key"]))


async def act(client: Client, mutation: str, /, **given: Any) -> dict[str, Any]:
    title = mutation[0].upper() + mutation[1:]
    key = "key " if mutation == "apiKeyRotate" else ""
    reply = await client.query(
        f"mutation ($input: {title}Input!) {{ {mutation}(input: $input) {{ {key}userErrors {{ code path }}"
        " apiKey { name status role scopes networks expiresAt previousSecretUntil } } }",
        {"input": given},
    )
    answer: dict[str, Any] = reply.data[mutation]
    return answer


async def viewer(client: Client) -> Any:
    reply = await client.query("{ viewer { subject role permissions workspace { name } } }")
    return reply.data["viewer"] if reply.status == 200 else reply.status


async def test_a_key_is_shown_once_and_used_as_a_bearer_token(world: World, client: Client) -> None:
    answer = await create(client, scopes=["sms:send", "viewer:read", "workspace:read"], networks=[], expiresAt=LATER)
    shown = answer["apiKey"]
    assert (shown["name"], shown["status"], shown["role"]) == ("a key", "ACTIVE", "ADMINISTRATOR")
    assert (shown["scopes"], shown["tags"], shown["networks"]) == (
        ["sms:send", "viewer:read", "workspace:read"],
        None,
        [],
    )
    assert (shown["expiresAt"], shown["lastUsedAt"], shown["revokedAt"]) == (LATER, None, None)
    assert answer["key"].startswith(f"motet_{shown['prefix']}_")
    used = await viewer(Client(world.app, answer["key"]))
    assert used["subject"] == f"api-key:{shown['prefix']}"
    assert used["permissions"] == ["sms:send", "viewer:read", "workspace:read"]
    assert used["workspace"]["name"] == "demo"
    stored = await world.tenants.database.pool.fetch("SELECT * FROM api_key")
    assert not any(answer["key"][19:60] in str(dict(row)) for row in stored)
    listed = (await client.query("{ apiKeys { nodes { prefix } } }")).data["apiKeys"]["nodes"]
    assert {"prefix": shown["prefix"]} in listed


async def test_a_key_with_a_role_may_what_the_role_may(world: World, client: Client) -> None:
    key = await made(world, client, role="OBSERVER")
    assert (await viewer(key.client))["permissions"] == sorted(ROLE_PERMISSIONS[Role.OBSERVER])
    reply = await key.client.query('mutation { deviceDelete(input: {id: "x"}) { userErrors { code } } }')
    assert reply.codes == ["FORBIDDEN"]


async def test_the_same_idempotency_key_makes_one_key_whose_text_is_not_told_again(
    world: World, client: Client
) -> None:
    first = await create(client, role="USER", idempotencyKey="once")
    again = await create(client, role="USER", idempotencyKey="once")
    assert again["apiKey"]["id"] == first["apiKey"]["id"]
    assert (first["key"] is None, again["key"]) == (False, None)


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({}, "INVALID", ["scopes"]),
        ({"scopes": ["sms:send"], "name": " "}, "INVALID", ["name"]),
        ({"scopes": ["sms:send"], "name": "x" * 101}, "INVALID", ["name"]),
        ({"scopes": ["sms:dance"]}, "INVALID", ["scopes"]),
        ({"scopes": ["api_key:write"], "role": "USER"}, "INVALID", ["scopes"]),
        ({"scopes": ["smsc_link:write"]}, "INVALID", ["scopes"]),
        ({"role": "SUPER_ADMIN"}, "DENIED", ["scopes"]),
        ({"role": "USER", "networks": ["192.0.2.1/24"]}, "INVALID", ["networks", "0"]),
        ({"role": "USER", "networks": ["x"]}, "INVALID", ["networks", "0"]),
        ({"role": "USER", "networks": ["192.0.2.1"] * 21}, "INVALID", ["networks"]),
        ({"role": "USER", "tags": [""]}, "INVALID", ["tags"]),
        ({"role": "USER", "expiresAt": "2001-01-01T00:00:00Z"}, "INVALID", ["expiresAt"]),
    ],
)
async def test_a_key_that_breaks_a_rule_is_not_made(
    client: Client, given: dict[str, Any], code: str, path: list[str]
) -> None:
    answer = await create(client, **given)
    assert answer["apiKey"] is None
    assert answer["key"] is None
    assert answer["userErrors"] == [{"code": code, "path": ["input", *path]}]


async def test_a_key_makes_no_keys_but_may_rotate_itself(world: World, client: Client) -> None:
    key = await made(world, client, role="ADMINISTRATOR")
    other = await made(world, client, role="OBSERVER")
    assert (await create(key.client, role="OBSERVER"))["userErrors"][0]["code"] == "DENIED"
    assert (await act(key.client, "apiKeyUpdate", id=other.id, name="x"))["userErrors"][0]["code"] == "DENIED"
    assert (await act(key.client, "apiKeyRotate", id=other.id))["userErrors"][0]["code"] == "DENIED"
    rotated = await act(key.client, "apiKeyRotate", id=key.id, overlapHours=0)
    assert rotated["userErrors"] == []
    assert await viewer(key.client) == 401
    assert (await viewer(Client(world.app, rotated["key"])))["role"] == "ADMINISTRATOR"


async def test_only_administrators_see_and_make_keys(world: World) -> None:
    for role in (Role.USER, Role.OBSERVER):
        member = world.client(world.demo, role)
        for text in ("{ apiKeys { totalCount } }", '{ apiKey(id: "x") { id } }'):
            assert (await member.query(text)).codes == ["FORBIDDEN"]
        reply = await member.query(CREATE, {"input": {"name": "x", "role": "OBSERVER"}})
        assert reply.codes == ["FORBIDDEN"]


async def test_a_key_is_changed_from_the_next_request_on(world: World, client: Client) -> None:
    key = await made(world, client, scopes=["viewer:read", "workspace:read", "sms:read"], networks=["203.0.113.0/24"])
    assert await viewer(key.client) == 401
    changed = await act(client, "apiKeyUpdate", id=key.id, networks=[], name="other", expiresAt=LATER)
    assert (changed["apiKey"]["name"], changed["apiKey"]["networks"]) == ("other", [])
    assert (await viewer(key.client))["permissions"] == ["sms:read", "viewer:read", "workspace:read"]
    changed = await act(client, "apiKeyUpdate", id=key.id, scopes=["viewer:read", "workspace:read"], expiresAt=None)
    assert changed["apiKey"]["expiresAt"] is None
    assert (await viewer(key.client))["permissions"] == ["viewer:read", "workspace:read"]
    assert (await act(client, "apiKeyUpdate", id=key.id, role="OBSERVER", scopes=None))["apiKey"]["scopes"] is None
    assert (await viewer(key.client))["role"] == "OBSERVER"
    null = await act(client, "apiKeyUpdate", id=key.id, name=None)
    assert null["userErrors"] == [{"code": "INVALID", "path": ["input", "name"]}]


async def test_a_revoked_key_is_listed_and_good_for_nothing(world: World, client: Client) -> None:
    key = await made(world, client, role="USER")
    revoked = await act(client, "apiKeyRevoke", id=key.id)
    assert (revoked["apiKey"]["status"], revoked["userErrors"]) == ("REVOKED", [])
    assert await viewer(key.client) == 401
    for name in ("apiKeyUpdate", "apiKeyRotate"):
        assert (await act(client, name, id=key.id))["userErrors"] == [{"code": "NOT_FOUND", "path": ["input", "id"]}]
    assert (await act(client, "apiKeyRevoke", id=key.id))["apiKey"]["status"] == "REVOKED"


@pytest.mark.parametrize("hours", [-1, 721, 2_000_000_000])
async def test_an_overlap_has_bounds(world: World, client: Client, hours: int) -> None:
    key = await made(world, client, role="USER")
    answer = await act(client, "apiKeyRotate", id=key.id, overlapHours=hours)
    assert answer["userErrors"] == [{"code": "INVALID", "path": ["input", "overlapHours"]}]


async def test_a_workspace_has_so_many_live_keys_and_remembers_so_many_revoked_ones(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motet.identity.api_keys.MAX_KEYS", 2)
    monkeypatch.setattr("motet.identity.api_keys.KEPT_REVOKED", 1)
    for _ in range(3):
        key = await made(world, client, role="USER")
        await act(client, "apiKeyRevoke", id=key.id)
    await made(world, client, role="USER")
    assert (await create(client, role="USER"))["userErrors"][0]["code"] == "LIMIT_REACHED"
    workspace_id = world.demo.workspace_id
    counted = "SELECT count(*) FROM api_key WHERE workspace_id = $1 AND revoked_at IS NOT NULL"
    assert await world.tenants.database.pool.fetchval(counted, workspace_id) == 1


async def role_of(client: Client, permissions: list[str], tags: list[str] | None = None) -> str:
    reply = await client.query(
        "mutation ($input: RoleCreateInput!) { roleCreate(input: $input) { role { id } userErrors { code } } }",
        {"input": {"name": f"role {permissions} {tags}", "permissions": permissions, "tags": tags}},
    )
    role_id: str = reply.data["roleCreate"]["role"]["id"]
    return role_id


async def change_role(client: Client, mutation: str, **given: Any) -> list[Any]:
    title = mutation[0].upper() + mutation[1:]
    reply = await client.query(
        f"mutation ($input: {title}Input!) {{ {mutation}(input: $input) {{ userErrors {{ code path }} }} }}",
        {"input": given},
    )
    errors: list[Any] = reply.data[mutation]["userErrors"]
    return errors


async def test_a_key_follows_a_role_of_the_workspaces_own(world: World, client: Client) -> None:
    await world.tenants.execute("UPDATE device SET tags = '{van}' WHERE id = $1", world.demo.devices[0])
    devices = (await client.query("{ devices { totalCount } }")).data["devices"]["totalCount"]
    role_id = await role_of(client, ["device:read", "sms:read", "workspace:read"])
    key = await made(world, client, roleId=role_id)
    narrow = await made(world, client, roleId=role_id, scopes=["sms:read", "viewer:read", "workspace:read"])
    shown = "{ apiKey(id: $id) { role customRole { id } } viewer { role roleName } }"
    reply = await client.query(f"query ($id: ID!) {shown}", {"id": key.id})
    assert reply.data["apiKey"] == {"role": None, "customRole": {"id": role_id}}
    count = "{ devices { totalCount } viewer { role permissions tags } }"
    first = (await key.client.query(count)).data
    assert (first["devices"]["totalCount"], first["viewer"]["role"], first["viewer"]["tags"]) == (
        devices,
        "CUSTOM",
        None,
    )
    assert {"device:read", "sms:read"} <= set(first["viewer"]["permissions"])
    assert (
        await change_role(client, "roleUpdate", id=role_id, permissions=["device:read", "workspace:read"], tags=["van"])
        == []
    )
    then = (await key.client.query(count)).data
    assert (then["devices"]["totalCount"], then["viewer"]["tags"]) == (1, ["van"])
    assert "sms:read" not in then["viewer"]["permissions"]
    assert (await viewer(narrow.client))["permissions"] == ["viewer:read", "workspace:read"]
    assert await change_role(client, "roleDelete", id=role_id) == []
    assert (await viewer(key.client), await viewer(narrow.client)) == (401, 401)
    reply = await client.query("query ($id: ID!) { apiKey(id: $id) { status role customRole { id } } }", {"id": key.id})
    assert reply.data["apiKey"] == {"status": "REVOKED", "role": None, "customRole": None}


async def test_a_key_takes_a_role_of_the_workspaces_own_and_gives_it_up(world: World, client: Client) -> None:
    role_id = await role_of(client, ["sim:read"])
    key = await made(world, client, role="OBSERVER")
    assert (await act(client, "apiKeyUpdate", id=key.id, roleId=role_id))["apiKey"]["role"] is None
    assert (await viewer(key.client))["role"] == "CUSTOM"
    assert (await act(client, "apiKeyUpdate", id=key.id, name="still"))["userErrors"] == []
    assert (await act(client, "apiKeyRotate", id=key.id, overlapHours=1))["userErrors"] == []
    assert (await act(client, "apiKeyUpdate", id=key.id, role="OBSERVER"))["apiKey"]["role"] == "OBSERVER"
    assert await change_role(client, "roleDelete", id=role_id) == []
    assert (await viewer(key.client))["role"] == "OBSERVER"


async def test_a_role_of_a_key_is_the_workspaces_own_and_no_more_than_its_makers(world: World, client: Client) -> None:
    wide, small = await role_of(client, ["api_key:write", "device:read"]), await role_of(client, ["device:read"])
    foreign = await role_of(world.client(world.other), ["device:read"])
    for given, code, path in (
        ({"roleId": foreign}, "NOT_FOUND", "roleId"),
        ({"roleId": "x"}, "NOT_FOUND", "roleId"),
        ({"roleId": small, "role": "USER"}, "INVALID", "roleId"),
        ({"roleId": small, "scopes": ["sms:send"]}, "INVALID", "scopes"),
        ({"roleId": None}, "INVALID", "scopes"),
    ):
        assert (await create(client, **given))["userErrors"] == [{"code": code, "path": ["input", path]}], given
    role_id = (decode_global_id(wide) or ("", 0))[1]
    held = custom_grant(["api_key:write", "api_key:read", "device:read"], None)
    maker = client_as(
        world, custom_member("maker", world.demo.workspace_id, "demo", (role_id, "wide"), held, 2_000_000_000)
    )
    assert (await create(maker, roleId=small))["userErrors"] == []
    more = await role_of(client, ["device:read", "sms:send"])
    assert (await create(maker, roleId=more))["userErrors"][0]["code"] == "DENIED"
    theirs = await create(maker, scopes=["device:read"])
    assert (theirs["userErrors"], theirs["apiKey"]["role"]) == ([], None)
    assert await change_role(client, "roleUpdate", id=small, permissions=["device:read", "sms:send"]) == []
    mine = await made(world, client, roleId=small)
    assert (await act(maker, "apiKeyRotate", id=mine.id))["userErrors"][0]["code"] == "DENIED"
    assert await change_role(client, "roleDelete", id=wide) == []
    assert await viewer(Client(world.app, theirs["key"])) == 401


TAKE_BACK = "mutation ($input: TokenRevokeInput!) { tokenRevoke(input: $input) { tokenId userErrors { code path } } }"


def name_of(client: Client) -> str:
    return str(jwt.decode(client.token or "", options={"verify_signature": False})["jti"])


async def test_a_token_is_taken_back_by_itself_or_by_its_name(world: World, client: Client) -> None:
    first, second = world.client(world.demo), world.client(world.demo)
    answer = (await client.query(TAKE_BACK, {"input": {"token": first.token}})).data["tokenRevoke"]
    assert answer["userErrors"] == []
    assert (await viewer(first), (await viewer(second))["role"]) == (401, "ADMINISTRATOR")
    token_id = name_of(second)
    answer = (await client.query(TAKE_BACK, {"input": {"tokenId": token_id}})).data["tokenRevoke"]
    assert answer == {"tokenId": token_id, "userErrors": []}
    assert await viewer(second) == 401


async def test_another_tenants_token_cannot_be_taken_back(world: World, client: Client) -> None:
    theirs = world.client(world.other)
    answer = (await client.query(TAKE_BACK, {"input": {"token": theirs.token}})).data["tokenRevoke"]
    assert answer["userErrors"] == [{"code": "NOT_FOUND", "path": ["input", "token"]}]
    token_id = name_of(theirs)
    await client.query(TAKE_BACK, {"input": {"tokenId": token_id}})
    assert (await viewer(theirs))["workspace"]["name"] == "other"
    await theirs.query(TAKE_BACK, {"input": {"tokenId": token_id}})
    assert await viewer(theirs) == 401


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({}, "INVALID", "token"),
        ({"token": "x", "tokenId": "y"}, "INVALID", "token"),
        ({"token": "nonsense"}, "NOT_FOUND", "token"),
        ({"tokenId": "not a jti"}, "INVALID", "tokenId"),
        ({"tokenId": ""}, "INVALID", "tokenId"),
    ],
)
async def test_what_is_no_token_is_told(client: Client, given: dict[str, Any], code: str, path: str) -> None:
    answer = (await client.query(TAKE_BACK, {"input": given})).data["tokenRevoke"]
    assert answer == {"tokenId": None, "userErrors": [{"code": code, "path": ["input", path]}]}


async def test_another_tenants_key_is_not_found(world: World, client: Client) -> None:
    theirs = await made(world, world.client(world.other), role="USER")
    assert decode_global_id(theirs.id) is not None
    reply = await client.query("query ($id: ID!) { apiKey(id: $id) { id } }", {"id": theirs.id})
    assert reply.data["apiKey"] is None
    assert (await act(client, "apiKeyRevoke", id=theirs.id))["userErrors"][0]["code"] == "NOT_FOUND"
    assert (await viewer(theirs.client))["workspace"]["name"] == "other"
