"""SCIM: a foreign checker over the whole of it, and what Entra and Okta send."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest_asyncio
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from motet.access.principals import Role
from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.domain.users import UserStatus
from motet.identity.sso.provider_rules import GroupRole, ProviderChanges
from people_world import HERE, PASSWORD, People, Told
from sso_provider import Provider, SsoWorld, served

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class Directory:
    """demo's directory, which speaks to us."""

    world: SsoWorld
    token: str

    async def ask(self, method: str, path: str, body: Any = None) -> Told:
        return await self.world.people.http(
            f"/scim/v2{path}", body, token=self.token, method=method, content_type="application/scim+json"
        )

    async def create(self, **said: Any) -> dict[str, Any]:
        told = await self.ask("POST", "/Users", {"schemas": [USER], "userName": "anna@example.org", **said})
        assert told.status == 201, told
        found: dict[str, Any] = told.body
        return found

    async def patch(self, path: str, *operations: dict[str, Any]) -> Told:
        return await self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    async def roles(self, user: dict[str, Any]) -> dict[str, str]:
        """By workspace."""
        rows = await self.world.people.ground.database.pool.fetch(
            "SELECT w.name, m.role FROM membership m JOIN workspace w ON w.id = m.workspace_id WHERE m.user_id = $1",
            row_of(user),
        )
        return dict(map(tuple, rows))


def row_of(resource: dict[str, Any]) -> int:
    decoded = decode_global_id(resource["id"])
    assert decoded is not None
    return decoded[1]


@pytest_asyncio.fixture
async def directory(people: People) -> AsyncIterator[Directory]:
    async with served(Provider(now=lambda: people.clock.at.timestamp())) as provider:
        world = SsoWorld(people, provider)
        demo = people.demo.workspace_id
        rules = [GroupRole("ops", demo, "USER"), GroupRole("bosses", demo, "ADMINISTRATOR")]
        await world.add_provider((), group_roles=rules)
        await people.user("boss@example.org")  # so that the workspace rests on nobody else
        token = await people.identity.identity_providers.make_scim_token(world.admin, world.provider_id)
        yield Directory(world, token)


def bridge(app: Any, loop: asyncio.AbstractEventLoop) -> Callable[..., Iterable[bytes]]:
    """The ASGI application as a WSGI one, for a caller in another thread."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = [
            (name[5:].replace("_", "-").lower().encode(), value.encode("latin-1"))
            for name, value in environ.items()
            if name.startswith("HTTP_")
        ]
        headers.append((b"content-type", environ.get("CONTENT_TYPE", "").encode()))
        body = environ.get("wsgi.input", io.BytesIO()).read(int(environ.get("CONTENT_LENGTH") or 0))
        scope = {
            "type": "http", "http_version": "1.1", "method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"],
            "raw_path": environ["PATH_INFO"].encode(), "query_string": environ.get("QUERY_STRING", "").encode(),
            "headers": headers, "client": ("192.0.2.7", 5), "server": ("motet", 80), "scheme": "https",
            "root_path": "",
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run_coroutine_threadsafe(app(scope, receive, send), loop).result()
        shown = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        start_response(f"{sent[0]['status']} -", shown)
        return [b"".join(message.get("body", b"") for message in sent[1:])]

    return application


async def test_a_foreign_checker_finds_nothing_wrong(directory: Directory) -> None:
    app = bridge(directory.world.people.app, asyncio.get_running_loop())
    client = WSGISCIMClient(
        app, base_url="https://motet.example.org/scim/v2", headers={"Authorization": f"Bearer {directory.token}"}
    )
    results = await asyncio.to_thread(check_server, client)
    wrong = [
        f"{result.title}: {result.reason}"
        for result in results
        if result.status not in (Status.SUCCESS, Status.SKIPPED, Status.COMPLIANT, Status.ACCEPTABLE)
    ]
    # One address is kept, and is answered as the primary one for work, whatever it was said to be.
    assert {words.partition("\n")[0] for words in wrong} <= {
        "check_replace_attribute: PATCH modify() returned unexpected value for 'emails'."
    }, "\n".join(wrong)
    assert len(results) > 50


async def test_only_the_directorys_own_token_opens_it_and_the_newest_one(directory: Directory) -> None:
    world, old = directory.world, directory.token
    for token in ("", "scim_x", "x" * 500, old[:-1]):
        directory.token = token
        told = await directory.ask("GET", "/Users")
        assert (told.status, told.body["schemas"]) == (401, ["urn:ietf:params:scim:api:messages:2.0:Error"])
    providers = world.people.identity.identity_providers
    directory.token = await providers.make_scim_token(world.admin, world.provider_id)
    assert (await directory.ask("GET", "/Users")).status == 200
    newest, directory.token = directory.token, old
    assert (await directory.ask("GET", "/Users")).status == 401
    directory.token = newest
    await providers.revoke_scim_token(world.admin, world.provider_id)
    assert (await directory.ask("GET", "/ServiceProviderConfig")).status == 401
    kept = await world.people.ground.database.pool.fetchval("SELECT count(scim_token_hash) FROM identity_provider")
    assert kept == 0


async def test_a_person_is_made_signs_in_by_the_provider_and_is_out_at_once_when_deactivated(
    directory: Directory,
) -> None:
    world = directory.world
    anna = await directory.create(externalId="e-1", name={"givenName": "Anna", "familyName": "Example"})
    assert (anna["active"], anna["name"]["formatted"]) == (True, "Anna Example")
    told = await directory.ask("POST", "/Groups", {"displayName": "OPS", "members": [{"value": anna["id"]}]})
    assert told.status == 201
    assert await directory.roles(anna) == {}  # rules name groups exactly
    await directory.patch(f"/Groups/{told.body['id']}", {"op": "replace", "value": {"displayName": "ops"}})
    assert await directory.roles(anna) == {"demo": "USER"}
    signed_in = await world.exchange(await world.sign_in())
    token = f"Bearer {signed_in.body['access_token']}"
    authenticate = world.people.identity.authenticator.authenticate
    assert (await authenticate(token)).role is Role.USER
    # As Entra writes it.
    told = await directory.patch(f"/Users/{anna['id']}", {"op": "Replace", "path": "active", "value": "False"})
    assert (told.status, told.body["active"]) == (200, False)
    assert (await world.refusal())[1] == "the user anna@example.org is suspended"
    open_sessions = "SELECT count(*) FROM login_session WHERE ended_at IS NULL"
    assert await world.people.ground.database.pool.fetchval(open_sessions) == 0
    # As Okta does.
    told = await directory.patch(f"/Users/{anna['id']}", {"op": "replace", "value": {"active": True}})
    assert told.body["active"] is True
    assert await world.subject() == "anna@example.org USER in demo"
    assert (await directory.ask("DELETE", f"/Users/{anna['id']}")).status == 204
    assert (await directory.ask("GET", f"/Users/{anna['id']}")).status == 404
    gone = "SELECT count(*) FROM user_account WHERE email_key = 'anna@example.org'"
    assert await world.people.ground.database.pool.fetchval(gone) == 0


async def test_the_audit_log_has_what_a_directory_did(directory: Directory) -> None:
    await directory.create()
    await directory.create(userName="bert@example.org")
    assert (await directory.ask("POST", "/Users", {"userName": "bert@example.org"})).status == 409
    await directory.ask("GET", "/Users/nonsense")
    rows = await directory.world.people.ground.database.pool.fetch(
        "SELECT DISTINCT actor, action, outcome, code FROM audit_entry WHERE actor LIKE 'directory%' ORDER BY outcome"
    )
    assert [tuple(row) for row in rows] == [
        ("directory Ours", "POST /scim/v2/Users", "DONE", None),
        ("directory Ours", "POST /scim/v2/Users", "REFUSED", "uniqueness"),
    ]


async def test_people_are_found_as_directories_look_for_them(directory: Directory) -> None:
    for number in range(3):
        await directory.create(userName=f"U{number}@example.org", externalId=f"e-{number}")
    for words, found in (
        ('userName eq "u1@EXAMPLE.org"', ["U1@example.org"]),
        ('externalId eq "e-2"', ["U2@example.org"]),
        ('emails[type eq "work"].value eq "u0@example.org"', None),
        ('emails.value eq "u0@example.org"', ["U0@example.org"]),
        ('userName eq "nobody"', []),
        ('id eq "nonsense"', []),
        ('userName sw "u"', None),
        ('title eq "x"', None),
    ):
        told = await directory.ask("GET", f"/Users?filter={words.replace(' ', '%20')}")
        if found is None:
            assert (told.status, told.body["scimType"]) == (400, "invalidFilter"), words
        else:
            assert [one["userName"] for one in told.body["Resources"]] == found, words
    told = await directory.ask("GET", "/Users?startIndex=2&count=1&attributes=userName")
    assert {name: told.body[name] for name in ("totalResults", "startIndex", "itemsPerPage")} == {
        "totalResults": 3, "startIndex": 2, "itemsPerPage": 1,
    }  # fmt: skip
    (one,) = told.body["Resources"]
    assert one.keys() == {"schemas", "id", "userName"}
    told = await directory.ask("GET", "/Users?count=0")
    assert (told.body["totalResults"], told.body["Resources"]) == (3, [])
    assert (await directory.ask("GET", "/Users?count=x")).status == 400


async def test_what_entra_and_okta_patch(directory: Directory) -> None:
    anna = await directory.create(externalId="e-1")
    told = await directory.patch(
        f"/Users/{anna['id']}",
        {"op": "Add", "path": "name.givenName", "value": "Anna"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "anna.b@example.org"},
        {"op": "Add", "path": 'emails[type eq "work"].primary', "value": True},
        {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "x"},
        {"op": "Replace", "value": {"displayName": "Anna B", "name.familyName": "B", "title": "Boss"}},
        {"op": "Replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:externalId", "value": "e-2"},
    )
    assert told.status == 200, told.body
    shown = {name: told.body[name] for name in ("displayName", "externalId", "name", "userName", "emails")}
    assert shown == {
        "displayName": "Anna B", "externalId": "e-2", "userName": "anna@example.org",
        "name": {"formatted": "Anna B", "givenName": "Anna", "familyName": "B"},
        "emails": [{"value": "anna.b@example.org", "type": "work", "primary": True}],
    }  # fmt: skip
    bert = await directory.create(userName="bert@example.org")
    ops = (await directory.ask("POST", "/Groups", {"displayName": "ops", "externalId": "g-1"})).body
    path = f"/Groups/{ops['id']}"
    await directory.patch(path, {"op": "Add", "path": "members", "value": [{"value": anna["id"]}]})
    await directory.patch(path, {"op": "add", "value": {"members": [{"value": bert["id"], "display": "Bert"}]}})
    assert (await directory.roles(anna), await directory.roles(bert)) == ({"demo": "USER"}, {"demo": "USER"})
    told = await directory.ask("GET", f"/Users/{bert['id']}")
    assert [group["display"] for group in told.body["groups"]] == ["ops"]
    await directory.patch(path, {"op": "remove", "path": f'members[value eq "{anna["id"]}"]'})
    await directory.patch(path, {"op": "Remove", "path": "members", "value": [{"value": bert["id"]}]})
    assert (await directory.roles(anna), await directory.roles(bert)) == ({}, {})
    told = await directory.patch(path, {"op": "replace", "value": {"id": ops["id"], "displayName": "bosses"}})
    told = await directory.ask("PUT", path, {"displayName": "bosses", "members": [{"value": anna["id"]}]})
    assert (told.status, await directory.roles(anna)) == (200, {"demo": "ADMINISTRATOR"})
    assert (await directory.ask("GET", f"{path}?excludedAttributes=members")).body.keys() == {
        "schemas", "id", "displayName", "meta",
    }  # fmt: skip
    assert (await directory.ask("DELETE", path)).status == 204
    assert await directory.roles(anna) == {}


async def test_an_address_at_home_does_not_take_the_place_of_the_one_for_work(directory: Directory) -> None:
    anna = await directory.create()
    path, at_home = f"/Users/{anna['id']}", "home@example.org"
    for operation, address in (
        ({"op": "replace", "path": 'emails[type eq "home"].value', "value": at_home}, "anna@example.org"),
        ({"op": "remove", "path": 'emails[type eq "home"]'}, "anna@example.org"),
        ({"op": "add", "path": "emails", "value": [{"value": at_home, "type": "home"}]}, "anna@example.org"),
        ({"op": "add", "value": {"emails": [{"value": at_home, "type": "other"}]}}, "anna@example.org"),
        ({"op": "replace", "path": "emails[primary eq true].value", "value": "b@example.org"}, "b@example.org"),
        (
            {"op": "replace", "path": 'emails[value eq "b@example.org"].value', "value": "c@example.org"},
            "c@example.org",
        ),
        ({"op": "add", "path": "emails", "value": [{"value": "d@example.org", "primary": True}]}, "d@example.org"),
        ({"op": "add", "path": 'emails[type eq "work"].value', "value": "e@example.org"}, "e@example.org"),
    ):
        told = await directory.patch(path, operation)
        assert (told.status, told.body["emails"][0]["value"]) == (200, address), operation


async def test_a_directory_makes_nobody_outside_of_its_providers_domains_and_still_shuts_out_who_is(
    directory: Directory,
) -> None:
    anna = await directory.create()
    path, off = f"/Users/{anna['id']}", {"op": "replace", "path": "active", "value": False}
    await directory.world.people.identity.identity_providers.update(
        directory.world.admin, directory.world.provider_id, ProviderChanges(domains=["elsewhere.example"])
    )
    for told in (
        await directory.ask("POST", "/Users", {"userName": "boss@bigcorp.example"}),
        await directory.patch(path, {"op": "replace", "path": "emails.value", "value": "boss@bigcorp.example"}),
    ):
        assert (told.status, told.body["scimType"]) == (400, "invalidValue")
        assert "bigcorp.example is none of the provider's" in told.body["detail"]
    assert (await directory.patch(path, off)).body["active"] is False


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_who_is_changed_is_locked_before_any_workspace_so_that_nobody_waits_in_a_circle(
    directory: Directory,
) -> None:
    """Directories, administrators and people who sign in change the same members at the same time."""
    world, pool = directory.world, directory.world.people.ground.database.pool
    first, second = await directory.create(), await directory.create(userName="bert@example.org")
    told = await directory.ask("POST", "/Groups", {"displayName": "ops", "members": [{"value": first["id"]}]})
    both = {"op": "add", "path": "members", "value": [{"value": one["id"]} for one in (first, second)]}
    group, users, demo = f"/Groups/{told.body['id']}", world.people.identity.users, world.people.demo.workspace_id
    for change in (
        lambda: directory.patch(group, both),
        lambda: users.suspend(world.admin, demo, row_of(second)),
        lambda: users.activate(world.admin, demo, row_of(second)),
        lambda: users.remove(world.admin, demo, row_of(second)),
    ):
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT FROM user_account WHERE id = $1 FOR UPDATE", row_of(second))
            changing = asyncio.ensure_future(change())
            while not await pool.fetchval(WAITING):
                assert not changing.done()
            await connection.execute("SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE NOWAIT", demo)
        await changing


async def test_who_signs_in_does_not_wait_for_their_directory(directory: Directory) -> None:
    world = directory.world
    anna = await directory.create()
    await directory.ask("POST", "/Groups", {"displayName": "ops", "members": [{"value": anna["id"]}]})
    async with world.people.ground.database.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM identity_provider FOR NO KEY UPDATE")  # as a change of groups does
        signed_in = await asyncio.wait_for(world.sign_in(), 20)
    assert signed_in.error is None


async def test_a_link_to_a_former_mailbox_replaces_no_password(directory: Directory) -> None:
    people = directory.world.people
    user_id = await people.user()
    anna = await directory.create()
    await people.identity.password_changes.forgot("anna@example.org", HERE)
    count = "SELECT count(*) FROM password_reset WHERE user_id = $1"
    assert await people.ground.database.pool.fetchval(count, user_id) == 1
    await directory.patch(f"/Users/{anna['id']}", {"op": "replace", "path": "emails.value", "value": "a@example.org"})
    assert await people.ground.database.pool.fetchval(count, user_id) == 0


async def test_what_cannot_be_done_is_said_as_scim_says_it(directory: Directory) -> None:
    anna = await directory.create()
    path, nobody = f"/Users/{anna['id']}", encode_global_id("User", 1)
    for method, at, body, status, kind in (
        ("POST", "/Users", {"userName": "ANNA@example.org"}, 409, "uniqueness"),
        ("POST", "/Users", {}, 400, "invalidValue"),
        ("POST", "/Users", {"userName": "no address"}, 400, "invalidValue"),
        ("POST", "/Users", {"userName": "x@example.org", "active": "perhaps"}, 400, "invalidValue"),
        ("POST", "/Users", {"userName": "x@example.org", "emails": "x"}, 400, "invalidValue"),
        ("POST", "/Users", {"userName": "x" * 300}, 400, "invalidValue"),
        ("POST", "/Users", b"{", 400, "invalidSyntax"),
        ("POST", "/Users", b"[" * 100_000, 400, "invalidSyntax"),
        ("POST", "/Users", b" " * (1 << 20) + b"{}", 413, None),
        ("PATCH", path, {"Operations": []}, 400, "invalidSyntax"),
        ("PATCH", path, {"Operations": [{"op": "move", "path": "active"}]}, 400, "invalidSyntax"),
        ("PATCH", path, {"Operations": [{"op": "remove"}]}, 400, "noTarget"),
        ("PATCH", path, {"Operations": [{"op": "replace", "path": "a b", "value": 1}]}, 400, "invalidPath"),
        ("PATCH", path, {"Operations": [{"op": "replace", "path": "id", "value": "x"}]}, 400, "mutability"),
        ("PATCH", path, {"Operations": [{"op": "remove", "path": "userName"}]}, 400, "mutability"),
        ("PATCH", path, {"Operations": [{"op": "replace", "path": "active"}]}, 400, "invalidValue"),
        ("PATCH", path, {"Operations": [{"op": "replace", "path": "active", "value": None}]}, 400, "invalidValue"),
        ("GET", '/Users?filter=userName%20eq%20"%00"', None, 400, "invalidFilter"),
        ("GET", '/Users?filter=userName%20eq%20"%5C%00"', None, 400, "invalidFilter"),
        ("POST", "/Groups", {"displayName": "g", "members": [{"value": "nonsense"}]}, 400, "invalidValue"),
        ("GET", "/Users/nonsense", None, 404, None),
        ("GET", f"/Groups/{anna['id']}", None, 404, None),
        ("DELETE", "/Users", None, 405, None),
        ("POST", "/Bulk", {}, 404, None),
        ("GET", "/Schemas/nonsense", None, 404, None),
        ("GET", '/Schemas?filter=id%20eq%20"x"', None, 403, None),
        (
            "POST",
            "/Groups",
            {"displayName": "g", "members": [{"value": nobody}]},
            400,
            "invalidValue",
        ),
    ):
        told = await directory.ask(method, at, body)
        assert (told.status, told.body.get("scimType")) == (status, kind), (method, at, told.body)
        assert told.body["status"] == str(status)


async def test_the_workspace_is_told_of_members_that_its_directory_brings(directory: Directory) -> None:
    anna = await directory.create()
    group = {"displayName": "ops", "members": [{"value": anna["id"]}]}
    made = await directory.ask("POST", "/Groups", group)
    assert made.status == 201, made.body
    await directory.ask("DELETE", f"/Users/{anna['id']}")
    rows = await directory.world.people.ground.database.pool.fetch(
        "SELECT type, data ->> 'role' AS role, data ->> 'roleBefore' AS before FROM event"
        " WHERE type LIKE 'member.%' ORDER BY id"
    )
    assert [tuple(row) for row in rows] == [("member.added", "USER", None), ("member.removed", None, "USER")]


async def test_a_suspended_organisations_directory_is_refused_until_it_is_restored(directory: Directory) -> None:
    pool = directory.world.people.ground.database.pool
    await pool.execute("UPDATE organisation SET suspended_at = now()")
    assert (await directory.ask("GET", "/Users")).status == 401
    await pool.execute("UPDATE organisation SET suspended_at = NULL")
    assert (await directory.ask("GET", "/Users")).status == 200


async def test_a_directory_reaches_nobody_elsewhere_and_shuts_out_no_one_who_must_stay(directory: Directory) -> None:
    people = directory.world.people
    theirs = await people.user(
        "theirs@example.org", roles={"other": Role.ADMINISTRATOR}, organisation_id=people.other.organisation_id
    )
    told = await directory.ask("POST", "/Users", {"userName": "theirs@example.org"})
    assert (told.status, told.body["scimType"]) == (409, "uniqueness")
    assert (await directory.ask("GET", f"/Users/{encode_global_id('User', theirs)}")).status == 404
    pool = people.ground.database.pool
    boss = await directory.create(userName="boss@example.org")  # found by the address
    assert await directory.roles(boss) == {"demo": "ADMINISTRATOR"}
    path = f"/Users/{boss['id']}"
    off = {"op": "replace", "path": "active", "value": False}
    assert (await directory.patch(path, off)).status == 403  # the last administrator
    await people.user("second@example.org")
    await pool.execute("UPDATE user_account SET break_glass = true WHERE id = $1", row_of(boss))
    assert (await directory.patch(path, off)).status == 403
    assert (await directory.ask("DELETE", path)).status == 403
    moved = {"op": "replace", "path": "emails", "value": [{"value": "new@example.org"}]}
    assert (await directory.patch(path, moved)).status == 403
    await pool.execute("UPDATE user_account SET break_glass = false WHERE id = $1", row_of(boss))
    assert (await directory.patch(path, off)).status == 200
    body = {"email": "boss@example.org", "password": PASSWORD}
    assert (await people.http("/auth/login", body)).code == "UNAUTHENTICATED"
    assert await pool.fetchval("SELECT status FROM user_account WHERE id = $1", row_of(boss)) == UserStatus.SUSPENDED
