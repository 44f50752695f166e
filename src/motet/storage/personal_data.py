"""What is kept about a person, all of it: for themselves to read (GDPR Art. 15 and 20), and to be erased (Art. 17).

A test compares `SECTIONS` and `LEFT_OUT` with the tables that refer to a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any, Final

import asyncpg

from motet.storage.database import PooledConnection

_PERSON = """
SELECT u.email, u.name, u.locale, u.status, o.name AS organisation, u.is_super_admin, u.created_at, u.activated_at,
       u.last_login_at, u.password_changed_at
  FROM user_account u JOIN organisation o ON o.id = u.organisation_id
 WHERE u.id = $1
"""

# By names that last; of what grows without end the newest 1,000; no secret, nor its hash. With $2 only workspaces of
# the person's own organisation: what they are and do elsewhere is between them and those there.
_MEMBERSHIPS = """
SELECT w.name AS workspace, m.role, r.name AS role_name, m.created_at AS since
  FROM membership m
  JOIN user_account u ON u.id = m.user_id
  JOIN workspace w ON w.id = m.workspace_id AND (NOT $2::boolean OR w.organisation_id = u.organisation_id)
  LEFT JOIN custom_role r ON r.workspace_id = m.workspace_id AND r.id = m.role_id
 WHERE m.user_id = $1 ORDER BY m.created_at
"""
_SESSIONS = """
SELECT address, user_agent, methods, created_at, last_used_at, ended_at, end_reason
  FROM login_session WHERE user_id = $1 ORDER BY id DESC LIMIT 1000
"""
_AUTHENTICATOR_APPS = (
    "SELECT status = 1 AS active, created_at, activated_at FROM totp WHERE user_id = $1 ORDER BY status"
)
_RECOVERY_CODES = "SELECT count(*) AS unused, created_at FROM recovery_code WHERE user_id = $1 GROUP BY created_at"
_PASSKEYS = """
SELECT name, transports, backed_up, created_at, last_used_at FROM passkey WHERE user_id = $1 ORDER BY id
"""
_TRUSTED_DEVICES = """
SELECT user_agent, address, created_at, last_used_at, expires_at FROM trusted_device WHERE user_id = $1 ORDER BY id
"""
_IDENTITY_PROVIDERS = """
SELECT p.name AS provider, f.issuer, f.subject, f.linked_at, f.last_used_at
  FROM federated_identity f JOIN identity_provider p ON p.id = f.provider_id
 WHERE f.user_id = $1 ORDER BY f.linked_at
"""
_DIRECTORIES = """
SELECT p.name AS provider, s.user_name, s.external_id, s.given_name, s.family_name, s.created_at, s.updated_at,
       ARRAY(SELECT g.display_name FROM scim_group_member m JOIN scim_group g ON g.id = m.group_id
              WHERE m.provider_id = s.provider_id AND m.user_id = s.user_id ORDER BY 1) AS groups
  FROM scim_user s JOIN identity_provider p ON p.id = s.provider_id
 WHERE s.user_id = $1 ORDER BY s.created_at
"""
_INVITATIONS = """
SELECT w.name AS workspace, i.email, i.name, i.role, i.invited_by, i.created_at, i.expires_at
  FROM user_account u
  JOIN invitation i ON i.email_key = u.email_key
  JOIN workspace w ON w.id = i.workspace_id AND (NOT $2::boolean OR w.organisation_id = u.organisation_id)
 WHERE u.id = $1 ORDER BY i.created_at
"""
_API_KEYS = """
SELECT w.name AS workspace, k.name, k.prefix, k.role, k.created_at, k.last_used_at, k.last_used_address, k.expires_at,
       k.revoked_at
  FROM api_key k
  JOIN user_account u ON u.id = k.created_by
  JOIN workspace w ON w.id = k.workspace_id AND (NOT $2::boolean OR w.organisation_id = u.organisation_id)
 WHERE k.created_by = $1 ORDER BY k.created_at LIMIT 1000
"""
# In the logs of the workspaces that they are in, and of the installation (0): what they did, and what was done to them;
# from where, only of what they did: the rest is somebody else's.
_AUDIT_LOG = """
SELECT w.name AS workspace, a.at, a.actor, a.edge, a.action, a.outcome,
       CASE WHEN a.actor = u.email THEN a.address END AS address,
       CASE WHEN a.actor = u.email THEN a.user_agent END AS user_agent
  FROM user_account u
  JOIN audit_entry a ON a.workspace_id = ANY (SELECT m.workspace_id FROM membership m
                                                JOIN workspace own ON own.id = m.workspace_id
                                               WHERE m.user_id = $1
                                                 AND (NOT $2::boolean OR own.organisation_id = u.organisation_id)
                                               UNION ALL SELECT 0 WHERE NOT $2::boolean)
                    AND (a.actor = u.email OR a.objects @> ARRAY[u.id])
  LEFT JOIN workspace w ON w.id = a.workspace_id
 WHERE u.id = $1 ORDER BY a.id DESC LIMIT 1000
"""

SECTIONS: Final[Mapping[str, str]] = {
    "memberships": _MEMBERSHIPS,
    "sessions": _SESSIONS,
    "authenticator_apps": _AUTHENTICATOR_APPS,
    "recovery_codes": _RECOVERY_CODES,
    "passkeys": _PASSKEYS,
    "trusted_devices": _TRUSTED_DEVICES,
    "identity_providers": _IDENTITY_PROVIDERS,
    "directories": _DIRECTORIES,
    "invitations": _INVITATIONS,
    "api_keys": _API_KEYS,
    "audit_log": _AUDIT_LOG,
}
"""The lists of an export, by their names in it."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "password_reset": "a hash that is worth nothing within the hour",
    "sso_code": "hashes, and a provider's word under a seal, worth nothing within minutes",
    "sso_session": "which session, in `sessions`, a provider began, and its word for signing out there, under a seal",
}
"""Tables that refer to a user and say no more about them."""

KEPT: Final[Mapping[str, str]] = {
    "audit_entry": "who did what, under a seal that no erasure may break",
    "audit_pending": "the same, before it is sealed",
    "event": "what happened to devices and SIMs, and who did it",
    "job": "what was done to many at once, and who asked for it",
    "mail": "encrypted, on its way for a few days at most",
}
"""Tables that may still name someone who was erased, as evidence, until their retention ends (Art. 17(3)(b), (e))."""


HISTORIES: Final = (
    "sim_history", "sim_schedule", "sim_move", "euicc_operation", "imsi_switch", "activation_code_step",
    "service_policy_version", "coverage_policy_version", "quota_top_up", "connectivity_reset", "coverage_version",
    "breakout_outage",
)  # fmt: skip
"""Tables that say who did something and have no retention: someone who was erased is `ERASED` there."""

BY: Final = {"alert": "acknowledged_by", "sim_batch": "registered_by", "invitation": "invited_by"}
"""The same in columns of other names; an invitation is gone within days, but mails and pages show its inviter."""

ERASED = "erased user"

IP_TYPES = (IPv4Address, IPv4Interface, IPv6Address, IPv6Interface)


async def export_person(
    connection: PooledConnection, user_id: int, *, only_at_home: bool = False
) -> dict[str, Any] | None:
    """What is kept about the user; None for no user. `only_at_home`: of workspaces, those of their organisation alone.
    Needs a transaction that sees one state."""
    person = await connection.fetchrow(_PERSON, user_id)
    if person is None:
        return None
    lists = {}
    for name, sql in SECTIONS.items():
        of_workspaces = (only_at_home,) if "$2" in sql else ()
        lists[name] = [_plain(row) for row in await connection.fetch(sql, user_id, *of_workspaces)]
    return {**person, **lists}


_FORGET_INVITATIONS = """
DELETE FROM invitation WHERE email_key = (SELECT email_key FROM user_account WHERE id = $1)
"""
_FORGET_ATTEMPTS = """
DELETE FROM sign_in_attempt a USING user_account u
 WHERE u.id = $1 AND a.key IN ('user ' || u.email_key, 'reset ' || u.email_key)
"""
_FORGET_MAKER = "UPDATE api_key SET created_by = NULL, created_by_name = '' WHERE created_by = $1"
# What someone did stays, also in workspaces that they have left; tables are read from end to end.
_FORGET_ACTOR = tuple(
    f"UPDATE {table} SET {who} = $2 WHERE {who} = (SELECT email FROM user_account WHERE id = $1)"  # noqa: S608
    for table, who in {**dict.fromkeys(HISTORIES, "actor"), **BY}.items()
)
_ERASE = "DELETE FROM user_account WHERE id = $1"


async def erase_person(connection: PooledConnection, user_id: int) -> None:
    """Nothing is kept but what `KEPT` names: memberships, sessions, second factors and links go with the row."""
    for statement in _FORGET_ACTOR:
        await connection.execute(statement, user_id, ERASED)
    for statement in (_FORGET_INVITATIONS, _FORGET_ATTEMPTS, _FORGET_MAKER, _ERASE):
        await connection.execute(statement, user_id)


def _plain(row: asyncpg.Record) -> dict[str, Any]:
    """As JSON has it."""
    return {name: str(value) if isinstance(value, IP_TYPES) else value for name, value in row.items()}
