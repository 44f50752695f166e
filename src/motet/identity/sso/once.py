"""What has come once and must not come again: states of sign-ins, assertions, logout tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from motet.identity.sso.errors import Refusal, SignOnError
from motet.storage import federated_identity
from motet.storage.database import Database


class Once:
    """Remembers what came, on all nodes. `now` gives an aware time."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def claim(self, what: str, hold: timedelta) -> None:
        """Raises SignOnError for what came before; it is remembered for `hold`, until it is too old anyway."""
        now = self._now()
        if not await federated_identity.claim_once(self._database.pool, digest(what), now, now + hold):
            raise SignOnError(Refusal.EXPIRED, "this came before")


def digest(value: str) -> bytes:
    """What is kept of it."""
    return hashlib.sha256(value.encode(errors="surrogatepass")).digest()
