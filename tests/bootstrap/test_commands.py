"""The short commands, and what `serve` refuses, on a database given by its URL."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import asyncpg
import jwt
import pytest
from motet_process import MotetProcess, command

from motet import __version__
from motet.domain.global_ids import encode_global_id
from motet.storage.database import Database
from tenants import Tenants


def test_migrate_then_workspace_then_token(empty_database_url: str, tmp_path: Path) -> None:
    database = ("--database-url", empty_database_url)
    data = ("--data-dir", str(tmp_path))

    refused = command("token", "--operator", *database, *data)
    assert refused.returncode == 1
    assert "run `motet migrate`" in refused.stderr

    migrated = command("migrate", *database)
    assert migrated.stdout.splitlines()[0] == "applied 0001_initial"
    assert command("migrate", *database).stdout == "the schema is the newest already\n"

    made = command("workspace", "create", "acme", "--json", "--ttl", "30d", *database, *data)
    assert made.returncode == 0, made.stderr
    facts = json.loads(made.stdout)
    claims = jwt.decode(facts["token"], options={"verify_signature": False})
    assert (facts["workspace"], claims["workspace"], claims["role"]) == ("acme", "acme", "ADMINISTRATOR")
    assert claims["exp"] - claims["iat"] == 30 * 86_400

    again = command("workspace", "create", "acme", *database, *data)
    assert (again.returncode, again.stderr.splitlines()[-1]) == (
        1,
        "motet: the name 'acme': there is a workspace named acme already",
    )
    assert "lower-case" in command("workspace", "create", "Acme Ltd", *database, *data).stderr

    observer = command("token", "--workspace", "acme", "--role", "OBSERVER", *database, *data)
    claims = jwt.decode(observer.stdout.strip(), options={"verify_signature": False})
    assert (claims["role"], claims["sub"]) == ("OBSERVER", "observer@acme")
    network = command("token", "--network", "acme", *database, *data)
    claims = jwt.decode(network.stdout.strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["network"], "workspace_id" in claims) == ("network:acme", True, False)
    assert command("token", "--network", "a b", *database, *data).returncode == 1
    unknown = command("token", "--workspace", "nobody", *database, *data)
    assert (unknown.returncode, unknown.stderr) == (1, "motet: there is no workspace named nobody\n")

    listed = command("keys", "list", "--json", *database, *data).stdout.splitlines()
    assert [json.loads(line)["signs"] for line in listed] == [True]
    rotated = json.loads(command("keys", "rotate", "--json", *database, *data).stdout)
    listed = [json.loads(line) for line in command("keys", "list", "--json", *database, *data).stdout.splitlines()]
    assert [(key["kid"] == rotated["kid"], key["signs"]) for key in listed] == [(True, True), (False, False)]
    kept = jwt.decode(facts["token"], options={"verify_signature": False})["exp"]
    assert datetime.fromisoformat(listed[1]["checks_until"]).timestamp() == kept
    taken = command("token", "--revoke", facts["token"], *database, *data)
    jti = jwt.decode(facts["token"], options={"verify_signature": False})["jti"]
    assert taken.stdout == f"The token {jti} is good no more.\n"
    assert "nothing to take back" in command("token", "--revoke", "x", *database, *data).stderr
    assert command("token", "--revoke-all", *database, *data).returncode == 0
    assert len(command("keys", "list", *database, *data).stdout.splitlines()) == 1
    assert command("keys", "rotate", "--end-tokens", *database, *data).returncode == 0
    assert len(command("keys", "list", *database, *data).stdout.splitlines()) == 1
    assert "at most 366d" in command("token", "--operator", "--ttl", "367d", *database, *data).stderr

    other_key = command("token", "--operator", *database, "--data-dir", str(tmp_path / "other"))
    assert other_key.returncode == 1
    assert "were encrypted with another key" in other_key.stderr


def test_serve_runs_on_a_migrated_database_and_refuses_another(database_url: str, tmp_path: Path) -> None:
    flags = ("--database-url", database_url, "--data-dir", str(tmp_path))
    gateway = MotetProcess("serve", *flags, errors=tmp_path / "errors.log")
    assert gateway.facts["version"] == __version__
    assert "token" not in json.dumps(gateway.facts)
    assert gateway.end() == 0


async def test_a_token_of_a_role_of_the_workspaces_own(database: Database, database_url: str, tmp_path: Path) -> None:
    tenants = Tenants(database)
    tenant = await tenants.workspace("demo")
    role_id = tenants.new_id()
    await tenants.execute(
        "INSERT INTO custom_role (workspace_id, id, name, permissions) VALUES ($1, $2, 'fitters', '{sim:read}')",
        tenant.workspace_id, role_id,
    )  # fmt: skip
    flags = ("--workspace", "demo", "--database-url", database_url, "--data-dir", str(tmp_path))
    for named in ("fitters", encode_global_id("CustomRole", role_id)):
        issued = command("token", "--custom-role", named, *flags)
        claims = jwt.decode(issued.stdout.strip(), options={"verify_signature": False})
        assert (claims["role_id"], claims["sub"], "role" in claims) == (str(role_id), "custom@demo", False)
    for named in ("nobody", encode_global_id("CustomRole", 1)):
        assert "has no role of its own with the id or name" in command("token", "--custom-role", named, *flags).stderr


async def test_mail_domains_are_listed_and_released(database: Database, database_url: str) -> None:
    tenants = Tenants(database)
    tenant = await tenants.workspace("demo")
    await tenants.execute(
        "INSERT INTO identity_provider (id, organisation_id, name, issuer) VALUES (5, $1, 'Ours', 'https://a.example')",
        tenant.organisation_id,
    )
    await tenants.execute("INSERT INTO identity_provider_domain VALUES ('b.example', 5), ('a.example', 5)")
    flags = ("--database-url", database_url)
    organisation = await database.pool.fetchval("SELECT name FROM organisation WHERE id = $1", tenant.organisation_id)
    listed = command("domains", "list", "--json", *flags)
    assert [json.loads(line) for line in listed.stdout.splitlines()] == [
        {
            "domain": domain, "organisation": organisation, "provider_id": 5, "provider": "Ours", "enabled": True,
            "last_sign_in_at": None,
        }
        for domain in ("a.example", "b.example")
    ]  # fmt: skip
    first = command("domains", "release", "A.example", *flags)
    assert first.stdout == f"a.example is no longer {organisation}'s, by its provider Ours.\n", first.stderr
    assert command("domains", "list", *flags).stdout == f"b.example  {organisation}, by Ours (nobody yet)\n"
    last = command("domains", "release", "b.example", *flags)
    assert last.stdout.splitlines()[1:] == ["That was the provider's last domain: nobody can sign in by it now."]
    found = await database.pool.fetchrow("SELECT enabled, last_error FROM identity_provider")
    assert tuple(found) == (False, "the operator has released the domain b.example")
    again = command("domains", "release", "b.example", *flags)
    assert (again.returncode, again.stderr) == (1, "motet: no identity provider holds b.example\n")
    assert command("domains", "release", "example", *flags).returncode == 1
    actions = await database.pool.fetch("SELECT action, outcome, input FROM audit_entry ORDER BY id")
    assert [(row["action"], row["outcome"], row["input"]) for row in actions] == [
        ("motet domains release", "DONE", {"domain": domain}) for domain in ("a.example", "b.example")
    ]


async def test_serve_refuses_an_older_and_a_newer_schema(database_url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(database_url)
    for change, words in (
        ("UPDATE schema_migration SET version = 9999 WHERE version = 1", "newer than this motet"),
        ("DELETE FROM schema_migration", "older than this motet"),
    ):
        await connection.execute(change)
        flags = ("--database-url", database_url, "--data-dir", str(tmp_path))
        refused = MotetProcess("serve", *flags, errors=tmp_path / "errors.log")
        assert refused.end() == 1
        assert words in (tmp_path / "errors.log").read_text()
    await connection.close()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "required: COMMAND"),
        (("dance",), 2, "invalid choice: 'dance'"),
        (("token",), 2, "one of the arguments --operator --workspace --network --revoke --revoke-all is required"),
        (("token", "--operator", "--role", "USER"), 1, "--role goes with --workspace"),
        (("token", "--operator", "--custom-role", "x"), 1, "--custom-role goes with --workspace"),
        (("token", "--workspace", "w", "--role", "USER", "--custom-role", "x"), 1, "either --role or --custom-role"),
        (("token", "--operator", "--ttl", "soon"), 1, "--ttl must be a time"),
        (("serve", "--http", "x"), 1, "--http must be HOST:PORT"),
        (("migrate", "--database-url", "postgresql://u:hunter2@127.0.0.1:1/x"), 1, "cannot connect to the database"),
    ],
)
def test_wrong_usage_is_told(words: tuple[str, ...], status: int, said: str) -> None:
    done = command(*words)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_version_and_help() -> None:
    assert command("--version").stdout == f"motet {__version__}\n"
    text = command("--help").stdout
    for name in ("serve", "demo", "simulator", "migrate", "schema", "esme", "workspace", "token"):
        assert f"    {name}" in text
    assert "MOTET_DATABASE_URL" in command("serve", "--help").stdout
