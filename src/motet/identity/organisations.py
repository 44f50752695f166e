"""The tree of organisations: made, changed, moved and removed by the operator, and by super administrators below their
own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from motet.access.principals import Principal
from motet.domain.errors import DeniedError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.domain.organisations import (
    OrganisationKind,
    check_empty,
    check_kind,
    check_number,
    check_organisation_name,
    check_place,
)
from motet.domain.users import locale_of
from motet.identity.reach import own_organisation, root_of
from motet.identity.sessions import utc_now
from motet.storage import organisation as storage
from motet.storage.database import Database, Executor, PooledConnection
from motet.storage.organisation import Organisation
from motet.storage.transaction import transaction


class OrganisationService:
    """The organisations that a principal reaches. Errors are domain errors; paths name input fields. An organisation
    out of reach is like one that never was."""

    def __init__(self, database: Database, ids: IdGenerator, *, now: Callable[[], datetime] = utc_now) -> None:
        """`now` gives an aware time."""
        self._database = database
        self._ids = ids
        self._now = now

    async def own(self, principal: Principal) -> int | None:
        """The organisation that the principal belongs to."""
        return await own_organisation(self._database.pool, principal)

    async def create(self, principal: Principal, parent_id: int | None, kind: OrganisationKind, name: str) -> int:
        """Add an organisation below another (None: below the principal's own): its id.

        Raises NotFoundError (path `parent_id`), InvalidError (`name`; `kind` where it may not be below the parent),
        LimitReachedError for a tree that would be too deep or too large.
        """
        name = check_organisation_name(name)
        now = self._now()
        organisation_id = self._ids.next_at(now)
        async with transaction(self._database, makes=organisation_id) as connection:
            await storage.lock_tree(connection)
            root = await root_of(connection, principal)
            parent = await _found(connection, root if parent_id is None else parent_id, root, "parent_id")
            check_kind(OrganisationKind(parent.kind), kind, path=("kind",))
            check_place(parent.path, 1)
            await _check_room(connection, parent, 1)
            await storage.add(connection, organisation_id, parent.id, kind.value, name, now)
        return organisation_id

    async def update(
        self,
        principal: Principal,
        organisation_id: int,
        *,
        name: str | None = None,
        kind: OrganisationKind | None = None,
        parent_id: int | None = None,
        locale: str | None = None,
        sets_locale: bool = False,
    ) -> None:
        """Change an organisation; with `parent_id` it moves there with all that is below it. None keeps a value, but of
        `locale`, which counts with `sets_locale`: None is English.

        Raises NotFoundError (`id`, `parent_id`), InvalidError, DeniedError for another kind or place of the principal's
        own organisation, ConflictError for a place below itself, LimitReachedError.
        """
        language = locale_of(locale, "locale")
        async with transaction(self._database) as connection:
            await storage.lock_tree(connection)
            root = await root_of(connection, principal)
            found = await _found(connection, organisation_id, root, "id")
            new_name = found.name if name is None else check_organisation_name(name)
            if kind not in (None, found.kind) or parent_id not in (None, found.parent_id):
                wanted = None if parent_id is None else await _found(connection, parent_id, root, "parent_id")
                if found.id == root:
                    raise DeniedError("What your own organisation is, and where, is for those above it.", path=("id",))
                parent = wanted or await _found(connection, found.parent_id or root, root, "parent_id")
                await self._place(connection, parent, found, kind or OrganisationKind(found.kind))
            await storage.set_name_and_kind(connection, found.id, new_name, found.kind if kind is None else kind.value)
            if sets_locale:
                await storage.set_locale(connection, found.id, language)

    async def delete(self, principal: Principal, organisation_id: int) -> None:
        """Remove an organisation in which there is nothing: no other, no live workspace, no user.

        Raises NotFoundError, DeniedError if it holds something or is the principal's own (path `id`).
        """
        async with transaction(self._database) as connection:
            await storage.lock_tree(connection)
            root = await root_of(connection, principal)
            found = await _found(connection, organisation_id, root, "id")
            if found.id == root or found.parent_id is None:
                raise DeniedError("Nobody removes their own organisation.", path=("id",))
            check_empty(*await storage.held(connection, found.id))
            await storage.delete(connection, found.id, found.parent_id)

    async def suspend(self, principal: Principal, organisation_id: int) -> None:
        """Let nobody into the workspaces of an organisation and of those below it, nor its users anywhere, until
        `restore`. Raises NotFoundError; DeniedError for the principal's own, and for one with the workspace that the
        principal is in (path `id`)."""
        async with transaction(self._database) as connection:
            await storage.lock_tree(connection)
            root = await root_of(connection, principal)
            found = await _found(connection, organisation_id, root, "id")
            if found.id == root or found.parent_id is None:
                raise DeniedError("Nobody suspends their own organisation.", path=("id",))
            at = principal.workspace_id
            if at is not None and await storage.holds_workspace(connection, found.id, at):
                raise DeniedError("You are in a workspace of it: switch to another one first.", path=("id",))
            await storage.suspend(connection, found.id, self._now())

    async def restore(self, principal: Principal, organisation_id: int) -> None:
        """The end of that, but for what is suspended by itself, below it or above. Raises NotFoundError; DeniedError
        for the principal's own (path `id`)."""
        async with transaction(self._database) as connection:
            await storage.lock_tree(connection)
            root = await root_of(connection, principal)
            found = await _found(connection, organisation_id, root, "id")
            if found.id == root:
                raise DeniedError("Your own organisation is restored by those above it.", path=("id",))
            await storage.restore(connection, found.id)

    async def _place(
        self, connection: PooledConnection, parent: Organisation, found: Organisation, kind: OrganisationKind
    ) -> None:
        """Checks the new kind and place, and moves the branch if it is another place."""
        at = ("kind",) if kind.value != found.kind else ("parent_id",)
        check_kind(OrganisationKind(parent.kind), kind, path=at)
        for child in await storage.child_kinds(connection, found.id):
            check_kind(kind, OrganisationKind(child), path=at)
        if parent.id == found.parent_id:
            return
        check_place(parent.path, await storage.height(connection, found.id), moved=found.id)
        await _check_room(connection, parent, await storage.branch(connection, found.id), moved=found)
        await storage.move(connection, found.id, parent.id)


async def _check_room(
    connection: PooledConnection, parent: Organisation, added: int, *, moved: Organisation | None = None
) -> None:
    """Raises LimitReachedError where the parent or its branch of the tree is full."""
    children = await storage.children(connection, parent.id)
    if len(parent.path) < 2:  # below the root a branch begins
        check_number(children, 0, added=added)
        return
    if moved is not None and moved.path[1:2] == parent.path[1:2]:
        added = 0  # it stays in the branch
    check_number(children, await storage.branch(connection, parent.path[1]), added=added)


async def _found(connection: Executor, organisation_id: int, root_id: int, field: str) -> Organisation:
    found = await storage.find(connection, organisation_id, root_id)
    if found is None:
        raise NotFoundError("No such organisation.", path=(field,))
    return found
