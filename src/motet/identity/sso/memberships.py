"""Makes a user a member where the rules of their provider say so."""

from __future__ import annotations

from collections.abc import Set

import structlog

from motet.access.principals import Role
from motet.identity.sso.admission import role_changes
from motet.identity.telling import Teller, tell_member
from motet.storage import custom_role, membership, sso_member
from motet.storage.database import PooledConnection
from motet.storage.identity_provider import IdentityProviderRow

_log = structlog.get_logger()


async def follow_groups(
    connection: PooledConnection,
    provider: IdentityProviderRow,
    groups: Set[str],
    user_id: int,
    *,
    is_new: bool,
    teller: Teller,
) -> None:
    """Set the user's roles by their groups. A workspace keeps its last administrator, and a rule reaches no further
    than the organisation."""
    memberships = await sso_member.memberships_of(connection, user_id)
    gone = await _gone(connection, provider, groups)
    changes = role_changes(provider, groups, memberships, is_new=is_new, gone=gone)
    for change in sorted(changes, key=lambda change: change.workspace_id):
        if not await sso_member.lock_workspace_of(connection, provider.organisation_id, change.workspace_id):
            _log.warning("a provider's rule names a workspace elsewhere", provider=provider.id)
            continue
        others = await membership.count_other_administrators(connection, change.workspace_id, user_id)
        held = memberships.get(change.workspace_id)
        if held is not None and held[0] == Role.ADMINISTRATOR and not others:
            _log.warning("a workspace keeps its last administrator", workspace=change.workspace_id, user=user_id)
            continue
        if change.held is None:
            await membership.remove_member(connection, change.workspace_id, user_id)
        else:
            await sso_member.set_role(connection, change.workspace_id, user_id, *change.held)
        await tell_member(teller, connection, change.workspace_id, user_id, before=held, after=change.held)


async def _gone(connection: PooledConnection, provider: IdentityProviderRow, groups: Set[str]) -> set[int]:
    """Roles that fitting rules name and that have been removed: such a rule counts no more."""
    named = {
        (rule["workspace_id"], rule["role_id"])
        for rule in provider.settings.group_roles
        if rule.get("role_id") is not None and rule["group"] in groups
    }
    gone = {
        role_id for workspace_id, role_id in named if await custom_role.find(connection, workspace_id, role_id) is None
    }
    if gone:
        _log.warning("a provider's rule names a role that is gone", provider=provider.id)
    return gone
