"""A database whose connection is cut at the n-th thing that is done on it, as when a node is killed there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from motet.storage.database import Database


class CutError(OSError):
    """The node is dead."""


class CutDatabase:
    """Counts statements, COPYs and commits; number `at` is not done any more. A commit counts twice: dead before it,
    and dead after it, when nobody hears of it."""

    def __init__(self, database: Database, at: int) -> None:
        self.url = database.url
        self.shares = database.shares
        self.left = at
        self._database = database

    @property
    def pool(self) -> Any:
        return self

    @asynccontextmanager
    async def acquire(self, **options: Any) -> AsyncIterator[Any]:
        async with self._database.pool.acquire(**options) as connection:
            yield _Connection(self, connection)

    def step(self, connection: Any) -> None:
        self.left -= 1
        if self.left <= 0:
            connection.terminate()
            raise CutError


class _Connection:
    def __init__(self, database: CutDatabase, connection: Any) -> None:
        self._database = database
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._connection, name)
        if name not in {"execute", "executemany", "fetch", "fetchrow", "fetchval", "copy_records_to_table"}:
            return call

        async def counted(*arguments: Any, **options: Any) -> Any:
            self._database.step(self._connection)
            return await call(*arguments, **options)

        return counted

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        inner = self._connection.is_in_transaction()
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            yield
            if not inner:
                self._database.step(self._connection)
        except BaseException:
            if self._database.left > 0:
                await transaction.rollback()
            raise
        await transaction.commit()
        if not inner:
            self._database.step(self._connection)
