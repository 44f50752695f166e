"""API keys as they are read. The hash of a key is no field."""

from collections.abc import Sequence
from typing import Any

from motet.access.principals import Permission
from motet.reading.makers import column, global_id, made
from motet.reading.model import Entity, ToOne, Value
from motet.reading.tag_scope import SHARED

STATUS = """
CASE WHEN {t}.revoked_at IS NOT NULL THEN 'REVOKED' WHEN {t}.expires_at <= now() THEN 'EXPIRED' ELSE 'ACTIVE' END
"""


def _texts(values: Sequence[Any]) -> list[str]:
    return [str(value) for value in values]


API_KEY = Entity(
    name="ApiKey",
    table="api_key",
    permission=Permission.API_KEY_READ,
    fields={
        "id": global_id("ApiKey"),
        "prefix": column("prefix"),
        "name": column("name"),
        "status": Value((STATUS.strip(),)),
        "role": Value(("CASE WHEN {t}.role <> 'CUSTOM' THEN {t}.role END",)),
        "customRole": ToOne("CustomRole", "role_id"),
        "scopes": column("scopes"),
        "tags": column("tags"),
        "networks": made(_texts, "networks"),
        "expiresAt": column("expires_at"),
        "createdAt": column("created_at"),
        "createdBy": column("created_by_name"),
        "rotatedAt": column("rotated_at"),
        "previousSecretUntil": Value(("CASE WHEN {t}.previous_until > now() THEN {t}.previous_until END",)),
        "revokedAt": column("revoked_at"),
        "lastUsedAt": column("last_used_at"),
        "lastUsedAddress": Value(("host({t}.last_used_address)",)),
    },
    scope=SHARED,
)
