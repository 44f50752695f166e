"""Nodes that are killed and connections that are cut, between change and seal: each committed change has its entry, no
answered one is lost, and the chains hold."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cut_database import CutDatabase, CutError
from motet.identity.audit import AuditLog, act_of
from motet.identity.audit_check import AuditCheck
from motet.identity.audit_sealing import Sealer
from motet.storage.acting import Actor, ActorKind, Edge, acting
from motet.storage.database import Database
from motet.storage.transaction import transaction
from tenants import Tenants

WRITER = Path(__file__).with_name("audit_writer.py")
ACTOR = Actor(ActorKind.USER, "anna@example.org", 5)


async def check_whole(database: Database) -> None:
    """Every chain holds, from its first entry to its last, and every entry has one place in it."""
    async with asyncio.timeout(30):  # the server holds a dead sealer's lock until it notices
        while await database.pool.fetchval("SELECT count(*) FROM audit_pending"):
            await Sealer(database).seal()
            await asyncio.sleep(0.01)
    verdicts = await AuditCheck(database, lambda: datetime.now(UTC)).verify()
    assert [one.broken for one in verdicts if one.broken] == []
    for verdict in verdicts:
        assert verdict.entries == verdict.end.seq
    wrong = await database.pool.fetchrow(
        "SELECT (SELECT count(*) FROM audit_entry), (SELECT count(DISTINCT entry_id) FROM audit_seal),"
        " (SELECT count(*) FROM audit_seal)"
    )
    entries, sealed, seals = wrong
    assert (sealed, seals) == (entries, entries)


async def told_and_done(database: Database) -> tuple[list[int], list[int], list[int]]:
    """(what is in the table, whose insertion an entry tells of, what an entry says was refused), in order."""
    done = [row[0] for row in await database.pool.fetch("SELECT id FROM short_code ORDER BY id")]
    told = [
        row[0] for row in await database.pool.fetch(
            "SELECT (c ->> 'id')::bigint AS n FROM audit_entry e, jsonb_array_elements(e.changes) AS c"
            " WHERE c ->> 'table' = 'short_code' AND e.outcome = 'DONE' AND e.input ->> 'n' = c ->> 'id'"
            "   AND e.workspace_id = (SELECT id FROM workspace) ORDER BY n"
        )
    ]  # fmt: skip
    refused = [
        row[0] for row in await database.pool.fetch(
            "SELECT (input ->> 'n')::bigint AS n FROM audit_entry WHERE outcome = 'REFUSED' ORDER BY n"
        )
    ]  # fmt: skip
    return done, told, refused


async def run_writer(database: Database, workspace_id: int, number: int, acts: int) -> list[str]:
    """Lets a process work until it has answered that many acts, and kills it: what it has answered."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(WRITER), database.url, str(workspace_id), str(number), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(acts)]
    process.kill()
    lines += (await process.stdout.read()).splitlines()
    await process.wait()
    return [line.decode().strip() for line in lines]


def numbers_of(answered: Sequence[str], word: str) -> set[int]:
    return {int(line.split()[1]) for line in answered if line.startswith(word) and len(line.split()) == 2}


async def test_a_killed_node_loses_no_entry_and_breaks_no_chain(database: Database) -> None:
    tenants = Tenants(database)
    demo = await tenants.workspace("demo")

    async def cut() -> None:
        while True:
            await asyncio.sleep(0.05)
            await database.pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = 'motet' AND pid <> pg_backend_pid() AND random() < 0.2"
            )

    cutting = asyncio.create_task(cut())
    first = await asyncio.gather(*(run_writer(database, demo.workspace_id, number, 150) for number in (1, 2)))
    cutting.cancel()
    with suppress(asyncio.CancelledError):
        await cutting
    second = await asyncio.gather(*(run_writer(database, demo.workspace_id, 3 + number, 40) for number in (0, 1)))
    answered = [line for lines in (*first, *second) for line in lines]
    done, told, refused = await told_and_done(database)
    assert done == told
    assert numbers_of(answered, "changed") <= set(done)
    assert numbers_of(answered, "refused") <= set(refused)
    assert not set(refused) & set(done)
    assert len(done) > 150
    await check_whole(database)


async def test_wherever_a_change_is_cut_it_is_told_of_if_it_was_made(database: Database) -> None:
    tenants = Tenants(database)
    demo = await tenants.workspace("demo")
    answered = set()
    for at in range(1, 12):
        cut = CutDatabase(database, at)
        actor = Actor(ActorKind.USER, "anna@example.org", demo.workspace_id)
        with suppress(CutError), acting(act_of(actor, None, Edge.GRAPHQL, "x", {"n": at})):
            async with transaction(cut) as connection:  # type: ignore[arg-type]
                await connection.execute(
                    "INSERT INTO short_code (workspace_id, id, code) VALUES ($1, $2, $2::bigint::text)",
                    demo.workspace_id,
                    at,
                )
            answered.add(at)
    done, told, _ = await told_and_done(database)
    assert done == told
    assert answered < set(done)  # one was committed, and nobody heard of it
    assert len(answered) < 11
    await check_whole(database)


async def write_three_logs(database: Database, count: int) -> None:
    log = AuditLog(database)
    for number in range(count):
        actor = Actor(ActorKind.USER, "anna@example.org", number % 3 or None)
        await log.record(act_of(actor, None, Edge.GRAPHQL, "x", {"n": number}))
    await log.close()


async def test_wherever_sealing_is_cut_the_chain_goes_on(database: Database) -> None:
    check = AuditCheck(database, lambda: datetime.now(UTC))
    whole = 0
    for at in range(1, 14):
        await write_three_logs(database, 4)
        with suppress(CutError):
            await Sealer(CutDatabase(database, at)).seal()  # type: ignore[arg-type]
            whole += 1
        assert [one.broken for one in await check.verify() if one.broken] == []
    assert 0 < whole < 13
    await check_whole(database)


@pytest.mark.parametrize("at", range(1, 9))
async def test_another_node_seals_what_a_dead_one_has_left(database: Database, at: int) -> None:
    await write_three_logs(database, 30)
    cut = Sealer(CutDatabase(database, at))  # type: ignore[arg-type]
    results = await asyncio.gather(cut.seal(), *(Sealer(database).seal() for _ in range(3)), return_exceptions=True)
    assert [one for one in results if isinstance(one, BaseException) and not isinstance(one, CutError)] == []
    await check_whole(database)


TABLES = ("audit_entry", "audit_seal", "audit_chain", "audit_pending")
CHANGED = {
    "bigint": "coalesce({0}, 0) + 7", "integer": "coalesce({0}, 0) + 7", "text": "coalesce({0}, '') || 'x'",
    "bytea": "sha256({0})", "inet": "'192.0.2.99'::inet", "jsonb": """'{{"other": 1}}'::jsonb""",
    "ARRAY": "'{{7}}'", "timestamp with time zone": "{0} + interval '1 microsecond'",
}  # fmt: skip
"""Another value for a column, by its type."""


async def test_a_change_of_any_column_of_any_of_its_tables_is_found(database: Database) -> None:
    """Also of seals, of the chains' ends and of what waits; but for how long a log is kept: setting it is an entry."""
    check = AuditCheck(database, lambda: datetime.now(UTC))
    await write_three_logs(database, 15)
    await Sealer(database).seal()
    await write_three_logs(database, 3)  # these wait
    columns = await database.pool.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_name = ANY ($1) ORDER BY 1, ordinal_position", TABLES
    )  # fmt: skip
    assert {table for table, _, _ in columns} == set(TABLES)
    unseen = set()
    async with database.pool.acquire() as connection:
        await connection.execute("SET session_replication_role = replica")
        for table in TABLES:
            await connection.execute(f"CREATE TEMPORARY TABLE kept_{table} AS TABLE {table}")
        for table, column, type_ in columns:
            sealed = "WHERE id IN (SELECT entry_id FROM audit_seal)" if table == "audit_entry" else ""
            await connection.execute(
                f"UPDATE {table} SET {column} = {CHANGED[type_].format(column)}"  # noqa: S608 - names of ours
                f" WHERE ctid = (SELECT ctid FROM {table} {sealed} LIMIT 1)"
            )
            if not [one.broken for one in await check.verify() if one.broken]:
                unseen.add(f"{table}.{column}")
            await connection.execute(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}")  # noqa: S608
            assert [one.broken for one in await check.verify() if one.broken] == [], (table, column)
        await connection.execute("RESET session_replication_role")
    assert unseen == {"audit_chain.retention_days"}


async def test_a_row_that_is_gone_from_any_of_its_tables_is_found(database: Database) -> None:
    check = AuditCheck(database, lambda: datetime.now(UTC))
    await write_three_logs(database, 15)
    await Sealer(database).seal()
    await write_three_logs(database, 3)
    for table in TABLES:
        async with database.pool.acquire() as connection:
            await connection.execute("SET session_replication_role = replica")
            rows = [row[0] for row in await connection.fetch(f"SELECT ctid::text FROM {table}")]  # noqa: S608
            await connection.execute(f"CREATE TEMPORARY TABLE kept_{table} AS TABLE {table}")
            for number in range(len(rows)):
                await connection.execute(
                    f"DELETE FROM {table} WHERE ctid = (SELECT ctid FROM {table} OFFSET {number} LIMIT 1)"  # noqa: S608
                )
                assert [one.broken for one in await check.verify() if one.broken], (table, number)
                await connection.execute(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}")  # noqa: S608
            await connection.execute("RESET session_replication_role")
    await check_whole(database)
