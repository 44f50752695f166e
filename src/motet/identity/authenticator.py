"""Who asks: what every edge makes of an Authorization header.

A token says who, and the database says what they may do and whether the token still holds: so the end of a session, a
suspension, another role, a revoked key hold from the next request on. A node remembers what it read for as long as it
hears of changes; whoever keeps a connection open is told when what it stands on changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from motet.access.principals import Principal
from motet.access.tokens import AuthenticationError, Claims, TokenAuthority
from motet.domain.cidrs import Network, address_of, permits
from motet.events.listening import keep_listening
from motet.identity.credentials import WRONG_KEYS, Credentials, WaitError
from motet.identity.key_uses import KeyUses
from motet.identity.marked import Marked
from motet.identity.signing_keys import SigningKeys
from motet.identity.watchers import Ended, Watchers
from motet.storage.database import LOST, Connection, Database

__all__ = ["CHANNEL", "WRONG_KEYS", "Authenticator", "Ended", "WaitError"]

log = structlog.get_logger(__name__)

CHANNEL = "motet_access"
"""What triggers notify: `user <id>`, `session <id>`, `api_key <id>`, `role <id>`, `token <jti>`, `signing_key`, or
`all`."""

MARKS = frozenset({"user", "session", "api_key", "role", "token"})
"""Notices that concern some; what is none of them concerns all."""

SIGNING_KEY = "signing_key"

REMEMBERED = 10_000
"""Tokens and keys of which is remembered who they are. About 1.5 KB each."""

HEADER_CHARACTERS = 5_000
"""Longer ones are no token of ours."""

ADMITTED = 64
"""Addresses of a key that need not be compared with its networks again."""


@dataclass(slots=True)
class _Known:
    """What was made of a header."""

    principal: Principal
    networks: Sequence[Network] = ()
    admitted: set[str | None] = field(default_factory=set)

    def admits(self, address: str | None) -> bool:
        """Whether it may be used from this address."""
        if not self.networks or address in self.admitted:
            return True
        if not permits(self.networks, address_of(address or "")):
            return False
        if len(self.admitted) < ADMITTED:
            self.admitted.add(address)
        return True


class Authenticator:
    """One per node. `run` hears of changes; until it does, nothing is remembered."""

    def __init__(
        self,
        database: Database,
        authority: TokenAuthority,
        signing_keys: SigningKeys | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives Unix seconds. Without `signing_keys` the authority's keys stay as they are."""
        self._database = database
        self._signing_keys = signing_keys
        self._clock = clock
        self._credentials = Credentials(database, authority, signing_keys, clock)
        self._watchers = Watchers(self._credentials, clock)
        self._known: Marked[bytes, _Known] = Marked(REMEMBERED)
        self._changes = 0
        """How often something was heard: what was read before the last time may be old."""
        self.uses = KeyUses(database)
        self.listening = asyncio.Event()
        if signing_keys is not None:
            signing_keys.on_ended = self._tokens_ended

    async def authenticate(self, authorization: str | None, address: str | None = None) -> Principal:
        """The principal behind the value of an Authorization header, or of a connection_init. `address` is where the
        request comes from. Raises AuthenticationError."""
        if authorization is None or len(authorization) > HEADER_CHARACTERS:
            raise AuthenticationError("a bearer token is needed" if authorization is None else "the token is not valid")
        digest = hashlib.sha256(authorization.encode(errors="surrogatepass")).digest()
        known = self._known.get(digest)
        if known is None:
            known = await self._find(authorization, digest, address)
        principal, now = known.principal, self._clock()
        if principal.expires_at <= now:
            self._known.drop(digest)
            raise AuthenticationError("the token has expired")
        if known.networks and not known.admits(address):
            raise AuthenticationError("this API key is not to be used from this address")
        if principal.api_key_id is not None:
            self.uses.note(principal, now, address)
        return principal

    async def elsewhere(self, principal: Principal, workspace_id: int) -> Principal | None:
        """What the user behind a principal is in another workspace, by the same session; None: nothing, or no user."""
        if principal.user_id is None or principal.session_id is None or principal.api_key_id is not None:
            return None
        try:
            return await self._credentials.now(replace(principal, workspace_id=workspace_id, is_operator=False))
        except AuthenticationError:
            return None

    async def behind(self, token: str) -> Principal:
        """The principal of an access token or API key, wherever that is used from: for who asks about another's.
        Raises AuthenticationError."""
        return (await self._credentials.prove(token, None)).principal

    async def claims(self, token: str) -> Claims:
        """What a token says, by the newest keys. Raises AuthenticationError."""
        return await self._credentials.claims(token)

    def watch(self, principal: Principal, ended: Ended, address: str | None = None) -> Callable[[], None]:
        """`ended` is called, with words for the log, once the principal is not any more what it was: what it may do has
        changed, or it may do nothing. `address` is where it is connected from. Its token's own end is for the caller to
        see. Gives what ends the watch."""
        return self._watchers.add(principal, _marks(principal), ended, address)

    async def run(self) -> None:
        """Listen until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._watchers.look_while_deaf(self.listening))
            group.create_task(self.uses.run())

    async def close(self) -> None:
        """Ends the looks at watched principals that are under way, and writes down which keys were used."""
        await self._watchers.close()
        await self.uses.flush()

    async def _find(self, authorization: str, digest: bytes, address: str | None) -> _Known:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise AuthenticationError("a bearer token is needed")
        changes = self._changes
        proved = await self._credentials.prove(token, address)
        known = _Known(proved.principal, proved.networks)
        if self.listening.is_set() and changes == self._changes:
            self._known.put(digest, known, _marks(known.principal))
        return known

    # What is heard ---------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        await keep_listening(
            self._database, "access feed", CHANNEL, heard=self._heard, connected=self._connected, lost=self._lost
        )

    def _heard(self, payload: str) -> None:
        self._changes += 1
        if payload == SIGNING_KEY:
            self._known.clear()
            self._watchers.start(self._keys_changed())
            return
        mark = payload if payload.partition(" ")[0] in MARKS else None
        for digest in self._known.keys(mark):
            self._known.drop(digest)
        self._watchers.look(mark)

    async def _connected(self, _connection: Connection) -> None:
        self._changes += 1
        self._known.clear()
        await self._keys_changed()
        self.listening.set()
        self._watchers.look()

    def _lost(self) -> None:
        self.listening.clear()
        self._known.clear()

    async def _keys_changed(self) -> None:
        if self._signing_keys is None:
            return
        try:
            await self._signing_keys.refresh()
        except LOST as error:
            log.warning("the signing keys could not be read", error=repr(error)[:200])

    def _tokens_ended(self) -> None:
        """A signing key was ended before its time, and with it all tokens that it signed. Who has one of another key
        is back at once."""
        self._changes += 1
        self._known.clear()
        self._watchers.end_tokens("all tokens were ended")


def _marks(principal: Principal) -> list[str]:
    """The notices that concern a principal."""
    named = {
        "user": principal.user_id,
        "session": principal.session_id,
        "api_key": principal.api_key_id,
        "role": principal.role_id,
        "token": principal.token_id,
    }
    return [f"{kind} {name}" for kind, name in named.items() if name is not None]
