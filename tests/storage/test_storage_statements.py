"""Every statement of the data layer is understood by PostgreSQL against the schema as migrated."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import motet.storage
from motet.storage.database import Database

_STATEMENT = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|VALUES)\b")


def statements() -> Iterator[tuple[str, str]]:
    """Module constants that begin as a statement does, and hold no place for names to be put in later."""
    for found in pkgutil.iter_modules(motet.storage.__path__):
        module = importlib.import_module(f"motet.storage.{found.name}") if found.name != "embedded_guard" else None
        for name, value in vars(module).items() if module else ():
            if name.strip("_").isupper() and isinstance(value, str) and _STATEMENT.match(value):
                yield f"{found.name}.{name}", value


STATEMENTS = dict(statements())


def test_statements_are_found() -> None:
    assert len(STATEMENTS) > 40


async def test_each_can_be_prepared(database: Database) -> None:
    lane = await database.connect_lane()
    failed: dict[str, str] = {}
    for name, statement in STATEMENTS.items():
        try:
            await lane.prepare(statement)
        except Exception as error:  # noqa: BLE001 - all are told at once
            failed[name] = str(error)
    await lane.close()
    assert failed == {}
