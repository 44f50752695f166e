"""Alert rules: which events a workspace wants to be told of as alerts."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from motet.domain.alerts import AlertRule
from motet.domain.errors import LimitReachedError
from motet.storage.database import PooledConnection, Row

_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO alert_rule (workspace_id, id, name, enabled, event_types, minimum_severity, device_tags, group_by,
                        threshold, window_s, severity, quiet_s, resolved_by, remind_s)
SELECT $1, $2, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
 WHERE (SELECT count(*) FROM alert_rule WHERE workspace_id = $1) < $3
RETURNING id
"""


async def insert(connection: PooledConnection, workspace_id: int, rule_id: int, rule: AlertRule, *, limit: int) -> None:
    """Add a rule. Needs a transaction: the workspace is locked, so that two callers cannot pass the limit.

    Raises LimitReachedError at `limit` rules.
    """
    await connection.execute(_LOCK_WORKSPACE, workspace_id)
    if await connection.fetchval(_INSERT, workspace_id, rule_id, limit, *_values(rule)) is None:
        raise LimitReachedError("A workspace has at most {most} alert rules.", most=limit)


_COLUMNS = """name, enabled, event_types, minimum_severity, device_tags, group_by, threshold, window_s, severity,
       quiet_s, resolved_by, remind_s"""
_LOCK = f"SELECT {_COLUMNS} FROM alert_rule WHERE workspace_id = $1 AND id = $2 FOR UPDATE"  # noqa: S608
_ENABLED = f"SELECT id, {_COLUMNS} FROM alert_rule WHERE workspace_id = $1 AND enabled ORDER BY id"  # noqa: S608


async def lock(connection: PooledConnection, workspace_id: int, rule_id: int) -> AlertRule | None:
    """The rule, locked to the end of the transaction; None for an unknown one."""
    record = await connection.fetchrow(_LOCK, workspace_id, rule_id)
    return None if record is None else AlertRule(**dict(record))


async def enabled(connection: PooledConnection, workspace_id: int) -> dict[int, AlertRule]:
    """The workspace's rules that are enabled, by id."""
    return {record["id"]: _rule(record) for record in await connection.fetch(_ENABLED, workspace_id)}


_UPDATE = """
UPDATE alert_rule
   SET name = $3, enabled = $4, event_types = $5, minimum_severity = $6, device_tags = $7, group_by = $8,
       threshold = $9, window_s = $10, severity = $11, quiet_s = $12, resolved_by = $13, remind_s = $14
 WHERE workspace_id = $1 AND id = $2
"""


async def update(connection: PooledConnection, workspace_id: int, rule_id: int, rule: AlertRule) -> None:
    """Write the rule anew."""
    await connection.execute(_UPDATE, workspace_id, rule_id, *_values(rule))


_DELETE = "DELETE FROM alert_rule WHERE workspace_id = $1 AND id = $2 RETURNING id"
_FORGET_MATCHES = "DELETE FROM alert_match WHERE workspace_id = $1 AND rule_id = $2"


async def delete(connection: PooledConnection, workspace_id: int, rule_id: int) -> bool:
    """Remove a rule and what it has matched; its alerts stay. False for an unknown one."""
    if await connection.fetchval(_DELETE, workspace_id, rule_id) is None:
        return False
    await connection.execute(_FORGET_MATCHES, workspace_id, rule_id)
    return True


_WORKSPACES = "SELECT DISTINCT workspace_id FROM alert_rule WHERE enabled"


async def workspaces(connection: PooledConnection) -> list[int]:
    """The workspaces that have an enabled rule."""
    return [record["workspace_id"] for record in await connection.fetch(_WORKSPACES)]


def _values(rule: AlertRule) -> tuple[Any, ...]:
    return astuple(rule)


def _rule(record: Row) -> AlertRule:
    values = dict(record)
    del values["id"]
    return AlertRule(**values)
