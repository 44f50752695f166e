"""What an API key may do, as it is now."""

from __future__ import annotations

from motet.access.principals import Languages, Principal, Role, custom_grant, narrowed, role_grant
from motet.access.standings import CUSTOM
from motet.access.tokens import AuthenticationError
from motet.storage.api_key import KeyRow

NEVER = 253_402_300_799
"""9999-12-31T23:59:59Z: when a key ends that has no end."""


def key_subject(prefix: str) -> str:
    """Who a key is, as the audit log shows it."""
    return f"api-key:{prefix}"


def key_principal(row: KeyRow, now: int) -> Principal:
    """The principal of a key at Unix second `now`. Raises AuthenticationError for a key that is over."""
    if row.revoked_at is not None:
        raise AuthenticationError("the API key was revoked")
    expires_at = NEVER if row.expires_at is None else int(row.expires_at.timestamp())
    if expires_at <= now:
        raise AuthenticationError("the API key has expired")
    role = None if row.role == CUSTOM else Role(row.role)
    if role is not None:
        whole = role_grant(role)
    elif row.role_permissions is not None:
        whole = custom_grant(row.role_permissions, row.role_tags)
    else:
        raise AuthenticationError("the API key's role was removed")
    grant = narrowed(whole, row.scopes, row.tags)
    return Principal(
        key_subject(row.prefix),
        row.workspace_id,
        row.workspace,
        role,
        False,
        grant.permissions,
        expires_at,
        organisation_id=row.organisation_id,
        api_key_id=row.id,
        tags=grant.tags,
        role_id=row.role_id,
        role_name=row.role_name,
        languages=Languages(organisations=row.organisation_locale),
    )
