"""Access tokens that are taken back, and what their holders and resource servers may ask about them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from motet.access.tokens import MAX_TTL_S, AuthenticationError, Claims
from motet.domain.errors import InvalidError, NotFoundError
from motet.identity.authenticator import Authenticator
from motet.storage import api_key
from motet.storage.database import Database
from motet.storage.revoked_token import add_revoked_token, purge_revoked_tokens
from motet.storage.transaction import transaction

MAX_REVOKED = 10_000
"""Tokens of a workspace that were taken back and would not have ended yet."""

_TOKEN_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Tokens:
    """Takes tokens back. Errors are domain errors; paths name inputs."""

    def __init__(self, database: Database, authenticator: Authenticator, now: Callable[[], datetime]) -> None:
        self._database = database
        self._authenticator = authenticator
        self._now = now

    async def revoke(self, workspace_id: int | None, *, token: str | None = None, token_id: str | None = None) -> str:
        """Take back one token of the workspace (None: of the operator or a network), given itself or by its `jti`: its
        `jti`. From the next request on it is nobody's, on every node.

        Raises InvalidError unless exactly one is given; NotFoundError for a token that is none of the workspace's;
        LimitReachedError at `MAX_REVOKED`.
        """
        now = self._now()
        if (token is None) == (token_id is None):
            raise InvalidError("Give the token, or its `jti`.", path=("token",))
        if token is None:
            token_id, expires_at = token_id or "", now + timedelta(seconds=MAX_TTL_S)
            if not _TOKEN_ID.fullmatch(token_id):
                raise InvalidError("This is no `jti` of a token of ours.", path=("token_id",))
        else:
            try:
                claims = await self._authenticator.claims(token)
            except AuthenticationError:
                raise NotFoundError("This is no access token that is good.", path=("token",)) from None
            if await self.workspace_of(claims) != workspace_id:
                raise NotFoundError("This is no access token that is good.", path=("token",))
            token_id, expires_at = claims.token_id, datetime.fromtimestamp(claims.expires_at, UTC)
        async with transaction(self._database) as connection:
            await add_revoked_token(connection, token_id, workspace_id, now, expires_at, limit=MAX_REVOKED)
        return token_id

    async def workspace_of(self, claims: Claims) -> int | None:
        """The workspace that a token is good in."""
        if claims.api_key_id is None:
            return claims.workspace_id
        row = await api_key.find_by_id(self._database.pool, claims.api_key_id)
        return None if row is None else row.workspace_id

    async def purge(self) -> None:
        """Forget a bounded number of tokens that would have ended by now."""
        await purge_revoked_tokens(self._database.pool, self._now())
