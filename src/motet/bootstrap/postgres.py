"""Gets a node or a command its database: the one named, the embedded one, or that of a Motet already running."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from motet.bootstrap.supervisor import Supervisor
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.storage.data_directory import DataDirectoryLock
from motet.storage.database import LOST, POOL_SIZE, Database
from motet.storage.embedded import EmbeddedPostgres, running_url

_log = structlog.get_logger()


@asynccontextmanager
async def serving_url(settings: Settings, supervisor: Supervisor) -> AsyncIterator[str]:
    """The database of a node. An embedded server is started, started again should it end, and shut down at the end."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    server = EmbeddedPostgres(settings.data_dir)
    await server.start()
    _log.info("embedded PostgreSQL runs", pid=server.pid, data_dir=str(server.data_directory))

    async def watch() -> None:
        status = await server.wait()
        _log.error("embedded PostgreSQL ended by itself, starting it again", status=status, log=str(server.log_path))
        await server.restart()
        raise RuntimeError(f"the embedded PostgreSQL ended with status {status}")  # counts, and watches again

    supervisor.start("postgres", watch)
    try:
        yield server.url
    finally:
        await supervisor.stop("postgres")
        await server.stop()


@asynccontextmanager
async def command_url(settings: Settings) -> AsyncIterator[str]:
    """The database of a short command. On a data directory in use it is the server of the Motet that uses it."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    try:
        DataDirectoryLock(settings.data_dir).release()
    except StartError:
        url = running_url(settings.data_dir)
        if url is None:
            raise
        yield url
        return
    server = EmbeddedPostgres(settings.data_dir)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


async def open_database(url: str, *, pool_size: int = POOL_SIZE) -> Database:
    """Connects. Raises StartError with the server's own words, which hold no password."""
    try:
        return await Database.open(url, pool_size=pool_size)
    except LOST as error:
        raise StartError(f"cannot connect to the database: {error or type(error).__name__}") from error
