"""What is told of a workspace when it, or who is in it, changes: as events, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from motet.access.standings import CUSTOM
from motet.domain.event_types import MEMBER_ADDED, MEMBER_REMOVED, MEMBER_ROLE_CHANGED, EventType
from motet.domain.global_ids import encode_global_id
from motet.storage import sso_member
from motet.storage.database import PooledConnection


class Teller(Protocol):
    """Who writes the events."""

    async def tell(
        self, connection: PooledConnection, workspace_id: int, kind: EventType, detail: Mapping[str, Any]
    ) -> None:
        """Add an event to the caller's transaction."""

    def committed(self) -> None:
        """A transaction with events has ended well."""


class Silence:
    """Tells nobody: for what has no node around it."""

    async def tell(
        self, connection: PooledConnection, workspace_id: int, kind: EventType, detail: Mapping[str, Any]
    ) -> None:
        """Nothing."""

    def committed(self) -> None:
        """Nothing."""


SILENCE: Final[Teller] = Silence()

Held = tuple[str, int | None]
"""A role by name, and its id where it is `CUSTOM`."""


async def tell_member(
    teller: Teller,
    connection: PooledConnection,
    workspace_id: int,
    user_id: int,
    *,
    before: Held | None,
    after: Held | None,
) -> None:
    """Someone became a member, has another role, or is a member no more. Names nobody but by the id: who may see the
    people of the workspace finds them by that, and nothing of them is left when they are erased."""
    if before == after:
        return
    kind = MEMBER_ADDED if before is None else MEMBER_REMOVED if after is None else MEMBER_ROLE_CHANGED
    detail: dict[str, Any] = {"user": {"id": encode_global_id("User", user_id)}}
    if after is not None:
        detail |= {"role": after[0], **_custom(after, "customRole")}
    if before is not None:
        detail |= {"roleBefore": before[0], **_custom(before, "customRoleBefore")}
    await teller.tell(connection, workspace_id, kind, detail)


async def tell_gone(teller: Teller, connection: PooledConnection, user_id: int) -> None:
    """Someone who is about to be erased is a member of nothing any more."""
    for workspace_id, held in (await sso_member.memberships_of(connection, user_id)).items():
        await tell_member(teller, connection, workspace_id, user_id, before=held, after=None)


def _custom(held: Held, name: str) -> dict[str, Any]:
    role, role_id = held
    return {name: {"id": encode_global_id("CustomRole", role_id)}} if role == CUSTOM and role_id is not None else {}
