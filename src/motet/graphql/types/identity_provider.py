"""Identity providers: by whom an organisation's people sign in."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.types.operator import Role
from motet.graphql.types.relay import Node, described


@strawberry.enum(description="What an identity provider speaks.")
class IdentityProviderKind(Enum):
    OIDC = strawberry.enum_value("OIDC", description="OpenID Connect.")
    SAML = strawberry.enum_value("SAML", description="SAML 2.0.")


@strawberry.enum(description="Who may sign in by an identity provider for the first time.")
class Provisioning(Enum):
    INVITED_ONLY = strawberry.enum_value("INVITED_ONLY", description="Users that somebody has invited.")
    JUST_IN_TIME = strawberry.enum_value(
        "JUST_IN_TIME", description="Whoever the provider sends: they become a user then."
    )


@strawberry.type(description="What members of a provider's group are in a workspace.")
class IdentityProviderGroupRole:
    group: str = described("The group, as the provider names it.")
    workspace_id: strawberry.ID = described("The workspace, one of the organisation's.")
    role: Role = described("What they are there.")
    role_id: strawberry.ID | None = described("The role of the workspace's own, where `role` is CUSTOM.")


@strawberry.type(description="A certificate whose key an identity provider signs with, or we do.")
class IdentityProviderCertificate:
    pem: str = described("The certificate, in PEM.")
    sha256: str = described("Its fingerprint by SHA-256, as pairs of hex digits, to compare it by.")
    subject: str = described("Whom it says that it belongs to.")
    valid_from: datetime = described("From when it says that it is good.")
    valid_until: datetime = described("Until when. Signatures are taken after that too, until you remove it.")


@strawberry.type(
    description="An identity provider of the workspace's organisation, by which its people sign in to all of its"
    " workspaces. The client secret cannot be read."
)
class IdentityProvider(Node):
    id: strawberry.ID = described("The global id.")
    kind: IdentityProviderKind = described("What it speaks.")
    name: str = described("What people see on the sign-in page.")
    issuer: str = described("Its issuer, or its SAML entity id.")
    sign_in_url: str | None = described("SAML: where browsers are sent to sign in.")
    certificates: list[IdentityProviderCertificate] | None = described(
        "SAML: the certificates with whose keys it signs; several for the time of a roll-over."
    )
    metadata_path: str | None = described(
        "SAML: where our metadata for this provider is, a path here. With the public URL before it, our entity id."
    )
    acs_path: str | None = described("SAML: where it sends its responses (assertion consumer service), a path here.")
    redirect_path: str | None = described(
        "OpenID Connect: where it sends browsers back to, a path here. With the public URL before it, the redirect URI"
        " to register there; each provider has one of its own."
    )
    signs_requests: bool = described("SAML: whether requests to it are signed, with a key that it has for itself.")
    own_certificate: IdentityProviderCertificate | None = described("SAML: of the key that requests are signed with.")
    client_id: str = described("OpenID Connect: under what name it knows us.")
    has_client_secret: bool = described("Whether it gave us a secret.")
    scopes: list[str] = described("What it is asked for.")
    domains: list[str] = described("The domains of mail addresses that it speaks for; empty: any.")
    trusts_unverified_mail: bool = described(
        "Whether addresses in these domains count although it does not say that they are verified."
    )
    mail_claim: str = described("The claim, or SAML attribute, that holds the mail address.")
    name_claim: str = described("The claim, or SAML attribute, that holds the person's name.")
    group_claim: str | None = described("The claim, or SAML attribute, that holds groups; null: none does.")
    group_roles: list[IdentityProviderGroupRole] | None = described(
        "Roles by group. In a workspace that is named here, groups alone say who is a member."
    )
    provisioning: Provisioning = described("Who may come for the first time.")
    default_workspace_id: strawberry.ID | None = described("Where who comes for the first time is a member.")
    default_role: Role = described("What they are there.")
    enabled: bool = described("Whether anyone can sign in by it.")
    sign_in_path: str = described("Where a browser begins to sign in: a path here; `?next=` names the page after it.")
    has_scim_token: bool = described("Whether its directory can keep people here up to date, by SCIM at /scim/v2.")
    scim_used_at: datetime | None = described("When its directory last did, to the minute.")
    created_at: datetime = described("When it was made.")
    last_sign_in_at: datetime | None = described("When somebody last signed in by it.")
    last_error: str | None = described("Why somebody last could not, since it was last changed.")
    last_error_at: datetime | None = described("When that was.")
