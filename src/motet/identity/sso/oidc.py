"""OpenID Connect as the relying party: the authorization code flow with PKCE, from the first redirect to the claims.

Nothing is stored here. What has to be the same at both ends of the flow is in `Flow`, which whoever calls keeps for
the browser.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

from motet.identity.sso.discovery import Discovery, Metadata
from motet.identity.sso.errors import ProtocolError, Refusal, SignOnError, refused_by_provider
from motet.identity.sso.id_token import (
    Claims,
    Expected,
    UnknownKeyError,
    check_id_token,
    check_logout_token,
)
from motet.identity.sso.keys import PublicKey
from motet.outgoing.fetching import Fetch, FetchError

CODE_CHARACTERS = 4_096
"""Of an authorization code; Entra's have some 1,500."""

ERROR_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Us, as a provider knows us."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    """None for a public client, which PKCE alone protects."""
    redirect_uri: str
    scopes: tuple[str, ...] = ("openid", "email", "profile")


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-in under way: what only this browser and we know."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a provider says of someone."""

    claims: Claims
    """Of the ID token, and of userinfo where the token has no mail address."""
    id_token: str = field(repr=False)


def new_flow() -> Flow:
    """Each of 256 random bits."""
    return Flow(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32))


class OidcClient:
    """Speaks to providers. `now`: Unix seconds."""

    def __init__(self, fetch: Fetch, discovery: Discovery, now: Callable[[], float]) -> None:
        self._fetch = fetch
        self._discovery = discovery
        self._now = now

    async def authorization_url(self, party: RelyingParty, flow: Flow, *, login_hint: str | None = None) -> str:
        """Where the browser is sent. Raises ProtocolError."""
        metadata = await self._discovery.metadata(party.issuer)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).rstrip(b"=").decode()
        parameters = {
            "response_type": "code",
            "client_id": party.client_id,
            "redirect_uri": party.redirect_uri,
            "scope": " ".join(party.scopes),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if login_hint is not None:
            parameters["login_hint"] = login_hint
        return _with_query(metadata.authorization_endpoint, parameters)

    async def signed_in(self, party: RelyingParty, flow: Flow, answer: Mapping[str, str]) -> SignedIn:
        """Who has signed in, by what the browser came back with (`code` or `error`, `state`, `iss`). Raises
        SignOnError."""
        metadata = await self._discovery.metadata(party.issuer)
        if not hmac.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
            raise SignOnError(Refusal.EXPIRED, "the answer is to another sign-in (state)")
        named = answer.get("iss")
        if (named is None and metadata.names_itself) or (named is not None and named != party.issuer):
            raise ProtocolError("the answer is another issuer's (RFC 9207)")
        if "error" in answer:
            raise refused_by_provider(_printable(answer["error"]))
        code = answer.get("code", "")
        if not 0 < len(code) <= CODE_CHARACTERS:
            raise ProtocolError("the answer holds no code")
        tokens = await self._redeem(metadata, party, flow, code)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise ProtocolError("the provider gave no ID token: is the scope openid allowed?")
        access_token = access_token if isinstance(access_token, str) else None
        expected, now = Expected(party.issuer, party.client_id), int(self._now())

        def check(keys: tuple[PublicKey, ...]) -> Claims:
            return check_id_token(id_token, keys, expected, flow.nonce, now, access_token=access_token)

        claims = await self._with_keys(party.issuer, check)
        if "email" not in claims and metadata.userinfo_endpoint is not None and access_token is not None:
            claims = {**await self._userinfo(metadata.userinfo_endpoint, access_token, claims["sub"]), **claims}
        return SignedIn(claims, id_token)

    async def logout_claims(self, party: RelyingParty, token: str) -> Claims:
        """What a provider's logout token says, once it is checked. Raises ProtocolError."""
        expected, now = Expected(party.issuer, party.client_id), int(self._now())
        return await self._with_keys(party.issuer, lambda keys: check_logout_token(token, keys, expected, now))

    async def logout_url(self, party: RelyingParty, back_to: str, *, hint: str | None = None) -> str | None:
        """Where the browser ends its session at the provider (RP-Initiated Logout); None if there is no such place.
        `hint`: the ID token of the session, which some want, and others then ask nothing more."""
        metadata = await self._discovery.metadata(party.issuer)
        if metadata.end_session_endpoint is None:
            return None
        parameters = {"client_id": party.client_id, "post_logout_redirect_uri": back_to}
        if hint is not None:
            parameters["id_token_hint"] = hint
        return _with_query(metadata.end_session_endpoint, parameters)

    async def _with_keys(self, issuer: str, check: Callable[[tuple[PublicKey, ...]], Claims]) -> Claims:
        try:
            return check(await self._discovery.keys(issuer))
        except UnknownKeyError:
            return check(await self._discovery.keys(issuer, missed=True))

    async def _redeem(self, metadata: Metadata, party: RelyingParty, flow: Flow, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": party.redirect_uri,
            "code_verifier": flow.verifier,
        }
        headers = {}
        if party.client_secret is None or "client_secret_basic" not in metadata.token_auth_methods:
            form["client_id"] = party.client_id
            if party.client_secret is not None:
                form["client_secret"] = party.client_secret
        else:
            headers["Authorization"] = _basic(party.client_id, party.client_secret)
        try:
            reply = await self._fetch(metadata.token_endpoint, form=form, headers=headers)
            answer = reply.json()
        except FetchError as error:
            raise ProtocolError(f"its token endpoint: {error}") from None
        if reply.status != 200:
            raise ProtocolError(f"it did not take the code ({reply.status} {_printable(answer.get('error'))})")
        return answer

    async def _userinfo(self, url: str, access_token: str, subject: str) -> dict[str, Any]:
        try:
            reply = await self._fetch(url, headers={"Authorization": f"Bearer {_header_safe(access_token)}"})
            answer = reply.json()
        except FetchError as error:
            raise ProtocolError(f"its userinfo endpoint: {error}") from None
        if reply.status != 200:
            raise ProtocolError(f"its userinfo endpoint answered with status {reply.status}")
        if answer.get("sub") != subject:
            raise ProtocolError("userinfo is about someone else (sub)")
        return answer


def _with_query(endpoint: str, parameters: Mapping[str, str]) -> str:
    """The endpoint with these parameters behind its own (RFC 6749 §3.1)."""
    url = urlsplit(endpoint)
    query = "&".join(part for part in (url.query, urlencode(parameters)) if part)
    return urlunsplit(url._replace(query=query, fragment=""))


def _basic(client_id: str, client_secret: str) -> str:
    """RFC 6749 §2.3.1: both form-encoded first."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _header_safe(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token or len(token) > CODE_CHARACTERS * 2:
        raise ProtocolError("the access token is not one that a header takes")
    return token


def _printable(words: object) -> str:
    return "".join(c for c in str(words)[:ERROR_CHARACTERS] if c.isascii() and c.isprintable())
