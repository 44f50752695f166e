"""The services of the room, put together once: for a node, and for tests."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from motet.access.passwords import PasswordChecker
from motet.access.secrets import SecretBox
from motet.access.tokens import TokenAuthority
from motet.domain.ids import IdGenerator
from motet.identity.api_keys import ApiKeys
from motet.identity.audit import AuditLog
from motet.identity.authenticator import Authenticator
from motet.identity.invitations import Invitations
from motet.identity.lock_out import LockOut
from motet.identity.login import Login
from motet.identity.notices import Notices
from motet.identity.oauth import OAuth
from motet.identity.organisation_report import OrganisationReports
from motet.identity.organisations import OrganisationService
from motet.identity.own_workspaces import OwnWorkspaces
from motet.identity.password_changes import PasswordChanges
from motet.identity.password_rules import PasswordRules
from motet.identity.post import Post
from motet.identity.roles import Roles
from motet.identity.scim.directory import DirectoryUsers, directory_of
from motet.identity.scim.groups import DirectoryGroups
from motet.identity.second_factor.enrolment import Enrolment
from motet.identity.second_factor.passkeys import Passkeys
from motet.identity.second_factor.relying_party import RelyingParty
from motet.identity.second_factor.requirement import SecondFactorRequirement
from motet.identity.second_factor.sign_in import RequiredFactors, SecondStep
from motet.identity.second_factor.totp import TotpCodes
from motet.identity.second_factor.trusted_devices import TrustedDevices
from motet.identity.sessions import Sessions, utc_now
from motet.identity.signing_keys import SigningKeys
from motet.identity.sso.arrival import Arrivals
from motet.identity.sso.discovery import Discovery
from motet.identity.sso.oidc import OidcClient
from motet.identity.sso.oidc_sign_in import OidcSignIn
from motet.identity.sso.once import Once
from motet.identity.sso.providers import IdentityProviders, SsoRules
from motet.identity.sso.saml.sign_in import SamlSignIn
from motet.identity.sso.sign_on import SignOn
from motet.identity.telling import SILENCE, Teller
from motet.identity.tickets import Tickets
from motet.identity.tokens import Tokens
from motet.identity.users import Users
from motet.identity.workspaces import WorkspaceService
from motet.outgoing.fetching import Fetcher
from motet.outgoing.targets import TargetPolicy
from motet.storage.database import Database
from motet.storage.identity_provider import IdentityProviderRow

SCIM_PATH = "/scim/v2"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the room stands on."""

    database: Database
    ids: IdGenerator
    authority: TokenAuthority
    passwords: PasswordChecker
    box: SecretBox
    public_url: str
    """Where browsers reach this installation, without a slash at the end."""
    sends_mail: bool = False
    mailed: Callable[[], None] = lambda: None
    """Wakes who sends mails."""
    breached_passwords: Path | None = None
    now: Callable[[], datetime] = utc_now
    signing_keys: SigningKeys | None = None
    """Keeps `authority` up to date; None: its keys stay as they are."""
    targets: TargetPolicy = field(default_factory=TargetPolicy)
    """Where identity providers may be."""
    audit: AuditLog | None = None
    """None: a new one."""
    teller: Teller = SILENCE
    """Writes events."""


@dataclass(frozen=True, slots=True)
class Identity:
    """All services of the room."""

    audit: AuditLog
    authenticator: Authenticator
    sessions: Sessions
    login: Login
    lock_out: LockOut
    notices: Notices
    tickets: Tickets
    second_step: SecondStep
    enrolment: Enrolment
    second_factor_requirement: SecondFactorRequirement
    totp: TotpCodes
    passkeys: Passkeys
    trusted_devices: TrustedDevices
    organisations: OrganisationService
    workspaces: WorkspaceService
    own_workspaces: OwnWorkspaces
    organisation_reports: OrganisationReports
    api_keys: ApiKeys
    tokens: Tokens
    oauth: OAuth
    roles: Roles
    fetcher: Fetcher
    sign_on: SignOn
    identity_providers: IdentityProviders
    users: Users
    invitations: Invitations
    password_changes: PasswordChanges
    directory_users: DirectoryUsers
    directory_groups: DirectoryGroups
    directory_of: Callable[[str | None], Awaitable[IdentityProviderRow]]
    """The provider whose directory has the bearer token of this header. Raises AuthenticationError."""

    def close(self) -> None:
        """End what has threads of its own."""
        self.fetcher.close()

    async def purge(self) -> None:
        """Forget a bounded number of what is over: to be called now and then."""
        for room in (self.sessions, self.lock_out, self.invitations, self.password_changes, self.tokens):
            await room.purge()


def build_identity(ground: Ground) -> Identity:
    """The services; `Identity.authenticator.run` is for the caller to run."""
    database, now = ground.database, ground.now
    authenticator = Authenticator(database, ground.authority, ground.signing_keys, clock=lambda: now().timestamp())
    tokens = Tokens(database, authenticator, now)
    sessions = Sessions(database, ground.authority, ground.ids, now)
    lock_out = LockOut(database, now)
    tickets = Tickets(ground.box)
    sign_in_rules = SsoRules(database)
    post = Post(ground.box, ground.ids, ground.public_url, now, sends=ground.sends_mail)
    notices = Notices(database, post, now, ground.mailed)
    totp = TotpCodes(database, ground.box, now)
    passkeys = Passkeys(database, tickets, ground.ids, RelyingParty.of(ground.public_url), now)
    devices = TrustedDevices(database, ground.ids, notices, now)
    enrolment = Enrolment(database, ground.passwords, lock_out, totp, passkeys, notices, now)
    login = Login(
        database,
        ground.passwords,
        sessions,
        lock_out,
        tickets,
        now,
        second_factors=RequiredFactors(database, devices),
        rules=sign_in_rules,
    )
    fetcher = Fetcher(ground.targets)
    discovery = Discovery(fetcher, time.monotonic)
    oidc = OidcClient(fetcher, discovery, lambda: now().timestamp())
    once = Once(database, now)
    oidc_sign_in = OidcSignIn(oidc, ground.box, ground.public_url)
    saml_sign_in = SamlSignIn(ground.box, once, ground.public_url, now)
    arrivals = Arrivals(database, ground.ids, now, ground.teller)
    authenticator = Authenticator(database, ground.authority, ground.signing_keys, clock=lambda: now().timestamp())
    rules = PasswordRules(ground.breached_passwords)
    scim = ground.public_url + SCIM_PATH
    return Identity(
        audit=ground.audit or AuditLog(database),
        authenticator=authenticator,
        sessions=sessions,
        login=login,
        lock_out=lock_out,
        notices=notices,
        tickets=tickets,
        second_step=SecondStep(database, login, lock_out, totp, passkeys, devices, notices, now),
        enrolment=enrolment,
        second_factor_requirement=SecondFactorRequirement(database, enrolment),
        totp=totp,
        passkeys=passkeys,
        trusted_devices=devices,
        organisations=OrganisationService(database, ground.ids, now=now),
        workspaces=WorkspaceService(database, ground.ids, authenticator, now=now, teller=ground.teller),
        own_workspaces=OwnWorkspaces(database, sessions, authenticator),
        organisation_reports=OrganisationReports(database),
        api_keys=ApiKeys(database, ground.ids, now),
        fetcher=fetcher,
        sign_on=SignOn(database, oidc_sign_in, saml_sign_in, once, arrivals, login, sessions, tickets, now),
        identity_providers=IdentityProviders(database, ground.box, ground.ids, discovery, ground.targets, now),
        users=Users(database, now, ground.teller),
        invitations=Invitations(
            database, ground.ids, post, ground.passwords, rules, login, now, ground.mailed, ground.teller
        ),
        password_changes=PasswordChanges(
            database, ground.passwords, rules, lock_out, post, notices, now, sign_in_rules=sign_in_rules
        ),
        tokens=tokens,
        oauth=OAuth(authenticator, ground.authority, tokens, sessions, now),
        directory_users=DirectoryUsers(database, ground.ids, scim, notices, now, ground.teller),
        directory_groups=DirectoryGroups(database, ground.ids, scim, now, ground.teller),
        directory_of=lambda authorization: directory_of(database, authorization, now()),
        roles=Roles(database, ground.ids, now),
    )
