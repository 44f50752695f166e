"""What a workspace does with its service policies and coverage policies: make, change, try out, go back, remove.

Both kinds go the same way: `SERVICE` and `COVERAGE` say what is different.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple

from motet.domain.coverage_policy import CoveragePolicy
from motet.domain.errors import DeniedError, NotFoundError
from motet.domain.event_types import (
    COVERAGE_POLICY_CREATED,
    COVERAGE_POLICY_DELETED,
    COVERAGE_POLICY_UPDATED,
    SERVICE_POLICY_CREATED,
    SERVICE_POLICY_DELETED,
    SERVICE_POLICY_UPDATED,
    EventType,
)
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator
from motet.domain.policy_effect import Effect, differences, effect_of
from motet.domain.service_policy import ServicePolicy
from motet.domain.traffic_rules import Facts
from motet.fleet.journal import Change, Journal
from motet.fleet.policies.policy_rules import check_coverage_policy, check_service_policy
from motet.storage import traffic
from motet.storage.coverage_policy import COVERAGE_POLICIES
from motet.storage.database import Database, Executor, PooledConnection
from motet.storage.policy import Content, Locked, PolicyTable
from motet.storage.service_policy import SERVICE_POLICIES
from motet.storage.traffic import Alike
from motet.storage.transaction import transaction

MAX_POLICIES = 1_000
"""Policies of one workspace and kind."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[Content]):
    """What is different between the kinds of policy."""

    noun: str
    type_name: str
    """In global ids."""
    put: Callable[[Facts, Content], Facts]
    """The facts with another policy."""
    empty: Content
    """What a new policy has where nothing is said."""
    check: Callable[[Content], Content]
    created: EventType
    updated: EventType
    deleted: EventType
    storage: PolicyTable[Content]
    devices: Callable[[Executor, int, int, int, int], Awaitable[list[Alike]]]


SERVICE: Kind[ServicePolicy] = Kind(
    "service_policy",
    "ServicePolicy",
    lambda facts, content: facts._replace(service=content),
    ServicePolicy(name=""),
    check_service_policy,
    SERVICE_POLICY_CREATED,
    SERVICE_POLICY_UPDATED,
    SERVICE_POLICY_DELETED,
    SERVICE_POLICIES,
    traffic.with_service_policy,
)
COVERAGE: Kind[CoveragePolicy] = Kind(
    "coverage_policy",
    "CoveragePolicy",
    lambda facts, content: facts._replace(coverage=content),
    CoveragePolicy(),
    check_coverage_policy,
    COVERAGE_POLICY_CREATED,
    COVERAGE_POLICY_UPDATED,
    COVERAGE_POLICY_DELETED,
    COVERAGE_POLICIES,
    traffic.with_coverage_policy,
)


class Preview(NamedTuple):
    """What a change would do."""

    changes: list[dict[str, Any]]
    """{field, before, after} of each field that would change."""
    effect: Effect


class PolicyService(Generic[Content]):
    """The policies of one kind in all workspaces, each call scoped to one; `actor` is who asked for it. `changes` are
    fields of the content by name. Errors are domain errors; paths name input fields."""

    def __init__(
        self,
        kind: Kind[Content],
        database: Database,
        ids: IdGenerator,
        journal: Journal,
        *,
        on_change: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_change` is called after each commit that decides over traffic, so that whoever keeps policies in memory
        reads them again."""
        self._kind: Kind[Content] = kind
        self._database = database
        self._ids = ids
        self._journal = journal
        self._on_change = on_change
        self._clock = clock

    async def create(self, workspace_id: int, actor: str, changes: Mapping[str, Any]) -> int:
        """Add a policy: its id. Raises InvalidError, ConflictError for a name that is taken, LimitReachedError."""
        content = self._applied(self._kind.empty, changes)
        policy_id = self._new_id()
        async with self._transaction(makes=policy_id) as connection:
            await self._kind.storage.insert(connection, workspace_id, policy_id, content, limit=MAX_POLICIES)
            await self._keep_version(connection, workspace_id, policy_id, 1, actor, None, content, [])
            await self._tell(connection, self._kind.created, workspace_id, actor, policy_id, content)
        return policy_id

    async def update(self, workspace_id: int, actor: str, policy_id: int, changes: Mapping[str, Any]) -> None:
        """Change a policy, which takes effect on the next message; a change of nothing makes no version.

        Raises NotFoundError (path `id`), InvalidError, ConflictError for a name that is taken.
        """
        async with self._transaction() as connection:
            locked = await self._locked(connection, workspace_id, policy_id)
            content = self._applied(locked.content, changes)
            changed = await self._change(connection, workspace_id, actor, policy_id, locked, content, None)
        if changed:
            await self._on_change()

    async def restore(self, workspace_id: int, actor: str, policy_id: int, number: int) -> None:
        """Make a policy again what it was at a version, as a new version.

        Raises NotFoundError (path `id` or `version`), ConflictError if its name is another's by now.
        """
        async with self._transaction() as connection:
            locked = await self._locked(connection, workspace_id, policy_id)
            content = None
            if 0 < number <= locked.version:
                content = await self._kind.storage.version(connection, workspace_id, policy_id, number)
            if content is None:
                raise NotFoundError("The policy has no such version.", path=("version",))
            content = self._kind.check(content)
            changed = await self._change(connection, workspace_id, actor, policy_id, locked, content, number)
        if changed:
            await self._on_change()

    async def delete(self, workspace_id: int, actor: str, policy_id: int) -> None:
        """Remove a policy that no device has; its versions stay in the database.

        Raises NotFoundError, ConflictError while devices have it, DeniedError for the workspace's default one (path
        `id`).
        """
        async with self._transaction() as connection:
            locked = await self._locked(connection, workspace_id, policy_id)
            if policy_id == workspace_id:
                raise DeniedError("The workspace's default policy cannot be deleted.", path=("id",))
            await self._kind.storage.delete(connection, workspace_id, policy_id)
            await self._tell(connection, self._kind.deleted, workspace_id, actor, policy_id, locked.content)

    async def preview(
        self, workspace_id: int, policy_id: int, changes: Mapping[str, Any], *, after: int = 0, first: int = 50
    ) -> Preview | None:
        """What a change would do to the devices that have the policy, with the ids of the first that would be hit
        above `after`; None for a policy that the workspace has not. Raises InvalidError."""
        async with self._database.pool.acquire() as connection:
            locked = await self._kind.storage.lock(connection, workspace_id, policy_id)
            if locked is None:
                return None
            content = self._applied(locked.content, changes)
            found = await self._kind.devices(connection, workspace_id, policy_id, after, first)
        groups = ((one.facts, self._kind.put(one.facts, content), one.devices, one.device_ids) for one in found)
        return Preview(differences(locked.content.as_json(), content.as_json()), effect_of(groups, first))

    async def _change(
        self,
        connection: PooledConnection,
        workspace_id: int,
        actor: str,
        policy_id: int,
        locked: Locked[Content],
        content: Content,
        restored_from: int | None,
    ) -> bool:
        """Write the locked policy and its next version; false if it is the same already."""
        changes = differences(locked.content.as_json(), content.as_json())
        if not changes:
            return False
        number = locked.version + 1
        await self._kind.storage.update(connection, workspace_id, policy_id, content)
        await self._keep_version(connection, workspace_id, policy_id, number, actor, restored_from, content, changes)
        told = {"version": number, "changed": [change["field"] for change in changes], "changes": changes}
        await self._tell(connection, self._kind.updated, workspace_id, actor, policy_id, content, **told)
        return True

    async def _keep_version(
        self,
        connection: PooledConnection,
        workspace_id: int,
        policy_id: int,
        number: int,
        actor: str,
        restored_from: int | None,
        content: Content,
        changes: Sequence[dict[str, Any]],
    ) -> None:
        await self._kind.storage.insert_version(
            connection, workspace_id, self._new_id(), policy_id, number, actor, restored_from, content, changes
        )

    async def _tell(
        self,
        connection: PooledConnection,
        event: EventType,
        workspace_id: int,
        actor: str,
        policy_id: int,
        content: Content,
        **detail: Any,
    ) -> None:
        policy = {"id": encode_global_id(self._kind.type_name, policy_id), "name": content.name}
        change = Change(event, detail={self._kind.noun: policy, **detail})
        await self._journal.write(connection, workspace_id, actor, [change])

    async def _locked(self, connection: PooledConnection, workspace_id: int, policy_id: int) -> Locked[Content]:
        locked = await self._kind.storage.lock(connection, workspace_id, policy_id)
        if locked is None:
            raise NotFoundError("No such policy.", path=("id",))
        return locked

    def _applied(self, content: Content, changes: Mapping[str, Any]) -> Content:
        return self._kind.check(replace(content, **changes))

    def _new_id(self) -> int:
        return self._ids.next(int(self._clock() * 1_000))

    def _transaction(self, *, makes: int | None = None) -> AbstractAsyncContextManager[PooledConnection]:
        return transaction(self._database, makes=makes, after=self._journal.committed)
