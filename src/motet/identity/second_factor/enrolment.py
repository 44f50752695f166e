"""What a signed-in user does with their second factors. Each change needs their password, or a fresh sign-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from motet.access.passwords import PasswordChecker
from motet.access.principals import ADMINISTRATIVE, Principal
from motet.domain.errors import DeniedError, NotFoundError
from motet.domain.letters import Letter
from motet.domain.recovery_codes import code_hash, new_codes
from motet.identity.lock_out import LockOut
from motet.identity.login import MULTIPLE
from motet.identity.notices import Notices
from motet.identity.second_factor.passkeys import Asked, Passkeys
from motet.identity.second_factor.totp import NewTotp, TotpCodes
from motet.storage import passkey, recovery_code, second_factor, totp, trusted_device
from motet.storage.database import Database, Executor, PooledConnection
from motet.storage.second_factor import Factors, Session
from motet.storage.transaction import transaction

FRESH = timedelta(minutes=10)
"""How long after the sign-in no password is asked for: who has just shown who they are need not do it twice."""


SHOWN = frozenset({MULTIPLE, "fed"})
"""What a session has of these, its user has shown a second factor: to us, or to the provider of single sign-on. The
statement of `storage/standing.py` says the same."""

PROVED = frozenset({"otp", "swk", "rec", "fed"})
"""What a session has of these, its user has shown one while signing in or since: a device that is trusted stands in for
that when they sign in, and lets nobody change what it stands in for."""


@dataclass(frozen=True, slots=True)
class Account:
    """A signed-in user: whose account it is, and in which session they are."""

    user_id: int
    session_id: int

    @classmethod
    def of(cls, principal: Principal) -> Account:
        """Raises DeniedError for a principal that is no signed-in user."""
        if principal.user_id is None or principal.session_id is None:
            raise DeniedError("Only a user who is signed in has an account.")
        return cls(principal.user_id, principal.session_id)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A second factor is there."""

    passkey_id: int | None
    recovery_codes: list[str] = field(repr=False)
    """With the first factor; shown once. Empty otherwise."""


class Enrolment:
    """Second factors as their users change them. Errors are domain errors; paths name inputs."""

    def __init__(
        self,
        database: Database,
        passwords: PasswordChecker,
        lock_out: LockOut,
        codes: TotpCodes,
        passkeys: Passkeys,
        notices: Notices,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._lock_out = lock_out
        self._codes = codes
        self._passkeys = passkeys
        self._notices = notices
        self._now = now

    async def enroll_totp(self, account: Account, password: str | None) -> NewTotp:
        """A secret for an authenticator app, shown this once; it counts once `confirm_totp` has seen a code of it."""
        found = await self._proved(account, password)
        async with transaction(self._database) as connection:
            return await self._codes.enroll(connection, account.user_id, found.email)

    async def confirm_totp(self, account: Account, code: str) -> Enrolled:
        """Turn the app on. Raises ConflictError if none is being set up, InvalidError for a wrong code."""
        async with transaction(self._database, after=self._notices.mailed) as connection:
            await self._check_shown(connection, account, await self._locked(connection, account))
            await self._codes.confirm(connection, account.user_id, code)
            await self._notices.tell(connection, account.user_id, Letter.TOTP_ADDED)
            return Enrolled(None, await self._added(connection, account, "otp"))

    async def delete_totp(self, account: Account, password: str | None) -> None:
        """Take the app away. Raises NotFoundError without one, DeniedError for a last factor that must be there."""
        await self._proved(account, password)
        async with transaction(self._database, after=self._notices.mailed) as connection:
            found = await self._locked(connection, account)
            if found.totp and found.passkeys == 0:
                await self._last_goes(connection, account, found)
            if not await totp.delete(connection, account.user_id):
                raise NotFoundError("There is no authenticator app.")
            await self._notices.tell(connection, account.user_id, Letter.TOTP_REMOVED)

    async def regenerate_recovery_codes(self, account: Account, password: str | None) -> list[str]:
        """New codes in place of all earlier ones, shown this once. Raises DeniedError where there is no factor."""
        await self._proved(account, password)
        async with transaction(self._database, after=self._notices.mailed) as connection:
            found = await self._locked(connection, account)
            if not found.any:
                raise DeniedError("Recovery codes stand in for a second factor: set one up first.")
            await self._notices.tell(connection, account.user_id, Letter.RECOVERY_CODES_MADE)
            return await self._new_codes(connection, account.user_id)

    async def ask_to_register_passkey(self, account: Account, password: str | None) -> Asked:
        """A challenge for a new passkey. Raises DeniedError where browsers make none."""
        found = await self._proved(account, password)
        return await self._passkeys.ask_to_register(account.user_id, account.session_id, found.email, found.name)

    async def register_passkey(
        self, account: Account, state: str, credential: Mapping[str, Any], name: str
    ) -> Enrolled:
        """Add the passkey that answered the challenge: who was asked had proved who they are."""
        async with transaction(self._database, after=self._notices.mailed) as connection:
            await self._check_shown(connection, account, await self._locked(connection, account))
            passkey_id = await self._passkeys.register(
                connection, account.user_id, account.session_id, state, credential, name
            )
            await self._notices.tell(connection, account.user_id, Letter.PASSKEY_ADDED, name=name.strip())
            return Enrolled(passkey_id, await self._added(connection, account, "swk"))

    async def rename_passkey(self, account: Account, passkey_id: int, name: str) -> None:
        """Raises NotFoundError (path `id`), InvalidError."""
        async with transaction(self._database) as connection:
            if not await self._passkeys.rename(connection, account.user_id, passkey_id, name):
                raise NotFoundError("No such passkey.", path=("id",))

    async def delete_passkey(self, account: Account, passkey_id: int, password: str | None) -> None:
        """Raises NotFoundError (path `id`), DeniedError for a last factor that must be there."""
        names = {key.id: key.name for key in await self._passkeys.of_user(account.user_id)}
        if passkey_id not in names:
            raise NotFoundError("No such passkey.", path=("id",))
        await self._proved(account, password)
        async with transaction(self._database, after=self._notices.mailed) as connection:
            found = await self._locked(connection, account)
            if found.passkeys == 1 and not found.totp:
                await self._last_goes(connection, account, found)
            if not await passkey.delete(connection, account.user_id, passkey_id):
                raise NotFoundError("No such passkey.", path=("id",))
            await self._notices.tell(connection, account.user_id, Letter.PASSKEY_REMOVED, name=names[passkey_id])

    async def delete_trusted_device(self, account: Account, device_id: int) -> None:
        """From now on the second factor is asked for there. Raises NotFoundError (path `id`)."""
        async with transaction(self._database) as connection:
            if not await trusted_device.delete(connection, account.user_id, device_id):
                raise NotFoundError("No such trusted device.", path=("id",))

    async def recovery_codes_left(self, user_id: int) -> int:
        """How many recovery codes are unused."""
        return await recovery_code.count(self._database.pool, user_id)

    async def is_required(self, account: Account) -> bool:
        """Whether the user's organisation asks for a second factor."""
        found = await second_factor.factors(self._database.pool, account.user_id, ADMINISTRATIVE)
        return found is not None and found.required

    async def has_shown(self, account: Account) -> bool:
        """Whether the session has shown a second factor."""
        session = await second_factor.session(self._database.pool, account.session_id, account.user_id)
        return session is not None and bool(SHOWN & set(session.methods))

    async def must_enrol(self, account: Account) -> bool:
        """Whether the session lacks a second factor that the organisation asks for."""
        return await self.is_required(account) and not await self.has_shown(account)

    async def _proved(self, account: Account, password: str | None) -> Factors:
        """Raises DeniedError for who has not shown that it is them: by the password, or a fresh sign-in; and by the
        second factor, where there is one."""
        pool = self._database.pool
        found = await second_factor.factors(pool, account.user_id, ADMINISTRATIVE)
        session = await self._check_shown(pool, account, found)
        assert found is not None  # noqa: S101 - else there is no session
        if password is not None:
            await self._lock_out.claim(found.email_key, None)
            if not await self._passwords.verify(found.password_hash, password):
                raise DeniedError("The password is wrong.", path=("password",))
            await self._lock_out.succeeded(found.email_key)
        elif session.created_at + FRESH <= self._now():
            if found.password_hash is None:
                raise DeniedError("Sign in anew: your sign-in is more than ten minutes old.", path=("password",))
            raise DeniedError("Give your password: your sign-in is more than ten minutes old.", path=("password",))
        return found

    async def _check_shown(self, connection: Executor, account: Account, found: Factors | None) -> Session:
        """The session. Raises DeniedError for one that has ended, or has not shown the second factor where there is
        one: it may have come since the change began."""
        session = await second_factor.session(connection, account.session_id, account.user_id)
        if found is None or session is None:
            raise DeniedError("The session has ended: sign in again.")
        if found.any and not PROVED & set(session.methods):
            raise DeniedError("Sign in with your second factor to change it.")
        return session

    async def _locked(self, connection: PooledConnection, account: Account) -> Factors:
        found = await second_factor.lock_factors(connection, account.user_id, ADMINISTRATIVE)
        if found is None:
            raise DeniedError("The session has ended: sign in again.")
        return found

    async def _added(self, connection: PooledConnection, account: Account, method: str) -> list[str]:
        """The session has now shown the factor; the first one comes with recovery codes."""
        await second_factor.shown(connection, account.session_id, account.user_id, (method, MULTIPLE))
        if await recovery_code.count(connection, account.user_id):
            return []
        return await self._new_codes(connection, account.user_id)

    async def _last_goes(self, connection: PooledConnection, account: Account, found: Factors) -> None:
        if found.required:
            raise DeniedError("Your organisation asks for a second factor: set up another one first.")
        await second_factor.forget_stand_ins(connection, account.user_id)

    async def _new_codes(self, connection: PooledConnection, user_id: int) -> list[str]:
        codes = new_codes()
        hashes = [digest for code in codes if (digest := code_hash(code)) is not None]
        await recovery_code.replace(connection, user_id, hashes, self._now())
        return codes
