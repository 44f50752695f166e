"""Mails on their way out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection

_ADD = "INSERT INTO mail (id, sealed, next_attempt_at, expires_at, created_at) VALUES ($1, $2, $3, $4, $3)"


async def add_mail(
    connection: PooledConnection, mail_id: int, sealed: bytes, at: datetime, expires_at: datetime
) -> None:
    """Queue a mail in the caller's transaction; past `expires_at` it is not sent any more."""
    await connection.execute(_ADD, mail_id, sealed, at, expires_at)


class DueMail(NamedTuple):
    """A mail whose turn it is."""

    id: int
    sealed: bytes
    attempts: int


# Whoever takes a mail has `lease` to send it; then it is another's turn.
_TAKE = """
UPDATE mail SET attempts = attempts + 1, next_attempt_at = $1 + $2::interval
 WHERE id IN (SELECT id FROM mail WHERE next_attempt_at <= $1 AND expires_at > $1 ORDER BY next_attempt_at LIMIT $3
              FOR UPDATE SKIP LOCKED)
RETURNING id, sealed, attempts
"""


async def take_due(connection: Executor, now: datetime, lease: timedelta, most: int) -> list[DueMail]:
    return [DueMail(*record) for record in await connection.fetch(_TAKE, now, lease, most)]


_SENT = "DELETE FROM mail WHERE id = $1"


async def forget_mail(connection: Executor, mail_id: int) -> None:
    """It was taken by a server, or never will be."""
    await connection.execute(_SENT, mail_id)


_FAILED = "UPDATE mail SET next_attempt_at = $2, last_error = $3 WHERE id = $1"


async def put_off(connection: Executor, mail_id: int, until: datetime, error: str) -> None:
    await connection.execute(_FAILED, mail_id, until, error)


_PURGE = "DELETE FROM mail WHERE id IN (SELECT id FROM mail WHERE expires_at <= $1 LIMIT 1000) RETURNING id"


async def purge_mails(connection: Executor, now: datetime) -> int:
    """Forget at most 1,000 mails that nobody needs any more; how many they were."""
    return len(await connection.fetch(_PURGE, now))
