"""Roles that a workspace makes itself: sets of permissions, bound to devices with certain tags if it says so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TypedDict

from motet.access.principals import EVERYONES, GRANTABLE, GRANTABLE_WITH_TAGS, Permission, Principal, custom_grant
from motet.access.standings import actor_of, custom_standing
from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.domain.role_rules import check_grant
from motet.storage import custom_role
from motet.storage.custom_role import RoleSettings
from motet.storage.database import Database, PooledConnection
from motet.storage.transaction import transaction

MAX_ROLES = 100
"""Roles of one workspace's own: more is nothing that anyone keeps apart."""

NAME_CHARACTERS = 100
DESCRIPTION_CHARACTERS = 1_000
MAX_TAGS = 50
"""Of one role: as many as a device has at most. All are a parameter of each statement of who has the role."""

TAG_CHARACTERS = 50


class RoleChanges(TypedDict, total=False):
    """What to set; what is not named keeps its value."""

    name: str
    description: str
    permissions: Sequence[str]
    tags: Sequence[str] | None
    """None: all devices."""


class Roles:
    """The roles of all workspaces, each call scoped to one. Nobody makes, changes or removes a role that allows more
    than their own. Errors are domain errors; paths name inputs."""

    def __init__(self, database: Database, ids: IdGenerator, now: Callable[[], datetime]) -> None:
        self._database = database
        self._ids = ids
        self._now = now

    async def create(self, workspace_id: int, maker: Principal, changes: RoleChanges) -> int:
        """Make a role: its id. Raises InvalidError, DeniedError for more than the maker may, ConflictError for a name
        that is taken, LimitReachedError at `MAX_ROLES`."""
        settings = _applied(RoleSettings("", "", [], None), changes)
        _check_within(settings, maker)
        role_id = self._ids.next_at(self._now())
        async with transaction(self._database, makes=role_id) as connection:
            await custom_role.insert(connection, workspace_id, role_id, settings, limit=MAX_ROLES)
        return role_id

    async def update(self, workspace_id: int, maker: Principal, role_id: int, changes: RoleChanges) -> None:
        """Change a role: it holds from the next request of whoever has it. Raises NotFoundError (path `id`),
        InvalidError, ConflictError, DeniedError for a role that allows, or would allow, more than the maker may."""
        async with transaction(self._database) as connection:
            settings = await self._locked(connection, workspace_id, maker, role_id)
            changed = _applied(settings, changes)
            _check_within(changed, maker)
            if changed != settings:
                await custom_role.update(connection, workspace_id, role_id, changed)

    async def delete(self, workspace_id: int, maker: Principal, role_id: int) -> None:
        """Remove a role that no member has; API keys and tokens that have it end. Raises NotFoundError, ConflictError
        (path `id`), DeniedError."""
        async with transaction(self._database) as connection:
            await self._locked(connection, workspace_id, maker, role_id)
            await custom_role.delete(connection, workspace_id, role_id, self._now())

    async def _locked(
        self, connection: PooledConnection, workspace_id: int, maker: Principal, role_id: int
    ) -> RoleSettings:
        settings = await custom_role.lock(connection, workspace_id, role_id)
        if settings is None:
            raise NotFoundError("There is no such role.", path=("id",))
        _check_within(settings, maker, "id")
        return settings


def _applied(settings: RoleSettings, changes: RoleChanges) -> RoleSettings:
    """The settings with the changes. Raises InvalidError."""
    if "name" in changes:
        name = changes["name"].strip()
        if not 1 <= len(name) <= NAME_CHARACTERS or not name.isprintable():
            raise InvalidError("This must have 1 to {most} visible characters.", path=("name",), most=NAME_CHARACTERS)
        settings = settings._replace(name=name)
    if "description" in changes:
        if len(changes["description"]) > DESCRIPTION_CHARACTERS:
            raise InvalidError(
                "This must have at most {most} characters.", path=("description",), most=DESCRIPTION_CHARACTERS
            )
        settings = settings._replace(description=changes["description"])
    if "tags" in changes:
        tags = changes["tags"]
        settings = settings._replace(tags=None if tags is None else _tags(tags))
    if "permissions" in changes:
        settings = settings._replace(permissions=_permissions(changes["permissions"]))
    if settings.tags is not None:
        _check_bound(settings.permissions)
    return settings


def _permissions(codes: Collection[str]) -> list[str]:
    """The codes, each once, sorted: what everyone has is left out."""
    if len(codes) > len(Permission):
        raise InvalidError("There are only {count} permissions.", path=("permissions",), count=len(Permission))
    grantable = {permission.value for permission in GRANTABLE}
    for code in codes:
        if code not in grantable:
            raise InvalidError(
                "{code!a} is no permission of a workspace's role.", path=("permissions",), code=code[:60]
            )
    return sorted(set(codes) - {permission.value for permission in EVERYONES})


def _check_bound(codes: Collection[str]) -> None:
    beyond = sorted(set(codes) - {permission.value for permission in GRANTABLE_WITH_TAGS})
    if beyond:
        raise InvalidError(
            "A role that is bound to tags cannot have {beyond}: it would reach other devices.",
            path=("permissions",),
            beyond=beyond,
        )


def _tags(tags: Sequence[str]) -> list[str]:
    if not 1 <= len(tags) <= MAX_TAGS or any(not 1 <= len(tag) <= TAG_CHARACTERS for tag in tags):
        raise InvalidError(
            "These are 1 to {most} tags of 1 to {characters} characters; null: all devices.",
            path=("tags",),
            most=MAX_TAGS,
            characters=TAG_CHARACTERS,
        )
    return sorted(set(tags))


def _check_within(settings: RoleSettings, maker: Principal, path: str = "permissions") -> None:
    grant = custom_grant(settings.permissions, settings.tags)
    check_grant(actor_of(maker), custom_standing(grant.permissions, grant.tags), path=(path,))
