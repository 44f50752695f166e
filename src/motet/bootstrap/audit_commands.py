"""What `motet audit` does with a database, and the entries of commands that change something."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from motet.bootstrap.postgres import command_url, open_database
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.domain.errors import DomainError
from motet.domain.redaction import redacted
from motet.identity.audit_check import AuditCheck, Verdict, anchor_line, read_anchors
from motet.identity.audit_retention import AuditRetention
from motet.identity.audit_sealing import Sealer
from motet.storage.acting import INSTALLATION, Act, Actor, ActorKind, Edge, acting
from motet.storage.database import Database, PooledConnection
from motet.storage.migrate import check_schema
from motet.storage.transaction import audited
from motet.storage.workspace import find_workspace

Result = TypeVar("Result")


def shell_act(command: str, given: Mapping[str, Any] | None = None) -> Act:
    """The act of whoever runs a command: who they are on their machine. There is no proof of it but that they have the
    database."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    actor = Actor(ActorKind.SHELL, f"shell:{user}@{socket.gethostname()}"[:200])
    return Act(actor, Edge.COMMAND, f"motet {command}", redacted(given or {}))


def in_log_of(act: Act, workspace_id: int | None) -> None:
    """The entry goes to this workspace's log; None: to the installation's."""
    act.actor = replace(act.actor, workspace_id=workspace_id)


@asynccontextmanager
async def told(database: Database, act: Act) -> AsyncIterator[PooledConnection]:
    """A transaction of a command, with its entry, which is sealed at once: no node may be there to do it."""
    async with database.pool.acquire() as connection:
        await check_schema(connection)
        async with connection.transaction(), audited(connection, act):
            yield connection
    await Sealer(database).seal()


def verify_audit(
    settings: Settings,
    workspace: str | None,
    *,
    installation: bool = False,
    since: datetime | None = None,
    anchor_file: Path | None = None,
    show: Callable[[int, int], None] = lambda done, total: None,
) -> list[Verdict]:
    """The verdict of each log. Raises StartError."""
    try:
        anchors = [] if anchor_file is None else read_anchors(anchor_file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"cannot read {anchor_file}: {error}") from error
    except DomainError as error:
        raise StartError(f"{anchor_file}: {error.message}") from error

    async def verify(check: AuditCheck, logs: Sequence[int] | None) -> list[Verdict]:
        return await check.verify(logs, since=since, anchors=anchors, show=show)

    return _checked(settings, workspace, installation, verify)


def audit_anchors(settings: Settings, workspace: str | None, *, installation: bool = False) -> list[str]:
    """A line for each chain: where it ends now. Raises StartError."""

    async def anchors(check: AuditCheck, logs: Sequence[int] | None) -> list[str]:
        now = datetime.now(UTC)
        return [anchor_line(anchor, name, now) for anchor, name in await check.anchors(logs)]

    return _checked(settings, workspace, installation, anchors)


def export_audit(
    settings: Settings,
    workspace: str | None,
    put: Callable[[dict[str, Any]], None],
    *,
    installation: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> None:
    """Hands over each sealed entry. Raises StartError."""

    async def export(check: AuditCheck, logs: Sequence[int] | None) -> None:
        async for line in check.export(logs, since=since, until=until):
            put(line)

    _checked(settings, workspace, installation, export)


def keep_audit(settings: Settings, workspace: str | None, days: int | None) -> None:
    """How long a workspace's log is kept, or the installation's, and by that of all that have no days of their own."""

    async def keep() -> None:
        async with command_url(settings) as url, await open_database(url, pool_size=2) as database:
            async with database.pool.acquire() as connection:
                await check_schema(connection)
            log = await _log_of(database, workspace) if workspace is not None else INSTALLATION
            act = shell_act("audit retention", {"workspace": workspace, "days": days})
            in_log_of(act, log or None)
            try:
                with acting(act):
                    await AuditRetention(database, lambda: datetime.now(UTC)).set_days(log, days)
            except DomainError as error:
                raise StartError(f"--days: {error.message}") from error
            await Sealer(database).seal()

    asyncio.run(keep())


def _checked(
    settings: Settings,
    workspace: str | None,
    installation: bool,
    do: Callable[[AuditCheck, Sequence[int] | None], Awaitable[Result]],
) -> Result:
    async def run() -> Result:
        async with command_url(settings) as url, await open_database(url, pool_size=2) as database:
            logs: list[int] | None = None
            async with database.pool.acquire() as connection:
                await check_schema(connection)
            if workspace is not None:
                logs = [await _log_of(database, workspace)]
            elif installation:
                logs = [INSTALLATION]
            return await do(AuditCheck(database, lambda: datetime.now(UTC)), logs)

    return asyncio.run(run())


async def _log_of(database: Database, workspace: str) -> int:
    """By name; by number the log of a workspace that is no more."""
    async with database.pool.acquire() as connection:
        found = await find_workspace(connection, workspace)
    if found is None and workspace.isdigit() and len(workspace) < 19:
        return int(workspace)
    if found is None:
        raise StartError(f"there is no workspace named {workspace}")
    return found
