"""Entries of the audit log: made in the transaction of the change, or beside it for what changed nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from motet.access.clients import Client
from motet.domain.errors import DeniedError, LimitReachedError
from motet.identity.audit import ALIKE, ALIKE_OF_STRANGERS, AuditLog, act_of
from motet.reading.errors import ForbiddenError
from motet.storage.acting import Act, Actor, ActorKind, Edge, Outcome, act_of_job, acting, asked_by
from motet.storage.database import Database
from motet.storage.transaction import audited, transaction
from tenants import Tenant, Tenants, two_tenants

HERE = Client("192.0.2.7", "a browser", "r1")


class Ground:
    def __init__(self, database: Database, tenants: Tenants, demo: Tenant, other: Tenant) -> None:
        self.database, self.tenants, self.demo, self.other = database, tenants, demo, other
        self.log = AuditLog(database)
        self.before = 0
        """Entries up to this id are not the test's."""

    def act(self, action: str = "deviceUpdate", **given: Any) -> Act:
        actor = Actor(ActorKind.USER, "anna@example.org", self.demo.workspace_id, user_id=7, session_id=8)
        return act_of(actor, HERE, Edge.GRAPHQL, action, given)

    async def entries(self) -> list[dict[str, Any]]:
        made = await self.database.pool.fetch("SELECT * FROM audit_entry WHERE id > $1 ORDER BY id", self.before)
        return [dict(row) for row in made]

    async def rename(self, tenant: Tenant, name: str, count: int = 1) -> None:
        """In a transaction of its own."""
        async with transaction(self.database) as connection:
            await connection.execute(
                "UPDATE device SET name = $3 WHERE workspace_id = $1 AND id = ANY ($2::bigint[])",
                tenant.workspace_id, tenant.devices[:count], name,
            )  # fmt: skip


@pytest_asyncio.fixture
async def ground(database: Database) -> AsyncIterator[Ground]:
    made = Ground(database, *await two_tenants(database))
    made.before = await database.pool.fetchval("SELECT max(id) FROM audit_entry")
    yield made
    await made.log.close()


async def test_a_change_has_its_entry_in_the_same_transaction(ground: Ground) -> None:
    async with ground.log.doing(ground.act(id="D1", password="hunter2", text="secret words")):
        await ground.rename(ground.demo, "new")
    (entry,) = await ground.entries()
    assert entry["workspace_id"] == ground.demo.workspace_id
    assert (entry["actor_kind"], entry["actor"], entry["user_id"], entry["session_id"]) == (
        "USER", "anna@example.org", 7, 8,
    )  # fmt: skip
    assert (str(entry["address"]), entry["user_agent"], entry["request_id"]) == ("192.0.2.7", "a browser", "r1")
    assert (entry["edge"], entry["action"], entry["outcome"], entry["times"]) == ("GRAPHQL", "deviceUpdate", "DONE", 1)
    assert entry["input"] == {"id": "D1", "password": "[redacted]", "text": "[redacted]"}
    device = ground.demo.devices[0]
    assert entry["changes"] == [
        {
            "table": "device", "operation": "UPDATE", "id": str(device),
            "before": {"name": entry["changes"][0]["before"]["name"]}, "after": {"name": "new"},
        }
    ]  # fmt: skip
    assert entry["change_counts"] == {"device.UPDATE": 1}
    assert device in entry["objects"]


async def test_no_name_or_path_that_a_database_refuses_loses_the_entry(ground: Ground) -> None:
    """Callers name parameters and paths as they like."""
    with pytest.raises(DeniedError):
        async with ground.log.doing(ground.act("DELETE /Users/\0", **{"\0": 1, "n" * 501: {"a\ud800": "\0"}})):
            raise DeniedError("No.", path=("\0",))
    (entry,) = await ground.entries()
    assert (entry["action"], entry["outcome"], entry["path"]) == ("DELETE /Users/\ufffd", "REFUSED", ["\ufffd"])
    assert entry["input"] == {"\ufffd": 1, "[501 characters]": {"a?": "\ufffd"}}
    assert ground.log.lost == 0


async def test_what_is_rolled_back_leaves_only_that_it_was_refused(ground: Ground) -> None:
    async def refused() -> None:
        async with ground.log.doing(ground.act()), transaction(ground.database) as connection:
            await connection.execute("UPDATE device SET name = 'new'")
            raise DeniedError("No.", path=("id",))

    with pytest.raises(DeniedError):
        await refused()
    (entry,) = await ground.entries()
    assert (entry["outcome"], entry["code"], entry["path"], entry["changes"]) == ("REFUSED", "DENIED", ["id"], [])


async def test_nobody_acting_leaves_no_entry(ground: Ground) -> None:
    await ground.rename(ground.demo, "new")
    assert await ground.entries() == []


async def test_a_second_transaction_leaves_an_entry_only_for_changes(ground: Ground) -> None:
    async with ground.log.doing(ground.act()):
        await ground.rename(ground.demo, "one")
        await ground.rename(ground.demo, "one")
        await ground.rename(ground.demo, "two")
    assert [entry["changes"][0]["after"]["name"] for entry in await ground.entries()] == ["one", "two"]


async def test_each_workspace_is_told_of_its_own_rows_only(ground: Ground) -> None:
    operator = Actor(ActorKind.OPERATOR, "operator")
    async with ground.log.doing(act_of(operator, None, Edge.GRAPHQL, "x")), transaction(ground.database) as connection:
        await connection.execute("UPDATE device SET name = 'new'")
    by_log = {entry["workspace_id"]: entry for entry in await ground.entries()}
    assert set(by_log) == {0, ground.demo.workspace_id, ground.other.workspace_id}
    for tenant in (ground.demo, ground.other):
        entry = by_log[tenant.workspace_id]
        assert {int(change["id"]) for change in entry["changes"]} == set(tenant.devices)
        assert entry["change_counts"] == {"device.UPDATE": len(tenant.devices)}
    assert by_log[0]["change_counts"] == {"device.UPDATE": len(ground.demo.devices + ground.other.devices)}


async def test_many_changes_are_counted_and_the_first_held(ground: Ground) -> None:
    async with ground.log.doing(ground.act()), transaction(ground.database) as connection:
        await connection.execute(
            "INSERT INTO short_code (workspace_id, id, code) SELECT $1, n, n::text FROM generate_series(1, 2500) n",
            ground.demo.workspace_id,
        )
    (entry,) = await ground.entries()
    assert len(entry["changes"]) == 100
    assert entry["change_counts"] == {"short_code.INSERT": 2_500}


async def test_columns_of_secrets_are_never_shown(ground: Ground) -> None:
    async with ground.log.doing(ground.act()), transaction(ground.database) as connection:
        await connection.execute("UPDATE smpp_account SET password_hash = 'MARKER'")
        await connection.execute(
            r"UPDATE webhook SET secret_encrypted = '\x4d41', url = 'https://u:MARKER@h/p?k=MARKER'"
        )
    (entry,) = [one for one in await ground.entries() if one["workspace_id"] == ground.demo.workspace_id]
    assert "MARKER" not in str(entry)
    assert [change["after"] for change in entry["changes"]] == [
        {"password_hash": "[redacted]"},
        {"secret_encrypted": "[redacted]", "url": "https://[redacted]@h/p?[redacted]"},
    ]


@pytest.mark.parametrize(("error", "outcome"), [(ForbiddenError("no"), "FORBIDDEN"), (ZeroDivisionError(), "FAILED")])
async def test_refusals_and_faults_are_entries(ground: Ground, error: Exception, outcome: str) -> None:
    with pytest.raises(type(error)):
        async with ground.log.doing(ground.act()):
            raise error
    (entry,) = await ground.entries()
    assert entry["outcome"] == outcome


async def test_refusals_alike_are_counted_in_one_entry(ground: Ground) -> None:
    for _ in range(ALIKE + 30):
        await ground.log.record(ground.act("login"), Outcome.UNAUTHENTICATED, code="UNAUTHENTICATED")
    await ground.log.record(ground.act("other"), Outcome.UNAUTHENTICATED)
    await ground.log.close()
    times = [(entry["action"], entry["times"]) for entry in await ground.entries()]
    assert times == [*[("login", 1)] * ALIKE, ("other", 1), ("login", 30)]


async def test_strangers_do_not_fill_the_log_whatever_names_they_give(ground: Ground) -> None:
    log = AuditLog(ground.database, clock=lambda: 0.0)
    for number in range(ALIKE_OF_STRANGERS + 30):
        who = Actor(ActorKind.ANONYMOUS, f"nobody{number}@example.org")
        client = Client(f"2001:db8::{number:x}", "a browser")
        act = act_of(who, client, Edge.REST, "POST /auth/login")
        await log.record(act, Outcome.UNAUTHENTICATED)
        await log.record(act, Outcome.REFUSED, code=LimitReachedError.code)
    await log.close()
    told = [(one["outcome"], one["actor"], one["times"]) for one in await ground.entries()]
    assert sum(outcome == "UNAUTHENTICATED" for outcome, _, _ in told) == ALIKE_OF_STRANGERS + 1
    assert sorted(told[-2:]) == [
        ("REFUSED", "someone", ALIKE_OF_STRANGERS + 30 - ALIKE),
        ("UNAUTHENTICATED", "someone", 30),
    ]
    assert told[0] == ("UNAUTHENTICATED", "nobody0@example.org", 1)


async def test_a_task_that_goes_on_does_not_act_for_its_caller(ground: Ground) -> None:
    act = ground.act()
    with acting(act):
        assert asked_by() is not None
    with acting(ground.act()) as other:
        other.over = True
        await ground.rename(ground.demo, "new")
    assert await ground.entries() == []


async def test_a_job_acts_for_whoever_asked_for_it(ground: Ground) -> None:
    with acting(ground.act()):
        asked = asked_by()
    act = act_of_job(asked, ground.demo.workspace_id, "anna@example.org", "DEVICE_UPDATE", 5)
    async with ground.database.pool.acquire() as connection, connection.transaction(), audited(connection, act):
        await connection.execute("UPDATE device SET name = 'n' WHERE id = $1", ground.demo.devices[0])
    async with ground.database.pool.acquire() as connection, connection.transaction(), audited(connection, act):
        pass
    (entry,) = await ground.entries()
    assert (entry["edge"], entry["action"], entry["user_id"], entry["input"]) == (
        "JOB", "DEVICE_UPDATE", 7, {"jobId": "5"},
    )  # fmt: skip
    assert str(entry["address"]) == "192.0.2.7"


async def test_entries_and_seals_cannot_be_changed(ground: Ground) -> None:
    await ground.log.record(ground.act())
    for statement in ("UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"):
        with pytest.raises(Exception, match="the audit log is not changed"):
            await ground.database.pool.execute(statement)


async def test_an_entry_that_no_table_takes_holds_up_no_other(ground: Ground) -> None:
    acts = [ground.act(f"act {number}") for number in range(5)]
    acts[2].address = "no address"
    await asyncio.gather(*(ground.log.record(act) for act in acts))
    assert [entry["action"] for entry in await ground.entries()] == ["act 0", "act 1", "act 3", "act 4"]
    assert ground.log.lost == 1
