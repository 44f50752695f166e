"""OAuth 2.0 for programs: an API key is a client's credentials, exchanged for short tokens (RFC 6749, 7009, 7662)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from motet.access.api_keys import ApiKeyText, looks_like_api_key, version_of
from motet.access.principals import Principal
from motet.access.tokens import ACCESS_TTL_S, AUDIENCE, AuthenticationError, TokenAuthority
from motet.identity.authenticator import Authenticator, WaitError
from motet.identity.key_grants import key_subject
from motet.identity.sessions import Sessions
from motet.identity.tokens import Tokens


class OAuthError(Exception):
    """A refusal as RFC 6749 §5.2 names it."""

    def __init__(self, error: str, description: str, status: int = 400, retry_after_s: int | None = None) -> None:
        super().__init__(description)
        self.retry_after_s = retry_after_s
        self.error = error
        self.description = description
        self.status = status


class Grant(NamedTuple):
    """What a program is given."""

    access_token: str
    expires_in: int
    """Seconds."""
    scope: str
    """The permissions of the token, parted by spaces."""


class OAuth:
    """Exchanges, takes back and explains tokens."""

    def __init__(
        self,
        authenticator: Authenticator,
        authority: TokenAuthority,
        tokens: Tokens,
        sessions: Sessions,
        now: Callable[[], datetime],
    ) -> None:
        self._authenticator = authenticator
        self._authority = authority
        self._tokens = tokens
        self._sessions = sessions
        self._now = now

    async def client(self, key: ApiKeyText, address: str | None) -> Principal:
        """The client behind a key. Raises OAuthError."""
        try:
            return await self._authenticator.authenticate(f"Bearer {key.text}", address)
        except WaitError as error:
            raise waiting(error) from None
        except AuthenticationError as error:
            raise invalid_client(str(error)) from None

    async def exchange(self, key: ApiKeyText, address: str | None, scope: str | None) -> Grant:
        """A short token for a key, with all of its permissions or those in `scope`. It ends with the key. Raises
        OAuthError."""
        principal = await self.client(key, address)
        assert principal.api_key_id is not None  # noqa: S101 - a key's
        allowed = {permission.value for permission in principal.permissions}
        asked = allowed if scope is None else set(scope.split())
        if scope is not None and (not asked or not asked <= allowed):
            beyond = sorted(asked - allowed)
            words = f"The key does not allow {beyond[0][:60]}." if beyond else "Name at least one permission."
            raise OAuthError("invalid_scope", words)
        now = int(self._now().timestamp())
        ttl_s = min(ACCESS_TTL_S, principal.expires_at - now)
        token = self._authority.issue_to_key(
            key_subject(key.prefix),
            principal.api_key_id,
            key.prefix,
            version_of(key.hash),
            None if scope is None else frozenset(asked),
            now=now,
            ttl_s=ttl_s,
        )
        return Grant(token, ttl_s, " ".join(sorted(asked)))

    async def revoke(self, token: str, client: Principal | None) -> None:
        """Take back an access token, or with a refresh token end its session. A token of no use is no error. A key's
        token is taken back by its key alone. Raises OAuthError."""
        if looks_like_api_key(token):
            raise OAuthError("unsupported_token_type", "An API key is revoked by apiKeyRevoke.")
        try:
            claims = await self._authenticator.claims(token)
        except AuthenticationError:
            await self._sessions.end_by_token(token)
            return
        if claims.api_key_id is not None and (client is None or client.api_key_id != claims.api_key_id):
            raise invalid_client("The token belongs to another client.")
        await self._tokens.revoke(await self._tokens.workspace_of(claims), token=token)

    async def introspect(self, token: str, asker: Principal) -> dict[str, Any]:
        """What a token is, for a resource server of the same workspace; `{"active": false}` for any other."""
        try:
            principal = await self._authenticator.behind(token)
        except AuthenticationError:
            return {"active": False}
        now = int(self._now().timestamp())
        is_of_theirs = asker.workspace_id is not None and principal.workspace_id == asker.workspace_id
        if principal.expires_at <= now or not (asker.is_operator or is_of_theirs):
            return {"active": False}
        told: dict[str, Any] = {
            "active": True,
            "scope": " ".join(sorted(permission.value for permission in principal.permissions)),
            "username": principal.subject,
            "sub": principal.subject,
            "token_type": "Bearer",
            "exp": principal.expires_at,
            "iss": self._authority.issuer,
            "aud": AUDIENCE,
            "workspace": principal.workspace,
        }
        if not looks_like_api_key(token):
            claims = await self._authenticator.claims(token)
            told |= {"sub": claims.subject, "iat": claims.issued_at, "jti": claims.token_id}
        if principal.api_key_id is not None:
            told["client_id"] = principal.subject.removeprefix(key_subject(""))
        return told


def waiting(error: WaitError) -> OAuthError:
    """Too many wrong keys came from the address."""
    return OAuthError("temporarily_unavailable", str(error), 429, error.wait_s)


def invalid_client(words: str) -> OAuthError:
    """Who asks has not proved who they are."""
    return OAuthError("invalid_client", words[:1].upper() + words[1:], 401)
