"""What a provider's directory does with its groups: roles follow them, by the provider's `groupRoles`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.domain.ids import IdGenerator
from motet.identity.scim.directory import row_id, window
from motet.identity.scim.patching import equality, patched_group
from motet.identity.scim.resources import ScimError, ScimGroup, group_of, group_resource
from motet.identity.sso.memberships import follow_groups
from motet.identity.telling import SILENCE, Teller
from motet.storage import scim
from motet.storage.database import Database, PooledConnection
from motet.storage.identity_provider import IdentityProviderRow
from motet.storage.scim import ScimGroupRow, Wanted
from motet.storage.transaction import transaction
from motet.storage.user import lock_user

MAX_GROUPS = 2_000
"""Of one directory."""


class DirectoryGroups:
    """The groups of all directories; calls name the provider. Raises ScimError, ConflictError for what is taken."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        base: str,
        now: Callable[[], datetime],
        teller: Teller = SILENCE,
    ) -> None:
        """`teller` writes events."""
        self._database = database
        self._teller = teller
        self._ids = ids
        self._base = base
        self._now = now

    async def find(self, provider: IdentityProviderRow, scim_id: str) -> dict[str, Any]:
        rows = await scim.groups(self._database.pool, provider.id, Wanted(id=row_id(scim_id, "ScimGroup")))
        if not rows:
            raise ScimError(404, "There is no such group.")
        return self._shown(rows[0])

    async def list(
        self, provider: IdentityProviderRow, query: Mapping[str, str]
    ) -> tuple[int, int, list[dict[str, Any]]]:
        """(total, offset, page)."""
        offset, limit = window(query)
        wanted = _wanted(query.get("filter"))
        if wanted is None:
            return 0, offset, []
        total = await scim.count_groups(self._database.pool, provider.id, wanted)
        rows = await scim.groups(self._database.pool, provider.id, wanted, offset, limit) if limit else []
        return total, offset, [self._shown(row) for row in rows]

    async def create(self, provider: IdentityProviderRow, body: Mapping[str, Any]) -> dict[str, Any]:
        said, now = group_of(body), self._now()
        group_id = self._ids.next_at(now)
        async with transaction(self._database, after=self._teller.committed) as connection:
            await scim.lock_directory(connection, provider.id)
            if await scim.count_groups(connection, provider.id, Wanted()) >= MAX_GROUPS:
                raise ScimError(403, f"A directory has at most {MAX_GROUPS} groups.")
            await scim.write_group(
                connection, provider.id, group_id, said.display_name, said.external_id, now, is_new=True
            )
            await self._set_members(connection, provider, group_id, said, frozenset())
        return await self.find(provider, encode_global_id("ScimGroup", group_id))

    async def replace(self, provider: IdentityProviderRow, scim_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """PUT: what is not said is gone."""
        return await self._change(provider, scim_id, lambda _: group_of(body))

    async def patch(self, provider: IdentityProviderRow, scim_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._change(provider, scim_id, lambda group: patched_group(group, body))

    async def delete(self, provider: IdentityProviderRow, scim_id: str) -> None:
        """Its members lose what they had by it."""
        group_id = row_id(scim_id, "ScimGroup")
        async with transaction(self._database, after=self._teller.committed) as connection:
            await scim.lock_directory(connection, provider.id)
            rows = await scim.groups(connection, provider.id, Wanted(id=group_id))
            if not rows:
                raise ScimError(404, "There is no such group.")
            await scim.delete_group(connection, provider.id, group_id)
            await self._follow(connection, provider, set(rows[0].member_ids))

    async def _change(
        self, provider: IdentityProviderRow, scim_id: str, change: Callable[[ScimGroup], ScimGroup]
    ) -> dict[str, Any]:
        group_id = row_id(scim_id, "ScimGroup")
        async with transaction(self._database, after=self._teller.committed) as connection:
            await scim.lock_directory(connection, provider.id)
            rows = await scim.groups(connection, provider.id, Wanted(id=group_id))
            if not rows:
                raise ScimError(404, "There is no such group.")
            was = _group(rows[0])
            said = change(was)
            await scim.write_group(
                connection, provider.id, group_id, said.display_name, said.external_id, self._now(), is_new=False
            )
            kept = was.members if said.display_name == was.display_name else frozenset()
            await self._set_members(connection, provider, group_id, said, kept, was.members)
        return await self.find(provider, scim_id)

    async def _set_members(
        self,
        connection: PooledConnection,
        provider: IdentityProviderRow,
        group_id: int,
        said: ScimGroup,
        unmoved: frozenset[str],
        before: frozenset[str] = frozenset(),
    ) -> None:
        """The members that were said. The roles of all but those who are in both, `unmoved`, may be others now."""
        named = [decode_global_id(one) for one in said.members]
        wanted = sorted({one[1] for one in named if one is not None and one[0] == "User"})
        kept = await scim.set_members(connection, provider.id, group_id, wanted)
        if len(wanted) != len(named) or kept != len(wanted):
            raise ScimError(400, "One of the members is no user of the directory.", "invalidValue")
        moved = (said.members | before) - (said.members & unmoved)
        await self._follow(connection, provider, {row_id(one, "User") for one in moved})

    async def _follow(self, connection: PooledConnection, provider: IdentityProviderRow, user_ids: set[int]) -> None:
        if not provider.settings.group_roles:
            return
        for user_id in sorted(user_ids):
            if await lock_user(connection, user_id) is not None:
                groups = await scim.groups_of(connection, provider.id, user_id)
                await follow_groups(connection, provider, groups, user_id, is_new=False, teller=self._teller)

    def _shown(self, row: ScimGroupRow) -> dict[str, Any]:
        scim_id = encode_global_id("ScimGroup", row.id)
        return group_resource(_group(row), scim_id, row.created_at, row.updated_at, self._base)


def _group(row: ScimGroupRow) -> ScimGroup:
    members = frozenset(encode_global_id("User", member) for member in row.member_ids)
    return ScimGroup(row.display_name, row.external_id, members)


def _wanted(words: str | None) -> Wanted | None:
    """Which rows a filter is about; None: none can be. Raises ScimError."""
    if words is None:
        return Wanted()
    name, value = equality(words)
    name = name.removeprefix("urn:ietf:params:scim:schemas:core:2.0:group:")
    if name == "displayname":
        return Wanted(name_key=value.lower())
    if name == "externalid":
        return Wanted(external_id=value)
    if name == "id":
        decoded = decode_global_id(value)
        return Wanted(id=decoded[1]) if decoded is not None and decoded[0] == "ScimGroup" else None
    raise ScimError(400, "Groups are found by displayName, externalId or id.", "invalidFilter")
