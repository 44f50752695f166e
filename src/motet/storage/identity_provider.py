"""Identity providers of organisations: how they are asked, and whom they may let in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from motet.domain.errors import ConflictError, LimitReachedError
from motet.storage.database import Executor, PooledConnection


class IdentityProviderSettings(NamedTuple):
    """What can be changed of a provider, but for its domains, in the order of the statements below."""

    name: str
    issuer: str
    client_id: str
    client_secret_encrypted: bytes | None
    scopes: Sequence[str]
    sign_in_url: str | None
    certificates: Sequence[str]
    trusts_unverified_mail: bool
    mail_claim: str
    group_claim: str | None
    group_roles: Sequence[dict[str, Any]]
    """Of `group`, `workspace_id`, `role`."""
    provisioning: int
    default_workspace_id: int | None
    default_role: str
    enabled: bool
    name_claim: str
    own_key_encrypted: bytes | None
    """SAML: with which requests are signed, if they are; PKCS #8."""
    own_certificate: str | None
    """Of that key, PEM."""


class IdentityProviderRow(NamedTuple):
    """All that a sign-in needs to know."""

    id: int
    organisation_id: int
    kind: int
    domains: Sequence[str]
    settings: IdentityProviderSettings


_LOCK_ORGANISATION = "SELECT FROM organisation WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO identity_provider (organisation_id, id, kind, name, issuer, client_id, client_secret_encrypted, scopes,
                               sign_in_url, certificates, trusts_unverified_mail, mail_claim, group_claim, group_roles,
                               provisioning, default_workspace_id, default_role, enabled, name_claim,
                               own_key_encrypted, own_certificate)
SELECT $1, $2, $3, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22
 WHERE (SELECT count(*) FROM identity_provider WHERE organisation_id = $1) < $4
RETURNING id
"""


async def insert(
    connection: PooledConnection,
    organisation_id: int,
    provider_id: int,
    kind: int,
    settings: IdentityProviderSettings,
    domains: Sequence[str],
    *,
    limit: int,
) -> None:
    """Add a provider. Needs a transaction: the organisation is locked, so that two callers cannot pass the limit.

    Raises ConflictError for a domain that another provider has, LimitReachedError at `limit` providers.
    """
    await connection.execute(_LOCK_ORGANISATION, organisation_id)
    added = await connection.fetchval(_INSERT, organisation_id, provider_id, kind, limit, *settings)
    if added is None:
        raise LimitReachedError("An organisation has at most {most} identity providers.", most=limit)
    await set_domains(connection, provider_id, domains)


_DROP_DOMAINS = "DELETE FROM identity_provider_domain WHERE provider_id = $1 AND domain <> ALL($2::text[])"
_ADD_DOMAINS = """
INSERT INTO identity_provider_domain (domain, provider_id)
SELECT d, $1 FROM unnest($2::text[]) d
 WHERE NOT EXISTS (SELECT FROM identity_provider_domain o WHERE o.provider_id = $1 AND o.domain = d)
"""


async def set_domains(connection: PooledConnection, provider_id: int, domains: Sequence[str]) -> None:
    """The domains of a provider, each the one provider's on the platform. Raises ConflictError."""
    await connection.execute(_DROP_DOMAINS, provider_id, domains)
    try:
        await connection.execute(_ADD_DOMAINS, provider_id, domains)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "identity_provider_domain_taken":
            raise
        raise ConflictError("One of these domains belongs to another identity provider.", path=("domains",)) from None


_ROW = """
SELECT p.id, p.organisation_id, p.kind,
       ARRAY(SELECT d.domain FROM identity_provider_domain d WHERE d.provider_id = p.id) AS domains,
       name, issuer, client_id, client_secret_encrypted, scopes, sign_in_url, certificates, trusts_unverified_mail,
       mail_claim, group_claim, group_roles, provisioning, default_workspace_id, default_role, enabled, name_claim,
       own_key_encrypted, own_certificate
  FROM identity_provider p
"""
_FIND = f"{_ROW} WHERE p.id = $1"


async def find_provider(connection: Executor, provider_id: int) -> IdentityProviderRow | None:
    """By id alone: a browser that comes to sign in names no tenant."""
    return _row(await connection.fetchrow(_FIND, provider_id))


_LOCK = f"{_ROW} WHERE p.organisation_id = $1 AND p.id = $2 FOR UPDATE OF p"


async def lock_provider(
    connection: PooledConnection, organisation_id: int, provider_id: int
) -> IdentityProviderRow | None:
    """A provider of the organisation, which stays as it is until the transaction ends; None for any other."""
    return _row(await connection.fetchrow(_LOCK, organisation_id, provider_id))


_UPDATE = """
UPDATE identity_provider
   SET name = $3, issuer = $4, client_id = $5, client_secret_encrypted = $6, scopes = $7, sign_in_url = $8,
       certificates = $9, trusts_unverified_mail = $10, mail_claim = $11, group_claim = $12, group_roles = $13,
       provisioning = $14, default_workspace_id = $15, default_role = $16, enabled = $17, name_claim = $18,
       own_key_encrypted = $19, own_certificate = $20,
       last_error = NULL, last_error_at = NULL
 WHERE organisation_id = $1 AND id = $2
"""


async def update(
    connection: PooledConnection, organisation_id: int, provider_id: int, settings: IdentityProviderSettings
) -> None:
    """Write the settings of a provider that this transaction has locked."""
    await connection.execute(_UPDATE, organisation_id, provider_id, *settings)


_DELETE = "DELETE FROM identity_provider WHERE organisation_id = $1 AND id = $2 RETURNING id"


async def delete(connection: PooledConnection, organisation_id: int, provider_id: int) -> bool:
    """Remove a provider and whom it knows; False if the organisation has no such provider."""
    return await connection.fetchval(_DELETE, organisation_id, provider_id) is not None


_OF_DOMAIN = """
SELECT p.id, p.name FROM identity_provider_domain d JOIN identity_provider p ON p.id = d.provider_id
 WHERE d.domain = $1 AND p.enabled
"""


async def provider_of_domain(connection: Executor, domain: str) -> tuple[int, str] | None:
    """The enabled provider that a mail domain leads to, and its name."""
    record = await connection.fetchrow(_OF_DOMAIN, domain)
    return None if record is None else (record["id"], record["name"])


# Who signs in waits for no directory that changes its groups meanwhile, and holds the provider, just now.
_NOTE_SIGN_IN = """
UPDATE identity_provider SET last_sign_in_at = $2
 WHERE id = (SELECT id FROM identity_provider WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED)
"""


async def note_sign_in(connection: PooledConnection, provider_id: int, at: datetime) -> None:
    await connection.execute(_NOTE_SIGN_IN, provider_id, at)


_NOTE_ERROR = """
UPDATE identity_provider SET last_error = $2, last_error_at = $3
 WHERE id = $1 AND (last_error IS DISTINCT FROM $2 OR last_error_at < $3::timestamptz - interval '10 seconds')
"""


async def note_error(connection: Executor, provider_id: int, words: str, at: datetime) -> None:
    """What the organisation's administrators see of a sign-in that came to nothing."""
    await connection.execute(_NOTE_ERROR, provider_id, words, at)


_ORGANISATION_OF = "SELECT organisation_id FROM workspace WHERE id = $1"


async def organisation_of(connection: Executor, workspace_id: int) -> int | None:
    found: int | None = await connection.fetchval(_ORGANISATION_OF, workspace_id)
    return found


_STANDS_ALONE = """
SELECT o.parent_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM workspace w WHERE w.organisation_id = o.id AND w.id <> $2)
       AND NOT EXISTS (SELECT FROM organisation c WHERE c.parent_id = o.id)
  FROM organisation o WHERE o.id = $1
"""


async def stands_alone(connection: Executor, organisation_id: int, workspace_id: int) -> bool:
    """Whether the workspace is all that the organisation has: nothing beside it, nothing below."""
    return bool(await connection.fetchval(_STANDS_ALONE, organisation_id, workspace_id))


_OWN_WORKSPACES = "SELECT id FROM workspace WHERE organisation_id = $1 AND id = ANY($2::bigint[])"


async def own_workspaces(connection: Executor, organisation_id: int, ids: Sequence[int]) -> set[int]:
    """Which of these workspaces are the organisation's."""
    return {record["id"] for record in await connection.fetch(_OWN_WORKSPACES, organisation_id, list(ids))}


_SSO_REQUIRED = "SELECT sso_required FROM organisation WHERE id = $1"


async def sso_required(connection: Executor, organisation_id: int) -> bool:
    """Whether the organisation's users sign in by a provider alone."""
    return bool(await connection.fetchval(_SSO_REQUIRED, organisation_id))


_SET_SSO_REQUIRED = "UPDATE organisation SET sso_required = $2 WHERE id = $1"


async def set_sso_required(connection: PooledConnection, organisation_id: int, required: bool) -> None:
    await connection.execute(_SET_SSO_REQUIRED, organisation_id, required)


_HAS_ENABLED = "SELECT EXISTS (SELECT FROM identity_provider WHERE organisation_id = $1 AND enabled AND id <> $2)"


async def has_enabled_provider(connection: Executor, organisation_id: int, *, but: int = 0) -> bool:
    """Whether someone can sign in by a provider, `but` by this one."""
    return bool(await connection.fetchval(_HAS_ENABLED, organisation_id, but))


_BREAK_GLASS = """
SELECT EXISTS (SELECT FROM user_account u
                WHERE u.organisation_id = $1 AND u.break_glass AND u.status = 1 AND u.password_hash IS NOT NULL
                  AND (u.is_super_admin OR EXISTS (SELECT FROM membership m
                       WHERE m.user_id = u.id AND m.role IN ('ADMINISTRATOR', 'SUPER_ADMIN'))))
"""


async def has_break_glass(connection: Executor, organisation_id: int) -> bool:
    """Whether an administrator could sign in by password however single sign-on fails."""
    return bool(await connection.fetchval(_BREAK_GLASS, organisation_id))


# Of those who may not sign in by password any more.
_END_BY_SSO = """
UPDATE login_session s SET ended_at = $2, end_reason = 'single sign-on is required'
  FROM user_account u
 WHERE u.id = s.user_id AND u.organisation_id = $1 AND NOT u.break_glass AND s.ended_at IS NULL
   AND 'pwd' = ANY(s.methods)
"""


async def end_password_sessions(connection: PooledConnection, organisation_id: int, at: datetime) -> None:
    """End the sessions that began with a password, but for those who may use one all the same."""
    await connection.execute(_END_BY_SSO, organisation_id, at)


_SET_BREAK_GLASS = """
UPDATE user_account SET break_glass = id = ANY($2::bigint[])
 WHERE organisation_id = $1 AND break_glass <> (id = ANY($2::bigint[]))
"""
_OWN_USERS = "SELECT id FROM user_account WHERE organisation_id = $1 AND id = ANY($2::bigint[])"


async def set_break_glass(connection: PooledConnection, organisation_id: int, user_ids: Sequence[int]) -> set[int]:
    """Who may sign in by password all the same: these users and no others. Gives those who are the organisation's."""
    found = {record["id"] for record in await connection.fetch(_OWN_USERS, organisation_id, list(user_ids))}
    await connection.execute(_SET_BREAK_GLASS, organisation_id, list(found))
    return found


def _row(record: asyncpg.Record | None) -> IdentityProviderRow | None:
    if record is None:
        return None
    provider_id, organisation_id, kind, domains, *settings = record
    return IdentityProviderRow(provider_id, organisation_id, kind, domains, IdentityProviderSettings(*settings))
