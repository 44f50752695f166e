"""The chains that seal the audit log: sealing, reading them again, and the removal of what is old.

A log is a workspace's, or the installation's (0). Only those who have the whole database come here, so statements are
of one log by its number, or of all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from motet.domain.audit_chain import Link
from motet.storage.database import Executor, PooledConnection, Row

# One sealer at a time over all nodes; whoever comes second has nothing to do. The number is `MOTETAUD`.
_LOCK = "SELECT pg_try_advisory_xact_lock(5570763920823637316)"


async def try_lock(connection: PooledConnection) -> bool:
    """Become the sealer until the transaction ends; false if another is."""
    return bool(await connection.fetchval(_LOCK))


_PENDING = """
SELECT e.workspace_id, e.id, e.at, e.actor_kind, e.actor, e.user_id, e.api_key_id, e.session_id, e.token_id, e.edge,
       e.action, e.outcome, e.code, e.path, e.times, host(e.address) AS address, e.user_agent, e.request_id, e.input,
       e.objects, e.changes, e.change_counts
  FROM audit_pending p
  JOIN audit_entry e ON e.workspace_id = p.workspace_id AND e.id = p.entry_id
 ORDER BY p.entry_id LIMIT $1
"""


async def pending(connection: PooledConnection, limit: int) -> list[Row]:
    """Entries that are not sealed, the oldest first."""
    return await connection.fetch(_PENDING, limit)


_ENDS = "SELECT workspace_id, seq, hash FROM audit_chain WHERE workspace_id = ANY ($1::bigint[]) FOR UPDATE"


async def lock_ends(connection: PooledConnection, logs: Sequence[int]) -> dict[int, Link]:
    """Where the chains of these logs end, of those that have begun."""
    return {row["workspace_id"]: Link(row["seq"], row["hash"]) for row in await connection.fetch(_ENDS, list(logs))}


_SEAL = """
INSERT INTO audit_seal (workspace_id, seq, entry_id, hash)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])
"""
_MOVE_END = """
INSERT INTO audit_chain (workspace_id, seq, hash)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
ON CONFLICT (workspace_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
"""
_SEALED = "DELETE FROM audit_pending WHERE entry_id = ANY ($1::bigint[])"


async def seal(
    connection: PooledConnection, seals: Sequence[tuple[int, int, int, bytes]], ends: Mapping[int, Link]
) -> None:
    """Write seals (log, seq, entry, hash) and the new ends of their chains, in the transaction that locked them."""
    logs, numbers, entries, hashes = map(list, zip(*seals, strict=True))
    await connection.execute(_SEAL, logs, numbers, entries, hashes)
    await connection.execute(_MOVE_END, list(ends), [end.seq for end in ends.values()], [e.hash for e in ends.values()])
    await connection.execute(_SEALED, entries)


class Chain(NamedTuple):
    """A log's chain: from behind what was removed to its end."""

    log: int
    name: str | None
    """The workspace's; None for one that is no more, and for the installation's."""
    end: Link
    removed: Link
    retention_days: int | None


# Logs that have a chain, or entries that wait for one.
_CHAINS = """
SELECT l.log, w.name, coalesce(c.seq, 0) AS seq, coalesce(c.hash, $1) AS hash,
       coalesce(c.removed_seq, 0) AS removed_seq, coalesce(c.removed_hash, $1) AS removed_hash, c.retention_days
  FROM (SELECT workspace_id FROM audit_chain UNION SELECT workspace_id FROM audit_pending
        UNION (SELECT DISTINCT workspace_id FROM audit_entry)) AS l (log)
  LEFT JOIN audit_chain c ON c.workspace_id = l.log
  LEFT JOIN workspace w ON w.id = l.log
 ORDER BY l.log
"""


async def chains(connection: Executor, genesis: bytes) -> list[Chain]:
    """All chains."""
    return [
        Chain(row["log"], row["name"], Link(row["seq"], row["hash"]), Link(row["removed_seq"], row["removed_hash"]),
              row["retention_days"])
        for row in await connection.fetch(_CHAINS, genesis)
    ]  # fmt: skip


# A seal without its entry has nulls for it.
_SEALED_PAGE = """
SELECT s.seq, s.entry_id, s.hash AS seal,
       e.workspace_id, e.id, e.at, e.actor_kind, e.actor, e.user_id, e.api_key_id, e.session_id, e.token_id, e.edge,
       e.action, e.outcome, e.code, e.path, e.times, host(e.address) AS address, e.user_agent, e.request_id, e.input,
       e.objects, e.changes, e.change_counts
  FROM audit_seal s
  LEFT JOIN audit_entry e ON e.workspace_id = s.workspace_id AND e.id = s.entry_id
 WHERE s.workspace_id = $1 AND s.seq > $2
 ORDER BY s.seq LIMIT $3
"""


class Sealed(NamedTuple):
    """One seal, and the entry that it is of; None if that is not there."""

    link: Link
    entry_id: int
    entry: dict[str, Any] | None


async def sealed(connection: Executor, log: int, after_seq: int, limit: int) -> list[Sealed]:
    """The seals of a log behind a number, in order."""
    found = []
    for row in await connection.fetch(_SEALED_PAGE, log, after_seq, limit):
        entry = dict(row)
        link = Link(entry.pop("seq"), bytes(entry.pop("seal")))
        entry_id = entry.pop("entry_id")
        found.append(Sealed(link, entry_id, None if entry["id"] is None else entry))
    return found


async def all_sealed(connection: Executor, log: int, after_seq: int, page: int) -> AsyncIterator[Sealed]:
    """The same, page by page to the end."""
    while found := await sealed(connection, log, after_seq, page):
        for one in found:
            yield one
        after_seq = found[-1].link.seq


_SEAL_AT = "SELECT seq, hash FROM audit_seal WHERE workspace_id = $1 AND seq = $2"


async def seal_at(connection: Executor, log: int, seq: int) -> Link | None:
    """The seal with a number."""
    row = await connection.fetchrow(_SEAL_AT, log, seq)
    return None if row is None else Link(row["seq"], bytes(row["hash"]))


_FIRST_SINCE = """
SELECT min(s.seq) FROM audit_seal s JOIN audit_entry e ON e.workspace_id = s.workspace_id AND e.id = s.entry_id
 WHERE e.workspace_id = $1 AND e.id >= $2
"""


async def first_seq_since(connection: Executor, log: int, first_id: int) -> int | None:
    """The lowest number of an entry whose id is this or higher; None if there is none."""
    found: int | None = await connection.fetchval(_FIRST_SINCE, log, first_id)
    return found


_UNSEALED = """
SELECT e.id, e.at, p.entry_id IS NOT NULL AS pending
  FROM audit_entry e LEFT JOIN audit_pending p ON p.entry_id = e.id
 WHERE e.workspace_id = $1 AND NOT EXISTS
       (SELECT FROM audit_seal s WHERE s.workspace_id = e.workspace_id AND s.entry_id = e.id)
 ORDER BY e.id LIMIT 1
"""


class Unsealed(NamedTuple):
    """An entry without a seal, and whether it is known to wait for one."""

    entry_id: int
    at: datetime
    pending: bool


async def oldest_unsealed(connection: Executor, log: int) -> Unsealed | None:
    """The log's oldest entry without a seal."""
    row = await connection.fetchrow(_UNSEALED, log)
    return None if row is None else Unsealed(*row)


_LOST = """
SELECT p.entry_id FROM audit_pending p
 WHERE p.workspace_id = $1 AND NOT EXISTS
       (SELECT FROM audit_entry e WHERE e.workspace_id = p.workspace_id AND e.id = p.entry_id)
 ORDER BY p.entry_id LIMIT 1
"""


async def lost_pending(connection: Executor, log: int) -> int | None:
    """An entry that waits for its seal and is not there."""
    found: int | None = await connection.fetchval(_LOST, log)
    return found


# Removal of old entries ----------------------------------------------------------------------------------------------

_SET_RETENTION = """
INSERT INTO audit_chain (workspace_id, seq, hash, retention_days) VALUES ($1, 0, $2, $3)
ON CONFLICT (workspace_id) DO UPDATE SET retention_days = excluded.retention_days
"""


async def set_retention(connection: PooledConnection, log: int, genesis: bytes, days: int | None) -> None:
    """How long a log's entries are kept; None: as long as the installation's are, and those for ever."""
    await connection.execute(_SET_RETENTION, log, genesis, days)


_OLD = """
SELECT s.seq, s.hash, s.entry_id
  FROM audit_seal s JOIN audit_entry e ON e.workspace_id = s.workspace_id AND e.id = s.entry_id
 WHERE s.workspace_id = $1 AND s.seq > $2 AND s.seq <= $2 + $4 AND e.id < $3
 ORDER BY s.seq
"""
_LOCK_CHAIN = "SELECT seq, hash, removed_seq, removed_hash FROM audit_chain WHERE workspace_id = $1 FOR UPDATE"
_REMOVING = "SELECT set_config('motet.audit_removal', 'on', true)"
_REMOVE_ENTRIES = "DELETE FROM audit_entry WHERE workspace_id = $1 AND id = ANY ($2::bigint[])"
_REMOVE_SEALS = "DELETE FROM audit_seal WHERE workspace_id = $1 AND seq > $2 AND seq <= $3"
_REMOVED = "UPDATE audit_chain SET removed_seq = $2, removed_hash = $3 WHERE workspace_id = $1"


async def remove_old(connection: PooledConnection, log: int, before_id: int, limit: int) -> tuple[Link, int] | None:
    """Remove the log's oldest sealed entries that were made before, up to the first that was not, at most `limit`: up
    to where, and how many; None if there are none. Needs a transaction, in which its caller makes the entry that tells
    of it."""
    chain = await connection.fetchrow(_LOCK_CHAIN, log)
    if chain is None:
        return None
    old: list[Row] = []
    for row in await connection.fetch(_OLD, log, chain["removed_seq"], before_id, limit):
        if row["seq"] != chain["removed_seq"] + len(old) + 1:
            break  # sealed out of the order of their ids: it goes when those before it go
        old.append(row)
    if not old:
        return None
    await connection.execute(_REMOVING)
    await connection.execute(_REMOVE_ENTRIES, log, [row["entry_id"] for row in old])
    await connection.execute(_REMOVE_SEALS, log, chain["removed_seq"], old[-1]["seq"])
    await connection.execute(_REMOVED, log, old[-1]["seq"], old[-1]["hash"])
    return Link(old[-1]["seq"], bytes(old[-1]["hash"])), len(old)


_REMOVAL_TOLD = """
SELECT EXISTS (SELECT FROM audit_entry
                WHERE workspace_id = $1 AND action = $2 AND input ->> 'seq' = $3 AND input ->> 'hash' = $4)
"""


async def removal_is_told(connection: Executor, log: int, action: str, removed: Link) -> bool:
    """Whether an entry of the log itself says that what is before this place was removed."""
    return bool(await connection.fetchval(_REMOVAL_TOLD, log, action, str(removed.seq), removed.hash.hex()))
