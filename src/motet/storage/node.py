"""Nodes and their incarnations: who owns what, and who succeeds whom. Times are int microseconds since 1970."""

import asyncpg

ALIVE_CLASS = 1297044545
"""Advisory lock class ('MOTA') that a living incarnation holds on its own connection, with its number as the key."""

FENCE_CLASS = 1297044564
"""Advisory lock class ('MOTT') of motet_fence(): shared in each commit of an incarnation, exclusive for its heir."""

FENCED_SQLSTATE = "MT001"

# One node joins at a time, so that two cannot take the same number.
_JOIN_LOCK = "SELECT pg_advisory_xact_lock(1297044554, 0)"

_JOIN = """
INSERT INTO node (number)
SELECT n FROM generate_series(0, 1023) AS n
 WHERE NOT EXISTS (SELECT FROM node WHERE number = n AND succeeded_by IS NULL AND ended_at IS NULL)
 ORDER BY n LIMIT 1
RETURNING incarnation, number
"""

_LAST_ID = "SELECT coalesce(max(last_id), 0) FROM node WHERE number = $1"

_ALIVE = "SELECT pg_advisory_lock($1, $2)"


async def join(connection: asyncpg.Connection) -> tuple[int, int, int]:
    """Start an incarnation, held alive by this connection: (incarnation, node number, last id under that number)."""
    async with connection.transaction():
        await connection.execute(_JOIN_LOCK)
        record = await connection.fetchrow(_JOIN)
        if record is None:
            raise RuntimeError("1024 nodes are running already")
        await connection.execute(_ALIVE, ALIVE_CLASS, record["incarnation"])
        last_id = await connection.fetchval(_LAST_ID, record["number"])
    return record["incarnation"], record["number"], last_id


_REJOIN = """
SELECT succeeded_by IS NULL AND pg_try_advisory_lock($2, $1) FROM node WHERE incarnation = $1
"""


async def rejoin(connection: asyncpg.Connection, incarnation: int) -> bool:
    """Hold the incarnation alive by a new connection; false when it has been succeeded or its old one lingers."""
    return bool(await connection.fetchval(_REJOIN, incarnation, ALIVE_CLASS))


_SUCCEEDED = "SELECT succeeded_by IS NOT NULL FROM node WHERE incarnation = $1"


async def is_succeeded(connection: asyncpg.Connection, incarnation: int) -> bool:
    """Whether another node has taken over from this incarnation."""
    return bool(await connection.fetchval(_SUCCEEDED, incarnation))


_DEAD = """
SELECT incarnation FROM node
 WHERE succeeded_by IS NULL AND incarnation <> $1 AND pg_try_advisory_xact_lock($2, incarnation)
 ORDER BY incarnation LIMIT 64
"""

_SUCCEED = """
UPDATE node SET succeeded_by = $2, ended_at = coalesce(ended_at, now()) WHERE incarnation = $1 AND succeeded_by IS NULL
RETURNING low_water
"""

# Everything open and not waiting that the dead one had in memory. With every part upstream it waits for receipts (3),
# else it is to be sent (1). HELD (4) was in memory too.
_INHERIT_WAITING = """
UPDATE waiting w
   SET owner = $2,
       reason = CASE WHEN w.reason <> 4 THEN w.reason WHEN sent.whole THEN 3 ELSE 1 END,
       ends_at = CASE WHEN w.reason = 4 AND sent.whole THEN greatest(w.ends_at, m.expires_at + $3) ELSE w.ends_at END
  FROM message m
 CROSS JOIN LATERAL (
    SELECT count(DISTINCT s.part) >= m.part_count AS whole FROM submit s WHERE s.message_id = m.id
 ) sent
 WHERE w.owner = $1 AND m.workspace_id = w.workspace_id AND m.id = w.message_id
"""

_INHERIT_MEMORY = """
INSERT INTO waiting (message_id, workspace_id, device_id, account_id, owner, reason, due, ends_at, attempts)
SELECT m.id, m.workspace_id, m.device_id, m.account_id, $2, CASE WHEN sent.whole THEN 3 ELSE 1 END, $4,
       CASE WHEN sent.whole THEN m.expires_at + $5 ELSE m.expires_at END, m.attempts
  FROM message m
 CROSS JOIN LATERAL (
    SELECT count(DISTINCT s.part) >= m.part_count AS whole
      FROM submit s WHERE s.message_id = m.id AND s.message_id >= $3
 ) sent
 WHERE m.id >= $3 AND m.owner = $1 AND m.state = 0 AND m.direction = 0
ON CONFLICT (message_id) DO NOTHING
"""


async def succeed_dead(connection: asyncpg.Connection, incarnation: int, now_us: int, grace: object) -> list[int]:
    """Take over from every incarnation that no connection holds alive. Gives their numbers.

    `grace` (timedelta) is how long past validity a receipt is waited for.
    """
    heirless: list[int] = []
    async with connection.transaction():
        await connection.execute(_JOIN_LOCK)
        for record in await connection.fetch(_DEAD, incarnation, ALIVE_CLASS):
            dead = record["incarnation"]
            # Waits for the dead one's last commit, if its backend has not noticed the death yet.
            await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", FENCE_CLASS, dead)
            low_water = await connection.fetchval(_SUCCEED, dead, incarnation)
            if low_water is None:
                continue
            await connection.execute(_INHERIT_WAITING, dead, incarnation, grace)
            await connection.execute(_INHERIT_MEMORY, dead, incarnation, low_water, now_us, grace)
            heirless.append(dead)
    return heirless


_PROGRESS = (
    "UPDATE node SET low_water = greatest(low_water, $2), last_id = greatest(last_id, $3) WHERE incarnation = $1"
)


async def note_progress(connection: asyncpg.Connection, incarnation: int, low_water: int, last_id: int) -> None:
    await connection.execute(_PROGRESS, incarnation, low_water, last_id)


_LEAVE = """
UPDATE node SET ended_at = now(), low_water = greatest(low_water, $2), last_id = greatest(last_id, $3)
 WHERE incarnation = $1
"""


async def leave(connection: asyncpg.Connection, incarnation: int, low_water: int, last_id: int) -> None:
    """End in good order. What is still open is inherited by whoever starts next."""
    await connection.execute(_LEAVE, incarnation, low_water, last_id)
