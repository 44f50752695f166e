"""What the audit log costs: `python -m bench.audit` prints JSON.

The same change is made without anyone acting and with an act, in turn, so that a neighbour's load meets both: p50 in
milliseconds of a change of one row, and microseconds per row of changes of many. `ratio` is with by without. `sealing`
is how many entries a second one sealer puts into their chains.
"""

import argparse
import asyncio
import json
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Any

from bench.graphql_data import fill
from motet.access.clients import Client
from motet.identity.audit import act_of
from motet.identity.audit_sealing import Sealer
from motet.storage.acting import Act, Actor, ActorKind, Edge, acting
from motet.storage.database import Database
from motet.storage.embedded import EmbeddedPostgres
from motet.storage.migrate import migrate
from motet.storage.transaction import transaction

SMALL = 1_500
BULK = (100, 500, 2_000, 10_000)
BULK_ROUNDS = 5

_ONE = "UPDATE device SET name = $3 WHERE workspace_id = $1 AND id = $2"
_MANY = "UPDATE device SET name = $3 WHERE workspace_id = $1 AND id = ANY ($2::bigint[])"
_MAKE = """
INSERT INTO device (workspace_id, id, name, status, tags, created_at, service_policy_id)
VALUES ($1, $2, $3, 1, '{a,b}', now(), $1)
"""
_NOTHING = "SELECT $1::bigint, $2::bigint, $3::text"


class Bench:
    """One workspace, its devices, and who changes them."""

    def __init__(self, database: Database, workspace_id: int, devices: list[int]) -> None:
        self.database = database
        self.workspace_id = workspace_id
        self.devices = devices
        self.number = 0

    def act(self) -> Act:
        actor = Actor(ActorKind.USER, "anna@example.org", self.workspace_id, user_id=7, session_id=8)
        given = {"id": "RGV2aWNlOjE", "name": f"name {self.number}", "tags": ["a", "b"]}
        return act_of(actor, Client("192.0.2.7", "a browser", "r1"), Edge.GRAPHQL, "deviceUpdate", given)

    async def change(self, statement: str, which: Any, *, audited: bool) -> float:
        """Seconds of one transaction."""
        self.number += 1
        began = time.perf_counter()
        if statement is _MAKE:
            which = self.number
        with acting(self.act()) if audited else nullcontext():
            async with transaction(self.database) as connection:
                await connection.execute(statement, self.workspace_id, which, f"name {self.number}")
        return time.perf_counter() - began

    async def pairs(self, statement: str, which: list[Any]) -> tuple[list[float], list[float]]:
        """Seconds (without, with) of each."""
        without, with_ = [], []
        for one in which:
            without.append(await self.change(statement, one, audited=False))
            with_.append(await self.change(statement, one, audited=True))
        return without, with_

    async def figures(self) -> dict[str, Any]:
        singles = [self.devices[number % len(self.devices)] for number in range(SMALL)]
        await self.pairs(_ONE, singles[:300])  # plans are made, caches warm
        found: dict[str, Any] = {}
        found["one row changed"] = _compared(*await self.pairs(_ONE, singles), 1e3, "ms")
        found["one row made"] = _compared(*await self.pairs(_MAKE, [None] * SMALL), 1e3, "ms")
        found["nothing changed"] = _compared(*await self.pairs(_NOTHING, singles[:500]), 1e3, "ms")
        for count in BULK:
            times = await self.pairs(_MANY, [self.devices[:count]] * BULK_ROUNDS)
            found[f"{count} rows changed, each"] = _compared(*times, 1e6 / count, "µs")
        waiting = await self.database.pool.fetchval("SELECT count(*) FROM audit_pending")
        began = time.perf_counter()
        while await Sealer(self.database).seal():
            pass
        found["sealing"] = {"entries": waiting, "per_s": round(waiting / (time.perf_counter() - began))}
        return found


def _compared(without: list[float], with_: list[float], scale: float, unit: str) -> dict[str, Any]:
    one, other = median(without) * scale, median(with_) * scale
    return {f"without_{unit}": round(one, 3), f"with_{unit}": round(other, 3), "ratio": round(other / one, 2)}


async def _main(devices: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        # What the disk takes for a commit is the same either way, and varies by more than what is looked for.
        server = EmbeddedPostgres(Path(folder) / "postgres", {"synchronous_commit": "off"})
        await server.start()
        try:
            async with await Database.open(server.url) as database:
                async with database.pool.acquire() as connection:
                    await migrate(connection)
                fleet = await fill(database, devices, 0, lambda *_: None)
                rows = await database.pool.fetch("SELECT id FROM device ORDER BY id")
                return await Bench(database, fleet.workspace_id, [row[0] for row in rows]).figures()
        finally:
            await server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    print(json.dumps(asyncio.run(_main(parser.parse_args().devices)), indent=1, ensure_ascii=False))
