"""What is kept about a person is exported whole, and erased but for what is named."""

from __future__ import annotations

import re

import orjson
import pytest
from test_notices import register_passkey, wrong
from test_second_factors import EMAIL, Ada, ada_in

from motet.access.clients import Client
from motet.access.principals import Principal, Role
from motet.domain.errors import DeniedError, NotFoundError
from motet.identity.audit import act_of
from motet.identity.sessions import Signed
from motet.storage.acting import Edge
from motet.storage.personal_data import BY, ERASED, HISTORIES, KEPT, LEFT_OUT, SECTIONS, erase_person
from motet.storage.transaction import transaction
from people_world import HERE, PASSWORD, People

_REFERRING = """
SELECT DISTINCT c.conrelid::regclass::text FROM pg_constraint c
 WHERE c.contype = 'f' AND c.confrelid IN ('user_account'::regclass, 'scim_user'::regclass)
"""


OFFICE = Client("198.51.100.9", "an office's browser")


async def signed(people: People, email: str) -> Principal:
    """The principal of someone who signs in."""
    found = await people.identity.login.with_password(email, PASSWORD, HERE)
    assert isinstance(found, Signed)
    return await people.identity.authenticator.authenticate(f"Bearer {found.access_token}")


async def lived_in(people: People) -> Ada:
    """A user of whom there is something in every table that refers to users."""
    ada = await ada_in(people)
    await ada.set_up()
    await register_passkey(people, ada, "phone")
    await people.identity.second_step.trust(ada.user_id, HERE)
    pool = people.ground.database.pool
    await pool.execute("UPDATE user_account SET name = 'Ada Lovelace' WHERE id = $1", ada.user_id)
    home = await pool.fetchval("SELECT organisation_id FROM user_account WHERE id = $1", ada.user_id)
    provider = await pool.fetchval(
        "INSERT INTO identity_provider (id, organisation_id, kind, name, issuer, client_id, created_at)"
        " VALUES (71, $1, 0, 'Entra', 'https://idp.example', 'c', now()) RETURNING id",
        home,
    )
    for sql in (
        "INSERT INTO federated_identity (provider_id, issuer, subject, user_id) VALUES ($1, 'https://i', 's1', $2)",
        """INSERT INTO scim_user (provider_id, user_id, user_name, user_name_key, given_name, created_at, updated_at)
           VALUES ($1, $2, 'ada.l', 'ada.l', 'Ada', now(), now())""",
        "INSERT INTO sso_code VALUES ('\\x01', '\\x02', $2, $1, 'sid', now())",
    ):
        await pool.execute(sql, provider, ada.user_id)
    await pool.execute(
        "INSERT INTO scim_group (provider_id, id, display_name, display_name_key, created_at, updated_at)"
        " VALUES ($1, 72, 'Analysts', 'analysts', now(), now())",
        provider,
    )
    await pool.execute("INSERT INTO scim_group_member VALUES (72, $1, $2)", provider, ada.user_id)
    await pool.execute(
        "INSERT INTO sso_session VALUES ($1, $2, $3, 'sid')", ada.signed.session_id, provider, ada.user_id
    )
    await people.identity.password_changes.forgot(EMAIL, HERE)
    principal = await people.identity.authenticator.authenticate(f"Bearer {ada.signed.access_token}")
    await pool.execute(
        "INSERT INTO api_key (workspace_id, id, prefix, secret_hash, name, role, created_by, created_by_name)"
        " VALUES ($1, 73, 'prefix73', '\\x00', 'reporting', 'USER', $2, $3)",
        people.demo.workspace_id, ada.user_id, EMAIL,
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO invitation (workspace_id, id, email, email_key, role, invited_by, token_hash, expires_at)"
        " VALUES ($1, 74, $2, $2, 'USER', 'somebody', '\\x03', now() + interval '1 day')",
        people.other.workspace_id, EMAIL,
    )  # fmt: skip
    await people.identity.users.describe(principal.user_id or 0, locale="de", sets_locale=True)
    await wrong(people)
    return ada


async def test_an_export_holds_all_that_is_kept_and_no_secret(people: People) -> None:
    ada = await lived_in(people)
    principal = await people.identity.authenticator.authenticate(f"Bearer {ada.signed.access_token}")
    export = await people.identity.users.export(principal, ada.user_id)
    assert (export["email"], export["name"], export["locale"], export["status"]) == (
        EMAIL,
        "Ada Lovelace",
        "de",
        "ACTIVE",
    )
    assert {name for name in SECTIONS if not export[name]} <= {"audit_log"}
    assert [(one["workspace"], one["role"]) for one in export["memberships"]] == [("demo", "ADMINISTRATOR")]
    assert export["sessions"][0]["address"] == "192.0.2.7"
    assert [(one["provider"], one["subject"]) for one in export["identity_providers"]] == [("Entra", "s1")]
    assert [(one["user_name"], one["groups"]) for one in export["directories"]] == [("ada.l", ["Analysts"])]
    assert [one["active"] for one in export["authenticator_apps"]] == [True]
    assert [one["unused"] for one in export["recovery_codes"]] == [10]
    assert [one["name"] for one in export["passkeys"]] == ["phone"]
    assert [one["user_agent"] for one in export["trusted_devices"]] == ["a browser"]
    assert [(one["name"], one["prefix"]) for one in export["api_keys"]] == [("reporting", "prefix73")]
    assert [one["workspace"] for one in export["invitations"]] == ["other"]
    text = orjson.dumps(export).decode()
    assert not re.search("hash|secret|argon2|public_key|credential", text)


async def test_an_export_tells_what_the_audit_log_says_of_them(people: People) -> None:
    ada = await ada_in(people)
    login = await people.http("/auth/login", {"email": EMAIL, "password": PASSWORD})
    assert login.status == 200
    principal = await people.identity.authenticator.authenticate(f"Bearer {ada.signed.access_token}")
    export = await people.identity.users.export(principal, ada.user_id)
    told = {(one["action"], one["outcome"], one["address"]) for one in export["audit_log"]}
    assert ("POST /auth/login", "DONE", "192.0.2.7") in told


async def test_an_administrator_is_told_nothing_of_other_organisations(people: People) -> None:
    """Bert is a guest of another tenant, too, which sees to him there."""
    home = await people.ground.database.pool.fetchval(
        "SELECT organisation_id FROM workspace WHERE id = $1", people.demo.workspace_id
    )
    bert_id = await people.user("bert@example.org", roles={"demo": Role.USER, "other": Role.USER}, organisation_id=home)
    await people.user(
        "olga@example.org", roles={"other": Role.ADMINISTRATOR}, organisation_id=people.other.organisation_id
    )
    await people.user()
    olga, anna, bert = [
        await signed(people, name) for name in ("olga@example.org", "anna@example.org", "bert@example.org")
    ]
    audit, users, other_id = people.identity.audit, people.identity.users, people.other.workspace_id
    async with audit.doing(act_of(olga, OFFICE, Edge.GRAPHQL, "userRoleSet", objects=[bert_id])):
        await users.set_role(olga, other_id, bert_id, role=Role.OBSERVER)
    async with audit.doing(act_of(anna, OFFICE, Edge.GRAPHQL, "userRoleSet", objects=[bert_id])):
        await users.set_role(anna, people.demo.workspace_id, bert_id, role=Role.OBSERVER)
    theirs = await users.export(anna, bert_id)
    assert [one["workspace"] for one in theirs["memberships"]] == ["demo"]
    assert {one["workspace"] for one in theirs["audit_log"]} == {"demo"}
    assert "olga" not in orjson.dumps(theirs).decode()
    own = await users.export(bert, bert_id)
    assert [one["workspace"] for one in own["memberships"]] == ["demo", "other"]
    assert {one["actor"] for one in own["audit_log"]} >= {"olga@example.org", "anna@example.org"}
    assert "198.51.100.9" not in orjson.dumps(own).decode()  # where others were is theirs


async def test_who_has_a_lower_role_is_not_told_about_a_person(people: People) -> None:
    await people.user("root@example.org", is_super_admin=True)
    root_id = await people.ground.database.pool.fetchval("SELECT max(id) FROM user_account")
    await people.user()
    anna = await signed(people, "anna@example.org")
    with pytest.raises(DeniedError, match="more than yours"):
        await people.identity.users.export(anna, root_id)


async def test_every_table_that_refers_to_a_user_is_exported_or_named(people: People) -> None:
    referring = {row[0] for row in await people.ground.database.pool.fetch(_REFERRING)}
    exported = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)", " ".join(SECTIONS.values())))
    assert referring - exported == set(LEFT_OUT)


async def test_erasing_leaves_a_person_only_where_it_is_said(people: People) -> None:
    ada = await lived_in(people)
    await people.user("root@example.org", is_super_admin=True)
    signed = await people.identity.login.with_password("root@example.org", PASSWORD, HERE)
    assert isinstance(signed, Signed)
    root = await people.identity.authenticator.authenticate(f"Bearer {signed.access_token}")
    before = await naming(people, ada.user_id)
    assert {"user_account", "invitation", "sign_in_attempt", "api_key", "passkey", "scim_user"} <= before
    await people.identity.users.erase(root, people.demo.workspace_id, ada.user_id)
    assert await naming(people, ada.user_id) - set(KEPT) == set()
    key = await people.ground.database.pool.fetchrow("SELECT name, created_by, created_by_name FROM api_key")
    assert tuple(key or ()) == ("reporting", None, "")
    with pytest.raises(NotFoundError):
        await people.identity.users.export(root, ada.user_id)


async def test_who_did_something_is_forgotten_wherever_that_is_told_for_ever(people: People) -> None:
    ada = await ada_in(people)
    pool = people.ground.database.pool
    telling = await pool.fetch(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'actor'"
    )
    tables = {row[0] for row in telling} - {"audit_entry_seen"}
    others = await pool.fetch(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND a.atttypid = 'text'::regtype AND a.attname LIKE '%\\_by' AND c.relname <> ALL ($1::text[])",
        list(KEPT),
    )
    assert {tuple(row) for row in others} == set(BY.items())
    partitions = {row[0] for row in await pool.fetch("SELECT inhrelid::regclass::text FROM pg_inherits")}
    assert tables - partitions == set(HISTORIES) | set(KEPT) & tables
    for number, who in enumerate((EMAIL, "somebody@else.example")):
        await pool.execute(
            "INSERT INTO service_policy_version (workspace_id, id, policy_id, number, actor, content, changes)"
            " VALUES ($1, $2, $3, $4, $5, '{}', '[]')",
            people.demo.workspace_id, 80 + number, 1, 80 + number, who,
        )  # fmt: skip
    await pool.execute(
        "INSERT INTO invitation (workspace_id, id, email, email_key, role, invited_by, token_hash, expires_at)"
        " VALUES ($1, 75, 'new@example.org', 'new@example.org', 'USER', $2, '\\x04', now() + interval '1 day')",
        people.demo.workspace_id, EMAIL,
    )  # fmt: skip
    async with transaction(people.ground.database) as connection:
        await erase_person(connection, ada.user_id)
    assert await pool.fetchval("SELECT invited_by FROM invitation WHERE id = 75") == ERASED
    actors = await pool.fetch("SELECT actor FROM service_policy_version WHERE number >= 80 ORDER BY number")
    assert [row[0] for row in actors] == [ERASED, "somebody@else.example"]


async def naming(people: People, user_id: int) -> set[str]:
    """The tables in which a row holds the address, the name or the id."""
    pool = people.ground.database.pool
    tables = await pool.fetch(
        "SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind = 'r'"
    )
    found = set()
    for table in (row["name"] for row in tables):
        sql = f"SELECT EXISTS (SELECT FROM {table} t WHERE to_jsonb(t)::text ~* $1)"  # noqa: S608 - a table of ours
        if await pool.fetchval(sql, rf"{re.escape(EMAIL)}|Ada Lovelace|\y{user_id}\y"):
            found.add(table)
    return found
