"""Signing in by a provider, from the link to the session.

What belongs to one sign-in travels with the browser, sealed in a cookie: nothing is stored for those who never come
back. The provider's answer is good once, in that browser, for ten minutes; then a code that the page exchanges for
a session is, for one. So no token is in an address, and no answer works in a browser that did not ask.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from motet.access.clients import Client
from motet.access.secrets import SecretBox
from motet.access.tokens import AuthenticationError
from motet.domain.errors import NotFoundError
from motet.domain.users import EMAIL_CHARACTERS
from motet.identity.login import Login
from motet.identity.sessions import Sessions, Signed
from motet.identity.sso.actors import provider_actor
from motet.identity.sso.admission import person_of
from motet.identity.sso.arrival import Arrivals
from motet.identity.sso.errors import ProtocolError, Refusal, SignOnError
from motet.identity.sso.next_page import own_page
from motet.identity.sso.oidc import Flow, OidcClient, RelyingParty, new_flow
from motet.identity.tickets import TicketError, Tickets
from motet.storage import federated_identity
from motet.storage.acting import current_act
from motet.storage.database import Database
from motet.storage.federated_identity import CodeRow
from motet.storage.identity_provider import IdentityProviderRow, find_provider, note_error, provider_of_domain

CALLBACK_PATH = "/auth/sso/callback"

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
        client: OidcClient,
        arrivals: Arrivals,
        login: Login,
        sessions: Sessions,
        tickets: Tickets,
        box: SecretBox,
        public_url: str,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._client = client
        self._arrivals = arrivals
        self._login = login
        self._sessions = sessions
        self._tickets = tickets
        self._box = box
        self._public_url = public_url
        self._now = now

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
        flow = new_flow()
        with_provider = {"provider_id": provider.id, "next": own_page(next_page), **flow.as_dict()}
        try:
            url = await self._client.authorization_url(self.party(provider), flow, login_hint=login_hint)
        except SignOnError as error:
            await self._note(provider, error)
            raise
        cookie = self._tickets.issue(PURPOSE, with_provider, now=self._unix(), ttl_s=FLOW_TTL_S)
        return Departure(url, flow.state, cookie)

    async def land(self, cookie: str | None, answer: Mapping[str, str]) -> Landing:
        """Take what the browser comes back with. Raises SignOnError."""
        kept = self._kept(cookie)
        flow = Flow(kept["state"], kept["nonce"], kept["verifier"])
        await self._claim_once(f"state {flow.state}", timedelta(seconds=FLOW_TTL_S))
        try:
            provider = await self._provider(kept["provider_id"])
        except NotFoundError as error:
            raise SignOnError(Refusal.EXPIRED, error.message) from None
        act = current_act()
        if act is not None:
            act.actor = provider_actor(provider)
        try:
            claims = await self._client.claims(self.party(provider), flow, answer)
            person = person_of(claims, provider.settings)
            user_id = await self._arrivals.admit(provider, person)
        except SignOnError as error:
            await self._note(provider, error)
            raise
        return await self.hand_over(CodeRow(user_id, provider.id, person.provider_sid), kept["next"])

    async def hand_over(self, who: CodeRow, next_page: str) -> Landing:
        """A code for the page in this browser, once someone has shown who they are."""
        now, code, cookie = self._now(), secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        async with self._database.pool.acquire() as connection, connection.transaction():
            await federated_identity.add_code(connection, _hash(code), _hash(cookie), who, now, now + CODE_TTL)
        return Landing(code, cookie, next_page)

    async def redeem(self, code: str, cookie: str) -> CodeRow:
        """Who is behind a code. Raises AuthenticationError for one that is used, old, or another browser's."""
        row = await federated_identity.take_code(self._database.pool, _hash(code), _hash(cookie), self._now())
        if row is None:
            raise AuthenticationError("the code is not valid: sign in again")
        return row

    async def enter(self, row: CodeRow, client: Client) -> Signed:
        """Their session. Raises AuthenticationError for who may not sign in, NotFoundError for a user without a
        workspace."""
        signed = await self._login.complete(row.user_id, (FEDERATED,), client)
        await federated_identity.add_session(
            self._database.pool, signed.session_id, row.provider_id, row.user_id, row.provider_sid
        )
        return signed

    async def logout(self, user_id: int, session_id: int) -> str | None:
        """End a session. Gives where the browser ends the one at the provider, if it began there and there is such a
        place. Raises NotFoundError."""
        provider_id = await federated_identity.provider_of_session(self._database.pool, session_id)
        await self._sessions.end(user_id, session_id)
        if provider_id is None:
            return None
        try:
            provider = await self._provider(provider_id)
            return await self._client.logout_url(self.party(provider), f"{self._public_url}/account")
        except (NotFoundError, SignOnError):
            return None

    async def logout_by_provider(self, provider_id: int, token: str) -> None:
        """Back-channel logout: end the sessions that a provider's logout token names. Raises NotFoundError,
        SignOnError."""
        provider = await self._provider(provider_id)
        claims = await self._client.logout_claims(self.party(provider), token)
        await self._claim_once(f"logout {provider.id} {claims['jti']}", LOGOUT_TOKEN_TTL)
        found = await federated_identity.sessions_of(
            self._database.pool, provider.id, claims.get("sid"), claims.get("sub")
        )
        for session_id, user_id in found:
            try:
                await self._sessions.end(user_id, session_id, "signed out at the identity provider")
            except NotFoundError:
                continue  # it has ended before

    def party(self, provider: IdentityProviderRow) -> RelyingParty:
        """Us, as this provider knows us."""
        settings = provider.settings
        sealed = settings.client_secret_encrypted
        return RelyingParty(
            issuer=settings.issuer,
            client_id=settings.client_id,
            client_secret=None if sealed is None else self._box.decrypt(sealed).decode(),
            redirect_uri=self._public_url + CALLBACK_PATH,
            scopes=tuple(settings.scopes),
        )

    async def _provider(self, provider_id: int) -> IdentityProviderRow:
        provider = await find_provider(self._database.pool, provider_id)
        if provider is None or not provider.settings.enabled:
            raise NotFoundError("There is no such identity provider.")
        return provider

    def _kept(self, cookie: str | None) -> dict[str, Any]:
        try:
            return self._tickets.read(PURPOSE, cookie or "", now=self._unix())
        except TicketError:
            raise SignOnError(Refusal.EXPIRED, "no sign-in is under way in this browser") from None

    async def _claim_once(self, what: str, hold: timedelta) -> None:
        now = self._now()
        if not await federated_identity.claim_once(self._database.pool, _hash(what), now, now + hold):
            raise SignOnError(Refusal.EXPIRED, "this came before")

    async def _note(self, provider: IdentityProviderRow, error: SignOnError) -> None:
        words = str(error)[:ERROR_CHARACTERS]
        level = _log.warning if isinstance(error, ProtocolError) else _log.info
        level("single sign-on refused", provider=provider.id, refusal=error.refusal.value, why=words)
        await note_error(self._database.pool, provider.id, words, self._now())

    def _unix(self) -> int:
        return int(self._now().astimezone(UTC).timestamp())


_log = structlog.get_logger()


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode(errors="surrogatepass")).digest()
