"""Keeps guessing slow: so many wrong passwords or codes in a row, and the way in is closed for a while.

Counted by user, whether there is such a user or not, so that the answer tells nobody; and by address, so that one
machine cannot try a few passwords on each of many users. Kept in the database: nodes count together.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from motet.domain.errors import LimitReachedError
from motet.storage.database import Database
from motet.storage.sign_in_attempt import claim_attempt, clear_attempts, purge_attempts

USER_ATTEMPTS = 5
ADDRESS_ATTEMPTS = 50
"""Many people may share an address."""

LOCK = timedelta(minutes=5)

LOCKED = "Too many attempts. Try again in a few minutes."


class LockOut:
    """Counts attempts. `now` gives an aware time."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def claim(self, email_key: str, address: str | None) -> None:
        """Count an attempt, before it is judged. Raises LimitReachedError while the user or the address is locked."""
        now = self._now()
        pool = self._database.pool
        if address is not None and not await claim_attempt(pool, f"address {address}", now, ADDRESS_ATTEMPTS, LOCK):
            raise LimitReachedError(LOCKED)
        if not await claim_attempt(pool, f"user {email_key}", now, USER_ATTEMPTS, LOCK):
            raise LimitReachedError(LOCKED)

    async def succeeded(self, email_key: str, address: str | None) -> None:
        """The attempt was right, and with it whatever had to be shown: count from nothing again."""
        await clear_attempts(self._database.pool, f"user {email_key}")
        if address is not None:
            await clear_attempts(self._database.pool, f"address {address}")

    async def purge(self) -> None:
        """Forget a bounded number of keys whose lock is long over."""
        await purge_attempts(self._database.pool, self._now() - 2 * LOCK)
