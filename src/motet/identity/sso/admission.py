"""Whom an organisation lets in by its provider, and what they are there: pure rules over what the provider says."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from motet.access.principals import Role
from motet.access.standings import CUSTOM
from motet.domain.errors import InvalidError
from motet.domain.users import UserStatus, email_of, name_of
from motet.identity.sso.errors import Refusal, SignOnError
from motet.identity.sso.kinds import ProviderKind
from motet.storage.identity_provider import IdentityProviderRow, IdentityProviderSettings
from motet.storage.user import UserRow

MAX_GROUPS = 2_000
"""Of one person; Entra names at most 200 in a token."""

RANK: Mapping[str, int] = {Role.OBSERVER.value: 0, Role.USER.value: 1, CUSTOM: 2, Role.ADMINISTRATOR.value: 3}
"""What a provider may make of people, the least first. A super administrator is made by one, never by a group. A role
of the workspace's own comes before the general ones, since it was made for someone."""

Held = tuple[str, int | None]
"""A role, and the id of one of the workspace's own."""


class Provisioning(IntEnum):
    """Who may come for the first time."""

    INVITED_ONLY = 0
    JUST_IN_TIME = 1


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider says that it has before it."""

    issuer: str
    subject: str
    email: str | None
    email_key: str | None
    email_verified: bool
    name: str
    groups: frozenset[str]
    provider_sid: str | None = None
    """The provider's own session."""
    id_token_encrypted: bytes | None = field(default=None, repr=False)
    """OpenID Connect: what said so, sealed."""


def person_of(claims: Mapping[str, Any], settings: IdentityProviderSettings) -> Person:
    """The person behind checked claims; what has not the right form is as if it were not there."""
    email = email_key = None
    given = claims.get(settings.mail_claim)
    if isinstance(given, str):
        with contextlib.suppress(InvalidError):
            email, email_key = email_of(given)
    sid = claims.get("sid")
    return Person(
        issuer=claims["iss"],
        subject=claims["sub"],
        email=email,
        email_key=email_key,
        # Some providers write it as text (OpenID Connect Core §5.1 has a boolean).
        email_verified=claims.get("email_verified") is True or claims.get("email_verified") == "true",
        name=_name(claims.get(settings.name_claim)),
        groups=_groups(claims, settings.group_claim),
        provider_sid=sid if isinstance(sid, str) and len(sid) <= 255 else None,
    )


def _name(given: Any) -> str:
    try:
        return name_of(given) if isinstance(given, str) else ""
    except InvalidError:
        return ""


def _groups(claims: Mapping[str, Any], claim: str | None) -> frozenset[str]:
    """The groups in the claim: a list, or one. A dotted name leads into objects (Keycloak's `realm_access.roles`)."""
    if claim is None:
        return frozenset()
    value: Any = claims.get(claim)
    if value is None and "." in claim:
        value = claims
        for step in claim.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return frozenset()
    return frozenset(group for group in value[:MAX_GROUPS] if isinstance(group, str))


def check_mail(provider: IdentityProviderRow, person: Person) -> None:
    """Whether the address is one that the provider may speak for. Raises SignOnError."""
    if person.email_key is None:
        raise SignOnError(Refusal.MAIL, f"there is no mail address in the claim {provider.settings.mail_claim}")
    if not person.email_verified and not provider.settings.trusts_unverified_mail:
        raise SignOnError(Refusal.MAIL, f"the provider has not verified the address {person.email}")
    domain = person.email_key.rpartition("@")[2]
    if not provider.domains and _needs_domains(provider):
        raise SignOnError(Refusal.NOT_ADMITTED, "the provider has no domain to speak for")
    if provider.domains and domain not in provider.domains:
        raise SignOnError(Refusal.NOT_ADMITTED, f"the domain {domain} is none of the provider's")


def _needs_domains(provider: IdentityProviderRow) -> bool:
    """Whether its word alone would make someone, or verify an address."""
    settings = provider.settings
    return (
        provider.kind == ProviderKind.SAML
        or settings.trusts_unverified_mail
        or settings.provisioning == Provisioning.JUST_IN_TIME
    )


def check_entry(
    provider: IdentityProviderRow, user: UserRow | None, *, by_subject: bool, linked_otherwise: bool
) -> None:
    """Whether the user whom the subject, or else the mail address, leads to may come in; None: there is none yet.

    `linked_otherwise`: the provider knows this user by another subject. Raises SignOnError.
    """
    if user is None:
        if provider.settings.provisioning != Provisioning.JUST_IN_TIME:
            raise SignOnError(Refusal.NOT_ADMITTED, "there is no such user, and only invited ones may come in")
        return
    if user.organisation_id != provider.organisation_id:
        raise SignOnError(Refusal.NOT_ADMITTED, "the address belongs to a user elsewhere")
    if user.status is UserStatus.SUSPENDED:
        raise SignOnError(Refusal.NOT_ADMITTED, f"the user {user.email} is suspended")
    if not by_subject and linked_otherwise:
        # An address that was given to someone else: the one who had it before is not theirs.
        raise SignOnError(Refusal.NOT_ADMITTED, f"the user {user.email} is known to the provider by another subject")


@dataclass(frozen=True, slots=True)
class RoleChange:
    """What a person is in a workspace from now on; None: no member."""

    workspace_id: int
    held: Held | None


def role_changes(
    provider: IdentityProviderRow,
    groups: Set[str],
    memberships: Mapping[int, Held],
    *,
    is_new: bool,
    gone: Set[int] = frozenset(),
) -> Sequence[RoleChange]:
    """What to change of the memberships (by workspace) so that they are what the provider's rules say of who is in
    these groups. `gone` are roles that rules name and that are no more.

    Workspaces that group rules name are governed by groups alone: the highest role counts, of equals the first. The
    default role is for who is new, elsewhere.
    """
    governed: dict[int, Held | None] = {}
    for rule in provider.settings.group_roles:
        workspace_id, role, role_id = rule["workspace_id"], rule["role"], rule.get("role_id")
        best = governed.setdefault(workspace_id, None)
        if rule["group"] in groups and role_id not in gone and (best is None or RANK[role] > RANK[best[0]]):
            governed[workspace_id] = (role, role_id)
    home = provider.settings.default_workspace_id
    if is_new and home is not None and home not in governed:
        governed[home] = (provider.settings.default_role, None)
    return [
        RoleChange(workspace_id, held)
        for workspace_id, held in governed.items()
        if memberships.get(workspace_id) != held
    ]
