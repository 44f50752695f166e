"""A new password: by who knows the old one, or by a link to the mailbox of who has forgotten it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from motet.access.clients import Client
from motet.access.passwords import PasswordChecker
from motet.access.principals import Principal
from motet.access.tokens import AuthenticationError
from motet.domain.errors import DeniedError, DomainError, InvalidError, NotFoundError
from motet.domain.letters import Letter
from motet.domain.locales import negotiated
from motet.domain.users import UserStatus, email_of
from motet.identity.lock_out import LOCK, LockOut
from motet.identity.login import SignInRules
from motet.identity.notices import Notices
from motet.identity.password_rules import PasswordRules
from motet.identity.post import Post
from motet.identity.sessions import hash_token
from motet.storage import password_reset as storage
from motet.storage.database import Database, PooledConnection
from motet.storage.login_session import end_sessions
from motet.storage.sign_in_attempt import claim_attempt
from motet.storage.transaction import transaction
from motet.storage.user import UserRow, find_by_email, find_user, set_password

RESET_GOOD_FOR = timedelta(hours=1)

RESETS = 3
"""Mails that can be asked for, for one address, before a pause."""


class PasswordChanges:
    """Changes passwords. Whoever has a new one is signed out everywhere else, and told by mail. `now` gives an aware
    time."""

    def __init__(
        self,
        database: Database,
        passwords: PasswordChecker,
        rules: PasswordRules,
        lock_out: LockOut,
        post: Post,
        notices: Notices,
        now: Callable[[], datetime],
        *,
        sign_in_rules: SignInRules | None = None,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._rules = rules
        self._lock_out = lock_out
        self._post = post
        self._now = now
        self._notices = notices
        self._mailed = notices.mailed
        self._sign_in_rules = sign_in_rules

    async def change(self, principal: Principal, old: str, new: str, client: Client) -> None:
        """By someone who is signed in and knows the old one. Raises DeniedError for a wrong one, InvalidError for a new
        one that is none, LimitReachedError after too many attempts."""
        found = None if principal.user_id is None else await find_user(self._database.pool, principal.user_id)
        if found is None:
            raise NotFoundError("This token is no user's.")
        await self._lock_out.claim(found.email_key, client.address)
        if not await self._passwords.verify(found.password_hash, old):
            raise DeniedError("The old password is not right.", path=("old_password",))
        await self._lock_out.was_right(client.address)
        await self._lock_out.succeeded(found.email_key)
        if old == new:
            raise InvalidError("The new password is the old one.", path=("new_password",))
        await self._rules.check(new, (found.email, found.name), "new_password")
        password_hash = await self._passwords.hash(new)
        async with transaction(self._database, after=self._mailed) as connection:
            await self._set(connection, found, password_hash, client, but=principal.session_id)

    async def forgot(self, email: str, client: Client, accept_language: str | None = None) -> None:
        """Mail a link to an active user of this address. Does nothing, and says nothing, for anyone else. Raises
        LimitReachedError for a client that asks for many."""
        await self._lock_out.claim_reset(client.address)
        try:
            _, email_key = email_of(email)
        except InvalidError:
            return
        now = self._now()
        if not self._post.sends or not await claim_attempt(
            self._database.pool, f"reset {email_key}", now, RESETS, LOCK
        ):
            return
        found = await find_by_email(self._database.pool, email_key)
        if found is None or found.status is not UserStatus.ACTIVE:
            return
        if self._sign_in_rules is not None:
            try:
                await self._sign_in_rules.check_password_allowed(found)
            except DomainError:
                return
        token = secrets.token_urlsafe(32)
        facts = {
            "link": self._post.link("account/reset", token),
            "minutes": str(int(RESET_GOOD_FOR.total_seconds() // 60)),
            "address": client.address or "-",
        }
        locale = negotiated(found.locale, accept_language=accept_language)
        async with transaction(self._database, after=self._mailed) as connection:
            await storage.cancel_resets(connection, found.id)
            await storage.add_reset(connection, hash_token(token), found.id, now, now + RESET_GOOD_FOR)
            await self._post.write(
                connection, found.email, locale, Letter.PASSWORD_RESET, facts, good_for=RESET_GOOD_FOR
            )

    async def reset(self, token: str, new: str, client: Client) -> None:
        """By the link. Raises AuthenticationError if it is not good, InvalidError for a password that is none (the link
        stays good)."""
        now, token_hash = self._now(), hash_token(token)
        user_id = await storage.find_reset(self._database.pool, token_hash, now)
        found = None if user_id is None else await find_user(self._database.pool, user_id)
        if found is None or found.status is UserStatus.SUSPENDED:
            raise AuthenticationError("the link is not good: it was used, is over, or was replaced by a newer one")
        await self._rules.check(new, (found.email, found.name), "password")
        password_hash = await self._passwords.hash(new)
        async with transaction(self._database, after=self._mailed) as connection:
            if await storage.use_reset(connection, token_hash, now) is None:
                raise AuthenticationError("the link is not good: it was used")
            await self._set(connection, found, password_hash, client)
        await self._lock_out.succeeded(found.email_key)

    async def purge(self) -> None:
        """Forget a bounded number of links that are over."""
        await storage.purge_resets(self._database.pool, self._now())

    async def _set(
        self,
        connection: PooledConnection,
        whose: UserRow,
        password_hash: str,
        client: Client,
        *,
        but: int | None = None,
    ) -> None:
        now = self._now()
        await set_password(connection, whose.id, password_hash, now)
        await storage.cancel_resets(connection, whose.id)
        await end_sessions(connection, whose.id, "the password was changed", now, but=but)
        await self._notices.tell(connection, whose.id, Letter.PASSWORD_CHANGED, address=client.address)
