"""Coverage policies, their versions, and the operators that single devices may not use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg

from motet.domain.coverage_policy import COVERAGE_POLICY_FIELDS, CoveragePolicy
from motet.domain.errors import ConflictError, LimitReachedError
from motet.storage.database import PooledConnection


class Locked(NamedTuple):
    """A policy that stays as it is until the transaction ends."""

    version: int
    content: CoveragePolicy


_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO coverage_policy
       (workspace_id, id, name, description, countries_allowed, countries_denied, operators_allowed, operators_denied,
        rats_allowed, rats_denied, steering)
SELECT $1, $2, $4, $5, $6, $7, $8, $9, $10, $11, $12
 WHERE (SELECT count(*) FROM coverage_policy WHERE workspace_id = $1) < $3
RETURNING id
"""


async def insert(
    connection: PooledConnection, workspace_id: int, policy_id: int, content: CoveragePolicy, *, limit: int
) -> None:
    """Add a policy at version 1. The workspace is locked, so that two callers cannot pass the limit.

    Raises ConflictError for a name that the workspace has, LimitReachedError at `limit` policies.
    """
    await connection.execute(_LOCK_WORKSPACE, workspace_id)
    try:
        added = await connection.fetchval(_INSERT, workspace_id, policy_id, limit, *_row(content))
    except asyncpg.UniqueViolationError as error:
        raise _conflict(error) from None
    if added is None:
        raise LimitReachedError("A workspace has at most {most} coverage policies.", most=limit)


_LOCK = """
SELECT version, name, description, countries_allowed, countries_denied, operators_allowed, operators_denied,
       rats_allowed, rats_denied, steering
  FROM coverage_policy
 WHERE workspace_id = $1 AND id = $2
   FOR NO KEY UPDATE
"""


async def lock(connection: PooledConnection, workspace_id: int, policy_id: int) -> Locked | None:
    """Lock a policy; None for one that is unknown."""
    record = await connection.fetchrow(_LOCK, workspace_id, policy_id)
    return None if record is None else Locked(record["version"], CoveragePolicy.of(dict(record)))


_UPDATE = """
UPDATE coverage_policy
   SET version = version + 1, updated_at = now(), name = $3, description = $4, countries_allowed = $5,
       countries_denied = $6, operators_allowed = $7, operators_denied = $8, rats_allowed = $9, rats_denied = $10,
       steering = $11
 WHERE workspace_id = $1 AND id = $2
"""


async def update(connection: PooledConnection, workspace_id: int, policy_id: int, content: CoveragePolicy) -> None:
    """Write the locked policy, which is at its next version then. Raises ConflictError for a name that is taken."""
    try:
        await connection.execute(_UPDATE, workspace_id, policy_id, *_row(content))
    except asyncpg.UniqueViolationError as error:
        raise _conflict(error) from None


_DELETE = "DELETE FROM coverage_policy WHERE workspace_id = $1 AND id = $2"


async def delete(connection: PooledConnection, workspace_id: int, policy_id: int) -> None:
    """Remove a policy; its versions stay. Raises ConflictError if devices have it."""
    try:
        await connection.execute(_DELETE, workspace_id, policy_id)
    except asyncpg.ForeignKeyViolationError:
        raise ConflictError("Devices have this policy: give them another first.", path=("id",)) from None


_INSERT_VERSION = """
INSERT INTO coverage_policy_version (workspace_id, id, policy_id, number, actor, restored_from, content, changes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert_version(
    connection: PooledConnection,
    workspace_id: int,
    version_id: int,
    policy_id: int,
    number: int,
    actor: str,
    restored_from: int | None,
    content: CoveragePolicy,
    changes: Sequence[dict[str, Any]],
) -> None:
    """Keep what the policy is from now on, and its `changes` against the version before."""
    await connection.execute(
        _INSERT_VERSION, workspace_id, version_id, policy_id, number, actor, restored_from, content.as_json(), changes
    )


_VERSION = "SELECT content FROM coverage_policy_version WHERE workspace_id = $1 AND policy_id = $2 AND number = $3"


async def version(
    connection: PooledConnection, workspace_id: int, policy_id: int, number: int
) -> CoveragePolicy | None:
    """What the policy was at a version; None if it never had it."""
    content = await connection.fetchval(_VERSION, workspace_id, policy_id, number)
    return None if content is None else CoveragePolicy.of(content)


# The device is locked, so the count cannot be passed by two at once.
_BLOCK = """
INSERT INTO device_blocked_operator (workspace_id, device_id, operator)
SELECT $1, $2, $3
 WHERE (SELECT count(*) FROM device_blocked_operator WHERE workspace_id = $1 AND device_id = $2) < $4
RETURNING operator
"""


async def block_operator(
    connection: PooledConnection, workspace_id: int, device_id: int, operator: str, *, limit: int
) -> None:
    """Bar the locked device from an operator. Raises ConflictError if it is barred, LimitReachedError at `limit`."""
    try:
        added = await connection.fetchval(_BLOCK, workspace_id, device_id, operator, limit)
    except asyncpg.UniqueViolationError:
        raise ConflictError("The device is barred from this operator already.", path=("operator",)) from None
    if added is None:
        raise LimitReachedError("A device has at most {most} blocked operators.", most=limit)


_UNBLOCK = """
DELETE FROM device_blocked_operator WHERE workspace_id = $1 AND device_id = $2 AND operator = $3 RETURNING operator
"""


async def unblock_operator(connection: PooledConnection, workspace_id: int, device_id: int, operator: str) -> bool:
    """Let the device use the operator again; false if it was not barred."""
    return await connection.fetchval(_UNBLOCK, workspace_id, device_id, operator) is not None


def _row(content: CoveragePolicy) -> tuple[Any, ...]:
    return tuple(getattr(content, name) for name in COVERAGE_POLICY_FIELDS)


def _conflict(error: asyncpg.UniqueViolationError) -> Exception:
    if error.constraint_name != "coverage_policy_name_taken":
        return error
    return ConflictError("The workspace has a coverage policy of this name.", path=("name",))
