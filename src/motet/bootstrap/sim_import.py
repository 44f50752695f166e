"""Imports a file of SIMs from a shell: as a job, which a node takes up, or this process if no node is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from motet.bootstrap.audit_commands import in_log_of, shell_act
from motet.bootstrap.postgres import command_url, open_database
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.domain.errors import DomainError
from motet.domain.ids import MAX_NODE, IdGenerator
from motet.domain.jobs import JobKind, JobState
from motet.fleet.jobs.runner import JobRunner
from motet.fleet.journal import Journal
from motet.fleet.sims.sim import SimService
from motet.fleet.sims.sim_sheet import Layout, RowError
from motet.fleet.sims.sim_upload import SimImportWorker, SimUploadService
from motet.identity.audit_sealing import Sealer
from motet.storage import job
from motet.storage.acting import acting
from motet.storage.database import Database
from motet.storage.migrate import check_schema
from motet.storage.partitions import ensure_partitions
from motet.storage.workspace import find_workspace

LOOK_S = 0.5
NODE_WITHIN_S = 10.0
"""A job that nobody has taken up by then is run here: no node is there. Its webhooks are not sent then."""

MAX_ERRORS = 100
"""Errors that are told; all are counted, and stand in the job."""


class Progress(NamedTuple):
    """How far the job is."""

    state: JobState
    total: int
    done: int
    changed: int
    failed: int


class Came(NamedTuple):
    """What came of it."""

    total: int
    changed: int
    failed: int
    errors: list[RowError]


def import_file(
    settings: Settings,
    workspace: str,
    file: Path,
    layout: Layout,
    *,
    dry_run: bool,
    show: Callable[[Progress], None],
) -> Came:
    """Import the file and wait until that is done. Raises StartError for what cannot be done at all."""
    return asyncio.run(_import(settings, workspace, file, layout, dry_run, show))


async def _import(
    settings: Settings, workspace: str, file: Path, layout: Layout, dry_run: bool, show: Callable[[Progress], None]
) -> Came:
    async with command_url(settings) as url, await open_database(url, pool_size=4) as database:
        async with database.pool.acquire() as connection:
            await check_schema(connection)
            await ensure_partitions(connection, time.time_ns() // 1_000_000)
            workspace_id = await find_workspace(connection, workspace)
        if workspace_id is None:
            raise StartError(f"there is no workspace named {workspace}")
        ids = IdGenerator(MAX_NODE)  # hubs take the lowest free numbers, so this one is the shell's

        async def changed() -> None:
            """Nodes hear of it from the database."""

        sims = SimService(database, ids, Journal(ids), on_change=changed)
        try:
            with file.open("rb") as stream:
                uploads = SimUploadService(sims)
                act = shell_act("sim import", {"workspace": workspace, "file": file.name, "dryRun": dry_run})
                in_log_of(act, workspace_id)
                with acting(act):
                    job_id, _ = await uploads.upload(workspace_id, "shell", stream, layout, dry_run=dry_run)
        except OSError as error:
            raise StartError(f"{file}: {error.strerror}") from error
        except DomainError as error:
            raise StartError(f"{file}: {error.message}") from error
        came = await _wait(database, JobRunner(database, {JobKind.SIM_IMPORT: SimImportWorker(sims)}), job_id, show)
        await Sealer(database).seal()  # no node may be there to do it
        return came


async def _wait(database: Database, runner: JobRunner, job_id: int, show: Callable[[Progress], None]) -> Came:
    deadline = time.monotonic() + NODE_WITHIN_S
    here: asyncio.Task[None] | None = None
    try:
        while True:
            progress = Progress(*await job.progress(database.pool, job_id))
            show(progress)
            if progress.state not in (JobState.QUEUED, JobState.RUNNING):
                break
            nobody = here is None and progress.state is JobState.QUEUED and time.monotonic() >= deadline
            if nobody or (here is not None and here.done()):
                here = asyncio.create_task(runner.run_all())
            await asyncio.sleep(LOOK_S)
    finally:
        if here is not None:
            here.cancel()
            await asyncio.gather(here, return_exceptions=True)
    if progress.state is not JobState.SUCCEEDED:
        raise StartError(f"the job ended as {progress.state.name} after {progress.done} of {progress.total} lines")
    rows = await job.failures(database.pool, job_id, MAX_ERRORS)
    errors = [RowError(row["number"], (row["path"] or [None])[0], row["code"], row["message"]) for row in rows]
    return Came(progress.total, progress.changed, progress.failed, errors)
