"""Someone whom a provider vouches for arrives: found or made as a user, linked, and a member as the rules say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime

from motet.domain.errors import ConflictError
from motet.domain.ids import IdGenerator
from motet.domain.users import UserStatus
from motet.identity.sso.admission import Person, check_entry, check_mail
from motet.identity.sso.errors import Refusal, SignOnError
from motet.identity.sso.memberships import follow_groups
from motet.identity.telling import SILENCE, Teller
from motet.storage import federated_identity, identity_provider, sso_member
from motet.storage.database import Database, PooledConnection
from motet.storage.identity_provider import IdentityProviderRow
from motet.storage.scim import groups_of
from motet.storage.transaction import transaction
from motet.storage.user import UserRow, add_user, find_by_email, lock_user

TRIES = 3
"""Of one arrival, when others change the same people."""


class Arrivals:
    """Lets people in. `now` gives an aware time."""

    def __init__(
        self, database: Database, ids: IdGenerator, now: Callable[[], datetime], teller: Teller = SILENCE
    ) -> None:
        """`teller` writes events."""
        self._database = database
        self._teller = teller
        self._ids = ids
        self._now = now

    async def admit(self, provider: IdentityProviderRow, person: Person) -> int:
        """The user's id. All of it is done, or nothing. Raises SignOnError."""
        check_mail(provider, person)
        for _ in range(TRIES):
            # A conflict: the same person arrived beside us, or someone was given the address. Who is it now?
            with contextlib.suppress(ConflictError):
                async with transaction(self._database, after=self._teller.committed) as connection:
                    return await self._admit(connection, provider, person)
        raise SignOnError(Refusal.EXPIRED, f"the user {person.email} was changed by someone else just now")

    async def _admit(self, connection: PooledConnection, provider: IdentityProviderRow, person: Person) -> int:
        now = self._now()
        user, by_subject = await self._find(connection, provider, person)
        linked = user is not None and await federated_identity.is_linked(connection, provider.id, user.id)
        check_entry(provider, user, by_subject=by_subject, linked_otherwise=linked)
        user_id = await self._make(connection, provider, person) if user is None else user.id
        if user is not None:
            await sso_member.activate(connection, user_id, now, person.name)
        await federated_identity.link(connection, provider.id, person.issuer, person.subject, user_id, now)
        groups = person.groups | await groups_of(connection, provider.id, user_id)
        await follow_groups(connection, provider, groups, user_id, is_new=user is None, teller=self._teller)
        if (user is None or not user.is_super_admin) and not await sso_member.memberships_of(connection, user_id):
            raise SignOnError(Refusal.NOT_ADMITTED, f"no rule makes {person.email} a member of a workspace")
        await identity_provider.note_sign_in(connection, provider.id, now)
        return user_id

    async def _find(
        self, connection: PooledConnection, provider: IdentityProviderRow, person: Person
    ) -> tuple[UserRow | None, bool]:
        """The user, and whether the subject led to them."""
        by_subject = (connection, provider.id, person.issuer, person.subject)
        linked = await federated_identity.find_link(*by_subject)
        if linked is not None:
            user = await lock_user(connection, linked)
            if user is not None:
                return user, True
        assert person.email_key is not None  # noqa: S101 - check_mail
        found = await find_by_email(connection, person.email_key)
        if found is None:
            return None, False
        user = await lock_user(connection, found.id)
        # Once more, now that nobody else can link them: the same person may have arrived beside us.
        return user, await federated_identity.find_link(*by_subject) == found.id

    async def _make(self, connection: PooledConnection, provider: IdentityProviderRow, person: Person) -> int:
        assert person.email is not None and person.email_key is not None  # noqa: S101, PT018 - check_mail
        user_id = self._ids.next_at(self._now())
        await add_user(
            connection,
            user_id,
            provider.organisation_id,
            person.email,
            person.email_key,
            name=person.name,
            status=UserStatus.ACTIVE,
        )
        return user_id
