"""Login sessions: a short access token for now, and a refresh token for the next one."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from motet.access.clients import Client
from motet.access.principals import ADMINISTRATIVE
from motet.access.tokens import AuthenticationError, TokenAuthority
from motet.domain.errors import NotFoundError
from motet.domain.ids import IdGenerator
from motet.storage import login_session as storage
from motet.storage.acting import Actor, ActorKind, current_act
from motet.storage.database import Database, PooledConnection
from motet.storage.standing import find_standing, home_of, is_operator
from motet.storage.transaction import transaction
from motet.storage.user import note_sign_in

ACCESS_TTL_S = 15 * 60
REFRESH_IDLE = timedelta(days=14)
"""A session that is not used for so long is over."""

SESSION_LIFE = timedelta(days=90)
"""Then one signs in again, however often the session was used."""

GRACE = timedelta(seconds=10)
"""An answer may be lost, or two tabs of a browser may ask at once: for so long the same refresh token is good again, as
long as the one that it was exchanged for has not been used. That one is good no more: should both be in use, the next
refresh of the other ends the session."""

STOLEN = "a refresh token was used twice"


@dataclass(frozen=True, slots=True)
class Signed:
    """What someone who has signed in is given."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    """Seconds that the access token is good for."""
    session_id: int
    user_id: int
    workspace_id: int | None
    """None: the operator."""
    workspace: str | None


class Sessions:
    """Starts, renews and ends sessions. `now` gives an aware time."""

    def __init__(
        self, database: Database, authority: TokenAuthority, ids: IdGenerator, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._authority = authority
        self._ids = ids
        self._now = now

    async def start(
        self, user_id: int, methods: Sequence[str], client: Client, workspace_id: int | None = None
    ) -> Signed:
        """A session of someone who has shown all that is asked of them, by these methods (RFC 8176: pwd, otp, …).

        It begins in the workspace given, else in the user's default or oldest; a super administrator of the root
        begins as the operator. Raises NotFoundError when there is none that they may be in.
        """
        now = self._now()
        session_id = self._ids.next_at(now)
        async with transaction(self._database) as connection:
            if workspace_id is None and not await is_operator(connection, user_id):
                workspace_id = await home_of(connection, user_id)
                if workspace_id is None:
                    raise NotFoundError("You are in no workspace. Ask an administrator to add you to one.")
            await storage.add_session(
                connection,
                session_id,
                user_id,
                methods,
                client.address,
                client.kept_user_agent,
                now,
                now + SESSION_LIFE,
            )
            await note_sign_in(connection, user_id, now)
            return await self._sign(connection, user_id, session_id, workspace_id, now, now + SESSION_LIFE)

    async def refresh(self, refresh_token: str, client: Client) -> Signed:
        """New tokens for an old refresh token, which is good once: if it comes again after `GRACE`, the session ends,
        since one of the two that had it has stolen it. Raises AuthenticationError."""
        now, token_hash = self._now(), hash_token(refresh_token)
        async with transaction(self._database) as connection:
            row = await storage.lock_refresh_token(connection, token_hash)
            if row is None or row.ended_at is not None or min(row.expires_at, row.session_expires_at) <= now:
                raise AuthenticationError("the refresh token is not valid")
            is_repeated = row.used_at is not None and now < row.used_at + GRACE and row.successor_unused
            if row.used_at is None or is_repeated:
                if row.replaced_by is not None:
                    await storage.use_refresh_token(connection, row.replaced_by, now)
                await storage.touch_session(connection, row.session_id, now, client.address, client.kept_user_agent)
                signed = await self._sign(
                    connection, row.user_id, row.session_id, row.workspace_id, now, row.session_expires_at
                )
                next_hash = hash_token(signed.refresh_token)
                await storage.use_refresh_token(connection, token_hash, row.used_at or now, next_hash)
                return signed
            await storage.end_session(connection, row.user_id, row.session_id, STOLEN, now)
        raise AuthenticationError("the refresh token is not valid")

    async def switch(self, user_id: int, session_id: int, workspace_id: int | None) -> Signed:
        """Tokens of the same session for another workspace. Raises NotFoundError for one that they are not in."""
        now = self._now()
        async with transaction(self._database) as connection:
            return await self._sign(connection, user_id, session_id, workspace_id, now, now + SESSION_LIFE)

    async def opened(self, user_id: int) -> list[storage.OpenSession]:
        """Where the user is signed in, newest first; at most 100."""
        now = self._now()
        return await storage.open_sessions(self._database.pool, user_id, now, now - REFRESH_IDLE)

    async def end(self, user_id: int, session_id: int, reason: str = "signed out") -> None:
        """Raises NotFoundError if the user has no such open session."""
        async with transaction(self._database) as connection:
            if not await storage.end_session(connection, user_id, session_id, reason, self._now()):
                raise NotFoundError("There is no open session with this id.", path=("id",))

    async def end_by_token(self, refresh_token: str) -> None:
        """End the session of a refresh token, if it is one."""
        async with transaction(self._database) as connection:
            row = await storage.lock_refresh_token(connection, hash_token(refresh_token))
            if row is not None:
                await storage.end_session(connection, row.user_id, row.session_id, "token revoked", self._now())

    async def end_all(self, user_id: int, reason: str, *, but: int | None = None) -> None:
        """End every session of the user, `but` perhaps the one at hand."""
        async with transaction(self._database) as connection:
            await storage.end_sessions(connection, user_id, reason, self._now(), but=but)

    async def purge(self) -> None:
        """Forget a bounded number of sessions that were over a while ago."""
        await storage.purge_sessions(self._database.pool, self._now() - REFRESH_IDLE)

    async def _sign(
        self,
        connection: PooledConnection,
        user_id: int,
        session_id: int,
        workspace_id: int | None,
        now: datetime,
        until: datetime,
    ) -> Signed:
        standing = await find_standing(connection, user_id, session_id, workspace_id, ADMINISTRATIVE)
        if standing is None:
            raise AuthenticationError("the session has ended")
        act = current_act()
        if act is not None and act.actor.kind is ActorKind.ANONYMOUS:  # now it is known who signs in, and where
            act.actor = Actor(ActorKind.USER, standing.email, workspace_id, user_id, session_id=session_id)
        if standing.role is None and not standing.is_super_admin:
            raise NotFoundError("There is no Workspace with this id.", path=("workspace_id",))
        refresh_token = secrets.token_urlsafe(32)
        await storage.add_refresh_token(
            connection, hash_token(refresh_token), session_id, workspace_id, now, min(now + REFRESH_IDLE, until)
        )
        access_token = self._authority.issue_to_user(
            standing.email,
            now=int(now.timestamp()),
            ttl_s=ACCESS_TTL_S,
            user_id=user_id,
            session_id=session_id,
            workspace_id=workspace_id,
        )
        return Signed(access_token, refresh_token, ACCESS_TTL_S, session_id, user_id, workspace_id, standing.workspace)


def hash_token(token: str) -> bytes:
    """What is stored of a token of 256 random bits: nothing to guess, so no salt and no slow hash."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def utc_now() -> datetime:
    """The clock of a node."""
    return datetime.now(UTC)
