"""Jobs and their items. A chunk of work holds its job's row; whoever else looks for work passes it by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from motet.domain.jobs import JobState
from motet.storage.acting import asked_by
from motet.storage.database import Executor, PooledConnection

# One at a time in a workspace, so that the count that follows holds. References to the workspace are not held up.
_LOCK_WORKSPACE = "SELECT id FROM workspace WHERE id = $1 FOR NO KEY UPDATE"
_COUNT_OPEN = "SELECT count(*) FROM job WHERE workspace_id = $1 AND due_at IS NOT NULL"


async def count_open(connection: PooledConnection, workspace_id: int) -> int:
    """How many jobs of the workspace are not over; it stays so until the transaction ends."""
    await connection.execute(_LOCK_WORKSPACE, workspace_id)
    return int(await connection.fetchval(_COUNT_OPEN, workspace_id))


_INSERT = """
INSERT INTO job
    (workspace_id, id, kind, state, dry_run, input, undoes_id, total, actor, created_at, due_at, asked_by, tags)
VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $9, $10, $11)
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    job_id: int,
    *,
    kind: str,
    dry_run: bool,
    input_: Any,
    undoes_id: int | None,
    total: int,
    actor: str,
    at: datetime,
    tags: list[str] | None = None,
) -> None:
    """Add a job that is QUEUED and due; `tags` are the scope of who asks for it. Whoever is acting is who its chunks
    will act for."""
    await connection.execute(
        _INSERT, workspace_id, job_id, kind, dry_run, input_, undoes_id, total, actor, at, asked_by(), tags
    )


_SET_TOTAL = "UPDATE job SET total = $3 WHERE workspace_id = $1 AND id = $2"


async def set_total(connection: PooledConnection, workspace_id: int, job_id: int, total: int) -> None:
    """Say how many items a job has whose items were added one by one, in the transaction that made it."""
    await connection.execute(_SET_TOTAL, workspace_id, job_id, total)


ITEM_COLUMNS = ("workspace_id", "job_id", "id", "number", "device_id", "sim_id", "data")


async def copy_items(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of ITEM_COLUMNS. They are gone through in the order of their ids."""
    await connection.copy_records_to_table("job_item", records=rows, columns=ITEM_COLUMNS)


class TakenJob(NamedTuple):
    """A job that nobody else works on until the transaction ends."""

    workspace_id: int
    id: int
    kind: str
    state: int
    dry_run: bool
    input: Any
    undoes_id: int | None
    total: int
    done: int
    position: int
    actor: str
    asked_by: Any
    """See `motet.storage.acting.asked_by`."""
    tags: list[str] | None


_TAKE = """
SELECT workspace_id, id, kind, state, dry_run, input, undoes_id, total, done, position, actor, asked_by, tags
  FROM job
 WHERE due_at <= $1 AND kind = ANY ($2::text[])
 ORDER BY due_at LIMIT 1
   FOR UPDATE SKIP LOCKED
"""


async def take(connection: PooledConnection, now: datetime, kinds: Sequence[str]) -> TakenJob | None:
    """The job of one of these kinds that has waited longest for its next chunk, of those that nobody works on; of all
    workspaces."""
    record = await connection.fetchrow(_TAKE, now, kinds)
    return None if record is None else TakenJob(*record)


class StoredItem(NamedTuple):
    id: int
    number: int
    device_id: int | None
    sim_id: int | None
    data: Any


_NEXT_ITEMS = """
SELECT id, number, device_id, sim_id, data
  FROM job_item
 WHERE workspace_id = $1 AND job_id = $2 AND id > $3
 ORDER BY id LIMIT $4
"""


async def next_items(
    connection: PooledConnection, workspace_id: int, job_id: int, position: int, limit: int
) -> list[StoredItem]:
    """The items behind the position."""
    return [
        StoredItem(*record) for record in await connection.fetch(_NEXT_ITEMS, workspace_id, job_id, position, limit)
    ]


_HOLD_DEVICES = """
SELECT d.id
  FROM device d
 WHERE d.workspace_id = $1 AND d.tags && $4::text[]
   AND (d.id = ANY ($2::bigint[])
        OR d.id IN (SELECT s.device_id FROM sim s WHERE s.workspace_id = $1 AND s.id = ANY ($3::bigint[])))
 ORDER BY d.id
   FOR NO KEY UPDATE
"""
_OUTSIDE = """
SELECT u.id
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS u (id, device_id, sim_id)
  LEFT JOIN sim s ON s.workspace_id = $1 AND s.id = u.sim_id
 WHERE num_nonnulls(u.device_id, u.sim_id) > 0
   AND coalesce(coalesce(u.device_id, s.device_id) <> ALL ($5::bigint[]), true)
"""


async def outside(
    connection: PooledConnection, workspace_id: int, items: Sequence[StoredItem], tags: list[str]
) -> set[int]:
    """The items, by their ids, whose device, or the device of whose SIM, has none of the tags. The devices of the
    others are locked: they keep their tags, and their SIMs, until the transaction ends."""
    devices = [item.device_id for item in items if item.device_id is not None]
    sims = [item.sim_id for item in items if item.sim_id is not None]
    held = [record["id"] for record in await connection.fetch(_HOLD_DEVICES, workspace_id, devices, sims, tags)]
    columns = zip(*((item.id, item.device_id, item.sim_id) for item in items), strict=True)
    return {record["id"] for record in await connection.fetch(_OUTSIDE, workspace_id, *map(list, columns), held)}


# A value that is null in `u` and may have been known before stays.
_SETTLE = """
UPDATE job_item i
   SET outcome = u.outcome, code = u.code, message = u.message, path = string_to_array(u.path, E'\\x1f'),
       detail = u.detail, device_id = coalesce(u.device_id, i.device_id), sim_id = coalesce(u.sim_id, i.sim_id)
  FROM unnest(
           $3::bigint[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::bigint[], $10::bigint[]
       ) AS u (id, outcome, code, message, path, detail, device_id, sim_id)
 WHERE i.workspace_id = $1 AND i.job_id = $2 AND i.id = u.id
"""

PATH_SEPARATOR = "\x1f"
"""Between the steps of a path, where an array of arrays cannot be handed over."""


async def settle(connection: PooledConnection, workspace_id: int, job_id: int, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write what became of items. Rows: (id, outcome, code, message, path joined by PATH_SEPARATOR, detail, device_id,
    sim_id)."""
    await connection.execute(_SETTLE, workspace_id, job_id, *map(list, zip(*rows, strict=True)))


_ADVANCE = """
UPDATE job
   SET state = $3, done = done + $4, changed = changed + $5, failed = failed + $6, position = $7, breakdowns = 0,
       error = NULL,
       started_at = coalesce(started_at, $8), finished_at = $9, due_at = $10
 WHERE workspace_id = $1 AND id = $2
"""


async def advance(
    connection: PooledConnection,
    workspace_id: int,
    job_id: int,
    *,
    state: int,
    done: int,
    changed: int,
    failed: int,
    position: int,
    now: datetime,
    due_at: datetime | None,
) -> None:
    """Note the progress of a job that this transaction has taken. `due_at` is None when it is over."""
    finished_at = now if due_at is None else None
    await connection.execute(
        _ADVANCE, workspace_id, job_id, state, done, changed, failed, position, now, finished_at, due_at
    )


# Nothing if another chunk has got further meanwhile, or the job is over.
_BREAK_DOWN = """
UPDATE job
   SET breakdowns = breakdowns + 1, error = $4,
       state = CASE WHEN breakdowns + 1 >= $5 THEN $6 ELSE state END,
       finished_at = CASE WHEN breakdowns + 1 >= $5 THEN $7::timestamptz END,
       due_at = CASE WHEN breakdowns + 1 < $5 THEN $8::timestamptz END
 WHERE workspace_id = $1 AND id = $2 AND position = $3 AND due_at IS NOT NULL
"""


async def break_down(
    connection: Executor,
    workspace_id: int,
    job_id: int,
    position: int,
    *,
    error: str,
    at_most: int,
    failed_state: int,
    now: datetime,
    again_at: datetime,
) -> None:
    """A chunk behind `position` broke: try again later, or give the job up after `at_most` times in a row."""
    await connection.execute(_BREAK_DOWN, workspace_id, job_id, position, error, at_most, failed_state, now, again_at)


_LOCK = "SELECT kind, state, dry_run, input FROM job WHERE workspace_id = $1 AND id = $2 FOR UPDATE"


class LockedJob(NamedTuple):
    """A job that stays as it is until the transaction ends."""

    kind: str
    state: int
    dry_run: bool
    input: Any


async def lock(connection: PooledConnection, workspace_id: int, job_id: int) -> LockedJob | None:
    """Lock a job, which waits for the end of a chunk that is under way; None for an unknown one."""
    record = await connection.fetchrow(_LOCK, workspace_id, job_id)
    return None if record is None else LockedJob(*record)


_END = "UPDATE job SET state = $3, finished_at = $4, due_at = NULL WHERE workspace_id = $1 AND id = $2"


async def end(connection: PooledConnection, workspace_id: int, job_id: int, state: int, now: datetime) -> None:
    """End a job that this transaction has locked."""
    await connection.execute(_END, workspace_id, job_id, state, now)


_CHANGED_ITEMS = """
SELECT id, number, device_id, sim_id, detail
  FROM job_item
 WHERE workspace_id = $1 AND job_id = $2 AND outcome = 1 AND detail IS NOT NULL
 ORDER BY id DESC
"""


async def changed_items(connection: PooledConnection, workspace_id: int, job_id: int) -> list[StoredItem]:
    """What a job has changed, last change first; `data` is the item's `detail`."""
    return [StoredItem(*record) for record in await connection.fetch(_CHANGED_ITEMS, workspace_id, job_id)]


_NEWEST = "SELECT id FROM job WHERE workspace_id = $1 ORDER BY id DESC LIMIT $2"


async def newest(connection: Executor, workspace_id: int, limit: int) -> list[int]:
    """The workspace's newest jobs."""
    return [record["id"] for record in await connection.fetch(_NEWEST, workspace_id, limit)]


# Across workspaces: keeping house is nobody's own.
_STALE = """
SELECT workspace_id, id
  FROM (SELECT workspace_id, id, finished_at, row_number() OVER (PARTITION BY workspace_id ORDER BY id DESC) AS age
          FROM job WHERE due_at IS NULL) j
 WHERE finished_at < $1 OR age > $2
 ORDER BY id LIMIT 1
"""
_DELETE_ITEMS = "DELETE FROM job_item WHERE workspace_id = $1 AND job_id = $2"
_DELETE = "DELETE FROM job WHERE workspace_id = $1 AND id = $2"


async def remove_stale(connection: PooledConnection, finished_before: datetime, kept: int) -> bool:
    """Remove one job that ended before, or is older than the `kept` newest of its workspace; false if there is none.
    Needs a transaction."""
    record = await connection.fetchrow(_STALE, finished_before, kept)
    if record is None:
        return False
    await connection.execute(_DELETE_ITEMS, record["workspace_id"], record["id"])
    await connection.execute(_DELETE, record["workspace_id"], record["id"])
    return True


# The two below are for whoever has the database itself: a shell, which knows the job by its id alone.
_PROGRESS = "SELECT state, total, done, changed, failed FROM job WHERE id = $1"


async def progress(connection: Executor, job_id: int) -> tuple[JobState, int, int, int, int]:
    """(state, total, done, changed, failed) of a job that is there."""
    record = await connection.fetchrow(_PROGRESS, job_id)
    assert record is not None  # noqa: S101 - its caller has made it
    return JobState(record[0]), record[1], record[2], record[3], record[4]


_FAILURES = """
SELECT number, path, code, message FROM job_item
 WHERE job_id = $1 AND outcome = 3 ORDER BY number LIMIT $2
"""


async def failures(connection: Executor, job_id: int, limit: int) -> list[asyncpg.Record]:
    """(number, path, code, message) of the first items that could not be done."""
    records: list[asyncpg.Record] = await connection.fetch(_FAILURES, job_id, limit)
    return records
