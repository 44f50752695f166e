"""Authenticator apps: a secret that is shown once, tried, and then asked for at each sign-in."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import segno

from motet.access.secrets import SecretBox
from motet.domain.errors import ConflictError, InvalidError
from motet.domain.totp import SECRET_OCTETS, matching_step, otpauth_uri, shown_secret
from motet.identity.second_factor.relying_party import SITE_NAME
from motet.storage import totp
from motet.storage.database import Database, Executor, PooledConnection

PENDING_FOR = timedelta(hours=1)
"""How long a secret that was shown may be confirmed."""

_QR_MODULE_PIXELS = 5


@dataclass(frozen=True, slots=True)
class NewTotp:
    """What an app is told. Shown once: it is not read again."""

    secret: str = field(repr=False)
    """Base32 in groups of four, for typing."""
    otpauth_uri: str = field(repr=False)
    qr_code: str = field(repr=False)
    """The URI as a picture: a `data:` URI of an SVG."""


@dataclass(frozen=True, slots=True)
class TotpStatus:
    """What there is of an app."""

    status: str
    """PENDING or ACTIVE."""
    created_at: datetime


class TotpCodes:
    """The authenticator apps of all users. Errors are domain errors; paths name inputs."""

    def __init__(self, database: Database, box: SecretBox, now: Callable[[], datetime]) -> None:
        self._database = database
        self._box = box
        self._now = now

    async def enroll(self, connection: PooledConnection, user_id: int, email: str) -> NewTotp:
        """A new secret, to be confirmed by a code; one that is active stays so until then."""
        secret = secrets.token_bytes(SECRET_OCTETS)
        await totp.put_pending(connection, user_id, self._box.encrypt(secret), self._now())
        uri = otpauth_uri(secret, email, SITE_NAME)
        picture = segno.make(uri, error="m", micro=False).svg_data_uri(scale=_QR_MODULE_PIXELS, border=2)
        return NewTotp(shown_secret(secret), uri, picture)

    async def confirm(self, connection: PooledConnection, user_id: int, code: str) -> None:
        """Make the pending secret the active one. Raises ConflictError without one, InvalidError for a wrong code."""
        pending = await totp.find(connection, user_id, totp.PENDING)
        if pending is None or pending.created_at + PENDING_FOR <= self._now():
            raise ConflictError("No authenticator app is being set up: start again.")
        if not await self._take(connection, user_id, totp.PENDING, code):
            raise InvalidError("This is not the code that the app shows now.", path=("code",))
        await totp.activate(connection, user_id, self._now())

    async def check(self, user_id: int, code: str) -> bool:
        """Whether this is a code of the user's app that has not been used; it is from now on, on every node."""
        return await self._take(self._database.pool, user_id, totp.ACTIVE, code)

    async def status(self, user_id: int) -> TotpStatus | None:
        """The active app, or else the one that is being tried."""
        for status, name in ((totp.ACTIVE, "ACTIVE"), (totp.PENDING, "PENDING")):
            found = await totp.find(self._database.pool, user_id, status)
            if found is not None and (status == totp.ACTIVE or found.created_at + PENDING_FOR > self._now()):
                return TotpStatus(name, found.created_at)
        return None

    async def _take(self, connection: Executor, user_id: int, status: int, code: str) -> bool:
        found = await totp.find(connection, user_id, status)
        if found is None:
            return False
        secret = self._box.decrypt(found.secret_encrypted)
        step = matching_step(secret, code.replace(" ", ""), self._now().timestamp(), after=found.last_step)
        if step is None:
            return False
        return await totp.take_step(connection, user_id, status, found.secret_encrypted, step)
