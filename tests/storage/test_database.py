"""How the two kinds of connections speak of times and JSON."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from motet.storage.database import Database

INSTANTS = [
    (0, datetime(1970, 1, 1, tzinfo=UTC)),
    (946_684_800_000_000, datetime(2000, 1, 1, tzinfo=UTC)),
    (1_763_762_400_123_456, datetime(2025, 11, 21, 22, 0, 0, 123456, tzinfo=UTC)),
]


@pytest.mark.parametrize(("unix_us", "moment"), INSTANTS)
async def test_lanes_speak_microseconds_and_the_pool_aware_datetimes(
    database: Database, unix_us: int, moment: datetime
) -> None:
    lane = await database.connect_lane()
    await lane.execute("CREATE TABLE instant (at timestamptz)")
    await lane.copy_records_to_table("instant", records=[(unix_us,)], columns=["at"])
    assert await lane.fetchval("SELECT at FROM instant WHERE at = $1", unix_us) == unix_us
    assert await database.pool.fetchval("SELECT at FROM instant WHERE at = $1", moment) == moment
    await lane.close()


async def test_jsonb_is_python_values_both_ways(database: Database) -> None:
    value = {"text": "Grüße 😀", "list": [1, 2.5, None, True]}
    assert await database.pool.fetchval("SELECT $1::jsonb", value) == value
    await database.pool.execute("CREATE TABLE document (body jsonb)")
    async with database.pool.acquire() as connection:
        await connection.copy_records_to_table("document", records=[(value,)], columns=["body"])
    assert await database.pool.fetchval("SELECT body FROM document WHERE body ->> 'text' = 'Grüße 😀'") == value


async def test_connections_have_names_and_limits(database: Database) -> None:
    lane = await database.connect_lane("lane 1")
    assert await lane.fetchval("SHOW application_name") == "motet lane 1"
    assert await lane.fetchval("SHOW statement_timeout") == "1min"
    assert await database.pool.fetchval("SHOW application_name") == "motet"
    assert await database.pool.fetchval("SHOW statement_timeout") == "30s"
    await lane.close()
