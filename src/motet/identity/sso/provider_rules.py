"""What an identity provider's settings may be. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from motet.domain.errors import InvalidError
from motet.identity.sso.admission import RANK, Provisioning
from motet.outgoing.targets import TargetPolicy, parse_target
from motet.storage.identity_provider import IdentityProviderSettings

MAX_NAME_CHARACTERS = 100
MAX_CLIENT_CHARACTERS = 255
MAX_SECRET_CHARACTERS = 1_024
MAX_SCOPES = 20
MAX_DOMAINS = 50
MAX_GROUP_RULES = 200
MAX_CLAIM_CHARACTERS = 100
MAX_GROUP_CHARACTERS = 255

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
)

_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]")
_SCOPE = re.compile(r"[!#-\[\]-~]{1,100}")


@dataclass(frozen=True, slots=True)
class GroupRole:
    """What members of a provider's group are in a workspace."""

    group: str
    workspace_id: int
    role: str


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


def domains_of(given: Sequence[str]) -> list[str]:
    """Mail domains as they are compared. Raises InvalidError."""
    if len(given) > MAX_DOMAINS:
        raise InvalidError(f"There are at most {MAX_DOMAINS} domains.", path=("domains",))
    found = list(dict.fromkeys(domain.strip().removeprefix("@").casefold() for domain in given))
    for number, domain in enumerate(found):
        if len(domain) > MAX_GROUP_CHARACTERS or not _DOMAIN.fullmatch(domain):
            raise InvalidError("This is no mail domain such as example.com.", path=("domains", number))
    return found


def changed(settings: IdentityProviderSettings, changes: ProviderChanges, sealed: bytes | None) -> Any:
    """The settings with the changes; `sealed` is the new secret, if there is one."""
    named = dict(changes.settings)
    if changes.group_roles is not None:
        named["group_roles"] = [asdict(rule) for rule in changes.group_roles]
    if sealed is not None or changes.drops_secret:
        named["client_secret_encrypted"] = sealed
    return settings._replace(**named)


def check_oidc(settings: IdentityProviderSettings, domains: Sequence[str], policy: TargetPolicy) -> None:
    """Raises InvalidError."""
    check_common(settings, domains)
    try:
        url = parse_target(settings.issuer, policy)
    except InvalidError as error:
        raise InvalidError(error.message, path=("issuer",)) from None
    if url.query_string:
        raise InvalidError("An issuer has no query.", path=("issuer",))
    _check_text(settings.client_id, MAX_CLIENT_CHARACTERS, "client_id")
    if "openid" not in settings.scopes:
        raise InvalidError("The scope openid must be among them.", path=("scopes",))
    if len(settings.scopes) > MAX_SCOPES or not all(_SCOPE.fullmatch(scope) for scope in settings.scopes):
        raise InvalidError(f"There are at most {MAX_SCOPES} scopes, each one word.", path=("scopes",))


def check_common(settings: IdentityProviderSettings, domains: Sequence[str]) -> None:
    """What holds for providers of every kind. Raises InvalidError."""
    _check_text(settings.name, MAX_NAME_CHARACTERS, "name")
    _check_text(settings.mail_claim, MAX_CLAIM_CHARACTERS, "mail_claim")
    if settings.group_claim is not None:
        _check_text(settings.group_claim, MAX_CLAIM_CHARACTERS, "group_claim")
    if settings.default_role not in RANK:
        raise InvalidError(f"The role is one of {', '.join(RANK)}.", path=("default_role",))
    if len(settings.group_roles) > MAX_GROUP_RULES:
        raise InvalidError(f"There are at most {MAX_GROUP_RULES} rules.", path=("group_roles",))
    for number, rule in enumerate(settings.group_roles):
        if rule["role"] not in RANK:
            raise InvalidError(f"The role is one of {', '.join(RANK)}.", path=("group_roles", number, "role"))
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
        raise InvalidError(f"A secret has 1 to {MAX_SECRET_CHARACTERS} printable characters.", path=("client_secret",))


def _check_text(text: str, most: int, *path: str | int) -> None:
    if not 0 < len(text) <= most or not text.isprintable() or text != text.strip():
        raise InvalidError(f"This has 1 to {most} printable characters.", path=path)
