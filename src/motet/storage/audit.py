"""The audit log: entries, the chain that seals them, and the removal of old ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from motet.storage.database import PooledConnection

EXEMPT = (
    # The log itself, and what belongs to the database or to nodes.
    "audit_entry", "audit_pending", "audit_seal", "audit_chain", "schema_migration", "node", "idempotency",
    # Messages are their own record, written in groups: who asked for one is an entry, without its text.
    "message", "submit", "part_receipt", "outcome", "waiting", "esme_delivery", "esme_answer", "esme_cursor", "mo_part",
    "p2p_window", "webhook_delivery",
    # What networks report, and what is counted.
    "attachment", "location", "data_session", "session_record", "network_notification", "network_order",
    "operator_outage", "usage_mark", "device_usage", "workspace_usage", "month_limit",
    # Records that are written once beside the change that they tell of.
    "event", "sim_history", "directory", "service_policy_version", "coverage_policy_version", "coverage_network",
    "quota_top_up", "activation_code_step", "euicc_operation_step", "imsi_switch", "ip_address_freed", "job_item",
    "alert_match", "alert_progress", "mail",
    # Good once or short-lived, hashed, and noted where they are used.
    "refresh_token", "used_challenge",
)  # fmt: skip
"""Tables whose changes are not told in entries. Every other one is audited, also one that is added later."""

_COVER = "SELECT motet_audit_cover($1)"
_PROGRESS = """
SELECT motet_audit_table(to_regclass(t), i) FROM (VALUES
    ('job', 'done,changed,failed,position,breakdowns,started_at,due_at'),
    ('alert', 'event_count,last_event_at,last_event_id,told_at,device_id,sim_id')) AS p (t, i)
 WHERE t = ANY ($1::text[])
"""
_IS_THERE = "SELECT to_regprocedure('motet_audit_cover(text[])') IS NOT NULL"


async def cover_tables(connection: PooledConnection) -> None:
    """Puts the audit's triggers on tables that have none yet, but for `EXEMPT`. For whoever migrates."""
    if await connection.fetchval(_IS_THERE):
        added = [row[0] for row in await connection.fetch(_COVER, list(EXEMPT))]
        await connection.execute(_PROGRESS, added)


_BEGIN = "SELECT set_config('motet.audit', 'on', true)"


async def begin(connection: PooledConnection) -> None:
    """From here on the transaction gathers what it changes."""
    await connection.execute(_BEGIN)


_WRITE = "SELECT motet_audit_write($1, $2)"


async def write(connection: PooledConnection, entry: Mapping[str, Any], *, always: bool) -> bool:
    """Make the transaction's entry (see `motet.storage.acting.Act.row`), unless it changed nothing and `always` is
    false; whether it was made."""
    return bool(await connection.fetchval(_WRITE, entry, always))


_WRITE_ALL = "SELECT motet_audit_write(e, true) FROM jsonb_array_elements($1) AS e"


async def write_all(connection: PooledConnection, entries: Sequence[Mapping[str, Any]]) -> None:
    """Make entries of acts that changed nothing here. Needs a transaction."""
    await connection.execute(_WRITE_ALL, list(entries))
