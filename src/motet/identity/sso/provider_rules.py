"""What an identity provider's settings may be. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from ipaddress import ip_network
from typing import Any, cast

from motet.access.standings import CUSTOM
from motet.domain.certificates import certificates_of
from motet.domain.errors import InvalidError
from motet.identity.sso.admission import RANK, Provisioning
from motet.identity.sso.kinds import ProviderKind
from motet.identity.sso.saml.metadata import provider_metadata
from motet.outgoing.targets import TargetPolicy, parse_target
from motet.storage.identity_provider import IdentityProviderSettings

MAX_NAME_CHARACTERS = 100
MAX_CLIENT_CHARACTERS = 255
MAX_SECRET_CHARACTERS = 1_024
MAX_SCOPES = 20
MAX_DOMAINS = 50
MAX_GROUP_RULES = 200
MAX_CLAIM_CHARACTERS = 200
"""SAML names attributes by URLs."""
MAX_GROUP_CHARACTERS = 255
MAX_ENTITY_ID_CHARACTERS = 1_024
"""SAML Core §8.3.6."""

GIVEN = tuple(role for role in RANK if role != CUSTOM)
"""Roles that every workspace has and that a provider may give."""

DEFAULTS = IdentityProviderSettings(
    name="",
    issuer="",
    client_id="",
    client_secret_encrypted=None,
    scopes=("openid", "email", "profile"),
    sign_in_url=None,
    certificates=(),
    trusts_unverified_mail=False,
    mail_claim="email",
    group_claim=None,
    group_roles=(),
    provisioning=int(Provisioning.INVITED_ONLY),
    default_workspace_id=None,
    default_role="OBSERVER",
    enabled=True,
    name_claim="name",
    own_key_encrypted=None,
    own_certificate=None,
)

_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]")
_SCOPE = re.compile(r"[!#-\[\]-~]{1,100}")


@dataclass(frozen=True, slots=True)
class GroupRole:
    """What members of a provider's group are in a workspace."""

    group: str
    workspace_id: int
    role: str | None
    """None: `role_id` says it."""
    role_id: int | None = None
    """Of a role of the workspace's own."""

    def kept(self) -> dict[str, Any]:
        """As it is stored: both, so that who sets a rule is told what is wrong with it."""
        return asdict(self) | {"role": CUSTOM if self.role is None and self.role_id is not None else self.role}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChanges:
    """What to set, by the settings' names; what is not named keeps its value, or the default in a new provider."""

    settings: dict[str, Any] = field(default_factory=dict)
    """But for the secret, the domains and the group rules."""
    domains: Sequence[str] | None = None
    client_secret: str | None = field(default=None, repr=False)
    drops_secret: bool = False
    """It is a public client from now on."""
    group_roles: Sequence[GroupRole] | None = None
    metadata_xml: str | None = field(default=None, repr=False)
    """SAML: stands for issuer, sign_in_url and certificates."""
    signs_requests: bool | None = None
    """SAML."""


def domains_of(given: Sequence[str]) -> list[str]:
    """Mail domains as they are compared. Raises InvalidError."""
    if len(given) > MAX_DOMAINS:
        raise InvalidError("There are at most {most} domains.", path=("domains",), most=MAX_DOMAINS)
    found = list(dict.fromkeys(domain.strip().removeprefix("@").casefold() for domain in given))
    for number, domain in enumerate(found):
        if len(domain) > MAX_GROUP_CHARACTERS or not _DOMAIN.fullmatch(domain):
            raise InvalidError("This is no mail domain such as example.com.", path=("domains", number))
    return found


def changed(settings: IdentityProviderSettings, changes: ProviderChanges, sealed: bytes | None) -> Any:
    """The settings with the changes; `sealed` is the new secret, if there is one."""
    named = dict(changes.settings)
    if changes.group_roles is not None:
        named["group_roles"] = [rule.kept() for rule in changes.group_roles]
    if sealed is not None or changes.drops_secret:
        named["client_secret_encrypted"] = sealed
    if changes.signs_requests is False:
        named |= {"own_key_encrypted": None, "own_certificate": None}
    return settings._replace(**named)


_OF_OIDC = ("client_id", "scopes", "trusts_unverified_mail")
_OF_SAML = ("sign_in_url", "certificates")
_IN_METADATA = ("issuer", "sign_in_url", "certificates")


def read(kind: ProviderKind, changes: ProviderChanges, now: datetime) -> ProviderChanges:
    """The changes with what metadata says, and certificates as they are kept. Raises InvalidError for what is another
    protocol's."""
    named = dict(changes.settings)
    if kind is ProviderKind.SAML:
        strange = [name for name in _OF_OIDC if name in named] + ["client_secret"] * (changes.client_secret is not None)
    else:
        strange = [name for name in _OF_SAML if name in named]
        strange += ["metadata_xml"] * (changes.metadata_xml is not None)
        strange += ["signs_requests"] * (changes.signs_requests is not None)
    if strange:
        raise InvalidError("A provider that speaks {it} has no such thing.", path=(strange[0],), it=_SPOKEN[kind])
    if changes.metadata_xml is not None:
        doubled = [name for name in _IN_METADATA if name in named]
        if doubled:
            raise InvalidError("The metadata says this: give one of the two.", path=(doubled[0],))
        found = provider_metadata(changes.metadata_xml, now)
        named |= {"issuer": found.entity_id, "sign_in_url": found.sign_in_url, "certificates": found.certificates}
        if found.wants_signed_requests and changes.signs_requests is None:
            changes = replace(changes, signs_requests=True)
    if "certificates" in named:
        named["certificates"] = certificates_of(named["certificates"])
    return replace(changes, settings=named)


_SPOKEN = {ProviderKind.OIDC: "OpenID Connect", ProviderKind.SAML: "SAML"}


def check(kind: ProviderKind, settings: IdentityProviderSettings, domains: Sequence[str], policy: TargetPolicy) -> None:
    """Raises InvalidError."""
    if kind is ProviderKind.SAML:
        check_saml(settings, domains, policy)
    else:
        check_oidc(settings, domains, policy)


def check_saml(settings: IdentityProviderSettings, domains: Sequence[str], policy: TargetPolicy) -> None:
    """Raises InvalidError. What the provider says of itself may be missing until anyone can sign in by it."""
    check_common(settings, domains)
    if settings.issuer:
        _check_text(settings.issuer, MAX_ENTITY_ID_CHARACTERS, "issuer")
    if settings.sign_in_url:
        _check_sign_in_url(settings.sign_in_url, policy)
    if not settings.enabled:
        return
    for name in _IN_METADATA:
        if not getattr(settings, name):
            raise InvalidError(
                "Give the provider's metadata, or this, before anyone can sign in by it. If the provider wants ours"
                " first, make it with enabled: false.",
                path=(name,),
            )
    if not domains:
        raise InvalidError(
            "Name the domains that the provider owns: SAML does not say whether an address is verified.",
            path=("domains",),
        )


def _check_sign_in_url(url: str, policy: TargetPolicy) -> None:
    """Browsers go there, not we: it may be in a private network, but must not be plain http where we may not."""
    try:
        parse_target(url, TargetPolicy(_EVERYWHERE) if url.lower().startswith("https://") else policy)
    except InvalidError as error:
        raise InvalidError(error.message, path=("sign_in_url",)) from None


_EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def check_oidc(settings: IdentityProviderSettings, domains: Sequence[str], policy: TargetPolicy) -> None:
    """Raises InvalidError."""
    check_common(settings, domains)
    try:
        url = parse_target(settings.issuer, policy)
    except InvalidError as error:
        raise InvalidError(error.message, path=("issuer",)) from None
    if url.query_string:
        raise InvalidError("An issuer has no query.", path=("issuer",))
    if settings.client_id or settings.enabled:
        _check_text(settings.client_id, MAX_CLIENT_CHARACTERS, "client_id")
    if "openid" not in settings.scopes:
        raise InvalidError("The scope openid must be among them.", path=("scopes",))
    if len(settings.scopes) > MAX_SCOPES or not all(_SCOPE.fullmatch(scope) for scope in settings.scopes):
        raise InvalidError("There are at most {most} scopes, each one word.", path=("scopes",), most=MAX_SCOPES)


def check_common(settings: IdentityProviderSettings, domains: Sequence[str]) -> None:
    """What holds for providers of every kind. Raises InvalidError."""
    _check_text(settings.name, MAX_NAME_CHARACTERS, "name")
    _check_text(settings.mail_claim, MAX_CLAIM_CHARACTERS, "mail_claim")
    _check_text(settings.name_claim, MAX_CLAIM_CHARACTERS, "name_claim")
    if settings.group_claim is not None:
        _check_text(settings.group_claim, MAX_CLAIM_CHARACTERS, "group_claim")
    if settings.default_role not in GIVEN:
        raise InvalidError("The role is one of {roles}.", path=("default_role",), roles=GIVEN)
    if len(settings.group_roles) > MAX_GROUP_RULES:
        raise InvalidError("There are at most {most} rules.", path=("group_roles",), most=MAX_GROUP_RULES)
    for number, rule in enumerate(settings.group_roles):
        if (rule["role"] == CUSTOM) != (rule.get("role_id") is not None):
            raise InvalidError("Give either a role or the id of one of your own.", path=("group_roles", number, "role"))
        if rule["role"] != CUSTOM and rule["role"] not in GIVEN:
            raise InvalidError("The role is one of {roles}.", path=("group_roles", number, "role"), roles=GIVEN)
        _check_text(rule["group"], MAX_GROUP_CHARACTERS, "group_roles", number, "group")
    if settings.trusts_unverified_mail and not domains:
        raise InvalidError(
            "Name the domains that the provider owns: addresses that it has not verified are trusted there alone.",
            path=("domains",),
        )
    if settings.provisioning == Provisioning.JUST_IN_TIME:
        if not domains:
            raise InvalidError("Name the domains whose people may come without an invitation.", path=("domains",))
        if settings.default_workspace_id is None and not settings.group_roles:
            raise InvalidError("Say where those who come are members.", path=("default_workspace_id",))


def workspaces_of(settings: IdentityProviderSettings) -> set[int]:
    """The workspaces that the settings name."""
    named = {cast(int, rule["workspace_id"]) for rule in settings.group_roles}
    return named if settings.default_workspace_id is None else named | {settings.default_workspace_id}


def check_secret(secret: str) -> None:
    """Raises InvalidError."""
    if not 0 < len(secret) <= MAX_SECRET_CHARACTERS or not secret.isprintable():
        raise InvalidError(
            "A secret has 1 to {most} printable characters.", path=("client_secret",), most=MAX_SECRET_CHARACTERS
        )


def _check_text(text: str, most: int, *path: str | int) -> None:
    if not 0 < len(text) <= most or not text.isprintable() or text != text.strip():
        raise InvalidError("This has 1 to {most} printable characters.", path=path, most=most)
