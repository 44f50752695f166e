"""What a provider's directory does with its groups: roles follow them, by the provider's `groupRoles`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.identity.scim.collection import Collection, Kind, row_id
from motet.identity.scim.patching import patched_group
from motet.identity.scim.resources import GROUP_SCHEMA, ScimError, ScimGroup, group_of, group_resource
from motet.identity.sso.memberships import follow_groups
from motet.storage import scim
from motet.storage.database import PooledConnection
from motet.storage.identity_provider import IdentityProviderRow
from motet.storage.scim import ScimGroupRow, Wanted
from motet.storage.transaction import transaction
from motet.storage.user import lock_user

MAX_GROUPS = 2_000
"""Of one directory."""


class DirectoryGroups(Collection[ScimGroupRow]):
    """The groups of all directories."""

    kind = Kind(
        "ScimGroup",
        "group",
        GROUP_SCHEMA,
        MAX_GROUPS,
        {
            "displayname": lambda value: Wanted(name_key=value.lower()),
            "externalid": lambda value: Wanted(external_id=value),
        },
        "Groups are found by displayName, externalId or id.",
        scim.groups,
        scim.count_groups,
    )

    async def create(self, provider: IdentityProviderRow, body: Mapping[str, Any]) -> dict[str, Any]:
        said, now = group_of(body), self._now()
        group_id = self._ids.next_at(now)
        async with transaction(self._database, after=self._teller.committed) as connection:
            await scim.lock_directory(connection, provider.id)
            await self._check_room(connection, provider)
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
            row = await self._row(connection, provider, group_id)
            await scim.delete_group(connection, provider.id, group_id)
            await self._follow(connection, provider, set(row.member_ids))

    async def _change(
        self, provider: IdentityProviderRow, scim_id: str, change: Callable[[ScimGroup], ScimGroup]
    ) -> dict[str, Any]:
        group_id = row_id(scim_id, "ScimGroup")
        async with transaction(self._database, after=self._teller.committed) as connection:
            await scim.lock_directory(connection, provider.id)
            was = _group(await self._row(connection, provider, group_id))
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
        # All of them before the first workspace: who signs in, is suspended or deleted is locked in this order, too.
        there = [user_id for user_id in sorted(user_ids) if await lock_user(connection, user_id) is not None]
        for user_id in there:
            groups = await scim.groups_of(connection, provider.id, user_id)
            await follow_groups(connection, provider, groups, user_id, is_new=False, teller=self._teller)

    def _shown(self, row: ScimGroupRow) -> dict[str, Any]:
        scim_id = encode_global_id("ScimGroup", row.id)
        return group_resource(_group(row), scim_id, row.created_at, row.updated_at, self._base)


def _group(row: ScimGroupRow) -> ScimGroup:
    members = frozenset(encode_global_id("User", member) for member in row.member_ids)
    return ScimGroup(row.display_name, row.external_id, members)
