"""Challenges that were answered: each is good once, on whichever node the answer comes in."""

from __future__ import annotations

from datetime import datetime

from motet.storage.database import Executor

_SWEPT = 100
"""Expired rows that a new one takes away: many more than one, so that the table stays as small as it can be."""

_SWEEP = """
DELETE FROM used_challenge
 WHERE challenge_hash IN (SELECT challenge_hash FROM used_challenge WHERE expires_at <= $1 LIMIT $2
                             FOR UPDATE SKIP LOCKED)
"""
_USE = "INSERT INTO used_challenge (challenge_hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"


async def use(connection: Executor, challenge_hash: bytes, expires_at: datetime, now: datetime) -> bool:
    """Use a challenge up; False if it was used before: of two callers at once one gets True."""
    await connection.execute(_SWEEP, now, _SWEPT)
    return await connection.fetchval(_USE, challenge_hash, expires_at) is not None
