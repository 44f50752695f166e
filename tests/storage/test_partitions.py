"""Weekly partitions: made ahead, once, whoever makes them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from motet.domain.ids import EPOCH_MS, IdGenerator
from motet.storage import message
from motet.storage.database import Database
from motet.storage.migrate import migrate
from motet.storage.partitions import PARTITIONED, WEEK_MS, ensure_partitions

_INSERT = "INSERT INTO event (workspace_id, id, type, severity, description) VALUES (1, $1, 'x', 0, '')"


async def test_three_weeks_are_made_once(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    await migrate(connection)
    now_ms = EPOCH_MS + 10 * WEEK_MS + 5
    made = await ensure_partitions(connection, now_ms)
    assert len(made) == 3 * len(PARTITIONED)
    assert {"message_w0010", "message_w0011", "message_w0012", "event_w0012"} <= set(made)
    assert await ensure_partitions(connection, now_ms) == []
    assert {name[-4:] for name in await ensure_partitions(connection, now_ms + WEEK_MS)} == {"0013"}
    ids = IdGenerator(1023)
    await connection.execute(_INSERT, ids.next(EPOCH_MS + 10 * WEEK_MS))
    await connection.execute(_INSERT, ids.next(EPOCH_MS + 14 * WEEK_MS - 1))
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(_INSERT, ids.next(EPOCH_MS + 14 * WEEK_MS))
    await connection.close()


async def test_several_makers_at_once_do_not_collide(empty_database_url: str) -> None:
    connections = [await asyncpg.connect(empty_database_url) for _ in range(3)]
    await migrate(connections[0])
    made = await asyncio.gather(*(ensure_partitions(one, EPOCH_MS) for one in connections))
    assert sorted(len(one) for one in made) == [0, 0, 3 * len(PARTITIONED)]
    for one in connections:
        await one.close()


async def test_a_partition_has_the_keys_and_indexes_of_its_parent(database: Database) -> None:
    for one in PARTITIONED:
        unattached = await database.pool.fetch(
            "SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid "
            "WHERE relkind = 'I' AND indrelid = $1::text::regclass AND NOT indisvalid",
            one.table,
        )
        assert unattached == []


async def test_every_partitioned_table_of_the_schema_is_listed(database: Database) -> None:
    rows = await database.pool.fetch("SELECT relname FROM pg_class WHERE relkind = 'p'")
    assert {row["relname"] for row in rows} == {one.table for one in PARTITIONED}


@pytest.mark.parametrize("statement", ["_FINISH", "_FINISH_DELIVERED"])
async def test_final_states_find_their_messages_by_key_however_empty_a_partition_was(
    database: Database, statement: str
) -> None:
    """A plan that was made for an empty partition is kept while that fills: walking it cost milliseconds a message."""
    await database.pool.execute("TRUNCATE message")
    lane = await database.connect_lane()
    await lane.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE finish AS {getattr(message, statement)}")
    nothing = ", ".join(["NULL"] * (8 if statement == "_FINISH" else 5))
    plan = [row[0] for row in await lane.fetch(f"EXPLAIN EXECUTE finish ({nothing})")]
    await lane.close()
    found_by = [line for line in plan if "Index Cond" in line]
    assert found_by
    assert [line for line in found_by if "(id = u.id)" not in line] == []
    assert [line for line in plan if "Seq Scan" in line] == []


async def test_messages_have_room_for_their_final_update(database: Database) -> None:
    options = await database.pool.fetch(
        "SELECT reloptions FROM pg_class WHERE relname LIKE 'message\\_w%' AND relkind = 'r'"
    )
    assert [row["reloptions"] for row in options] == [["fillfactor=50"]] * 3
