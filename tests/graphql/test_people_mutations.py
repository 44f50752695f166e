"""People over GraphQL: who may invite and change whom, and what is one's own."""

from __future__ import annotations

import re

import orjson
from graphql_client import Client
from graphql_world import World

from motet.access.clients import Client as Where
from motet.access.passwords import hash_password
from motet.access.principals import Role
from motet.access.secrets import SecretBox
from motet.domain.global_ids import encode_global_id
from motet.identity.sessions import Signed

CLIENT = Where("192.0.2.7", "a browser")
PASSWORD = "correct horse battery staple"


async def person(world: World, email: str, role: str = "ADMINISTRATOR") -> tuple[int, Client, Signed]:
    """A member of demo who has signed in."""
    user_id = await world.tenants.user(world.demo, email, role)
    await world.tenants.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1", user_id, hash_password(PASSWORD)
    )
    signed = await world.services.identity.sessions.start(user_id, ["pwd"], CLIENT)
    return user_id, Client(world.app, signed.access_token), signed


async def test_an_administrator_invites_and_the_mail_has_a_link(world: World) -> None:
    _, client, _ = await person(world, "admin@demo.example")
    mutation = """mutation ($i: UserInviteInput!) { userInvite(input: $i) {
      invitation { id email role invitedBy } userErrors { code path } } }"""
    given = {"email": "Carl@example.org", "role": "USER", "locale": "en", "idempotencyKey": "k"}
    first = (await client.query(mutation, {"i": given})).data["userInvite"]
    assert first["userErrors"] == []
    assert first["invitation"]["email"] == "Carl@example.org"
    assert (first["invitation"]["role"], first["invitation"]["invitedBy"]) == ("USER", "admin@demo.example")
    again = (await client.query(mutation, {"i": given})).data["userInvite"]
    assert again == first
    sealed = await world.tenants.database.pool.fetch("SELECT sealed FROM mail")
    assert len(sealed) == 1
    mail = orjson.loads(SecretBox(bytes(32)).decrypt(sealed[0]["sealed"]))
    assert re.search(r"/account/invitation#token=[\w-]{40,}", mail["text"])
    listed = (await client.query("{ invitations { nodes { id email } } }")).data["invitations"]["nodes"]
    assert first["invitation"]["id"] in [node["id"] for node in listed]
    deleted = await client.query(
        "mutation ($i: InvitationDeleteInput!) { invitationDelete(input: $i) { deletedId userErrors { code } } }",
        {"i": {"id": first["invitation"]["id"]}},
    )
    assert deleted.data["invitationDelete"] == {"deletedId": first["invitation"]["id"], "userErrors": []}


async def test_only_who_may_write_users_invites(world: World) -> None:
    for role in (Role.USER, Role.OBSERVER):
        reply = await world.client(world.demo, role).query(
            'mutation { userInvite(input: {email: "x@example.org", role: OBSERVER}) { userErrors { code } } }'
        )
        assert reply.codes == ["FORBIDDEN"]


async def test_members_are_listed_filtered_and_given_roles(world: World) -> None:
    _, client, _ = await person(world, "admin@demo.example")
    bert, _, _ = await person(world, "bert@demo.example", "OBSERVER")
    query = "query ($f: UserFilter) { users(filter: $f) { nodes { email role status hasPassword } } }"
    found = (await client.query(query, {"f": {"email": "BERT", "role": ["OBSERVER"]}})).data["users"]["nodes"]
    assert found == [{"email": "bert@demo.example", "role": "OBSERVER", "status": "ACTIVE", "hasPassword": True}]
    reply = await client.query(
        "mutation ($i: UserRoleSetInput!) { userRoleSet(input: $i) { user { role } userErrors { code } } }",
        {"i": {"id": encode_global_id("User", bert), "role": "USER"}},
    )
    assert reply.data["userRoleSet"] == {"user": {"role": "USER"}, "userErrors": []}


async def test_who_is_suspended_is_unauthenticated_at_once(world: World) -> None:
    _, client, _ = await person(world, "admin@demo.example")
    bert, berts, _ = await person(world, "bert@demo.example", "OBSERVER")
    assert (await berts.query("{ viewer { subject } }")).data["viewer"]["subject"] == "bert@demo.example"
    reply = await client.query(
        "mutation ($i: UserSuspendInput!) { userSuspend(input: $i) { user { status } userErrors { code } } }",
        {"i": {"id": encode_global_id("User", bert)}},
    )
    assert reply.data["userSuspend"] == {"user": {"status": "SUSPENDED"}, "userErrors": []}
    gone = await berts.query("{ viewer { subject } }")
    assert (gone.status, gone.codes) == (401, ["UNAUTHENTICATED"])


async def test_a_viewer_sees_and_ends_their_own_sessions_and_changes_their_password(world: World) -> None:
    user_id, client, _ = await person(world, "anna2@demo.example", "OBSERVER")
    other = await world.services.identity.sessions.start(user_id, ["pwd"], CLIENT)
    viewer = (
        await client.query("{ viewer { user { email hasPassword sessions { id current address methods } } } }")
    ).data["viewer"]["user"]
    assert viewer["email"] == "anna2@demo.example"
    assert [session["current"] for session in viewer["sessions"]] == [False, True]
    assert viewer["sessions"][0]["address"] == "192.0.2.7"
    ended = await client.query(
        "mutation ($i: SessionEndInput!) { sessionEnd(input: $i) { deletedId userErrors { code } } }",
        {"i": {"id": viewer["sessions"][0]["id"]}},
    )
    assert ended.data["sessionEnd"]["userErrors"] == []
    assert (await Client(world.app, other.access_token).query("{ viewer { subject } }")).status == 401
    change = "mutation ($i: PasswordChangeInput!) { passwordChange(input: $i) { userErrors { code path } } }"
    wrong = await client.query(change, {"i": {"oldPassword": "wrong", "newPassword": "four wooden lanterns drift"}})
    assert wrong.data["passwordChange"]["userErrors"] == [{"code": "DENIED", "path": ["input", "oldPassword"]}]
    right = await client.query(change, {"i": {"oldPassword": PASSWORD, "newPassword": "four wooden lanterns drift"}})
    assert right.data["passwordChange"]["userErrors"] == []


async def test_another_persons_session_is_not_found(world: World) -> None:
    _, client, _ = await person(world, "anna2@demo.example", "OBSERVER")
    _, _, theirs = await person(world, "bert2@demo.example", "OBSERVER")
    reply = await client.query(
        "mutation ($i: SessionEndInput!) { sessionEnd(input: $i) { userErrors { code } } }",
        {"i": {"id": encode_global_id("LoginSession", theirs.session_id)}},
    )
    assert reply.data["sessionEnd"]["userErrors"] == [{"code": "NOT_FOUND"}]


async def test_tokens_that_are_nobodys_have_no_account(world: World) -> None:
    client = world.client(world.demo)
    assert (await client.query("{ viewer { user { email } } }")).data["viewer"]["user"] is None
    reply = await client.query('mutation { viewerUpdate(input: {name: "x"}) { userErrors { code } } }')
    assert reply.data["viewerUpdate"]["userErrors"] == [{"code": "NOT_FOUND"}]


async def test_a_viewer_exports_what_is_kept_about_them(world: World) -> None:
    user_id, client, _ = await person(world, "anna2@demo.example", "OBSERVER")
    mutation = "mutation ($i: UserExportInput!) { userExport(input: $i) { export userErrors { code } } }"
    mine = (await client.query(mutation, {"i": {"id": encode_global_id("User", user_id)}})).data["userExport"]
    assert mine["export"]["email"] == "anna2@demo.example"
    somebody, _, _ = await person(world, "bert2@demo.example", "OBSERVER")
    theirs = (await client.query(mutation, {"i": {"id": encode_global_id("User", somebody)}})).data["userExport"]
    assert theirs == {"export": None, "userErrors": [{"code": "NOT_FOUND"}]}
