"""Who asks: what every edge makes of an Authorization header.

A token says who, and the database says what they may do and whether the token still holds: so the end of a session, a
suspension, another role, a revoked key hold from the next request on. A node remembers what it read for as long as it
hears of changes; whoever keeps a connection open is told when what it stands on changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from motet.access.api_keys import ApiKeyFormError, is_secret_of, looks_like_api_key, parse_api_key, version_of
from motet.access.principals import (
    ENROLMENT_PERMISSIONS,
    OPERATOR_PERMISSIONS,
    ROLE_PERMISSIONS,
    Languages,
    Principal,
    Role,
    custom_grant,
)
from motet.access.tokens import AuthenticationError, Claims, TokenAuthority, UnknownKeyError, principal_of
from motet.domain.back_off import BackOff, Pace
from motet.domain.cidrs import Network, address_of, permits
from motet.events.listening import LOST, keep_listening
from motet.identity.key_grants import key_principal
from motet.identity.key_uses import KeyUses
from motet.identity.marked import Marked
from motet.identity.signing_keys import SigningKeys
from motet.storage import api_key
from motet.storage.api_key import KeyRow
from motet.storage.database import Connection, Database
from motet.storage.revoked_token import find_token_standing
from motet.storage.standing import find_standing

log = structlog.get_logger(__name__)

CHANNEL = "motet_access"
"""What triggers notify: `user <id>`, `session <id>`, `api_key <id>`, `token <jti>`, `signing_key`, `all`."""

SIGNING_KEY = "signing_key"

REMEMBERED = 10_000
"""Tokens and keys of which is remembered who they are. About 1.5 KB each."""

WATCHED = 100_000
"""More connections than a node has."""

HEADER_CHARACTERS = 5_000
"""Longer ones are no token of ours."""

DEAF_S = 1.0
"""How often open connections are looked at while changes are not heard."""

LOOKS = 4
"""Looks at once, so that they leave the pool to requests."""

WRONG_KEYS = Pace(free=10, first_s=1.0, most_s=30.0, patience_s=0.0)
"""An address that shows wrong API keys has to wait before another one is looked up for it. Keys cannot be guessed: this
spares the database, and keys that are in use there are remembered and do not wait."""

ADDRESSES = 10_000
"""Of which wrong keys are remembered."""

ADMITTED = 64
"""Addresses of a key that need not be compared with its networks again."""

Ended = Callable[[str], None]


class WaitError(AuthenticationError):
    """Too many wrong API keys came from the address."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = math.ceil(wait_s)
        super().__init__("too many wrong API keys came from this address: wait {seconds} s", seconds=self.wait_s)


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


@dataclass(frozen=True, slots=True)
class _Watch:
    principal: Principal
    address: str | None
    ended: Ended
    since: float
    """Unix seconds."""


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
        self._authority = authority
        self._signing_keys = signing_keys
        self._clock = clock
        self._known: Marked[bytes, _Known] = Marked(REMEMBERED)
        self._watched: Marked[int, _Watch] = Marked(WATCHED)
        self._next_watch = 0
        self._changes = 0
        """How often something was heard: what was read before the last time may be old."""
        self._unsure: set[int] = set()
        """Watches whose principal could not be looked at."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._looks = asyncio.Semaphore(LOOKS)
        self.uses = KeyUses(database)
        self._wrong_keys = BackOff(WRONG_KEYS, ADDRESSES)
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
            return await self._read(replace(principal, workspace_id=workspace_id, is_operator=False))
        except AuthenticationError:
            return None

    def watch(self, principal: Principal, ended: Ended, address: str | None = None) -> Callable[[], None]:
        """`ended` is called, with words for the log, once the principal is not any more what it was: what it may do has
        changed, or it may do nothing. `address` is where it is connected from. Its token's own end is for the caller to
        see. Gives what ends the watch."""
        self._next_watch += 1
        key = self._next_watch
        self._watched.put(key, _Watch(principal, address, ended, self._clock()), _marks(principal))
        self._look_soon([key])  # it may have changed since it was read

        def unwatch() -> None:
            self._watched.drop(key)

        return unwatch

    async def run(self) -> None:
        """Listen until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(
                keep_listening(
                    self._database,
                    "access feed",
                    CHANNEL,
                    heard=self._heard,
                    connected=self._connected,
                    lost=self._lost,
                )
            )
            group.create_task(self._look_while_deaf())
            group.create_task(self.uses.run())

    async def _listen(self) -> None:
        await keep_listening(
            self._database, "access feed", CHANNEL, heard=self._heard, connected=self._connected, lost=self._lost
        )

    async def close(self) -> None:
        """Ends the looks at watched principals that are under way, and writes down which keys were used."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.uses.flush()

    # Who a header names ----------------------------------------------------------------------------------------------

    async def _find(self, authorization: str, digest: bytes, address: str | None) -> _Known:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise AuthenticationError("a bearer token is needed")
        changes = self._changes
        known = await (self._by_key(token, address) if looks_like_api_key(token) else self._by_token(token))
        if self.listening.is_set() and changes == self._changes:
            self._known.put(digest, known, _marks(known.principal))
        return known

    async def _by_key(self, text: str, address: str | None) -> _Known:
        try:
            shown = parse_api_key(text)
        except ApiKeyFormError as error:
            raise AuthenticationError(str(error)) from None
        now = time.monotonic()
        if address is not None and self._wrong_keys.turn(address, now) is None:
            raise WaitError(self._wrong_keys.delay_s(address, now))
        row = await api_key.find_by_prefix(self._database.pool, shown.prefix)
        try:
            if row is None:
                is_secret_of(shown.hash, None)
                raise AuthenticationError("the API key is not valid")
            return _Known(self._of_version(row, lambda stored: is_secret_of(shown.hash, stored)), row.networks)
        except AuthenticationError:
            if address is not None:
                self._wrong_keys.failed(address, now)
            raise

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

    async def _by_token(self, token: str) -> _Known:
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
            return _Known(_narrowed(whole, claims), row.networks)
        principal = principal_of(claims)
        return _Known(await (self._read(principal) if principal.session_id is not None else self._check(principal)))

    async def behind(self, token: str) -> Principal:
        """The principal of an access token or API key, wherever that is used from: for who asks about another's.
        Raises AuthenticationError."""
        known = await (self._by_key(token, None) if looks_like_api_key(token) else self._by_token(token))
        return known.principal

    async def claims(self, token: str) -> Claims:
        """What a token says, by the newest keys. Raises AuthenticationError."""
        now = int(self._clock())
        try:
            return self._authority.claims(token, now)
        except UnknownKeyError:
            if self._signing_keys is None or not await self._signing_keys.refresh_for_unknown():
                raise
        return self._authority.claims(token, now)

    async def _check(self, principal: Principal) -> Principal:
        """A principal of a token that stands on itself, unless that was taken back."""
        standing = await find_token_standing(self._database.pool, principal.token_id or "", principal.workspace_id)
        if standing.revoked:
            raise AuthenticationError("the token was revoked")
        if not standing.has_workspace:
            raise AuthenticationError("the token is not valid")
        return principal

    async def _read(self, claimed: Principal) -> Principal:
        assert claimed.user_id is not None and claimed.session_id is not None  # noqa: S101, PT018 - a user's token
        await self._check(claimed)
        found = await find_standing(self._database.pool, claimed.user_id, claimed.session_id, claimed.workspace_id)
        if found is None or (found.role is None and not found.is_super_admin):
            raise AuthenticationError("the session has ended")
        languages = Languages(found.locale, found.organisation_locale)
        user = replace(claimed, subject=found.email, organisation_id=found.organisation_id, languages=languages)
        if claimed.workspace_id is None:
            permissions = ENROLMENT_PERMISSIONS if found.must_enrol else OPERATOR_PERMISSIONS
            return replace(user, is_operator=True, permissions=permissions)
        if not found.is_super_admin and found.role_id is not None:
            grant = custom_grant(found.permissions or (), found.tags)
            return replace(
                user,
                workspace=found.workspace,
                role=None,
                permissions=ENROLMENT_PERMISSIONS if found.must_enrol else grant.permissions,
                tags=grant.tags,
                role_id=found.role_id,
                role_name=found.role_name,
            )
        role = Role.SUPER_ADMIN if found.is_super_admin else Role(found.role or "")
        permissions = ENROLMENT_PERMISSIONS if found.must_enrol else ROLE_PERMISSIONS[role]
        return replace(user, workspace=found.workspace, role=role, permissions=permissions)

    # What was remembered, and who watches ----------------------------------------------------------------------------

    def _heard(self, payload: str) -> None:
        self._changes += 1
        if payload == SIGNING_KEY:
            self._known.clear()
            self._spawn(self._keys_changed())
            return
        mark = payload if payload.partition(" ")[0] in {"user", "session", "api_key", "token"} else None
        for digest in self._known.keys(mark):
            self._known.drop(digest)
        self._look_soon(self._watched.keys(mark))

    async def _connected(self, _connection: Connection) -> None:
        self._changes += 1
        self._known.clear()
        await self._keys_changed()
        self.listening.set()
        self._look_soon(self._watched.keys())

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
        for key in self._watched.keys():  # noqa: SIM118 - no dict
            watch = self._watched.get(key)
            if watch is not None and watch.principal.token_id is not None:
                self._end(key, "all tokens were ended")

    async def _look_while_deaf(self) -> None:
        """While changes are not heard, and where looking failed, open connections are looked at again and again."""
        while True:
            await asyncio.sleep(DEAF_S)
            if not self.listening.is_set():
                self._look_soon(self._watched.keys())
            elif self._unsure:
                self._look_soon(list(self._unsure))

    def _look_soon(self, keys: Sequence[int]) -> None:
        for key in keys:
            self._spawn(self._look(key))

    def _spawn(self, look: object) -> None:
        task = asyncio.ensure_future(look)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, key: int) -> None:
        """Whether a watched principal is still what it was."""
        watch = self._watched.get(key)
        if watch is None:
            self._unsure.discard(key)
            return
        try:
            async with self._looks:
                still_is = await self._stands(watch)
        except AuthenticationError as error:
            self._end(key, str(error))
        except LOST as error:  # nothing can be read then either
            self._unsure.add(key)
            log.warning("who may go on could not be read", error=repr(error)[:200])
        else:
            self._unsure.discard(key)
            if not still_is:
                self._end(key, "the permissions have changed")

    def _end(self, key: int, why: str) -> None:
        self._unsure.discard(key)
        watch = self._watched.get(key)
        if watch is not None:
            self._watched.drop(key)
            watch.ended(why)

    async def _stands(self, watch: _Watch) -> bool:
        was = watch.principal
        if was.api_key_id is not None:
            row = await api_key.find_by_id(self._database.pool, was.api_key_id)
            if row is None:
                raise AuthenticationError("the API key is not valid")
            if was.token_id is not None:
                standing = await find_token_standing(self._database.pool, was.token_id, row.workspace_id)
                if standing.revoked:
                    raise AuthenticationError("the token was revoked")
            now = key_principal(row, int(self._clock()))
            if not permits(row.networks, address_of(watch.address or "")):
                raise AuthenticationError("this API key is not to be used from this address")
            if row.rotated_at is not None and row.rotated_at.timestamp() >= watch.since:
                raise AuthenticationError("the API key was replaced by another")
            # A token may be narrowed to less than its key may do: what it may do has to be among that still.
            return was.permissions <= now.permissions and was.tags == now.tags and was.expires_at <= now.expires_at
        now = await (self._check(was) if was.session_id is None else self._read(was))
        return (now.permissions, now.role, now.tags) == (was.permissions, was.role, was.tags)


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


def _marks(principal: Principal) -> list[str]:
    """The notices that concern a principal."""
    named = {
        "user": principal.user_id,
        "session": principal.session_id,
        "api_key": principal.api_key_id,
        "token": principal.token_id,
    }
    return [f"{kind} {name}" for kind, name in named.items() if name is not None]
