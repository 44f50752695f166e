"""Signing in: what is shown, what more is asked for, and the session at the end of it.

Whoever gets the password wrong learns no more than that: an unknown address takes as long and is answered alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from motet.access.clients import Client
from motet.access.passwords import PasswordChecker
from motet.access.tokens import AuthenticationError
from motet.domain.errors import InvalidError
from motet.domain.users import UserStatus, email_of
from motet.identity.lock_out import LockOut
from motet.identity.sessions import Sessions, Signed
from motet.identity.tickets import TicketError, Tickets
from motet.storage.database import Database
from motet.storage.user import UserRow, find_by_email, find_user

MFA_PURPOSE = "mfa"
MFA_TTL_S = 5 * 60

PASSWORD = "pwd"  # noqa: S105 - RFC 8176's name of the method

MULTIPLE = "mfa"
"""RFC 8176: more than one factor was shown. A session without it has shown the first alone."""

OVER = "the time to show a second factor is over: sign in again"

WRONG = "the e-mail address or the password is not right"


@dataclass(frozen=True, slots=True)
class SecondFactorNeeded:
    """The password was right, and is not enough."""

    mfa_token: str = field(repr=False)
    """Good for `MFA_TTL_S`, by whoever shows a second factor."""
    methods: tuple[str, ...]
    """What may be shown: `totp`, `recovery_code`, `passkey`."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for after the password."""

    ask: tuple[str, ...] = ()
    """The methods to choose from; none if there is no second factor, or the device is trusted."""
    shown: tuple[str, ...] = ()
    """What the device that is trusted adds to the session's methods."""


class SecondFactors(Protocol):
    """Which second factor a user must show after the password."""

    async def needed(self, user: UserRow, trusted_device: str | None) -> Demand: ...


class SignInRules(Protocol):
    """Whether a way in is open to a user at all."""

    async def check_password_allowed(self, user: UserRow) -> None:
        """Raises DeniedError where single sign-on is enforced. Asked only once the password was right."""
        ...


class Login:
    """Judges what is shown. `now` gives an aware time."""

    def __init__(
        self,
        database: Database,
        passwords: PasswordChecker,
        sessions: Sessions,
        lock_out: LockOut,
        tickets: Tickets,
        now: Callable[[], datetime],
        *,
        second_factors: SecondFactors | None = None,
        rules: SignInRules | None = None,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._sessions = sessions
        self._lock_out = lock_out
        self._tickets = tickets
        self._now = now
        self._second_factors = second_factors
        self._rules = rules

    async def with_password(
        self, email: str, password: str, client: Client, *, trusted_device: str | None = None
    ) -> Signed | SecondFactorNeeded:
        """Raises AuthenticationError for what is not right (or not active), LimitReachedError after too many
        attempts, DeniedError where passwords are not taken, NotFoundError for a user without a workspace."""
        try:
            _, email_key = email_of(email)
        except InvalidError:
            raise AuthenticationError(WRONG) from None
        await self._lock_out.claim(email_key, client.address)
        user = await find_by_email(self._database.pool, email_key)
        if user is None or user.status is not UserStatus.ACTIVE:
            await self._passwords.verify(None, password)
            raise AuthenticationError(WRONG)
        if not await self._passwords.verify(user.password_hash, password):
            raise AuthenticationError(WRONG)
        await self._lock_out.was_right(client.address)
        return await self._proceed(user, client, None, trusted_device)

    async def with_new_password(self, user_id: int, client: Client, workspace_id: int) -> Signed | SecondFactorNeeded:
        """Someone who has just set their first password, by a link to their mailbox. Raises as `with_password` does."""
        user = await find_user(self._database.pool, user_id)
        if user is None:
            raise AuthenticationError(WRONG)
        return await self._proceed(user, client, workspace_id, None)

    async def with_passkey(self, user_id: int, methods: Sequence[str], client: Client) -> Signed:
        """The session of whose passkey has answered. Raises as `complete` does, and DeniedError where single sign-on
        is enforced: a passkey of ours is no way round it."""
        user = await find_user(self._database.pool, user_id)
        if user is None or user.status is not UserStatus.ACTIVE:
            raise AuthenticationError(WRONG)
        if self._rules is not None:
            await self._rules.check_password_allowed(user)
        return await self.complete(user_id, methods, client)

    async def complete(
        self, user_id: int, methods: Sequence[str], client: Client, workspace_id: int | None = None
    ) -> Signed:
        """The session of a user who has shown all that is asked. Raises AuthenticationError for one who may not sign
        in, NotFoundError for one without a workspace."""
        user = await find_user(self._database.pool, user_id)
        if user is None or user.status is not UserStatus.ACTIVE:
            raise AuthenticationError(WRONG)
        signed = await self._sessions.start(user_id, methods, client, workspace_id)
        await self._lock_out.succeeded(user.email_key)
        return signed

    def user_of(self, mfa_token: str) -> int:
        """Who showed the password that this token was given for. Raises AuthenticationError."""
        found: int = self._asked(mfa_token)["user_id"]
        return found

    async def finish(self, mfa_token: str, methods: Sequence[str], client: Client) -> Signed:
        """The session of who has shown a second factor after the password that the token was given for, unless that is
        theirs no more. Raises as `complete` does, and DeniedError where passwords are not taken any more."""
        asked = self._asked(mfa_token)
        user = await find_user(self._database.pool, asked["user_id"])
        if user is None or _name_of(user.password_hash) != asked["password"]:
            raise AuthenticationError(OVER)
        if self._rules is not None:
            await self._rules.check_password_allowed(user)
        return await self.complete(user.id, methods, client)

    def _asked(self, mfa_token: str) -> dict[str, Any]:
        try:
            return self._tickets.read(MFA_PURPOSE, mfa_token, now=int(self._now().timestamp()))
        except TicketError:
            raise AuthenticationError(OVER) from None

    async def _proceed(
        self, user: UserRow, client: Client, workspace_id: int | None, trusted_device: str | None
    ) -> Signed | SecondFactorNeeded:
        """The password was right: what comes after it."""
        if self._rules is not None:
            await self._rules.check_password_allowed(user)
        demand = Demand()
        if self._second_factors is not None:
            demand = await self._second_factors.needed(user, trusted_device)
        if demand.ask:
            return self._ask(user, demand.ask)
        return await self.complete(user.id, (PASSWORD, *demand.shown), client, workspace_id)

    def _ask(self, user: UserRow, methods: Sequence[str]) -> SecondFactorNeeded:
        kept = {"user_id": user.id, "password": _name_of(user.password_hash)}
        ticket = self._tickets.issue(MFA_PURPOSE, kept, now=int(self._now().timestamp()), ttl_s=MFA_TTL_S)
        return SecondFactorNeeded(ticket, tuple(methods))


def _name_of(password_hash: str | None) -> str:
    """Tells one password of a user from the next."""
    return hashlib.sha256((password_hash or "").encode()).hexdigest()[:16]
