"""Invitations: someone is asked by mail to become a member of a workspace, and becomes one by following the link.

Nobody learns by inviting whether an address has an account: the invitation looks the same, and the link, which only
the address's owner has, shows the rest.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from motet.access.clients import Client
from motet.access.passwords import PasswordChecker
from motet.access.principals import Principal, Role
from motet.access.standings import actor_of
from motet.access.tokens import AuthenticationError
from motet.domain.errors import ConflictError, DeniedError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.domain.letters import Letter
from motet.domain.locales import negotiated
from motet.domain.role_rules import check_grant
from motet.domain.users import UserStatus, email_of, locale_of, name_of
from motet.identity.login import Login, SecondFactorNeeded
from motet.identity.password_rules import PasswordRules
from motet.identity.post import Post
from motet.identity.sessions import Signed, hash_token
from motet.identity.standings import role_name, standing_of
from motet.identity.telling import SILENCE, Teller, tell_member
from motet.storage import invitation as storage
from motet.storage.database import Database, PooledConnection
from motet.storage.membership import add_member, find_member
from motet.storage.transaction import transaction
from motet.storage.user import UserRow, add_user, find_by_email

GOOD_FOR = timedelta(days=7)

OPEN_INVITATIONS = 1_000
"""Of one workspace: each is a mail that someone did not ask for."""

NOT_GOOD = "the link is not good: it was used, is over, or was replaced by a newer one"


@dataclass(frozen=True, slots=True)
class Invited:
    """What an invitation says to whoever holds its link."""

    email: str
    name: str
    workspace: str
    has_account: bool
    """Whether they sign in with what they have; else they set a password now."""
    signs_in: bool
    """Whether they have to be signed in to accept it: their account is another organisation's."""


class Invitations:
    """Invites, and lets in. `now` gives an aware time, `mailed` wakes who sends mails."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        post: Post,
        passwords: PasswordChecker,
        rules: PasswordRules,
        login: Login,
        now: Callable[[], datetime],
        mailed: Callable[[], None],
        teller: Teller = SILENCE,
    ) -> None:
        """`teller` writes events."""
        self._database = database
        self._teller = teller
        self._ids = ids
        self._post = post
        self._passwords = passwords
        self._rules = rules
        self._login = login
        self._now = now
        self._mailed = mailed

    async def invite(
        self,
        principal: Principal,
        workspace_id: int,
        email: str,
        *,
        role: Role | None = None,
        role_id: int | None = None,
        name: str = "",
        locale: str | None = None,
    ) -> int:
        """Invite an address, in place of an earlier invitation of it; the invitation's id.

        The role is a built-in one or, by `role_id`, one of the workspace's own. Raises InvalidError, ConflictError for
        a member, DeniedError for a role above the inviter's, LimitReachedError past `OPEN_INVITATIONS`.
        """
        invitation_id = self._ids.next_at(self._now())
        async with transaction(self._database, makes=invitation_id, after=self._mailed) as connection:
            await self._invite(connection, principal, workspace_id, invitation_id, email, role, role_id, name, locale)
        return invitation_id

    async def link_for(self, principal: Principal, workspace_id: int, email: str, *, role: Role, name: str = "") -> str:
        """Invite, and give the link instead of mailing it: for the shell. Raises as `invite` does."""
        invitation_id = self._ids.next_at(self._now())
        async with transaction(self._database) as connection:
            return await self._invite(
                connection, principal, workspace_id, invitation_id, email, role, None, name, None, mailed=False
            )

    async def withdraw(self, workspace_id: int, invitation_id: int) -> None:
        """The link is good no more. Raises NotFoundError."""
        async with transaction(self._database) as connection:
            if not await storage.take_invitation(connection, workspace_id, invitation_id):
                raise NotFoundError("There is no Invitation with this id.", path=("id",))

    async def look(self, token: str) -> Invited:
        """What the link is about. Raises AuthenticationError if it is not good."""
        row = await storage.find_invitation(self._database.pool, hash_token(token), self._now())
        if row is None:
            raise AuthenticationError(NOT_GOOD)
        user = await find_by_email(self._database.pool, row.email_key)
        has_account = user is not None and user.status is UserStatus.ACTIVE
        return Invited(row.email, row.name, row.workspace, has_account, user is not None and _is_elsewhere(user, row))

    async def accept(
        self,
        token: str,
        client: Client,
        *,
        password: str | None = None,
        name: str | None = None,
        principal: Principal | None = None,
    ) -> Signed | SecondFactorNeeded | None:
        """Become a member. Someone without an account sets a password and is signed in; someone with one becomes a
        member and signs in as ever (None).

        An account of another organisation is whose that says it is, by its provider or directory; the link shows whose
        the mailbox is. Both must be the same person's, so `principal`, who asks, has to be signed in to it.

        Raises AuthenticationError for a link that is not good, InvalidError for a password that is none, DeniedError
        for who is not signed in so.
        """
        now, token_hash = self._now(), hash_token(token)
        row = await storage.find_invitation(self._database.pool, token_hash, now)
        if row is None:
            raise AuthenticationError(NOT_GOOD)
        user = await find_by_email(self._database.pool, row.email_key)
        if user is not None:
            if _is_elsewhere(user, row) and (principal is None or principal.user_id != user.id):
                raise DeniedError(
                    "Sign in as {email} to accept this: the account belongs to another organisation.", email=user.email
                )
            async with transaction(self._database, after=self._teller.committed) as connection:
                await self._join(connection, row, user.id)
            return None
        shown = name_of(row.name if name is None else name, "name")
        if password is None:
            raise InvalidError("Set a password.", path=("password",))
        await self._rules.check(password, (row.email, shown), "password")
        password_hash = await self._passwords.hash(password)
        user_id = self._ids.next_at(now)
        async with transaction(self._database, after=self._teller.committed) as connection:
            await add_user(
                connection, user_id, row.organisation_id, row.email, row.email_key, name=shown, locale=row.locale,
                status=UserStatus.ACTIVE, password_hash=password_hash,
            )  # fmt: skip
            await self._join(connection, row, user_id)
        return await self._login.with_new_password(user_id, client, row.workspace_id)

    async def purge(self) -> None:
        """Forget a bounded number of invitations that are long over."""
        await storage.purge_invitations(self._database.pool, self._now() - GOOD_FOR)

    async def _invite(
        self,
        connection: PooledConnection,
        principal: Principal,
        workspace_id: int,
        invitation_id: int,
        email: str,
        role: Role | None,
        role_id: int | None,
        name: str,
        locale: str | None,
        *,
        mailed: bool = True,
    ) -> str:
        """In the caller's transaction; gives the link."""
        held = role_name(role, role_id)
        shown, email_key = email_of(email, "email")
        about, language, now = name_of(name, "name"), locale_of(locale, "locale"), self._now()
        check_grant(actor_of(principal), await standing_of(connection, workspace_id, held, role_id))
        user = await find_by_email(connection, email_key)
        if user is not None and await find_member(connection, workspace_id, user.id) is not None:
            raise ConflictError("This address is a member's.", path=("email",))
        if await storage.count_invitations(connection, workspace_id, OPEN_INVITATIONS) >= OPEN_INVITATIONS:
            raise LimitReachedError("A workspace has at most {most} open invitations.", most=OPEN_INVITATIONS)
        if mailed and not self._post.sends:
            raise DeniedError("This installation sends no mail: the operator can make a link with `motet user invite`.")
        token = secrets.token_urlsafe(32)
        await storage.put_invitation(
            connection, workspace_id, invitation_id, shown, email_key, about, language, held, role_id,
            principal.subject, hash_token(token), now, now + GOOD_FOR,
        )  # fmt: skip
        link = self._post.link("account/invitation", token)
        if mailed:
            row = await storage.find_invitation(connection, hash_token(token), now)
            facts = {
                "workspace": row.workspace if row is not None else "",
                "inviter": principal.subject,
                "link": link,
                "days": str(GOOD_FOR.days),
            }
            written = negotiated(language, user.locale if user is not None else None)
            await self._post.write(connection, shown, written, Letter.INVITATION, facts, good_for=GOOD_FOR)
        return link

    async def _join(self, connection: PooledConnection, row: storage.InvitationRow, user_id: int) -> None:
        if not await storage.take_invitation(connection, row.workspace_id, row.id):
            raise AuthenticationError(NOT_GOOD)
        if await add_member(connection, row.workspace_id, user_id, row.role, row.role_id):
            held = (row.role, row.role_id)
            await tell_member(self._teller, connection, row.workspace_id, user_id, before=None, after=held)


def _is_elsewhere(user: UserRow, row: storage.InvitationRow) -> bool:
    """Whether the account is not of the workspace's own organisation, which may do with its accounts what it likes."""
    return user.organisation_id != row.organisation_id
