"""Migrations: applied once, never edited, and refused where they do not fit."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from motet.storage.migrate import Migration, SchemaError, check_schema, load_migrations, migrate

FIRST = Migration(1, "first", "a" * 64, "CREATE TABLE one (id int); CREATE TABLE two (id int)")
SECOND = Migration(2, "second", "b" * 64, "CREATE TABLE three (id int)")


async def test_each_migration_is_applied_once(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    assert await migrate(connection, [FIRST]) == [FIRST]
    assert await migrate(connection, [FIRST, SECOND]) == [SECOND]
    assert await migrate(connection, [FIRST, SECOND]) == []
    assert await connection.fetchval("SELECT count(*) FROM schema_migration") == 2
    await connection.close()


async def test_two_who_migrate_at_once_apply_each_once(empty_database_url: str) -> None:
    connections = [await asyncpg.connect(empty_database_url) for _ in range(3)]
    applied = await asyncio.gather(*(migrate(one, [FIRST, SECOND]) for one in connections))
    assert sorted(len(one) for one in applied) == [0, 0, 2]
    for one in connections:
        await one.close()


async def test_a_failing_migration_leaves_nothing_behind(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    broken = Migration(2, "broken", "c" * 64, "CREATE TABLE four (id int); SELECT 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, [FIRST, broken])
    assert await connection.fetchval("SELECT to_regclass('one') IS NOT NULL AND to_regclass('four') IS NULL")
    assert await migrate(connection, [FIRST, SECOND]) == [SECOND]
    await connection.close()


async def test_an_edited_migration_is_refused(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    await migrate(connection, [FIRST])
    edited = FIRST._replace(checksum="d" * 64)
    for action in (migrate, check_schema):
        with pytest.raises(SchemaError, match="0001_first was applied to this database with other content"):
            await action(connection, [edited])
    await connection.close()


async def test_a_newer_schema_is_refused(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    await migrate(connection, [FIRST, SECOND])
    for action in (migrate, check_schema):
        with pytest.raises(SchemaError, match="does not know 0002_second; run a newer motet"):
            await action(connection, [FIRST])
    await connection.close()


async def test_an_older_schema_is_refused_with_the_remedy(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    with pytest.raises(SchemaError, match=r"2 migration.* from 0001_first on are missing; run `motet migrate`"):
        await check_schema(connection, [FIRST, SECOND])
    await migrate(connection, [FIRST])
    with pytest.raises(SchemaError, match="from 0002_second on are missing"):
        await check_schema(connection, [FIRST, SECOND])
    await connection.close()


async def test_the_template_has_the_newest_schema(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await check_schema(connection)
    await connection.close()


def test_each_file_has_a_number_of_its_own(tmp_path) -> None:
    assert [one.version for one in load_migrations()][:1] == [1]
    (tmp_path / "0003_a.sql").write_text("SELECT 1")
    (tmp_path / "0003_b.sql").write_text("SELECT 1")
    with pytest.raises(SchemaError, match="the same number"):
        load_migrations(tmp_path)
    (tmp_path / "0003_b.sql").rename(tmp_path / "two.sql")
    with pytest.raises(SchemaError, match="not named like"):
        load_migrations(tmp_path)
