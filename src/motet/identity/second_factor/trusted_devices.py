"""Devices on which a user need not show the second factor again: each keeps a random token, we keep its hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from motet.access.clients import Client
from motet.domain.ids import IdGenerator
from motet.domain.letters import Letter
from motet.identity.notices import Notices
from motet.storage import trusted_device
from motet.storage.database import Database
from motet.storage.transaction import transaction
from motet.storage.trusted_device import TrustedDevice

TRUSTED_FOR = timedelta(days=90)
MAX_DEVICES = 20
"""Of one user; with one more the oldest is forgotten."""

TOKEN_OCTETS = 32
TOKEN_CHARACTERS = 100
"""Ours have 43."""


class TrustedDevices:
    """The trusted devices of all users."""

    def __init__(self, database: Database, ids: IdGenerator, notices: Notices, now: Callable[[], datetime]) -> None:
        self._database = database
        self._ids = ids
        self._notices = notices
        self._now = now

    async def trust(self, user_id: int, client: Client) -> str:
        """Trust the device at the other end: the token by which it is known again."""
        token = secrets.token_urlsafe(TOKEN_OCTETS)
        now = self._now()
        async with transaction(self._database, after=self._notices.mailed) as connection:
            await trusted_device.insert(
                connection,
                self._ids.next_at(now),
                user_id,
                _hash(token),
                client.kept_user_agent,
                client.address,
                now,
                now + TRUSTED_FOR,
                MAX_DEVICES,
            )
            await self._notices.tell(
                connection, user_id, Letter.DEVICE_TRUSTED, address=client.address,
                days=str(TRUSTED_FOR.days), device=client.kept_user_agent or "-",
            )  # fmt: skip
        return token

    async def is_trusted(self, user_id: int, token: str | None) -> bool:
        """Whether the token is of a device that the user trusts, and has since their password was last changed."""
        if token is None or not 1 <= len(token) <= TOKEN_CHARACTERS or not token.isascii():
            return False
        return await trusted_device.use(self._database.pool, user_id, _hash(token), self._now())

    async def of_user(self, user_id: int) -> list[TrustedDevice]:
        """The devices that the user trusts now, the oldest first."""
        return await trusted_device.of_user(self._database.pool, user_id, self._now())


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
