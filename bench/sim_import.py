"""How long a carrier's list takes: `python -m bench.sim_import --rows 100000` uploads one and runs its job."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import tempfile
import time
from pathlib import Path

from motet.domain.ids import IdGenerator
from motet.domain.jobs import JobKind
from motet.fleet.jobs.runner import JobRunner
from motet.fleet.journal import Journal
from motet.fleet.seeds.tenant import identity
from motet.fleet.sims.sim import SimService
from motet.fleet.sims.sim_sheet import Layout
from motet.fleet.sims.sim_upload import SimImportWorker, SimUploadService
from motet.fleet.workspaces import create_workspace
from motet.storage.database import Database
from motet.storage.embedded import EmbeddedPostgres
from motet.storage.migrate import migrate
from motet.storage.partitions import ensure_partitions


async def measure(rows: int) -> dict[str, float]:
    """Seconds of the upload, which reads and checks each line, and of the job, which registers the SIMs."""
    text = "\n".join(["iccid,imsi,msisdn", *(",".join(identity(number)) for number in range(1, rows + 1))]) + "\n"
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        await server.start()
        try:
            async with await Database.open(server.url) as database:
                return await _measure(database, rows, text.encode())
        finally:
            await server.stop()


async def _measure(database: Database, rows: int, text: bytes) -> dict[str, float]:
    ids = IdGenerator(1)

    def new_id() -> int:
        return ids.next(time.time_ns() // 1_000_000)

    async def changed() -> None:
        pass

    async with database.pool.acquire() as connection:
        await migrate(connection)
        await ensure_partitions(connection, time.time_ns() // 1_000_000)
        workspace_id = await create_workspace(connection, new_id, "bench")
    sims = SimService(database, ids, Journal(ids), on_change=changed)
    runner = JobRunner(database, {JobKind.SIM_IMPORT: SimImportWorker(sims)})
    began = time.perf_counter()
    job_id, total = await SimUploadService(sims).upload(workspace_id, "bench", io.BytesIO(text), Layout())
    uploaded = time.perf_counter()
    await runner.run_all()
    done = time.perf_counter()
    registered = await database.pool.fetchval("SELECT count(*) FROM sim WHERE workspace_id = $1", workspace_id)
    if not total == registered == rows:
        raise RuntimeError(f"{registered} of {rows} SIMs were registered by job {job_id}")
    return {
        "rows": rows,
        "octets": len(text),
        "upload_s": round(uploaded - began, 1),
        "job_s": round(done - uploaded, 1),
        "rows_per_s": round(rows / (done - began)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    print(json.dumps(asyncio.run(measure(parser.parse_args().rows))))


if __name__ == "__main__":
    main()
