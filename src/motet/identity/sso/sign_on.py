"""Signing in by a provider, from the link to the session.

What belongs to one sign-in travels with the browser, sealed in a cookie: nothing is stored for those who never come
back. The provider's answer is good once, in that browser, for ten minutes; then a code that the page exchanges for
a session is, for one. So no token is in an address, and no answer works in a browser that did not ask. What is said
in between depends on the provider's protocol; all that is here does not.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from motet.access.clients import Client
from motet.access.tokens import AuthenticationError
from motet.domain.errors import NotFoundError
from motet.domain.users import EMAIL_CHARACTERS
from motet.identity.login import Login
from motet.identity.sessions import Sessions, Signed
from motet.identity.sso.actors import provider_actor
from motet.identity.sso.arrival import Arrivals
from motet.identity.sso.errors import Refusal, SignOnError, told_to_administrators, vouched
from motet.identity.sso.kinds import ProviderKind
from motet.identity.sso.next_page import own_page
from motet.identity.sso.oidc_sign_in import OidcSignIn
from motet.identity.sso.once import Once, digest
from motet.identity.sso.protocol import SignInProtocol
from motet.identity.sso.saml.sign_in import SamlSignIn
from motet.identity.tickets import TicketError, Tickets
from motet.storage import federated_identity
from motet.storage.acting import current_act
from motet.storage.database import Database
from motet.storage.federated_identity import CodeRow
from motet.storage.identity_provider import IdentityProviderRow, find_provider, note_error, provider_of_domain

PURPOSE = "sso"
FLOW_TTL_S = 10 * 60
"""What a person gets to sign in at the provider."""

CODE_TTL = timedelta(seconds=60)
"""What our own page gets to exchange the code."""

FEDERATED = "fed"
"""The method of such sessions. RFC 8176 has no name for it."""

LOGOUT_TOKEN_TTL = timedelta(hours=2)
"""Longer than a logout token may be old, so that none comes twice."""

ERROR_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a browser is sent, and what it keeps meanwhile."""

    url: str
    state: str
    """Names the cookie: sign-ins in several tabs do not get in each other's way."""
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Landing:
    """Someone has signed in: the page `next_page` gets the code, the browser the cookie."""

    code: str = field(repr=False)
    cookie: str = field(repr=False)
    next_page: str


class SignOn:
    """Sign-ins by the providers of all organisations. `now` gives an aware time."""

    def __init__(
        self,
        database: Database,
        oidc: OidcSignIn,
        saml: SamlSignIn,
        once: Once,
        arrivals: Arrivals,
        login: Login,
        sessions: Sessions,
        tickets: Tickets,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._oidc = oidc
        self._saml = saml
        self._protocols: Mapping[int, SignInProtocol] = {ProviderKind.OIDC: oidc, ProviderKind.SAML: saml}
        self._once = once
        self._arrivals = arrivals
        self._login = login
        self._sessions = sessions
        self._tickets = tickets
        self._now = now
        self._unasked = asyncio.Lock()
        """Of responses that nobody asked for one signature is checked at a time; others are not looked at meanwhile."""

    async def discover(self, email: str) -> tuple[int, str] | None:
        """The provider that the address's domain leads to, and its name, whether or not there is such a user."""
        domain = email.strip().rpartition("@")[2].casefold()
        if not domain or len(email) > EMAIL_CHARACTERS:
            return None
        return await provider_of_domain(self._database.pool, domain)

    async def start(self, provider_id: int, next_page: str | None, *, login_hint: str | None = None) -> Departure:
        """Send a browser to the provider. Raises NotFoundError for one that is not there or not enabled, SignOnError
        if it cannot be reached."""
        provider = await self._provider(provider_id)
        try:
            opening = await self._protocols[provider.kind].begin(provider, login_hint=login_hint)
        except SignOnError as error:
            await self._note(provider, error)
            raise
        kept = {"provider_id": provider.id, "next": own_page(next_page), "state": opening.state, **opening.kept}
        cookie = self._tickets.issue(PURPOSE, kept, now=self._unix(), ttl_s=FLOW_TTL_S)
        return Departure(opening.url, opening.state, cookie)

    async def land(
        self, kind: ProviderKind, cookie: str | None, answer: Mapping[str, str], *, provider_id: int
    ) -> Landing:
        """Take what the browser comes back with from a provider of this kind, by this provider's path. Raises
        SignOnError."""
        kept = self._kept(cookie)
        if provider_id != kept["provider_id"]:
            raise SignOnError(Refusal.EXPIRED, "the answer is another provider's")
        await self._once.claim(f"state {kept['state']}", timedelta(seconds=FLOW_TTL_S))
        try:
            provider = await self._provider(kept["provider_id"], kind)
        except NotFoundError as error:
            raise SignOnError(Refusal.EXPIRED, error.message) from None
        act = current_act()
        if act is not None:
            act.actor = provider_actor(provider)
        try:
            person = await self._protocols[kind].person(provider, kept["state"], kept, answer)
            with vouched():
                user_id = await self._arrivals.admit(provider, person)
        except SignOnError as error:
            await self._note(provider, error)
            raise
        return await self.hand_over(
            CodeRow(user_id, provider.id, person.provider_sid, person.id_token_encrypted), kept["next"]
        )

    async def land_unasked(self, provider_id: int, answer: Mapping[str, str]) -> SignOnError:
        """A SAML response has come to a browser that is not under way: what to tell. The administrator reads of it if
        the provider has signed it."""
        error = SignOnError(Refusal.UNASKED, "a response came to a browser that had not asked: sign-in begins here")
        if not self._unasked.locked():
            async with self._unasked:
                with suppress(NotFoundError):
                    provider = await self._provider(provider_id, ProviderKind.SAML)
                    error.is_vouched = await self._saml.has_signed(provider, answer)
                    await self._note(provider, error)
        return error

    async def saml_metadata(self, provider_id: int) -> bytes:
        """Our metadata for a SAML provider, enabled or not yet. Raises NotFoundError."""
        provider = await find_provider(self._database.pool, provider_id)
        if provider is None or provider.kind != ProviderKind.SAML:
            raise _not_found()
        return self._saml.metadata(provider)

    async def hand_over(self, who: CodeRow, next_page: str) -> Landing:
        """A code for the page in this browser, once someone has shown who they are."""
        now, code, cookie = self._now(), secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        async with self._database.pool.acquire() as connection, connection.transaction():
            await federated_identity.add_code(connection, digest(code), digest(cookie), who, now, now + CODE_TTL)
        return Landing(code, cookie, next_page)

    async def redeem(self, code: str, cookie: str) -> CodeRow:
        """Who is behind a code. Raises AuthenticationError for one that is used, old, or another browser's."""
        row = await federated_identity.take_code(self._database.pool, digest(code), digest(cookie), self._now())
        if row is None:
            raise AuthenticationError("the code is not valid: sign in again")
        return row

    async def enter(self, row: CodeRow, client: Client) -> Signed:
        """Their session. Raises AuthenticationError for who may not sign in, NotFoundError for a user without a
        workspace."""
        signed = await self._login.complete(row.user_id, (FEDERATED,), client)
        await federated_identity.add_session(self._database.pool, signed.session_id, row)
        return signed

    async def logout(self, user_id: int, session_id: int) -> str | None:
        """End a session. Gives where the browser ends the one at the provider, if it began there and there is such a
        place. Raises NotFoundError."""
        left = await federated_identity.leave(self._database.pool, session_id)
        await self._sessions.end(user_id, session_id)
        if left is None:
            return None
        try:
            provider = await self._provider(left[0])
            return await self._protocols[provider.kind].logout_url(provider, left[1])
        except (NotFoundError, SignOnError):
            return None

    async def logout_by_provider(self, provider_id: int, token: str) -> None:
        """Back-channel logout: end the sessions that a provider's logout token names. Raises NotFoundError,
        SignOnError."""
        provider = await self._provider(provider_id, ProviderKind.OIDC)
        claims = await self._oidc.logout_claims(provider, token)
        await self._once.claim(f"logout {provider.id} {claims['jti']}", LOGOUT_TOKEN_TTL)
        found = await federated_identity.sessions_of(
            self._database.pool, provider.id, claims.get("sid"), claims.get("sub")
        )
        for session_id, user_id in found:
            try:
                await self._sessions.end(user_id, session_id, "signed out at the identity provider")
            except NotFoundError:
                continue  # it has ended before

    async def _provider(self, provider_id: int, kind: ProviderKind | None = None) -> IdentityProviderRow:
        provider = await find_provider(self._database.pool, provider_id)
        if provider is None or not provider.settings.enabled or kind not in (None, provider.kind):
            raise _not_found()
        return provider

    def _kept(self, cookie: str | None) -> dict[str, Any]:
        try:
            return self._tickets.read(PURPOSE, cookie or "", now=self._unix())
        except TicketError:
            raise SignOnError(Refusal.EXPIRED, "no sign-in is under way in this browser") from None

    async def _note(self, provider: IdentityProviderRow, error: SignOnError) -> None:
        error.provider_id = provider.id
        told = told_to_administrators(error)
        if told is not None:
            await note_error(self._database.pool, provider.id, told[:ERROR_CHARACTERS], self._now())

    def _unix(self) -> int:
        return int(self._now().astimezone(UTC).timestamp())


def _not_found() -> NotFoundError:
    return NotFoundError("There is no such identity provider.")
