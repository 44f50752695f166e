"""What a workspace does with its API keys: make, change, give a new secret, revoke."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from motet.access.api_keys import ApiKeyText, new_api_key
from motet.access.principals import Grant, Permission, Principal, Role, custom_grant, narrowed, role_grant
from motet.access.standings import CUSTOM
from motet.domain.cidrs import Network, parse_cidr
from motet.domain.errors import DeniedError, InvalidError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.domain.role_rules import Standing
from motet.storage import api_key, custom_role
from motet.storage.api_key import KeySettings
from motet.storage.database import Database, PooledConnection
from motet.storage.transaction import transaction

MAX_KEYS = 200
"""Keys of a workspace that are not revoked."""

KEPT_REVOKED = 200
"""Revoked keys that a workspace's list still shows, the newest."""

NAME_CHARACTERS = 100
MAX_NETWORKS = 20
MAX_TAGS = 50
TAG_CHARACTERS = 100

MAX_OVERLAP = timedelta(days=30)
"""How long the secret before a rotation may stay good."""


class KeyChanges(TypedDict, total=False):
    """What to set; what is not named keeps its value."""

    name: str
    role: str | None
    role_id: int | None
    """One of the workspace's own, in place of `role`."""
    scopes: Sequence[str] | None
    tags: Sequence[str] | None
    networks: Sequence[str]
    expires_at: datetime | None


class ApiKeys:
    """The keys of all workspaces, each call scoped to one. Nobody makes or changes a key that may do more than they
    may. Errors are domain errors; paths name inputs."""

    def __init__(self, database: Database, ids: IdGenerator, now: Callable[[], datetime]) -> None:
        self._database = database
        self._ids = ids
        self._now = now

    async def create(self, workspace_id: int, maker: Principal, changes: KeyChanges) -> tuple[int, ApiKeyText]:
        """Make a key: its id, and the key itself, which is shown this once. It has the `role`, or the one of `role_id`,
        if one is named, else the maker's, as far as `scopes` go: one of them is needed.

        Raises InvalidError, NotFoundError (path `role_id`), DeniedError for more than the maker may, LimitReachedError
        at `MAX_KEYS`.
        """
        _check_maker(maker)
        if all(changes.get(name) is None for name in ("role", "role_id", "scopes")):
            raise InvalidError("Name a role, or scopes.", path=("scopes",))
        now = self._now()
        tags = None if maker.tags is None else sorted(maker.tags)
        start = KeySettings("", _role_of(maker), maker.role_id, None, tags, [], None)
        settings = _applied(start, changes, now)
        key = new_api_key()
        api_key_id = self._ids.next_at(now)
        async with transaction(self._database, makes=api_key_id) as connection:
            _check(settings, await _role_grant(connection, workspace_id, settings, is_new=True), maker)
            await api_key.insert(
                connection,
                workspace_id,
                api_key_id,
                key.prefix,
                key.hash,
                settings,
                now=now,
                made_by=(maker.user_id, maker.subject),
                limit=MAX_KEYS,
                kept=KEPT_REVOKED,
            )
        return api_key_id, key

    async def update(self, workspace_id: int, maker: Principal, api_key_id: int, changes: KeyChanges) -> None:
        """Change a key, from the next request on. Raises NotFoundError (path `id` or `role_id`), InvalidError,
        DeniedError for a key that may, or would then, do more than the maker."""
        _check_maker(maker)
        async with transaction(self._database) as connection:
            settings = await api_key.lock_settings(connection, workspace_id, api_key_id)
            if settings is None:
                raise _not_found()
            _check_within(settings, await _role_grant(connection, workspace_id, settings), maker)
            changed = _applied(settings, changes, self._now())
            is_new = changed.role_id != settings.role_id
            _check(changed, await _role_grant(connection, workspace_id, changed, is_new=is_new), maker)
            await api_key.update(connection, workspace_id, api_key_id, changed)

    async def rotate(self, workspace_id: int, maker: Principal, api_key_id: int, overlap: timedelta) -> ApiKeyText:
        """Give a key another secret, which is shown this once; its prefix stays. The one before is good for `overlap`
        more, the one before that no more. A key may do this to itself. Raises NotFoundError (path `id`), InvalidError,
        DeniedError for a key that may do more than the maker."""
        if not timedelta(0) <= overlap <= MAX_OVERLAP:
            raise InvalidError("This must be from 0 to {most}.", path=("overlap_hours",), most=MAX_OVERLAP.days * 24)
        if maker.api_key_id != api_key_id:
            _check_maker(maker)
        now = self._now()
        async with transaction(self._database) as connection:
            settings = await api_key.lock_settings(connection, workspace_id, api_key_id)
            if settings is None:
                raise _not_found()
            if maker.api_key_id != api_key_id:
                _check_within(settings, await _role_grant(connection, workspace_id, settings), maker)
            prefix = await api_key.prefix_of(connection, workspace_id, api_key_id)
            key = new_api_key(prefix)
            until = now + overlap if overlap else None
            await api_key.rotate(connection, workspace_id, api_key_id, key.hash, now, until)
        return key

    async def revoke(self, workspace_id: int, api_key_id: int) -> None:
        """End a key for good, and with it the tokens that it was exchanged for; a revoked one stays so. Raises
        NotFoundError (path `id`)."""
        async with transaction(self._database) as connection:
            if await api_key.prefix_of(connection, workspace_id, api_key_id) is None:
                raise _not_found()
            await api_key.revoke(connection, workspace_id, api_key_id, self._now())


def _applied(settings: KeySettings, changes: KeyChanges, now: datetime) -> KeySettings:
    """The settings with the changes, each checked by itself. Raises InvalidError."""
    if "name" in changes:
        name = changes["name"].strip()
        if not 1 <= len(name) <= NAME_CHARACTERS or not name.isprintable():
            raise InvalidError("This must have 1 to {most} visible characters.", path=("name",), most=NAME_CHARACTERS)
        settings = settings._replace(name=name)
    role, role_id = changes.get("role"), changes.get("role_id")
    if role is not None and role_id is not None:
        raise InvalidError("Give either a role or the id of one of your own.", path=("role_id",))
    if role is not None:
        settings = settings._replace(role=role, role_id=None)
    if role_id is not None:
        settings = settings._replace(role=CUSTOM, role_id=role_id)
    if "scopes" in changes:
        scopes = changes["scopes"]
        settings = settings._replace(scopes=None if scopes is None else sorted(_permissions(scopes)))
    if "tags" in changes:
        tags = changes["tags"]
        settings = settings._replace(tags=None if tags is None else _tags(tags))
    if "networks" in changes:
        given = changes["networks"]
        if len(given) > MAX_NETWORKS:
            raise InvalidError("A key has at most {most} networks.", path=("networks",), most=MAX_NETWORKS)
        networks = [_network(text, number) for number, text in enumerate(given)]
        settings = settings._replace(networks=networks)
    if "expires_at" in changes:
        expires_at = changes["expires_at"]
        if expires_at is not None and expires_at <= now:
            raise InvalidError("This must be in the future.", path=("expires_at",))
        settings = settings._replace(expires_at=expires_at)
    return settings


def _check(settings: KeySettings, grant: Grant, maker: Principal) -> None:
    """Whether the settings fit what the role grants, and the maker. Raises InvalidError, DeniedError."""
    beyond = sorted(set(settings.scopes or ()) - {permission.value for permission in grant.permissions})
    if beyond:
        raise InvalidError(
            "The role {role} does not allow {beyond}.", path=("scopes",), role=settings.role, beyond=beyond
        )
    _check_within(settings, grant, maker)


async def _role_grant(
    connection: PooledConnection, workspace_id: int, settings: KeySettings, *, is_new: bool = False
) -> Grant:
    """What the key's role allows now. One of the workspace's own that is `is_new` to the key is locked: it is not
    removed meanwhile. Who removes one waits for its keys, and never a key for it."""
    if settings.role_id is None:
        return role_grant(Role(settings.role))
    read = custom_role.lock if is_new else custom_role.find
    role = await read(connection, workspace_id, settings.role_id)
    if role is None:
        raise NotFoundError("There is no CustomRole with this id.", path=("role_id",))
    return custom_grant(role.permissions, role.tags)


def _check_within(settings: KeySettings, grant: Grant, maker: Principal) -> None:
    held = narrowed(grant, settings.scopes, settings.tags)
    key = Standing(settings.role, held.permissions, held.tags)
    if not key.is_within(Standing(_role_of(maker), maker.permissions, maker.tags)):
        raise DeniedError("The key would be allowed more than you are.", path=("scopes",))


def _check_maker(maker: Principal) -> None:
    if maker.api_key_id is not None:
        raise DeniedError("API keys are made and changed by people; a key may only rotate itself.")


def _role_of(maker: Principal) -> str:
    """The role that a maker's key has at most: a key is no super administrator."""
    if maker.role_id is not None:
        return CUSTOM
    role = Role.ADMINISTRATOR if maker.role in (None, Role.SUPER_ADMIN) else maker.role
    return (role or Role.ADMINISTRATOR).value


def _permissions(scopes: Sequence[str]) -> set[str]:
    known = {permission.value for permission in Permission}
    unknown = sorted(set(scopes) - known)
    if unknown:
        raise InvalidError("There is no permission {unknown!r}.", path=("scopes",), unknown=unknown[0][:60])
    return set(scopes)


def _network(text: str, number: int) -> Network:
    try:
        return parse_cidr(text.strip())
    except ValueError:
        raise InvalidError(
            "This must be an address or a block in CIDR notation, such as 192.0.2.0/24 or 2001:db8::/32.",
            path=("networks", number),
        ) from None


def _tags(tags: Sequence[str]) -> list[str]:
    if len(tags) > MAX_TAGS or any(not 1 <= len(tag) <= TAG_CHARACTERS for tag in tags):
        raise InvalidError(
            "These are at most {most} tags of 1 to {characters} characters.",
            path=("tags",),
            most=MAX_TAGS,
            characters=TAG_CHARACTERS,
        )
    return sorted(set(tags))


def _not_found() -> NotFoundError:
    return NotFoundError("There is no such API key, or it is revoked.", path=("id",))
