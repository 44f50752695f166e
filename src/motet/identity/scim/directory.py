"""What a provider's directory does with its users: find, make, change, suspend, remove. Effective at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from motet.access.tokens import AuthenticationError
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator
from motet.domain.letters import Letter
from motet.domain.users import UserStatus, name_of
from motet.identity.notices import Notices
from motet.identity.scim.collection import Collection, Kind, row_id
from motet.identity.scim.patching import patched_user
from motet.identity.scim.resources import USER_SCHEMA, ScimError, ScimUser, check_mail, user_of, user_resource
from motet.identity.sso.memberships import follow_groups
from motet.identity.telling import SILENCE, Teller, tell_gone
from motet.storage import membership, scim
from motet.storage.database import Database, PooledConnection
from motet.storage.identity_provider import IdentityProviderRow, find_provider
from motet.storage.login_session import end_sessions
from motet.storage.password_reset import cancel_resets
from motet.storage.personal_data import erase_person
from motet.storage.scim import ScimUserRow, Wanted
from motet.storage.transaction import transaction
from motet.storage.user import UserRow, add_user, find_by_email, lock_user, set_status

TOKEN_PREFIX = "scim_"  # noqa: S105 - what scanners for leaked secrets look for
TOKEN_CHARACTERS = 100

MAX_USERS = 50_000
"""Of one directory."""


def hash_token(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


async def directory_of(database: Database, authorization: str | None, now: datetime) -> IdentityProviderRow:
    """The provider whose directory has this bearer token. Raises AuthenticationError."""
    kind, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if kind.casefold() != "bearer" or not token.startswith(TOKEN_PREFIX) or len(token) > TOKEN_CHARACTERS:
        raise AuthenticationError("this needs a SCIM token")
    provider_id = await scim.provider_of_token(database.pool, hash_token(token), now)
    provider = None if provider_id is None else await find_provider(database.pool, provider_id)
    if provider is None:
        raise AuthenticationError("the SCIM token is not valid")
    return provider


class DirectoryUsers(Collection[ScimUserRow]):
    """The users of all directories."""

    kind = Kind(
        "User",
        "user",
        USER_SCHEMA,
        MAX_USERS,
        {
            "username": lambda value: Wanted(name_key=value.lower()),
            "externalid": lambda value: Wanted(external_id=value),
            "emails": lambda value: Wanted(email_key=value.casefold()),
            "emails.value": lambda value: Wanted(email_key=value.casefold()),
        },
        "Users are found by userName, externalId, id or emails.value.",
        scim.users,
        scim.count_users,
    )

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        base: str,
        notices: Notices,
        now: Callable[[], datetime],
        teller: Teller = SILENCE,
    ) -> None:
        super().__init__(database, ids, base, now, teller)
        self._notices = notices

    async def create(self, provider: IdentityProviderRow, body: Mapping[str, Any]) -> dict[str, Any]:
        """A user of the organisation whom the directory did not have is found by the address, and is its from then
        on; otherwise one is made, who signs in by the provider."""
        said, now = user_of(body), self._now()
        email, email_key = check_mail(said)
        async with transaction(self._database, after=self._committed) as connection:
            await scim.lock_directory(connection, provider.id)
            await self._check_room(connection, provider)
            found = await find_by_email(connection, email_key)
            user = None if found is None else await lock_user(connection, found.id)
            if user is not None and user.organisation_id != provider.organisation_id:
                raise ScimError(409, "This mail address is taken.", "uniqueness")
            user_id = self._ids.next_at(now) if user is None else user.id
            if user is None:
                _check_domain(provider, email_key)
                status = UserStatus.ACTIVE if said.active else UserStatus.SUSPENDED
                await add_user(
                    connection, user_id, provider.organisation_id, email, email_key, name=_name(said), status=status
                )
            await scim.write_user(connection, provider.id, user_id, _said(said), now, is_new=True)
            if user is not None:
                await self._write_person(connection, provider, user, said)
            await follow_groups(connection, provider, frozenset(), user_id, is_new=user is None, teller=self._teller)
        return await self.find(provider, encode_global_id("User", user_id))

    async def replace(self, provider: IdentityProviderRow, scim_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """PUT: what is not said is as in a new user."""
        return await self._change(provider, scim_id, lambda _: user_of(body))

    async def patch(self, provider: IdentityProviderRow, scim_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._change(provider, scim_id, lambda user: patched_user(user, body))

    async def delete(self, provider: IdentityProviderRow, scim_id: str) -> None:
        """The person's account goes, with all that is kept about them."""
        user_id = row_id(scim_id, "User")
        async with transaction(self._database, after=self._committed) as connection:
            await self._row(connection, provider, user_id)
            user = await lock_user(connection, user_id)
            if user is not None:
                await self._check_spared(connection, user)
                await tell_gone(self._teller, connection, user_id)
                await erase_person(connection, user_id)

    async def _change(
        self, provider: IdentityProviderRow, scim_id: str, change: Callable[[ScimUser], ScimUser]
    ) -> dict[str, Any]:
        user_id = row_id(scim_id, "User")
        async with transaction(self._database, after=self._committed) as connection:
            user = await lock_user(connection, user_id)
            said = change(_user(await self._row(connection, provider, user_id)))
            assert user is not None  # noqa: S101 - whoever is in a directory has an account
            await scim.write_user(connection, provider.id, user_id, _said(said), self._now(), is_new=False)
            await self._write_person(connection, provider, user, said)
        return await self.find(provider, scim_id)

    def _committed(self) -> None:
        self._teller.committed()
        self._notices.mailed()

    async def _write_person(
        self, connection: PooledConnection, provider: IdentityProviderRow, user: UserRow, said: ScimUser
    ) -> None:
        email, email_key = check_mail(said)
        if (email, _name(said)) != (user.email, user.name):
            if email_key != user.email_key and (user.break_glass or user.is_super_admin):
                raise ScimError(403, "The address of a super or break-glass administrator is not the directory's.")
            if email_key != user.email_key:
                _check_domain(provider, email_key)
                # While the mailbox is the old one, which is nobody's way in any more:
                await cancel_resets(connection, user.id)
                await self._notices.tell(connection, user.id, Letter.EMAIL_CHANGED, email=email)
            await scim.set_person(connection, user.id, email, email_key, _name(said))
        if said.active and user.status is not UserStatus.ACTIVE:
            await set_status(connection, user.id, UserStatus.ACTIVE)
        elif not said.active and user.status is not UserStatus.SUSPENDED:
            await self._check_spared(connection, user)
            await set_status(connection, user.id, UserStatus.SUSPENDED)
            await end_sessions(connection, user.id, "suspended by the directory", self._now())

    @staticmethod
    async def _check_spared(connection: PooledConnection, user: UserRow) -> None:
        """Whether the organisation can do without the user. Raises ScimError."""
        if user.break_glass or user.is_super_admin:
            raise ScimError(403, "A super or break-glass administrator is not the directory's to shut out.")
        await membership.lock_workspaces_of(connection, user.id)
        if await membership.rests_on(connection, user.id):
            raise ScimError(403, "The last administrator of a workspace cannot be shut out.")

    def _shown(self, row: ScimUserRow) -> dict[str, Any]:
        groups = [(encode_global_id("ScimGroup", group["id"]), group["name"]) for group in row.groups]
        scim_id = encode_global_id("User", row.user_id)
        return user_resource(_user(row), scim_id, row.created_at, row.updated_at, self._base, groups)


def _check_domain(provider: IdentityProviderRow, email_key: str) -> None:
    """Whether the directory may say that somebody new has the address. Raises ScimError."""
    domain = email_key.rpartition("@")[2]
    if provider.domains and domain not in provider.domains:
        raise ScimError(400, f"The domain {domain} is none of the provider's.", "invalidValue")


def _user(row: ScimUserRow) -> ScimUser:
    return ScimUser(
        user_name=row.user_name,
        email=row.email,
        external_id=row.external_id,
        name=row.name,
        given_name=row.given_name,
        family_name=row.family_name,
        active=row.status != UserStatus.SUSPENDED,
    )


def _said(user: ScimUser) -> tuple[str, str | None, str | None, str | None]:
    return user.user_name, user.external_id, user.given_name, user.family_name


def _name(user: ScimUser) -> str:
    return name_of(user.name)
