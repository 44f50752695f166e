"""What credentials prove: who is behind an access token or an API key, and what they may do, as the database has it.

Nothing is remembered here but the addresses that show wrong keys.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from motet.access.api_keys import ApiKeyFormError, is_secret_of, looks_like_api_key, parse_api_key, version_of
from motet.access.principals import (
    ADMINISTRATIVE,
    ENROLMENT_PERMISSIONS,
    OPERATOR_PERMISSIONS,
    ROLE_PERMISSIONS,
    Grant,
    Languages,
    Principal,
    Role,
    custom_grant,
)
from motet.access.tokens import AuthenticationError, Claims, TokenAuthority, UnknownKeyError, principal_of
from motet.domain.back_off import BackOff, Pace
from motet.domain.cidrs import Network, address_of, peer_name, permits
from motet.identity.key_grants import key_principal
from motet.identity.signing_keys import SigningKeys
from motet.storage import api_key, custom_role
from motet.storage.api_key import KeyRow
from motet.storage.database import Database
from motet.storage.revoked_token import find_token_standing
from motet.storage.standing import find_standing

WRONG_KEYS = Pace(free=10, first_s=1.0, most_s=30.0, patience_s=0.0)
"""An address (IPv6: a /64) that shows wrong API keys has to wait before another one is looked up for it. Keys cannot be
guessed: this spares the database, and keys that are in use there are remembered and do not wait."""

ADDRESSES = 10_000
"""Of which wrong keys are remembered."""


class WaitError(AuthenticationError):
    """Too many wrong API keys came from the address."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = math.ceil(wait_s)
        super().__init__("too many wrong API keys came from this address: wait {seconds} s", seconds=self.wait_s)


class Proved(NamedTuple):
    """Who, and from where it may be used: from anywhere, if no network is named."""

    principal: Principal
    networks: Sequence[Network] = ()


class Credentials:
    """One per node. All methods raise AuthenticationError for what proves nothing, or nothing any more."""

    def __init__(
        self,
        database: Database,
        authority: TokenAuthority,
        signing_keys: SigningKeys | None,
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives Unix seconds. Without `signing_keys` the authority's keys stay as they are."""
        self._database = database
        self._authority = authority
        self._signing_keys = signing_keys
        self._clock = clock
        self._wrong_keys = BackOff(WRONG_KEYS, ADDRESSES)

    async def prove(self, text: str, address: str | None) -> Proved:
        """Whoever an access token or API key names, shown from this address; None: from wherever it is used."""
        return await (self._by_key(text, address) if looks_like_api_key(text) else self._by_token(text))

    async def claims(self, token: str) -> Claims:
        """What a token says, by the newest keys."""
        now = int(self._clock())
        try:
            return self._authority.claims(token, now)
        except UnknownKeyError:
            if self._signing_keys is None or not await self._signing_keys.refresh_for_unknown():
                raise
        return self._authority.claims(token, now)

    async def now(self, was: Principal) -> Principal:
        """What the principal of a token is now, in the workspace that it names; not for tokens of API keys."""
        if was.session_id is not None:
            return await self._of_session(was)
        standing = await self._standing_of(was)
        if was.role_id is None:
            return standing
        found = None
        if was.workspace_id is not None:
            found = await custom_role.find(self._database.pool, was.workspace_id, was.role_id)
        if found is None:
            raise AuthenticationError("the token's role was removed")
        return _with_role(was, was.role_id, found.name, custom_grant(found.permissions, found.tags))

    async def still_stands(self, was: Principal, address: str | None, since: float) -> bool:
        """Whether a principal that was proved at Unix second `since`, and is connected from the address, may still do
        all that it could."""
        if was.api_key_id is not None:
            row = await api_key.find_by_id(self._database.pool, was.api_key_id)
            if row is None:
                raise AuthenticationError("the API key is not valid")
            if was.token_id is not None:
                standing = await find_token_standing(self._database.pool, was.token_id, row.workspace_id)
                if standing.revoked:
                    raise AuthenticationError("the token was revoked")
            now = key_principal(row, int(self._clock()))
            if not permits(row.networks, address_of(address or "")):
                raise AuthenticationError("this API key is not to be used from this address")
            if row.rotated_at is not None and row.rotated_at.timestamp() >= since:
                raise AuthenticationError("the API key was replaced by another")
            # A token may be narrowed to less than its key may do: what it may do has to be among that still.
            return was.permissions <= now.permissions and was.tags == now.tags and was.expires_at <= now.expires_at
        now = await self.now(was)
        return (now.permissions, now.role, now.tags) == (was.permissions, was.role, was.tags)

    async def _by_key(self, text: str, address: str | None) -> Proved:
        try:
            shown = parse_api_key(text)
        except ApiKeyFormError as error:
            raise AuthenticationError(str(error)) from None
        now = time.monotonic()
        peer = None if address is None else peer_name(address)
        if peer is not None and self._wrong_keys.turn(peer, now) is None:
            raise WaitError(self._wrong_keys.delay_s(peer, now))
        row = await api_key.find_by_prefix(self._database.pool, shown.prefix)
        is_present = is_secret_of(shown.hash, None if row is None else row.secret_hash)
        is_previous = is_secret_of(shown.hash, None if row is None else row.previous_hash)
        if row is None or not (is_present or is_previous):
            if peer is not None:
                self._wrong_keys.failed(peer, now)
            raise AuthenticationError("the API key is not valid")
        # A key that is right, though good for nothing now, is no guess: it does not hold up others at its address.
        if not row.is_open:
            raise AuthenticationError("the API key is not valid")
        return Proved(self._of_version(row, lambda stored: is_secret_of(shown.hash, stored)), row.networks)

    def _of_version(self, row: KeyRow, fits: Callable[[bytes | None], bool]) -> Principal:
        """The principal of a key whose secret, the present or the one before it, `fits`. Raises AuthenticationError."""
        now = self._clock()
        is_present, is_previous = fits(row.secret_hash), fits(row.previous_hash)
        if not is_present and not is_previous:
            raise AuthenticationError("the API key is not valid")
        principal = key_principal(row, int(now))
        if is_present:
            return principal
        until = 0 if row.previous_until is None else int(row.previous_until.timestamp())
        if until <= now:
            raise AuthenticationError("the API key was replaced by another")
        return replace(principal, expires_at=min(principal.expires_at, until))

    async def _by_token(self, token: str) -> Proved:
        claims = await self.claims(token)
        if claims.api_key_id is not None:
            row = await api_key.find_by_id(self._database.pool, claims.api_key_id)
            if row is None:
                raise AuthenticationError("the API key is not valid")
            if (await find_token_standing(self._database.pool, claims.token_id, row.workspace_id)).revoked:
                raise AuthenticationError("the token was revoked")
            whole = self._of_version(
                row, lambda stored: stored is not None and version_of(stored) == claims.key_version
            )
            return Proved(_narrowed(whole, claims), row.networks)
        return Proved(await self.now(principal_of(claims)))

    async def _standing_of(self, principal: Principal) -> Principal:
        """A principal of a token that stands on itself, unless that was taken back."""
        standing = await find_token_standing(self._database.pool, principal.token_id or "", principal.workspace_id)
        if standing.revoked:
            raise AuthenticationError("the token was revoked")
        if not standing.has_workspace:
            raise AuthenticationError("the token is not valid")
        return principal

    async def _of_session(self, claimed: Principal) -> Principal:
        assert claimed.user_id is not None and claimed.session_id is not None  # noqa: S101, PT018 - a user's token
        await self._standing_of(claimed)
        found = await find_standing(
            self._database.pool, claimed.user_id, claimed.session_id, claimed.workspace_id, ADMINISTRATIVE
        )
        if found is None or (found.role is None and not found.is_super_admin):
            raise AuthenticationError("the session has ended")
        user = replace(
            claimed,
            subject=found.email,
            organisation_id=found.organisation_id,
            languages=Languages(found.locale, found.organisation_locale),
            tags=None,
            role_id=None,
            role_name=None,
        )
        if claimed.workspace_id is None:
            permissions = ENROLMENT_PERMISSIONS if found.must_enrol else OPERATOR_PERMISSIONS
            return replace(user, is_operator=True, permissions=permissions)
        if not found.is_super_admin and found.role_id is not None:
            grant = custom_grant(found.permissions or (), found.tags)
            if found.must_enrol:
                grant = replace(grant, permissions=ENROLMENT_PERMISSIONS)
            return _with_role(replace(user, workspace=found.workspace), found.role_id, found.role_name, grant)
        role = Role.SUPER_ADMIN if found.is_super_admin else Role(found.role or "")
        permissions = ENROLMENT_PERMISSIONS if found.must_enrol else ROLE_PERMISSIONS[role]
        return replace(user, workspace=found.workspace, role=role, permissions=permissions)


def _with_role(principal: Principal, role_id: int, name: str | None, grant: Grant) -> Principal:
    return replace(
        principal, role=None, permissions=grant.permissions, tags=grant.tags, role_id=role_id, role_name=name
    )


def _narrowed(principal: Principal, claims: Claims) -> Principal:
    """What is left of a key's principal in a token of it."""
    scope = principal.permissions
    if claims.scope is not None:
        scope = frozenset(permission for permission in scope if permission.value in claims.scope)
    return replace(
        principal,
        permissions=scope,
        expires_at=min(principal.expires_at, claims.expires_at),
        token_id=claims.token_id,
    )
