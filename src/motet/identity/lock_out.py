"""Keeps guessing slow: so many wrong passwords or codes in a row, and the way in is closed for a while.

Counted by user, whether there is such a user or not, so that the answer tells nobody; and by address, so that one
machine cannot try a few passwords on each of many users, an account of its own or not. Kept in the database: nodes
count together.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from motet.domain.cidrs import peer_name
from motet.domain.errors import LimitReachedError
from motet.storage.database import Database
from motet.storage.sign_in_attempt import (
    claim_attempt,
    clear_attempts,
    give_turn_back,
    purge_attempts,
    take_turn,
)

USER_ATTEMPTS = 5
LOCK = timedelta(minutes=5)

ADDRESS_ATTEMPTS = 50
"""Many people may share an address (IPv6: a /64)."""

ADDRESS_EVERY = LOCK / ADDRESS_ATTEMPTS
"""After so long an address may try once more: in the long run it tries as often as if it were locked like a user."""

ADDRESS_RESETS = 20
"""Links to replace a password that an address may ask for at once."""

RESETS_EVERY = LOCK / ADDRESS_RESETS

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
        if address is not None and not await take_turn(pool, _tries(address), now, ADDRESS_ATTEMPTS, ADDRESS_EVERY):
            raise LimitReachedError(LOCKED)
        if not await claim_attempt(pool, f"user {email_key}", now, USER_ATTEMPTS, LOCK):
            raise LimitReachedError(LOCKED)

    async def was_right(self, address: str | None) -> None:
        """What was shown was right: no guess of the address. What else it has tried stays counted: an account of one's
        own is no way to guess at others."""
        if address is not None:
            await give_turn_back(self._database.pool, _tries(address), ADDRESS_EVERY)

    async def succeeded(self, email_key: str) -> None:
        """Whatever had to be shown was right: count the user's attempts from nothing again."""
        await clear_attempts(self._database.pool, f"user {email_key}")

    async def claim_reset(self, address: str | None) -> None:
        """Count a link that is asked for, for whomever. Raises LimitReachedError for an address that asks for many."""
        if address is None:
            return
        key = f"resets {peer_name(address)}"
        if not await take_turn(self._database.pool, key, self._now(), ADDRESS_RESETS, RESETS_EVERY):
            raise LimitReachedError(LOCKED)

    async def purge(self) -> None:
        """Forget a bounded number of keys whose lock is long over."""
        await purge_attempts(self._database.pool, self._now() - 2 * LOCK)


def _tries(address: str) -> str:
    return f"address {peer_name(address)}"
