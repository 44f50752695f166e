"""Who asks: what every edge makes of an Authorization header.

A user's token names a session, and what the user may do is read from the database, not from the token: so the end of a
session, a suspension or another role holds from the next request on. Nodes remember what they read for as long as they
hear of changes; whoever keeps a connection open is told when what it stands on changes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from motet.access.principals import ENROLMENT_PERMISSIONS, OPERATOR_PERMISSIONS, ROLE_PERMISSIONS, Principal, Role
from motet.access.tokens import AuthenticationError, TokenAuthority
from motet.events.listening import LOST, keep_listening
from motet.storage.database import Connection, Database
from motet.storage.standing import find_standing

log = structlog.get_logger(__name__)

CHANNEL = "motet_access"
"""What the triggers of 0014 notify: `user <id>`, `session <id>`, `all`."""

REMEMBERED = 10_000
"""Standings kept. About 1 KB each."""

_Key = tuple[int, int, int | None]
"""(user, session, workspace)."""

Ended = Callable[[str], None]


class Authenticator:
    """One per node. `run` hears of changes; until it does, nothing is remembered."""

    def __init__(
        self, database: Database, authority: TokenAuthority, *, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock` gives Unix seconds."""
        self._database = database
        self._authority = authority
        self._clock = clock
        self._standings: dict[_Key, Principal] = {}
        self._watched: dict[int, tuple[Principal, Ended]] = {}
        self._next_watch = 0
        self._changes = 0
        """How often something was heard: what was read before the last time may be old."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.listening = asyncio.Event()

    async def authenticate(self, authorization: str | None, address: str | None = None) -> Principal:
        """The principal behind the value of an Authorization header, or of a connection_init. `address` is where the
        request comes from. Raises AuthenticationError."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise AuthenticationError("a bearer token is needed")
        claimed = self._authority.verify(token.strip(), int(self._clock()))
        if claimed.session_id is None:
            return claimed
        return await self._stand(claimed)

    def watch(self, principal: Principal, ended: Ended) -> Callable[[], None]:
        """`ended` is called, with words for the log, once the principal is not any more what it was: what it may do has
        changed, or it may do nothing. Its token's own end is for the caller to see. Gives what ends the watch."""
        self._next_watch += 1
        key = self._next_watch
        self._watched[key] = (principal, ended)

        def unwatch() -> None:
            self._watched.pop(key, None)

        return unwatch

    async def run(self) -> None:
        """Listen until cancelled."""
        await keep_listening(
            self._database, "access feed", CHANNEL, heard=self._heard, connected=self._connected, lost=self._lost
        )

    async def close(self) -> None:
        """Ends the looks at watched principals that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stand(self, claimed: Principal) -> Principal:
        assert claimed.user_id is not None and claimed.session_id is not None  # noqa: S101, PT018 - a user's token
        key = (claimed.user_id, claimed.session_id, claimed.workspace_id)
        known = self._standings.get(key)
        if known is None:
            changes = self._changes
            known = await self._read(claimed)
            if self.listening.is_set() and changes == self._changes:
                if len(self._standings) >= REMEMBERED:
                    del self._standings[next(iter(self._standings))]
                self._standings[key] = known
        return replace(known, expires_at=claimed.expires_at, token_id=claimed.token_id)

    async def _read(self, claimed: Principal) -> Principal:
        assert claimed.user_id is not None and claimed.session_id is not None  # noqa: S101, PT018 - a user's token
        found = await find_standing(self._database.pool, claimed.user_id, claimed.session_id, claimed.workspace_id)
        if found is None or (found.role is None and not found.is_super_admin):
            raise AuthenticationError("the session has ended")
        user = replace(claimed, subject=found.email, organisation_id=found.organisation_id)
        if claimed.workspace_id is None:
            permissions = ENROLMENT_PERMISSIONS if found.must_enrol else OPERATOR_PERMISSIONS
            return replace(user, is_operator=True, permissions=permissions)
        role = Role.SUPER_ADMIN if found.is_super_admin else Role(found.role or "")
        permissions = ENROLMENT_PERMISSIONS if found.must_enrol else ROLE_PERMISSIONS[role]
        return replace(user, workspace=found.workspace, role=role, permissions=permissions)

    # What was remembered, and who watches ----------------------------------------------------------------------------

    def _heard(self, payload: str) -> None:
        self._changes += 1
        kind, _, number = payload.partition(" ")
        if kind == "user" and number.isdigit():
            self._forget(lambda user_id, _: user_id == int(number))
        elif kind == "session" and number.isdigit():
            self._forget(lambda _, session_id: session_id == int(number))
        else:
            self._forget(lambda _, __: True)

    async def _connected(self, _connection: Connection) -> None:
        self._changes += 1
        self._forget(lambda _, __: True)
        self.listening.set()

    def _lost(self) -> None:
        self.listening.clear()
        self._standings.clear()

    def _forget(self, concerns: Callable[[int, int], bool]) -> None:
        for key in [key for key in self._standings if concerns(key[0], key[1])]:
            del self._standings[key]
        for watch, (principal, ended) in list(self._watched.items()):
            user_id, session_id = principal.user_id, principal.session_id
            if user_id is not None and session_id is not None and concerns(user_id, session_id):
                task = asyncio.create_task(self._look(watch, principal, ended))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _look(self, watch: int, principal: Principal, ended: Ended) -> None:
        """Whether a watched principal is still what it was."""
        try:
            now = await self._stand(principal)
        except AuthenticationError as error:
            why = str(error)
        except LOST as error:  # what cannot be read is not to be trusted
            log.warning("who may go on could not be read", error=repr(error)[:200])
            why = "the token could not be checked"
        else:
            if (now.permissions, now.role, now.tags) == (principal.permissions, principal.role, principal.tags):
                return
            why = "the permissions have changed"
        if self._watched.pop(watch, None) is not None:
            ended(why)
