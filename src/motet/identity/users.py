"""The members of a workspace: their roles, whether they may sign in, what is kept about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from motet.access.principals import Permission, Principal, Role
from motet.access.standings import actor_of
from motet.domain.errors import ConflictError, DeniedError, NotFoundError
from motet.domain.role_rules import Standing, check_change, check_not_last, check_touch
from motet.domain.users import UserStatus, locale_of, name_of
from motet.identity.standings import role_name, standing_of
from motet.identity.telling import SILENCE, Teller, tell_gone, tell_member
from motet.storage import membership, personal_data, user
from motet.storage.database import Database, PooledConnection
from motet.storage.login_session import end_sessions
from motet.storage.membership import MemberRow
from motet.storage.transaction import transaction

NOT_THERE = "There is no User with this id."


class Users:
    """What administrators do with people. A workspace changes what a person is in it; what a person is everywhere
    (suspended, erased) only the workspaces of their own organisation change. `now` gives an aware time."""

    def __init__(self, database: Database, now: Callable[[], datetime], teller: Teller = SILENCE) -> None:
        """`teller` writes events."""
        self._database = database
        self._teller = teller
        self._now = now

    async def set_role(
        self,
        principal: Principal,
        workspace_id: int,
        user_id: int,
        *,
        role: Role | None = None,
        role_id: int | None = None,
    ) -> None:
        """Give a member another role. Raises NotFoundError, DeniedError by the rules of `domain/role_rules.py`."""
        async with transaction(self._database, after=self._teller.committed) as connection:
            await membership.lock_members(connection, workspace_id)
            if await membership.find_member(connection, workspace_id, user_id) is None:
                raise NotFoundError(NOT_THERE, path=("id",))
            name = role_name(role, role_id)
            wanted = await standing_of(connection, workspace_id, name, role_id)
            row = await self._check(connection, principal, workspace_id, user_id, wanted)
            await membership.set_role(connection, workspace_id, user_id, name, role_id)
            before, after = (row.role, row.role_id), (name, role_id)
            await tell_member(self._teller, connection, workspace_id, user_id, before=before, after=after)

    async def remove(self, principal: Principal, workspace_id: int, user_id: int) -> None:
        """Take a member out of the workspace. Their account goes too if it is the organisation's own and in no other
        workspace. Raises as `set_role` does."""
        async with transaction(self._database, after=self._teller.committed) as connection:
            await self._lock(connection, workspace_id, user_id)
            await membership.lock_members(connection, workspace_id)
            row = await self._check(connection, principal, workspace_id, user_id, None)
            await membership.remove_member(connection, workspace_id, user_id)
            before = (row.role, row.role_id)
            await tell_member(self._teller, connection, workspace_id, user_id, before=before, after=None)
            at_home = row.organisation_id == row.workspace_organisation_id
            if at_home and not row.is_super_admin and not await membership.is_member_anywhere(connection, user_id):
                await personal_data.erase_person(connection, user_id)

    async def suspend(self, principal: Principal, workspace_id: int, user_id: int) -> None:
        """They cannot sign in, and are signed out at once, everywhere. Raises NotFoundError, DeniedError, ConflictError
        for one who is not active."""
        async with transaction(self._database) as connection:
            row = await self._touch(connection, principal, workspace_id, user_id)
            if row.status != UserStatus.ACTIVE:
                raise ConflictError("Only an active user can be suspended.", path=("id",))
            await user.set_status(connection, user_id, UserStatus.SUSPENDED)
            await end_sessions(connection, user_id, "suspended", self._now())

    async def activate(self, principal: Principal, workspace_id: int, user_id: int) -> None:
        """A suspended user may sign in again. Raises NotFoundError, DeniedError, ConflictError."""
        async with transaction(self._database) as connection:
            row = await self._touch(connection, principal, workspace_id, user_id, ends=False)
            if row.status != UserStatus.SUSPENDED:
                raise ConflictError("Only a suspended user can be activated.", path=("id",))
            await user.set_status(connection, user_id, UserStatus.ACTIVE)

    async def erase(self, principal: Principal, workspace_id: int, user_id: int) -> None:
        """Remove everything that is kept about a person (GDPR Art. 17), in all workspaces. Raises NotFoundError,
        DeniedError."""
        async with transaction(self._database, after=self._teller.committed) as connection:
            await self._touch(connection, principal, workspace_id, user_id)
            await tell_gone(self._teller, connection, user_id)
            await personal_data.erase_person(connection, user_id)

    async def export(self, principal: Principal, user_id: int) -> dict[str, Any]:
        """What is kept about a person (GDPR Art. 15 and 20), for themselves or, without what they are and do in other
        organisations, for an administrator of their own whose role allows as much as theirs. Raises NotFoundError,
        DeniedError."""
        if principal.user_id != user_id:
            if principal.workspace_id is None or not principal.allows(Permission.USER_WRITE):
                raise NotFoundError(NOT_THERE, path=("id",))
            await self._check_reads(principal, principal.workspace_id, user_id)
        async with (
            self._database.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            found = await personal_data.export_person(connection, user_id, only_at_home=principal.user_id != user_id)
        if found is None:
            raise NotFoundError(NOT_THERE, path=("id",))
        return {**found, "status": UserStatus(found["status"]).name}

    async def find(self, user_id: int) -> user.UserRow | None:
        """The person, by the id in their own token."""
        return await user.find_user(self._database.pool, user_id)

    async def describe(self, user_id: int, *, name: str | None = None, locale: str | None, sets_locale: bool) -> None:
        """What someone says of themselves. Raises InvalidError."""
        shown = None if name is None else name_of(name, "name")
        language = locale_of(locale, "locale")
        async with transaction(self._database) as connection:
            await user.describe(connection, user_id, name=shown, locale=language, sets_locale=sets_locale)

    async def _check(
        self,
        connection: PooledConnection,
        principal: Principal,
        workspace_id: int,
        user_id: int,
        wanted: Standing | None,
    ) -> MemberRow:
        """The member, if the principal may make this of them."""
        row = await membership.find_member(connection, workspace_id, user_id)
        if row is None:
            raise NotFoundError(NOT_THERE, path=("id",))
        now = await standing_of(
            connection, workspace_id, row.role, row.role_id, is_super_admin=_is_super_admin_here(row)
        )
        others = await membership.count_other_administrators(connection, workspace_id, user_id)
        check_change(actor_of(principal), user_id, now, wanted, other_administrators=others)
        return row

    async def _touch(
        self, connection: PooledConnection, principal: Principal, workspace_id: int, user_id: int, *, ends: bool = True
    ) -> MemberRow:
        """The member, if the principal may decide about the person. `ends`: they will not be there afterwards."""
        self._at_home(await self._lock(connection, workspace_id, user_id))
        await membership.lock_workspaces_of(connection, user_id)
        row = self._at_home(await membership.find_member(connection, workspace_id, user_id))
        actor = actor_of(principal)
        check_touch(actor, user_id, is_super_admin=row.is_super_admin)
        await self._check_outranks(connection, principal, user_id, row)
        if ends and await membership.rests_on(connection, user_id):
            check_not_last(0)
        return row

    @staticmethod
    async def _lock(connection: PooledConnection, workspace_id: int, user_id: int) -> MemberRow | None:
        """The member, locked before any workspace is: so do directories and whoever signs in by a provider."""
        row = await membership.find_member(connection, workspace_id, user_id)
        if row is not None:  # nobody locks whom they do not know
            await user.lock_user(connection, user_id)
        return row

    async def _check_reads(self, principal: Principal, workspace_id: int, user_id: int) -> None:
        """Whether the principal may be told all about the person."""
        async with self._database.pool.acquire() as connection:
            row = self._at_home(await membership.find_member(connection, workspace_id, user_id))
            await self._check_outranks(connection, principal, user_id, row)

    @staticmethod
    async def _check_outranks(connection: PooledConnection, principal: Principal, user_id: int, row: MemberRow) -> None:
        """Whether the principal's role allows as much as each of the person's in their own organisation: what is done
        to them is done everywhere. Raises DeniedError."""
        actor = actor_of(principal)
        for held in await membership.memberships_at_home(connection, user_id, row.organisation_id):
            if not actor.outranks(await standing_of(connection, *held, is_super_admin=row.is_super_admin)):
                raise DeniedError("This member's role allows more than yours.", path=("id",))

    @staticmethod
    def _at_home(row: MemberRow | None) -> MemberRow:
        if row is None:
            raise NotFoundError(NOT_THERE, path=("id",))
        if row.organisation_id != row.workspace_organisation_id:
            raise DeniedError(
                "This user belongs to another organisation, which alone decides that: you can take them out of your"
                " workspace.",
                path=("id",),
            )
        return row


def _is_super_admin_here(row: MemberRow) -> bool:
    return row.is_super_admin and row.organisation_id == row.workspace_organisation_id
