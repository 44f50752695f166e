"""Workspaces: made, renamed, moved between organisations and ended by the operator, and by super administrators in
their own organisation and those below it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from motet.access.principals import Permission, Principal, Role
from motet.domain.errors import DeniedError, LimitReachedError, NotFoundError
from motet.domain.event_types import (
    WORKSPACE_CREATED,
    WORKSPACE_DELETED,
    WORKSPACE_RESTORED,
    WORKSPACE_SUSPENDED,
    WORKSPACE_UPDATED,
)
from motet.domain.ids import IdGenerator
from motet.domain.messages import said
from motet.domain.organisations import MAX_WORKSPACES, check_workspace_name
from motet.identity.authenticator import Authenticator
from motet.identity.reach import root_of
from motet.identity.sessions import utc_now
from motet.identity.telling import SILENCE, Teller, tell_member
from motet.storage import organisation, workspace
from motet.storage.database import Database, PooledConnection
from motet.storage.transaction import transaction
from motet.storage.workspace import LockedWorkspace

_HELD = {
    "sims": said("SIMs ({number})"),
    "devices": said("devices ({number})"),
    "smpp_accounts": said("SMPP accounts ({number})"),
    "webhooks": said("webhooks ({number})"),
    "open_messages": said("open messages ({number})"),
    "orders": said("orders ({number})"),
}
"""What lives in a workspace, by the names of `storage.workspace.live`."""


class WorkspaceService:
    """The workspaces that a principal administers. Errors are domain errors; paths name input fields."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        authenticator: Authenticator,
        *,
        now: Callable[[], datetime] = utc_now,
        teller: Teller = SILENCE,
    ) -> None:
        """`now` gives an aware time, `teller` writes events."""
        self._teller = teller
        self._database = database
        self._authenticator = authenticator
        self._ids = ids
        self._now = now

    async def create(self, principal: Principal, organisation_id: int | None, name: str) -> int:
        """Add a workspace to an organisation (None: the principal's own): its id. A user who makes one is its
        administrator.

        Raises NotFoundError (path `organisation_id`), InvalidError and ConflictError (path `name`), LimitReachedError
        at `MAX_WORKSPACES`.
        """
        check_workspace_name(name)
        now = self._now()
        workspace_id = self._ids.next_at(now)
        async with self._transaction(makes=workspace_id) as connection:
            await organisation.lock_tree(connection)
            root = await root_of(connection, principal)
            owner = await self._room_in(connection, organisation_id or root, root)
            await workspace.add_workspace(connection, workspace_id, owner, name)
            await self._teller.tell(connection, workspace_id, WORKSPACE_CREATED, {"name": name})
            if principal.user_id is not None:
                await workspace.add_member(connection, workspace_id, principal.user_id, Role.ADMINISTRATOR.value, now)
                held = (Role.ADMINISTRATOR.value, None)
                await tell_member(self._teller, connection, workspace_id, principal.user_id, before=None, after=held)
        return workspace_id

    async def update(
        self, principal: Principal, workspace_id: int, *, name: str | None = None, organisation_id: int | None = None
    ) -> None:
        """Rename a workspace, or give it to another organisation with all that it holds; None keeps a value.

        Raises NotFoundError (path `id` or `organisation_id`), InvalidError and ConflictError (path `name`),
        LimitReachedError.
        """
        if name is not None:
            check_workspace_name(name)
        async with self._transaction() as connection:
            await organisation.lock_tree(connection)
            root = await root_of(connection, principal)
            found = await self._locked(connection, workspace_id, root)
            owner = found.organisation_id
            if organisation_id is not None and organisation_id != owner:
                owner = await self._room_in(connection, organisation_id, root)
            await workspace.update(connection, workspace_id, name or found.name, owner)
            named, placed = name not in (None, found.name), owner != found.organisation_id
            if named or placed:
                changed = ["name"] * named + ["organisation"] * placed
                detail = {"name": name or found.name, "nameBefore": found.name, "changed": changed}
                await self._teller.tell(connection, workspace_id, WORKSPACE_UPDATED, detail)

    async def end(self, principal: Principal, workspace_id: int) -> None:
        """End a workspace in which nothing lives. Its messages, usage and events stay for reports and for as long as
        they are kept; its members leave, its tokens and keys are good no more, its name is free.

        Raises NotFoundError, DeniedError while it holds something that must go first, or the principal is in it (path
        `id`).
        """
        async with self._transaction() as connection:
            await organisation.lock_tree(connection)
            found = await self._locked(connection, workspace_id, await root_of(connection, principal))
            if workspace_id == principal.workspace_id:
                raise DeniedError("You are in this workspace: switch to another one first.", path=("id",))
            live = await workspace.live(connection, workspace_id)
            held = [said(_HELD[kind], number=number) for kind, number in live.items() if number]
            if held:
                raise DeniedError("The workspace still holds {held}.", path=("id",), held=held)
            await workspace.end(connection, workspace_id, self._now())
            await self._teller.tell(connection, workspace_id, WORKSPACE_DELETED, {"name": found.name})

    async def suspend(self, principal: Principal, workspace_id: int) -> None:
        """Let nobody in until `restore`: tokens, keys and sessions are good for nothing there, binds end. What is on
        its way goes on, and what comes for the workspace is kept. Raises NotFoundError; DeniedError for the workspace
        that the principal is in (path `id`)."""
        async with self._transaction() as connection:
            await organisation.lock_tree(connection)
            found = await self._locked(connection, workspace_id, await root_of(connection, principal))
            if workspace_id == principal.workspace_id:
                raise DeniedError("You are in this workspace: switch to another one first.", path=("id",))
            if await workspace.suspend(connection, workspace_id, self._now()):
                await self._teller.tell(connection, workspace_id, WORKSPACE_SUSPENDED, {"name": found.name})

    async def restore(self, principal: Principal, workspace_id: int) -> None:
        """Let people in again, unless its organisation is suspended, too. Raises NotFoundError (path `id`)."""
        async with self._transaction() as connection:
            await organisation.lock_tree(connection)
            found = await self._locked(connection, workspace_id, await root_of(connection, principal))
            if await workspace.restore(connection, workspace_id):
                await self._teller.tell(connection, workspace_id, WORKSPACE_RESTORED, {"name": found.name})

    async def ends_of_move(self, principal: Principal, source_id: int | None, target_id: int) -> tuple[int, int]:
        """The workspaces between which the principal may move SIMs: the one named, or its own, and the target.

        Raises NotFoundError (path `source_workspace_id`, `target_workspace_id`) for one in which it may not.
        """
        source = principal.workspace_id if source_id is None else source_id
        if source is None or not await self._may_move(principal, source):
            raise NotFoundError("There is no Workspace with this id.", path=("source_workspace_id",))
        if not await self._may_move(principal, target_id):
            raise NotFoundError("There is no Workspace with this id.", path=("target_workspace_id",))
        return source, target_id

    def _transaction(self, *, makes: int | None = None) -> AbstractAsyncContextManager[PooledConnection]:
        return transaction(self._database, makes=makes, after=self._teller.committed)

    async def _may_move(self, principal: Principal, workspace_id: int) -> bool:
        """Whether the principal may take SIMs out of the workspace and put some into it: all of them, so not within a
        scope of tags."""
        if principal.workspace_id == workspace_id:
            return principal.allows(Permission.SIM_MOVE) and principal.tags is None
        if principal.is_operator or principal.role is Role.SUPER_ADMIN:
            root = await root_of(self._database.pool, principal)
            if await organisation.holds_workspace(self._database.pool, root, workspace_id):
                return True
        there = await self._authenticator.elsewhere(principal, workspace_id)
        return there is not None and there.allows(Permission.SIM_MOVE) and there.tags is None

    async def _locked(self, connection: PooledConnection, workspace_id: int, root: int) -> LockedWorkspace:
        found = await workspace.lock(connection, workspace_id)
        if found is None or await organisation.find(connection, found.organisation_id, root) is None:
            raise NotFoundError("No such workspace.", path=("id",))
        return found

    async def _room_in(self, connection: PooledConnection, organisation_id: int, root: int) -> int:
        """The organisation, if it can take another workspace."""
        if await organisation.find(connection, organisation_id, root) is None:
            raise NotFoundError("No such organisation.", path=("organisation_id",))
        if await workspace.count(connection, organisation_id) >= MAX_WORKSPACES:
            raise LimitReachedError(
                "An organisation has at most {most} workspaces.", path=("organisation_id",), most=MAX_WORKSPACES
            )
        return organisation_id
