"""Data sessions and what networks told of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from motet.storage.database import Executor, PooledConnection, Row

_OF_KEYS = """
SELECT s.workspace_id, s.id, s.sim_id, s.device_id, s.session_id, s.status, s.apn, host(s.ip_address) AS ip_address,
       s.region, s.operator, s.rat, s.imei, s.cause, s.reason, s.octets_up, s.octets_down, s.record_count,
       s.last_sequence, s.opened_at, s.updated_at, s.closed_at
  FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS k (workspace_id, sim_id, session_id)
  JOIN data_session s
    ON s.workspace_id = k.workspace_id AND s.sim_id = k.sim_id AND s.session_id = k.session_id
   FOR NO KEY UPDATE OF s
"""


async def lock_by_names(connection: PooledConnection, keys: Iterable[tuple[int, int, str]]) -> list[Row]:
    """Lock sessions by (workspace_id, sim_id, the network's name). The caller holds their workspaces' account lock."""
    wanted = sorted(set(keys))
    if not wanted:
        return []
    rows: list[Row] = await connection.fetch(_OF_KEYS, *map(list, zip(*wanted, strict=True)))
    return rows


SESSION_COLUMNS = (
    "workspace_id", "id", "sim_id", "device_id", "session_id", "status", "apn", "ip_address", "region", "operator",
    "rat", "imei", "cause", "reason", "octets_up", "octets_down", "record_count", "last_sequence", "opened_at",
    "updated_at", "closed_at",
)  # fmt: skip


async def copy_sessions(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add sessions: rows in the order of SESSION_COLUMNS."""
    await connection.copy_records_to_table("data_session", records=rows, columns=SESSION_COLUMNS)


_UPDATE = """
UPDATE data_session
   SET status = $3, apn = $4, ip_address = $5, region = $6, operator = $7, rat = $8, imei = $9, cause = $10,
       reason = $11, octets_up = $12, octets_down = $13, record_count = $14, last_sequence = $15, opened_at = $16,
       updated_at = $17, closed_at = $18
 WHERE workspace_id = $1 AND id = $2
"""


async def update_sessions(connection: PooledConnection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write sessions that this transaction has locked: (workspace_id, id), then SESSION_COLUMNS from `status` on."""
    if rows:
        await connection.executemany(_UPDATE, rows)


_KNOWN = """
SELECT r.data_session_id, r.sequence
  FROM unnest($1::bigint[], $2::integer[]) AS k (data_session_id, sequence)
  JOIN session_record r ON r.data_session_id = k.data_session_id AND r.sequence = k.sequence
"""


async def known_records(connection: PooledConnection, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Which of the records, by (our session's id, sequence), are stored."""
    if not keys:
        return set()
    return {(r[0], r[1]) for r in await connection.fetch(_KNOWN, *map(list, zip(*keys, strict=True)))}


RECORD_COLUMNS = (
    "data_session_id", "sequence", "workspace_id", "device_id", "sim_id", "at", "octets_up", "octets_down",
)  # fmt: skip


async def copy_records(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add records: rows in the order of RECORD_COLUMNS."""
    await connection.copy_records_to_table("session_record", records=rows, columns=RECORD_COLUMNS)


class OpenSession(NamedTuple):
    """An open session that nobody has cut yet."""

    workspace_id: int
    id: int
    sim_id: int
    operator: str | None
    rat: str | None


_OPEN_AFTER = """
SELECT workspace_id, id, sim_id, operator, rat
  FROM data_session WHERE status = 0 AND reason IS NULL AND id > $1 ORDER BY id LIMIT $2
"""


async def open_after(connection: Executor, session_id: int, limit: int) -> list[OpenSession]:
    """Open sessions of all workspaces in the order of their ids."""
    return [OpenSession(*record) for record in await connection.fetch(_OPEN_AFTER, session_id, limit)]


_OPEN_OF_SIMS = """
SELECT s.workspace_id, s.id, s.sim_id, s.operator, s.rat
  FROM unnest($1::bigint[], $2::bigint[]) AS k (workspace_id, sim_id)
  JOIN data_session s ON s.workspace_id = k.workspace_id AND s.sim_id = k.sim_id
 WHERE s.status = 0 AND s.reason IS NULL
 ORDER BY s.id DESC LIMIT $3
"""


async def open_of_sims(connection: Executor, sims: Sequence[tuple[int, int]], limit: int) -> list[OpenSession]:
    """The open sessions of SIMs, given as (workspace_id, id), the newest ones first."""
    if not sims:
        return []
    columns = map(list, zip(*sims, strict=True))
    return [OpenSession(*record) for record in await connection.fetch(_OPEN_OF_SIMS, *columns, limit)]


_CUT = """
UPDATE data_session s
   SET reason = k.reason
  FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS k (workspace_id, id, reason)
 WHERE s.workspace_id = k.workspace_id AND s.id = k.id AND s.status = 0 AND s.reason IS NULL
RETURNING s.workspace_id, s.id, s.sim_id, s.device_id, s.session_id, s.reason
"""


async def cut(connection: PooledConnection, rows: Sequence[tuple[int, int, str]]) -> list[Row]:
    """Note why open sessions are cut, (workspace_id, id, reason): those that were not noted before."""
    if not rows:
        return []
    found: list[Row] = await connection.fetch(_CUT, *map(list, zip(*rows, strict=True)))
    return found


_PURGE = """
WITH old AS (
    DELETE FROM data_session
     WHERE ctid = ANY (ARRAY (SELECT ctid FROM data_session WHERE id < $1 AND status <> 0 LIMIT $2))
    RETURNING id
), records AS (
    DELETE FROM session_record WHERE data_session_id = ANY (ARRAY (SELECT id FROM old))
)
SELECT count(*) FROM old
"""


async def purge(connection: Executor, before_id: int, limit: int) -> int:
    """Remove sessions that are over and were made before, with their records, at most so many: how many there were."""
    return int(await connection.fetchval(_PURGE, before_id, limit))


_CLOSE_SILENT = """
UPDATE data_session SET status = 1, closed_at = updated_at, cause = $3
 WHERE (workspace_id, id) IN (
    SELECT workspace_id, id FROM data_session WHERE status = 0 AND updated_at < $1 ORDER BY id LIMIT $2
 )
"""


async def close_silent(connection: Executor, before: datetime, limit: int, cause: str) -> None:
    """Close sessions of which nothing was told since."""
    await connection.execute(_CLOSE_SILENT, before, limit, cause)
