"""The chain over the audit log: what is changed behind its back is found, whatever it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from motet.domain.audit_chain import START, canonical, link_of
from motet.domain.errors import InvalidError
from motet.identity.audit import AuditLog, act_of
from motet.identity.audit_check import Anchor, AuditCheck, anchor_line, read_anchors
from motet.identity.audit_retention import AuditRetention
from motet.identity.audit_sealing import Sealer
from motet.storage.acting import Actor, ActorKind, Edge
from motet.storage.database import Database

WORKSPACE = 5


@dataclass
class Log:
    """A log of ten sealed entries of a workspace and three of the installation; `at` is the time of a check."""

    database: Database
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.writer = AuditLog(self.database)
        self.check = AuditCheck(self.database, lambda: self.at)

    async def write(self, count: int, log: int | None = WORKSPACE) -> None:
        actor = Actor(ActorKind.USER, "anna@example.org", log, user_id=7)
        for number in range(count):
            await self.writer.record(act_of(actor, None, Edge.GRAPHQL, "deviceUpdate", {"n": number, "f": 1.5}))

    async def seal(self) -> int:
        return await Sealer(self.database).seal()

    async def tamper(self, *statements: str) -> None:
        """As someone who has the database itself, and takes its guards away."""
        async with self.database.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                assert await connection.execute(statement) not in {"UPDATE 0", "DELETE 0", "INSERT 0 0"}, statement

    async def broken(self, *anchors: Anchor, since: datetime | None = None) -> dict[int, str]:
        verdicts = await self.check.verify(anchors=anchors, since=since)
        return {one.log: one.broken for one in verdicts if one.broken is not None}


@pytest_asyncio.fixture
async def log(database: Database) -> AsyncIterator[Log]:
    made = Log(database)
    await made.write(10)
    await made.write(3, None)
    await made.seal()
    yield made
    await made.writer.close()


async def test_an_untouched_log_is_whole(log: Log) -> None:
    seen: list[tuple[int, int]] = []
    verdicts = await log.check.verify(show=lambda done, total: seen.append((done, total)))
    assert [(one.log, one.entries, one.end.seq, one.broken) for one in verdicts] == [(0, 3, 3, None), (5, 10, 10, None)]
    assert seen[-1] == (13, 13)
    assert [one.log for one in await log.check.verify([5])] == [5]


ENTRY_4 = "(SELECT entry_id FROM audit_seal WHERE workspace_id = 5 AND seq = 4)"
COLUMNS = {
    "at": "at + interval '1 microsecond'", "actor_kind": "'OPERATOR'", "actor": "'bob'", "user_id": "8",
    "api_key_id": "1", "session_id": "1", "token_id": "'t'", "edge": "'REST'", "action": "'x'", "outcome": "'FAILED'",
    "code": "'x'", "path": "'{x}'", "times": "2", "address": "'192.0.2.1'", "user_agent": "'x'", "request_id": "'x'",
    "input": "'{}'", "objects": "'{1}'", "changes": """'[{"table": "x"}]'""", "change_counts": """'{"x": 1}'""",
}  # fmt: skip
TAMPERING: dict[str, tuple[list[str], str]] = {
    "entry deleted": ([f"DELETE FROM audit_entry WHERE id = {ENTRY_4}"], "entry 4 is missing"),  # noqa: S608
    "seal deleted": (["DELETE FROM audit_seal WHERE workspace_id = 5 AND seq = 4"], "the seal of entry 4 is missing"),
    "both deleted": (
        [f"DELETE FROM audit_entry WHERE id = {ENTRY_4}",  # noqa: S608
         "DELETE FROM audit_seal WHERE workspace_id = 5 AND seq = 4"],
        "the seal of entry 4 is missing",
    ),
    "order changed": (
        [
            f"UPDATE audit_seal SET seq = {after} WHERE workspace_id = 5 AND seq = {before}"  # noqa: S608
            for before, after in ((4, -4), (5, 4), (-4, 5))
        ], "entry 4 is not what was sealed"),
    "hash changed": (
        ["UPDATE audit_seal SET hash = sha256('x') WHERE workspace_id = 5 AND seq = 4"],
        "entry 4 is not what was sealed",
    ),
    "entry put in": (
        [("INSERT INTO audit_entry (workspace_id, actor_kind, actor, edge, action, outcome, input, objects, changes,"
         " change_counts) VALUES (5, 'USER', 'eve', 'GRAPHQL', 'x', 'DONE', '{}', '{}', '[]', '{}')")],
        "was put in beside the chain",
    ),
    "tail cut": (
        ["DELETE FROM audit_seal WHERE workspace_id = 5 AND seq > 8"], "the entries from 9 to 10 are missing"
    ),
    "head cut": (
        ["DELETE FROM audit_seal WHERE workspace_id = 5 AND seq < 4",
         "UPDATE audit_chain SET removed_seq = 3, removed_hash = (SELECT sha256('x')) WHERE workspace_id = 5"],
        "no entry tells of their removal",
    ),
}  # fmt: skip


async def test_a_change_of_any_column_is_found(log: Log) -> None:
    await log.database.pool.execute(f"CREATE TABLE kept AS SELECT * FROM audit_entry WHERE id = {ENTRY_4}")  # noqa: S608
    columns = [row[0] for row in await log.database.pool.fetch("SELECT column_name FROM information_schema.columns"
               " WHERE table_name = 'audit_entry'")]  # fmt: skip
    assert set(columns) == {*COLUMNS, "id", "workspace_id"}
    for column, value in COLUMNS.items():
        await log.tamper(f"UPDATE audit_entry SET {column} = {value} WHERE id = {ENTRY_4}")  # noqa: S608
        assert "entry 4 is not what was sealed" in (await log.broken()).get(5, ""), column
        await log.tamper(f"UPDATE audit_entry e SET {column} = k.{column} FROM kept k WHERE e.id = k.id")  # noqa: S608
    assert await log.broken() == {}


@pytest.mark.parametrize("what", TAMPERING)
async def test_tampering_is_found_and_only_there(log: Log, what: str) -> None:
    statements, words = TAMPERING[what]
    await log.tamper(*statements)
    broken = await log.broken()
    assert set(broken) == {5}
    assert words in broken[5]


CUT = [
    "DELETE FROM audit_entry e USING audit_seal s WHERE s.workspace_id = 5 AND s.seq > 8 AND e.id = s.entry_id",
    "DELETE FROM audit_seal WHERE workspace_id = 5 AND seq > 8",
    "UPDATE audit_chain c SET seq = 8, hash = s.hash FROM audit_seal s WHERE c.workspace_id = 5 AND s.seq = 8",
]


async def test_a_tail_that_was_cut_well_is_found_by_an_anchor(log: Log) -> None:
    early = [anchor for anchor, _ in await log.check.anchors()]
    text = "\n".join(anchor_line(anchor, name, log.at) for anchor, name in await log.check.anchors()) + "\n\n"
    assert read_anchors(text) == early
    assert await log.broken(*early) == {}
    await log.write(2)
    await log.seal()
    assert await log.broken(*early) == {}
    await log.tamper(*CUT)
    assert await log.broken() == {}
    assert "the end was cut off" in (await log.broken(*early))[5]


async def test_a_chain_made_anew_and_a_log_that_is_gone_are_found_by_an_anchor(log: Log) -> None:
    anchors = [anchor for anchor, _ in await log.check.anchors([5])]
    forged = [anchors[0]._replace(hash=bytes(32))]
    assert "was made anew" in (await log.broken(*forged))[5]
    await log.tamper(
        "DELETE FROM audit_entry WHERE workspace_id = 5",
        "DELETE FROM audit_seal WHERE workspace_id = 5",
        "DELETE FROM audit_chain WHERE workspace_id = 5",
    )
    assert await log.broken() == {}
    assert "is gone" in (await log.broken(*anchors))[5]


async def test_a_removal_that_nobody_s_retention_made_is_found_by_an_anchor(log: Log) -> None:
    anchors = [anchor for anchor, _ in await log.check.anchors([5])]
    assert anchors[0].seq == 10
    await log.write(2)
    await log.seal()
    too_soon = AuditRetention(log.database, lambda: log.at + timedelta(days=31))  # as whoever has the database may
    await too_soon.set_days(5, 30)
    assert await too_soon.purge() == 12
    await too_soon.set_days(5, None)
    await log.seal()
    assert await log.broken() == {}
    assert "removed before their time" in (await log.broken(*anchors))[5]
    log.at += timedelta(days=31)  # by then it may have been one
    assert await log.broken(*anchors) == {}


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[]",
        '{"log": "1", "seq": 1, "hash": "00", "at": "once"}',
        '{"log": "a"}',
        '{"log": "1", "seq": 1, "hash": "zz"}',
    ],
)
def test_what_is_no_anchor_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="line 1"):
        read_anchors(text)


async def test_an_entry_that_waits_for_long_is_reported(log: Log) -> None:
    await log.write(1)
    assert await log.broken() == {}
    log.at += timedelta(minutes=2)
    assert "was never sealed" in (await log.broken())[5]
    await log.seal()
    assert await log.broken() == {}


async def test_an_entry_removed_before_it_was_sealed_is_reported(log: Log) -> None:
    await log.write(1)
    await log.tamper("DELETE FROM audit_entry e USING audit_pending p WHERE p.entry_id = e.id")
    await log.seal()
    assert "was removed before it was sealed" in (await log.broken())[5]


async def test_two_sealers_at_once_make_one_chain(log: Log) -> None:
    writing = asyncio.create_task(log.write(60))
    while not writing.done():
        await asyncio.gather(*(Sealer(log.database).seal() for _ in range(3)))
    await writing
    await log.seal()
    assert await log.broken() == {}
    assert {one.log: one.entries for one in await log.check.verify()} == {0: 3, 5: 70}


async def test_a_check_since_a_time_begins_there(log: Log) -> None:
    await log.tamper(f"UPDATE audit_entry SET actor = 'bob' WHERE id = {ENTRY_4}")  # noqa: S608
    await asyncio.sleep(0.002)  # ids tell milliseconds apart
    await log.write(1)
    await log.seal()
    last = await log.database.pool.fetchval("SELECT max(at) FROM audit_entry WHERE workspace_id = 5")
    assert await log.broken(since=last) == {}
    assert set(await log.broken(since=last - timedelta(hours=1))) == {5}
    assert await log.broken(since=last + timedelta(hours=1)) == {}


async def test_old_entries_go_and_the_chain_stays_whole(log: Log) -> None:
    anchors = [anchor for anchor, _ in await log.check.anchors()]
    later = [log.at + timedelta(days=31)]
    retention = AuditRetention(log.database, lambda: later[0])
    assert await retention.purge() == 0  # for ever, unless told otherwise
    await retention.set_days(5, 30)
    assert await retention.purge() == 10
    await log.seal()
    assert await log.broken(*anchors) == {}
    (left,) = await log.database.pool.fetch("SELECT action, input FROM audit_entry WHERE workspace_id = 5")
    assert (left["action"], left["input"]["seq"], left["input"]["count"]) == ("auditRemoval", "10", 10)
    await log.write(2)
    await log.seal()
    later[0] += timedelta(days=40)
    await retention.set_days(0, 30)
    assert await retention.purge() == 3 + 3
    await log.seal()
    assert await log.broken() == {}
    await log.tamper("DELETE FROM audit_entry WHERE action = 'auditRemoval' AND workspace_id = 0")
    assert set(await log.broken()) == {0}


@pytest.mark.parametrize("days", [0, 29, 36_501])
async def test_a_retention_has_bounds(log: Log, days: int) -> None:
    with pytest.raises(InvalidError):
        await AuditRetention(log.database, lambda: log.at).set_days(5, days)


async def test_an_export_can_be_checked_by_anyone(log: Log) -> None:
    lines = [line async for line in log.check.export([5])]
    assert [line["seq"] for line in lines] == list(range(1, 11))
    last = START
    for line in lines:
        last = link_of(last, canonical(line["entry"]))
        assert (last.seq, last.hash.hex()) == (line["seq"], line["hash"])
    assert [line async for line in log.check.export([5], until=log.at - timedelta(days=1))] == []
    assert [line async for line in log.check.export([5], since=log.at + timedelta(days=1))] == []


def test_the_canonical_form_is_one() -> None:
    at = datetime(2026, 11, 22, 5, 0, 0, 7, UTC)
    entry: dict[str, Any] = {"b": [1, None, True], "a": at, "é": {"y": 2**60, "x": 1.5}}
    assert (
        canonical(entry) == '{"a":1795323600000007,"b":[1,null,true],"é":{"x":1.5,"y":"1152921504606846976"}}'.encode()
    )
    keep: Callable[[dict[str, Any]], bytes] = canonical
    assert keep(dict(reversed(entry.items()))) == canonical(entry)
