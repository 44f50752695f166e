"""Identity providers as they are read in each workspace of their organisation. The client secret is no field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from motet.access.principals import Permission
from motet.domain.certificates import shown
from motet.domain.global_ids import encode_global_id
from motet.reading.makers import column, global_id, made, state
from motet.reading.model import Entity
from motet.reading.tag_scope import SHARED


class _Kind(IntEnum):
    OIDC = 0
    SAML = 1


class _Provisioning(IntEnum):
    INVITED_ONLY = 0
    JUST_IN_TIME = 1


def _rules(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "group": rule["group"],
            "workspaceId": encode_global_id("Workspace", rule["workspace_id"]),
            "role": rule["role"],
            "roleId": None if rule.get("role_id") is None else encode_global_id("CustomRole", rule["role_id"]),
            "__typename": "IdentityProviderGroupRole",
        }
        for rule in rules
    ]


def _certificate(pem: str | None) -> dict[str, Any] | None:
    if pem is None:
        return None
    found = shown(pem)
    return {
        "pem": pem,
        "sha256": found.sha256,
        "subject": found.subject,
        "validFrom": found.valid_from,
        "validUntil": found.valid_until,
        "__typename": "IdentityProviderCertificate",
    }


def _path(last: str, of: _Kind) -> Callable[[int, int], str | None]:
    def path(row_id: int, kind: int) -> str | None:
        return f"/auth/sso/{encode_global_id('IdentityProvider', row_id)}/{last}" if kind == of else None

    return path


IDENTITY_PROVIDER = Entity(
    name="IdentityProvider",
    table="identity_provider_in_workspace",
    permission=Permission.IDENTITY_PROVIDER_READ,
    fields={
        "id": global_id("IdentityProvider"),
        "kind": state("kind", _Kind),
        "name": column("name"),
        "issuer": column("issuer"),
        "signInUrl": column("sign_in_url"),
        "certificates": made(lambda pems: [_certificate(pem) for pem in pems], "certificates"),
        "metadataPath": made(_path("metadata", _Kind.SAML), "id", "kind"),
        "acsPath": made(_path("acs", _Kind.SAML), "id", "kind"),
        "redirectPath": made(_path("callback", _Kind.OIDC), "id", "kind"),
        "signsRequests": column("signs_requests"),
        "ownCertificate": made(_certificate, "own_certificate"),
        "clientId": column("client_id"),
        "hasClientSecret": column("has_client_secret"),
        "scopes": column("scopes"),
        "domains": column("domains"),
        "trustsUnverifiedMail": column("trusts_unverified_mail"),
        "mailClaim": column("mail_claim"),
        "nameClaim": column("name_claim"),
        "groupClaim": column("group_claim"),
        "groupRoles": made(_rules, "group_roles"),
        "provisioning": state("provisioning", _Provisioning),
        "defaultWorkspaceId": global_id("Workspace", "default_workspace_id"),
        "defaultRole": column("default_role"),
        "enabled": column("enabled"),
        "signInPath": made(lambda row_id: f"/auth/sso/{encode_global_id('IdentityProvider', row_id)}/start", "id"),
        "hasScimToken": column("has_scim_token"),
        "scimUsedAt": column("scim_used_at"),
        "createdAt": column("created_at"),
        "lastSignInAt": column("last_sign_in_at"),
        "lastError": column("last_error"),
        "lastErrorAt": column("last_error_at"),
    },
    scope=SHARED,
)
