"""A process that changes things, is refused things, and seals, to be killed. Arguments: database URL, workspace, its
number. It prints a line for each act that has its answer: `changed 5` or `refused 6`."""

from __future__ import annotations

import asyncio
import itertools
import sys
from contextlib import suppress

from motet.domain.errors import DeniedError
from motet.identity import audit
from motet.identity.audit import AuditLog, act_of
from motet.identity.audit_sealing import Sealer
from motet.storage.acting import Actor, ActorKind, Edge
from motet.storage.database import AWAY, Database
from motet.storage.transaction import transaction


async def main(database_url: str, workspace: str, number: str) -> None:
    audit.WAIT_S = 60.0  # an answer may go out before its entry is there, but here it is to wait
    workspace_id, base = int(workspace), int(number) * 1_000_000
    async with await Database.open(database_url, pool_size=6) as database:
        log = AuditLog(database)
        numbers = itertools.count(base)

        async def work() -> None:
            for one in numbers:
                actor = Actor(ActorKind.USER, "anna@example.org", workspace_id if one % 5 else None)
                act = act_of(actor, None, Edge.GRAPHQL, f"act {one}", {"n": one})
                try:
                    async with log.doing(act), transaction(database) as connection:
                        await connection.execute(
                            "INSERT INTO short_code (workspace_id, id, code) VALUES ($1, $2, $2::bigint::text)",
                            workspace_id, one,
                        )  # fmt: skip
                        if one % 3 == 0:
                            raise DeniedError("No.")
                    print(f"changed {one}", flush=True)
                except DeniedError:
                    print(f"refused {one}", flush=True)
                except AWAY:
                    pass  # without an answer

        async def seal() -> None:
            while True:
                with suppress(*AWAY):
                    await Sealer(database).seal()
                await asyncio.sleep(0)

        await asyncio.gather(work(), work(), seal())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
