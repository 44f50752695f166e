"""Identity providers: make, change, try, remove; and whether they are the only way in."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.rules import UNCHANGED
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, given_or_null, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.types.identity_provider import IdentityProvider, IdentityProviderKind, Provisioning
from motet.graphql.types.operator import Role
from motet.graphql.types.relay import described
from motet.identity.sso import admission
from motet.identity.sso.kinds import ProviderKind
from motet.identity.sso.provider_rules import GroupRole, ProviderChanges

NAME = "What people see on the sign-in page: 1 to 100 characters."
ISSUER = (
    "Its issuer, such as https://idp.example.com; its metadata must be found below it. SAML: its entity id, which"
    " metadataXml says too."
)
CLIENT_ID = "OpenID Connect: under what name it knows us."
SECRET = "OpenID Connect: the secret that it gave us; null: none, PKCE alone protects. It cannot be read again."  # noqa: S105
SCOPES = "OpenID Connect: what it is asked for; default openid, email and profile."
DOMAINS = "The domains of mail addresses that it speaks for, each one provider's on the platform; empty: any."
TRUSTS = (
    "OpenID Connect: whether addresses in these domains count although it does not say that they are verified; default"
    " false."
)
METADATA_XML = (
    "SAML: its metadata document, which says its entity id, sign-in URL and certificates, and whether it wants requests"
    " signed; in place of issuer, signInUrl and certificates. What it says is believed as if you had typed it."
)
SIGN_IN_URL = "SAML: where browsers are sent to sign in, by the binding HTTP-Redirect."
CERTIFICATES = (
    "SAML: the certificates, in PEM, with whose keys it signs, these and no others; at most 6, so that a new one can"
    " be there before it is used."
)
SIGNS_REQUESTS = (
    "SAML: whether requests to it are signed; default what its metadata says, else false. The key is made here, and a"
    " new one when this is switched off and on."
)
MAIL_CLAIM = (
    "The claim, or SAML attribute, that holds the mail address; default email. SAML: where there is no such attribute,"
    " a NameID in the format emailAddress is taken."
)
NAME_CLAIM = "The claim, or SAML attribute, that holds the person's name; default name."
GROUP_CLAIM = "The claim, or SAML attribute, that holds groups; dots lead into objects."
GROUP_ROLES = "Roles by group. In a workspace that is named here, groups alone say who is a member."
PROVISIONING = "Who may come for the first time; default INVITED_ONLY. JUST_IN_TIME takes domains."
DEFAULT_WORKSPACE = "Where who comes for the first time is a member."
DEFAULT_ROLE = "What they are there; default OBSERVER. Never SUPER_ADMIN."
ENABLED = "Whether anyone can sign in by it; default true."


def _optional(text: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=text)


@strawberry.input(description="What members of a provider's group are in a workspace.")
class IdentityProviderGroupRoleInput:
    group: str = strawberry.field(description="The group, as the provider names it.")
    workspace_id: strawberry.ID = strawberry.field(description="The workspace, one of the organisation's.")
    role: Role | None = _optional("What they are there: a role that every workspace has, but not SUPER_ADMIN.")
    role_id: strawberry.ID | None = _optional("Or a role of the workspace's own, with its tags.")


@strawberry.input(description="A new identity provider.")
class IdentityProviderCreateInput:
    kind: IdentityProviderKind | None = _optional("What it speaks; default OIDC. It stays so.")
    name: str = strawberry.field(description=NAME)
    issuer: str | None = _optional(ISSUER)
    metadata_xml: str | None = _optional(METADATA_XML)
    sign_in_url: str | None = _optional(SIGN_IN_URL)
    certificates: list[str] | None = _optional(CERTIFICATES)
    signs_requests: bool | None = _optional(SIGNS_REQUESTS)
    client_id: str | None = _optional(CLIENT_ID)
    client_secret: str | None = _optional(SECRET)
    scopes: list[str] | None = _optional(SCOPES)
    domains: list[str] | None = _optional(DOMAINS)
    trusts_unverified_mail: bool | None = _optional(TRUSTS)
    mail_claim: str | None = _optional(MAIL_CLAIM)
    name_claim: str | None = _optional(NAME_CLAIM)
    group_claim: str | None = _optional(GROUP_CLAIM)
    group_roles: list[IdentityProviderGroupRoleInput] | None = _optional(GROUP_ROLES)
    provisioning: Provisioning | None = _optional(PROVISIONING)
    default_workspace_id: strawberry.ID | None = _optional(DEFAULT_WORKSPACE)
    default_role: Role | None = _optional(DEFAULT_ROLE)
    enabled: bool | None = _optional(ENABLED)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making an identity provider.")
class IdentityProviderCreatePayload:
    identity_provider: IdentityProvider | None = described("The provider.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of an identity provider; what is left out stays.")
class IdentityProviderUpdateInput:
    id: strawberry.ID = strawberry.field(description="The provider.")
    name: str | None = _optional(NAME)
    issuer: str | None = _optional(ISSUER + " With another one, give the secret anew.")
    metadata_xml: str | None = _optional(METADATA_XML)
    sign_in_url: str | None = _optional(SIGN_IN_URL)
    certificates: list[str] | None = _optional(CERTIFICATES)
    signs_requests: bool | None = _optional(SIGNS_REQUESTS)
    client_id: str | None = _optional(CLIENT_ID)
    client_secret: str | None = _optional(SECRET)
    scopes: list[str] | None = _optional(SCOPES)
    domains: list[str] | None = _optional(DOMAINS)
    trusts_unverified_mail: bool | None = _optional(TRUSTS)
    mail_claim: str | None = _optional(MAIL_CLAIM)
    name_claim: str | None = _optional(NAME_CLAIM)
    group_claim: str | None = _optional(GROUP_CLAIM)
    group_roles: list[IdentityProviderGroupRoleInput] | None = _optional(GROUP_ROLES)
    provisioning: Provisioning | None = _optional(PROVISIONING)
    default_workspace_id: strawberry.ID | None = _optional(DEFAULT_WORKSPACE)
    default_role: Role | None = _optional(DEFAULT_ROLE)
    enabled: bool | None = _optional(ENABLED)


@strawberry.type(description="What came of changing an identity provider.")
class IdentityProviderUpdatePayload:
    identity_provider: IdentityProvider | None = described("The provider, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which identity provider to try.")
class IdentityProviderTestInput:
    id: strawberry.ID = strawberry.field(description="The provider.")


@strawberry.type(description="What came of trying an identity provider.")
class IdentityProviderTestPayload:
    identity_provider: IdentityProvider | None = described("The provider.")
    usable: bool | None = described("Whether its metadata and keys are fit for use.")
    findings: list[str] | None = described("What was found, or what is wrong, in words.")
    user_errors: list[UserError] = described("Why it was not tried; empty if it was.")


@strawberry.input(description="Which identity provider to remove.")
class IdentityProviderDeleteInput:
    id: strawberry.ID = strawberry.field(description="The provider.")


@strawberry.type(description="What came of removing an identity provider.")
class IdentityProviderDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the provider that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="Which provider's directory gets a token.")
class IdentityProviderScimTokenCreateInput:
    id: strawberry.ID = strawberry.field(description="The provider.")


@strawberry.type(description="What came of making a SCIM token.")
class IdentityProviderScimTokenCreatePayload:
    identity_provider: IdentityProvider | None = described("The provider.")
    scim_token: str | None = described("The token. It is shown this once; the one before has ended.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="Which provider's directory is shut out.")
class IdentityProviderScimTokenRevokeInput:
    id: strawberry.ID = strawberry.field(description="The provider.")


@strawberry.type(description="What came of revoking a SCIM token.")
class IdentityProviderScimTokenRevokePayload:
    identity_provider: IdentityProvider | None = described("The provider.")
    user_errors: list[UserError] = described("Why it was not revoked; empty if it was.")


@strawberry.input(description="Whom the identity providers are to forget.")
class IdentityProviderUnlinkInput:
    user_id: strawberry.ID = strawberry.field(description="The user, of the workspace's organisation.")


@strawberry.type(description="What came of forgetting a user.")
class IdentityProviderUnlinkPayload:
    unlinked_user_id: strawberry.ID | None = described(
        "The user: whom a provider knows by the user's address is linked at the next sign-in."
    )
    user_errors: list[UserError] = described("Why nothing was forgotten; empty if it was.")


@strawberry.input(description="Whether single sign-on is the only way in to the workspace's organisation.")
class OrganisationSsoSetInput:
    required: bool = strawberry.field(
        description="Whether passwords are no longer good for its users. Sessions that began with one end."
    )
    break_glass_user_ids: list[strawberry.ID] | None = _optional(
        "Who may use a password all the same, these and no others; at most 10. At least one must be an active"
        " administrator with a password while single sign-on is required."
    )


@strawberry.type(description="What came of saying whether single sign-on is required.")
class OrganisationSsoSetPayload:
    sso_required: bool | None = described("Whether it is now.")
    user_errors: list[UserError] = described("Why nothing was changed; empty if it was.")


@strawberry.type
class IdentityProviderMutations:
    """The part of Mutation that is about single sign-on."""

    @mutation(
        Permission.IDENTITY_PROVIDER_WRITE,
        "Add an identity provider to the workspace's organisation. This takes a super administrator, or the"
        " administrator of an organisation that is this workspace alone.",
        ("identityProvider", "IdentityProvider"),
    )
    async def identity_provider_create(
        self,
        info: Info,
        input: Annotated[IdentityProviderCreateInput, strawberry.argument(description="The provider.")],  # noqa: A002
    ) -> IdentityProviderCreatePayload | None:
        context = context_of(info)
        kind = given(input.kind, "kind")
        speaks = ProviderKind.OIDC if kind is UNCHANGED else ProviderKind[kind]
        providers = context.services.identity.identity_providers
        return done(await providers.create(context.principal, _changes(input), speaks))

    @mutation(
        Permission.IDENTITY_PROVIDER_WRITE, "Change an identity provider.", ("identityProvider", "IdentityProvider")
    )
    async def identity_provider_update(
        self,
        info: Info,
        input: Annotated[IdentityProviderUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> IdentityProviderUpdatePayload | None:
        context = context_of(info)
        provider_id = row_id_of(input.id, "IdentityProvider", "id")
        await context.services.identity.identity_providers.update(context.principal, provider_id, _changes(input))
        return done(provider_id)

    @mutation(
        Permission.IDENTITY_PROVIDER_WRITE,
        "Read an OpenID provider's metadata and keys, or look at what is kept of a SAML provider, and say whether they"
        " are fit for use.",
        ("identityProvider", "IdentityProvider"),
    )
    async def identity_provider_test(
        self,
        info: Info,
        input: Annotated[IdentityProviderTestInput, strawberry.argument(description="Which provider.")],  # noqa: A002
    ) -> IdentityProviderTestPayload | None:
        context = context_of(info)
        provider_id = row_id_of(input.id, "IdentityProvider", "id")
        usable, findings = await context.services.identity.identity_providers.test(context.principal, provider_id)
        return done(provider_id, usable=usable, findings=findings)

    @mutation(Permission.IDENTITY_PROVIDER_WRITE, "Remove an identity provider; its users stay.")
    async def identity_provider_delete(
        self,
        info: Info,
        input: Annotated[IdentityProviderDeleteInput, strawberry.argument(description="Which provider.")],  # noqa: A002
    ) -> IdentityProviderDeletePayload | None:
        context = context_of(info)
        provider_id = row_id_of(input.id, "IdentityProvider", "id")
        await context.services.identity.identity_providers.delete(context.principal, provider_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.IDENTITY_PROVIDER_WRITE,
        "Make a token by which the provider's directory keeps people here up to date (SCIM, at /scim/v2). It takes the"
        " place of the one before.",
        ("identityProvider", "IdentityProvider"),
    )
    async def identity_provider_scim_token_create(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            IdentityProviderScimTokenCreateInput, strawberry.argument(description="Which provider.")
        ],
    ) -> IdentityProviderScimTokenCreatePayload | None:
        context = context_of(info)
        provider_id = row_id_of(input.id, "IdentityProvider", "id")
        providers = context.services.identity.identity_providers
        return done(provider_id, scimToken=await providers.make_scim_token(context.principal, provider_id))

    @mutation(
        Permission.IDENTITY_PROVIDER_WRITE,
        "Shut the provider's directory out; the people that it looked after stay as they are.",
        ("identityProvider", "IdentityProvider"),
    )
    async def identity_provider_scim_token_revoke(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            IdentityProviderScimTokenRevokeInput, strawberry.argument(description="Which provider.")
        ],
    ) -> IdentityProviderScimTokenRevokePayload | None:
        context = context_of(info)
        provider_id = row_id_of(input.id, "IdentityProvider", "id")
        await context.services.identity.identity_providers.revoke_scim_token(context.principal, provider_id)
        return done(provider_id)

    @mutation(
        Permission.IDENTITY_PROVIDER_WRITE,
        "Forget as whom the organisation's identity providers know a user: after an address was given to another"
        " person, or a provider has made a new account for the same one.",
    )
    async def identity_provider_unlink(
        self,
        info: Info,
        input: Annotated[IdentityProviderUnlinkInput, strawberry.argument(description="Which user.")],  # noqa: A002
    ) -> IdentityProviderUnlinkPayload | None:
        context = context_of(info)
        user_id = row_id_of(input.user_id, "User", "user_id")
        await context.services.identity.identity_providers.unlink(context.principal, user_id)
        return done(unlinkedUserId=input.user_id)

    @mutation(
        Permission.IDENTITY_PROVIDER_WRITE,
        "Say whether single sign-on is the only way in to the workspace's organisation, and for whom it is not.",
    )
    async def organisation_sso_set(
        self,
        info: Info,
        input: Annotated[OrganisationSsoSetInput, strawberry.argument(description="The rule.")],  # noqa: A002
    ) -> OrganisationSsoSetPayload | None:
        context = context_of(info)
        named = given(input.break_glass_user_ids, "break_glass_user_ids")
        users = None if named is UNCHANGED else [row_id_of(one, "User", "break_glass_user_ids") for one in named]
        await context.services.identity.identity_providers.require(context.principal, input.required, users)
        return done(ssoRequired=input.required)


_PLAIN = (
    "name",
    "issuer",
    "sign_in_url",
    "certificates",
    "client_id",
    "scopes",
    "trusts_unverified_mail",
    "mail_claim",
    "name_claim",
    "default_role",
    "enabled",
)


def _changes(provider: IdentityProviderCreateInput | IdentityProviderUpdateInput) -> ProviderChanges:
    settings: dict[str, Any] = {name: given(getattr(provider, name), name) for name in _PLAIN}
    settings["group_claim"] = given_or_null(provider.group_claim)
    workspace = given_or_null(provider.default_workspace_id)
    if isinstance(workspace, str):
        workspace = row_id_of(workspace, "Workspace", "default_workspace_id")
    settings["default_workspace_id"] = workspace
    provisioning = given(provider.provisioning, "provisioning")
    if provisioning is not UNCHANGED:
        settings["provisioning"] = int(admission.Provisioning[provisioning])
    rules = given(provider.group_roles, "group_roles")
    domains = given(provider.domains, "domains")
    signs_requests = given(provider.signs_requests, "signs_requests")
    metadata_xml = given(provider.metadata_xml, "metadata_xml")
    return ProviderChanges(
        settings={name: value for name, value in settings.items() if value is not UNCHANGED},
        domains=None if domains is UNCHANGED else domains,
        client_secret=or_none(provider.client_secret),
        drops_secret=provider.client_secret is None,
        metadata_xml=None if metadata_xml is UNCHANGED else metadata_xml,
        signs_requests=None if signs_requests is UNCHANGED else signs_requests,
        group_roles=None if rules is UNCHANGED else [_rule(rule, number) for number, rule in enumerate(rules)],
    )


def _rule(rule: IdentityProviderGroupRoleInput, number: int) -> GroupRole:
    workspace_id = row_id_of(rule.workspace_id, "Workspace", "group_roles", str(number), "workspace_id")
    own = or_none(rule.role_id)
    role_id = None if own is None else row_id_of(own, "CustomRole", "group_roles", str(number), "role_id")
    role = or_none(rule.role)
    return GroupRole(rule.group, workspace_id, None if role is None else str(role.value), role_id)
