"""What the tables of service policies and coverage policies do alike: policies by id, and their versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import asyncpg

from motet.domain.coverage_policy import CoveragePolicy
from motet.domain.errors import ConflictError, DomainError, LimitReachedError
from motet.domain.service_policy import ServicePolicy
from motet.storage.database import PooledConnection

Content = TypeVar("Content", ServicePolicy, CoveragePolicy)


class Locked(NamedTuple, Generic[Content]):
    """A policy that stays as it is until the transaction ends."""

    version: int
    content: Content


@dataclass(frozen=True, slots=True)
class Statements:
    """The SQL of one kind. `insert` takes workspace, id, limit and the content's columns; `update` all but the limit.
    The others take workspace and id first."""

    insert: str
    lock: str
    update: str
    delete: str
    insert_version: str
    version: str


_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE"


@dataclass(frozen=True, slots=True)
class PolicyTable(Generic[Content]):
    """The policies of one kind, in all workspaces."""

    sql: Statements
    columns: Sequence[str]
    """Of the content, in the order in which the statements take them."""
    read: Callable[[Mapping[str, Any]], Content]
    """The content of a row, or of a version."""
    refusals: Mapping[str, Callable[[], DomainError]]
    """What a violated constraint tells the caller."""
    too_many: Callable[[int], LimitReachedError]

    async def insert(
        self, connection: PooledConnection, workspace_id: int, policy_id: int, content: Content, *, limit: int
    ) -> None:
        """Add a policy at version 1. The workspace is locked, so that two callers cannot pass the limit.

        Raises ConflictError for a name that the workspace has, NotFoundError for what the content names and the
        workspace has not, LimitReachedError at `limit` policies.
        """
        await connection.execute(_LOCK_WORKSPACE, workspace_id)
        try:
            added = await connection.fetchval(self.sql.insert, workspace_id, policy_id, limit, *self._row(content))
        except asyncpg.IntegrityConstraintViolationError as error:
            raise self._refusal(error) from None
        if added is None:
            raise self.too_many(limit)

    async def lock(self, connection: PooledConnection, workspace_id: int, policy_id: int) -> Locked[Content] | None:
        """Lock a policy; None for one that is unknown."""
        record = await connection.fetchrow(self.sql.lock, workspace_id, policy_id)
        return None if record is None else Locked(record["version"], self.read(dict(record)))

    async def update(self, connection: PooledConnection, workspace_id: int, policy_id: int, content: Content) -> None:
        """Write the locked policy, which is at its next version then. Raises as `insert` does."""
        try:
            await connection.execute(self.sql.update, workspace_id, policy_id, *self._row(content))
        except asyncpg.IntegrityConstraintViolationError as error:
            raise self._refusal(error) from None

    async def delete(self, connection: PooledConnection, workspace_id: int, policy_id: int) -> None:
        """Remove a policy; its versions stay. Raises ConflictError if devices have it."""
        try:
            await connection.execute(self.sql.delete, workspace_id, policy_id)
        except asyncpg.ForeignKeyViolationError:
            raise ConflictError("Devices have this policy: give them another first.", path=("id",)) from None

    async def insert_version(
        self,
        connection: PooledConnection,
        workspace_id: int,
        version_id: int,
        policy_id: int,
        number: int,
        actor: str,
        restored_from: int | None,
        content: Content,
        changes: Sequence[dict[str, Any]],
    ) -> None:
        """Keep what the policy is from now on, and its `changes` against the version before."""
        values = (version_id, policy_id, number, actor, restored_from, content.as_json(), changes)
        await connection.execute(self.sql.insert_version, workspace_id, *values)

    async def version(
        self, connection: PooledConnection, workspace_id: int, policy_id: int, number: int
    ) -> Content | None:
        """What the policy was at a version; None if it never had it."""
        content = await connection.fetchval(self.sql.version, workspace_id, policy_id, number)
        return None if content is None else self.read(content)

    def _row(self, content: Content) -> tuple[Any, ...]:
        return tuple(getattr(content, name) for name in self.columns)

    def _refusal(self, error: asyncpg.IntegrityConstraintViolationError) -> Exception:
        refused = self.refusals.get(error.constraint_name or "")
        return error if refused is None else refused()
