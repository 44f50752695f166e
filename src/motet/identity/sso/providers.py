"""What an organisation does with its identity providers: make, change, try, remove; and whether they are a must."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from motet.access.principals import Principal, Role
from motet.access.secrets import SecretBox
from motet.domain.errors import DeniedError, InvalidError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.identity.scim.directory import TOKEN_PREFIX, hash_token
from motet.identity.sso.discovery import Discovery
from motet.identity.sso.errors import SignOnError
from motet.identity.sso.kinds import ProviderKind
from motet.identity.sso.provider_rules import (
    DEFAULTS,
    ProviderChanges,
    changed,
    check,
    check_secret,
    domains_of,
    read,
    workspaces_of,
)
from motet.identity.sso.saml.metadata import saml_findings
from motet.identity.sso.saml.own_key import new_own_key
from motet.outgoing.targets import TargetPolicy
from motet.storage import custom_role, federated_identity
from motet.storage import identity_provider as storage
from motet.storage.database import Database, PooledConnection
from motet.storage.identity_provider import IdentityProviderRow, IdentityProviderSettings
from motet.storage.scim import set_token
from motet.storage.transaction import transaction
from motet.storage.user import UserRow

MAX_PROVIDERS = 20
"""Of one organisation."""

MAX_BREAK_GLASS = 10


class IdentityProviders:
    """The identity providers of all organisations. Calls take the principal: the organisation is their workspace's."""

    def __init__(
        self,
        database: Database,
        box: SecretBox,
        ids: IdGenerator,
        discovery: Discovery,
        policy: TargetPolicy,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._box = box
        self._ids = ids
        self._discovery = discovery
        self._policy = policy
        self._now = now

    async def create(
        self, principal: Principal, changes: ProviderChanges, kind: ProviderKind = ProviderKind.OIDC
    ) -> int:
        """Add a provider: its id. Raises InvalidError, DeniedError for who may not speak for the organisation,
        ConflictError for a domain that another provider has, LimitReachedError at `MAX_PROVIDERS`."""
        organisation_id = await self._organisation_of(principal)
        changes = read(kind, changes, self._now())
        settings = changed(DEFAULTS, changes, self._sealed(changes))
        domains = domains_of(changes.domains or ())
        check(kind, settings, domains, self._policy)
        if changes.signs_requests:
            settings = settings._replace(**await self._own_key())
        provider_id = self._ids.next_at(self._now())
        async with transaction(self._database, makes=provider_id) as connection:
            await self._check_workspaces(connection, organisation_id, settings)
            await storage.insert(
                connection,
                organisation_id,
                provider_id,
                int(kind),
                settings,
                domains,
                limit=MAX_PROVIDERS,
            )
        return provider_id

    async def update(self, principal: Principal, provider_id: int, changes: ProviderChanges) -> None:
        """Change a provider. Raises NotFoundError (path `id`), and what `create` raises; DeniedError also for one that
        is a must."""
        organisation_id = await self._organisation_of(principal)
        row = await self._found(organisation_id, provider_id)
        kind = ProviderKind(row.kind)
        changes = read(kind, changes, self._now())
        sealed = self._sealed(changes)
        own_key = await self._own_key() if changes.signs_requests and not row.settings.own_certificate else None
        async with transaction(self._database) as connection:
            locked = await storage.lock_provider(connection, organisation_id, provider_id)
            if locked is None:
                raise _not_found()
            row = locked
            settings = changed(row.settings, changes, sealed)
            if own_key is not None and settings.own_certificate is None:
                settings = settings._replace(**own_key)
            domains = list(row.domains) if changes.domains is None else domains_of(changes.domains)
            check(kind, settings, domains, self._policy)
            if settings.issuer != row.settings.issuer and sealed is None and settings.client_secret_encrypted:
                # The old secret must not go to whoever the issuer is now.
                raise InvalidError("Give the secret anew with another issuer.", path=("client_secret",))
            await self._check_workspaces(connection, organisation_id, settings)
            if not settings.enabled:
                await self._check_spared(connection, organisation_id, provider_id)
            await storage.update(connection, organisation_id, provider_id, settings)
            await storage.set_domains(connection, provider_id, domains)
            if settings.issuer != row.settings.issuer:
                await federated_identity.forget_other_issuers(connection, provider_id, settings.issuer)
        self._discovery.forget(row.settings.issuer)

    async def delete(self, principal: Principal, provider_id: int) -> None:
        """Remove a provider; its users stay. Raises NotFoundError (path `id`), DeniedError for one that is a must."""
        organisation_id = await self._organisation_of(principal)
        async with transaction(self._database) as connection:
            if await storage.lock_provider(connection, organisation_id, provider_id) is None:
                raise _not_found()
            await self._check_spared(connection, organisation_id, provider_id)
            await storage.delete(connection, organisation_id, provider_id)

    async def test(self, principal: Principal, provider_id: int) -> tuple[bool, list[str]]:
        """Whether the provider can be used, and what was found. Raises NotFoundError (path `id`)."""
        organisation_id = await self._organisation_of(principal)
        row = await self._found(organisation_id, provider_id)
        if row.kind == ProviderKind.SAML:
            return saml_findings(row, self._now())
        issuer = row.settings.issuer
        self._discovery.forget(issuer)
        try:
            metadata, keys = await self._discovery.metadata(issuer), await self._discovery.keys(issuer)
        except SignOnError as error:
            return False, [str(error)]
        found = [
            f"People sign in at {metadata.authorization_endpoint}.",
            f"It publishes {len(keys)} keys, and signs with {', '.join(sorted(metadata.algorithms))}.",
        ]
        if not keys:
            return False, [*found, "None of its keys can be used."]
        if metadata.supports_pkce is not True:
            found.append("It does not say that it supports PKCE with S256.")
        return True, found

    async def make_scim_token(self, principal: Principal, provider_id: int) -> str:
        """A new token for the provider's directory, which is shown this once; the old one is no longer good. Raises
        NotFoundError (path `id`)."""
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        await self._set_scim_token(principal, provider_id, hash_token(token))
        return token

    async def revoke_scim_token(self, principal: Principal, provider_id: int) -> None:
        """The directory is shut out; whom it looked after stay as they are. Raises NotFoundError (path `id`)."""
        await self._set_scim_token(principal, provider_id, None)

    async def _set_scim_token(self, principal: Principal, provider_id: int, token_hash: bytes | None) -> None:
        organisation_id = await self._organisation_of(principal)
        async with transaction(self._database) as connection:
            if not await set_token(connection, organisation_id, provider_id, token_hash):
                raise _not_found()

    async def unlink(self, principal: Principal, user_id: int) -> None:
        """Forget as whom the organisation's providers know a user, so that an address that was given to another person
        can be linked anew. Raises NotFoundError (path `user_id`)."""
        organisation_id = await self._organisation_of(principal)
        async with transaction(self._database) as connection:
            if not await federated_identity.unlink(connection, organisation_id, user_id):
                raise NotFoundError("No identity provider knows this user.", path=("user_id",))

    async def require(self, principal: Principal, required: bool, break_glass: Sequence[int] | None) -> None:
        """Whether the organisation's users sign in by a provider alone; `break_glass`: who may use a password all the
        same, None for those who may now. Sessions of others that began with a password end.

        Raises DeniedError without an enabled provider, or without an administrator who could still come in.
        """
        organisation_id = await self._organisation_of(principal)
        async with transaction(self._database) as connection:
            if break_glass is not None:
                if len(break_glass) > MAX_BREAK_GLASS:
                    raise InvalidError(
                        "There are at most {most}.", path=("break_glass_user_ids",), most=MAX_BREAK_GLASS
                    )
                found = await storage.set_break_glass(connection, organisation_id, break_glass)
                if not found.issuperset(break_glass):
                    raise NotFoundError("One of these is no user here.", path=("break_glass_user_ids",))
            if required:
                if not await storage.has_enabled_provider(connection, organisation_id):
                    raise DeniedError("There is no enabled identity provider to sign in by.", path=("required",))
                if not await storage.has_break_glass(connection, organisation_id):
                    raise DeniedError(
                        "Name an administrator with a password who may use it when single sign-on fails.",
                        path=("break_glass_user_ids",),
                    )
                await storage.end_password_sessions(connection, organisation_id, self._now())
            await storage.set_sso_required(connection, organisation_id, required)

    async def _organisation_of(self, principal: Principal) -> int:
        """The organisation that the principal may speak for: who may let people in to all of it could make themselves
        anyone in it, so an administrator of one workspace of several may not."""
        if principal.workspace_id is None or principal.role not in (Role.ADMINISTRATOR, Role.SUPER_ADMIN):
            raise DeniedError("Administrators of an organisation set up its single sign-on.")
        organisation_id = await storage.organisation_of(self._database.pool, principal.workspace_id)
        if organisation_id is None:
            raise DeniedError("The workspace is gone.")
        if principal.role is Role.ADMINISTRATOR and not await storage.stands_alone(
            self._database.pool, organisation_id, principal.workspace_id
        ):
            raise DeniedError("The organisation has more than this workspace: a super administrator does this.")
        return organisation_id

    async def _found(self, organisation_id: int, provider_id: int) -> IdentityProviderRow:
        row = await storage.find_provider(self._database.pool, provider_id)
        if row is None or row.organisation_id != organisation_id:
            raise _not_found()
        return row

    async def _own_key(self) -> dict[str, Any]:
        """A new key that signs requests, as settings have it."""
        private, certificate = await asyncio.to_thread(new_own_key, self._now())
        return {"own_key_encrypted": self._box.encrypt(private), "own_certificate": certificate}

    def _sealed(self, changes: ProviderChanges) -> bytes | None:
        if changes.client_secret is None:
            return None
        check_secret(changes.client_secret)
        return self._box.encrypt(changes.client_secret.encode())

    async def _check_workspaces(
        self, connection: PooledConnection, organisation_id: int, settings: IdentityProviderSettings
    ) -> None:
        own = await storage.own_workspaces(connection, organisation_id, list(workspaces_of(settings)))
        if settings.default_workspace_id is not None and settings.default_workspace_id not in own:
            raise NotFoundError("There is no such workspace.", path=("default_workspace_id",))
        for number, rule in enumerate(settings.group_roles):
            if rule["workspace_id"] not in own:
                raise NotFoundError("There is no such workspace.", path=("group_roles", number, "workspace_id"))
            role_id = rule.get("role_id")
            if role_id is not None and await custom_role.find(connection, rule["workspace_id"], role_id) is None:
                raise NotFoundError("There is no CustomRole with this id.", path=("group_roles", number, "role_id"))

    async def _check_spared(self, connection: PooledConnection, organisation_id: int, provider_id: int) -> None:
        """Whether the organisation can do without the provider."""
        if not await storage.sso_required(connection, organisation_id):
            return
        if not await storage.has_enabled_provider(connection, organisation_id, but=provider_id):
            raise DeniedError("Single sign-on is required, and this is the only way in.", path=("id",))


class SsoRules:
    """Whether a password may be used where an organisation requires single sign-on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check_password_allowed(self, user: UserRow) -> None:
        """Raises DeniedError."""
        if not user.break_glass and await storage.sso_required(self._database.pool, user.organisation_id):
            raise DeniedError("Your organisation signs in by its identity provider.")


def _not_found() -> NotFoundError:
    return NotFoundError("There is no IdentityProvider with this id.", path=("id",))
