"""Coverage policies, their versions, and the operators that single devices may not use."""

from __future__ import annotations

import asyncpg

from motet.domain.coverage_policy import COVERAGE_POLICY_FIELDS, CoveragePolicy
from motet.domain.errors import ConflictError, LimitReachedError
from motet.storage.database import PooledConnection
from motet.storage.policy import PolicyTable, Statements

_INSERT = """
INSERT INTO coverage_policy
       (workspace_id, id, name, description, countries_allowed, countries_denied, operators_allowed, operators_denied,
        rats_allowed, rats_denied, steering)
SELECT $1, $2, $4, $5, $6, $7, $8, $9, $10, $11, $12
 WHERE (SELECT count(*) FROM coverage_policy WHERE workspace_id = $1) < $3
RETURNING id
"""
_LOCK = """
SELECT version, name, description, countries_allowed, countries_denied, operators_allowed, operators_denied,
       rats_allowed, rats_denied, steering
  FROM coverage_policy
 WHERE workspace_id = $1 AND id = $2
   FOR NO KEY UPDATE
"""
_UPDATE = """
UPDATE coverage_policy
   SET version = version + 1, updated_at = now(), name = $3, description = $4, countries_allowed = $5,
       countries_denied = $6, operators_allowed = $7, operators_denied = $8, rats_allowed = $9, rats_denied = $10,
       steering = $11
 WHERE workspace_id = $1 AND id = $2
"""
_DELETE = "DELETE FROM coverage_policy WHERE workspace_id = $1 AND id = $2"
_INSERT_VERSION = """
INSERT INTO coverage_policy_version (workspace_id, id, policy_id, number, actor, restored_from, content, changes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_VERSION = "SELECT content FROM coverage_policy_version WHERE workspace_id = $1 AND policy_id = $2 AND number = $3"

COVERAGE_POLICIES = PolicyTable(
    Statements(_INSERT, _LOCK, _UPDATE, _DELETE, _INSERT_VERSION, _VERSION),
    columns=COVERAGE_POLICY_FIELDS,
    read=CoveragePolicy.of,
    refusals={
        "coverage_policy_name_taken": lambda: ConflictError(
            "The workspace has a coverage policy of this name.", path=("name",)
        ),
    },
    too_many=lambda limit: LimitReachedError("A workspace has at most {most} coverage policies.", most=limit),
)


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
