"""The audit log as the edges use it: whose act it is, and an entry also for what was refused or changed nothing here.

`AuditLog.doing(act)` is the whole seam for whoever answers someone: inside, transactions make the act's entries; what
left none by the end is written here, in groups, before the answer goes out. `AuditLog.record` is for rooms that change
nothing but must be told of, such as a sign-in that failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import asyncpg
import structlog

from motet.access.clients import Client
from motet.access.principals import NETWORK_PERMISSIONS, Principal
from motet.access.tokens import AuthenticationError
from motet.domain.cidrs import peer_name
from motet.domain.errors import DomainError, LimitReachedError
from motet.domain.redaction import redacted
from motet.reading.errors import ForbiddenError, RequestError
from motet.storage import audit
from motet.storage.acting import Act, Actor, ActorKind, Edge, Outcome, acting
from motet.storage.database import LOST, Database
from motet.storage.transaction import RepeatedError

GROUP = 500
"""Entries of one commit."""

MAX_WAITING = 10_000
"""Entries in memory while the database is away. Beyond it they are counted and logged, and lost."""

WAIT_S = 2.0
"""How long an answer waits for its entry. What was done is done: it then goes out, and the entry is tried again."""

FIRST_AGAIN_S, AGAIN_S = 0.05, 1.0
"""After how long writing is tried again: at first, doubled each time, and at most."""

ALIKE = 5
"""Refusals alike (actor, address, action, code) within `WINDOW_S` that are entries of their own. What comes beyond is
counted in one more: a client that runs wild writes a line a minute, not a table."""

ALIKE_OF_STRANGERS = 50
"""The same of those who have proved nothing, whatever names they give: as many as are judged of one address at once
(`lock_out.py`). What was not even judged, beyond a limit, is `ALIKE`."""

SOMEONE = "someone"
"""The actor of an entry that counts what was done under many names."""

WINDOW_S = 60.0
MAX_KINDS = 10_000
"""Kinds of refusals that are counted at once."""

_HOPELESS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, TypeError, ValueError)
"""No second try of the same entry fares better."""
_REFUSALS = frozenset({Outcome.REFUSED, Outcome.FORBIDDEN, Outcome.UNAUTHENTICATED})

_log = structlog.get_logger(__name__)


def actor_of(principal: Principal) -> Actor:
    """Who a principal is in the log."""
    if principal.api_key_id is not None:
        kind = ActorKind.API_KEY
    elif principal.user_id is not None:
        kind = ActorKind.USER
    elif principal.is_operator:
        kind = ActorKind.OPERATOR
    elif principal.permissions == NETWORK_PERMISSIONS:
        kind = ActorKind.NETWORK
    else:
        kind = ActorKind.TOKEN
    return Actor(
        kind,
        principal.subject,
        principal.workspace_id,
        principal.user_id,
        principal.api_key_id,
        principal.session_id,
        principal.token_id,
    )


def act_of(
    actor: Actor | Principal,
    client: Client | None,
    edge: Edge,
    action: str,
    given: Mapping[str, Any] | None = None,
    *,
    secrets: Iterable[str] = (),
    objects: Sequence[int] = (),
) -> Act:
    """An act. `given` is its input as it came: secrets and texts are taken out here; `secrets` names inputs that are
    secret in this one besides those that always are, such as a `code`."""
    return Act(
        actor_of(actor) if isinstance(actor, Principal) else actor,
        edge,
        action,
        redacted(given or {}, frozenset(secrets)),
        address=None if client is None else _address(client.address),
        user_agent=None if client is None else client.kept_user_agent,
        request_id=None if client is None else client.request_id,
        objects=list(objects),
    )


@dataclass(slots=True)
class _Alike:
    """Refusals alike in one window."""

    began: float
    count: int
    folded: int
    row: dict[str, Any]


class AuditLog:
    """Writes entries that no transaction of a change has written. One per node."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._database = database
        self._clock = clock
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._alike: dict[tuple[Any, ...], _Alike] = {}
        self.lost = 0
        """Entries that could not be kept."""

    @asynccontextmanager
    async def doing(self, act: Act) -> AsyncIterator[Act]:
        """Inside, changes are made by this act. At the end it has its entry, also if it was refused."""
        outcome, waits = Outcome.DONE, True
        code: str | None = None
        path: tuple[str | int, ...] = ()
        try:
            with acting(act):
                yield act
        except RepeatedError as repeated:
            outcome = Outcome.REPEATED
            act.objects.append(repeated.object_id)
            raise
        except DomainError as error:
            outcome, code, path = Outcome.REFUSED, error.code, error.path
            raise
        except ForbiddenError as error:
            outcome, code = Outcome.FORBIDDEN, error.code
            raise
        except RequestError as error:
            outcome, code = Outcome.REFUSED, error.code
            raise
        except AuthenticationError:
            outcome, code = Outcome.UNAUTHENTICATED, "UNAUTHENTICATED"
            raise
        except Exception:
            outcome, code = Outcome.FAILED, "INTERNAL"
            raise
        except BaseException:  # the caller went away: what was not committed is rolled back
            outcome, code, waits = Outcome.FAILED, "CANCELLED", False
            raise
        finally:
            if outcome is not Outcome.DONE or not (act.written or act.only_changes):
                written = self._add(act.row(outcome, code=code, path=path))
                if waits:
                    await self._wait(written)

    async def record(
        self, act: Act, outcome: Outcome = Outcome.DONE, *, code: str | None = None, path: Sequence[str | int] = ()
    ) -> None:
        """Make an entry of an act that changed nothing here. Never raises: it is tried again."""
        await self._wait(self._add(act.row(outcome, code=code, path=path)))

    async def keep(self) -> None:
        """Writes what was counted once its minute is over, until cancelled."""
        while True:
            await asyncio.sleep(WINDOW_S / 4)
            self._unfold(self._clock() - WINDOW_S)

    async def close(self) -> None:
        """Write what is left; gives up after `WAIT_S`."""
        self._unfold(float("inf"))
        if self._writer is not None:
            _, late = await asyncio.wait({self._writer}, timeout=WAIT_S)
            for task in late:
                task.cancel()
            self._lose(len(self._waiting))

    def _add(self, row: dict[str, Any]) -> asyncio.Future[None] | None:
        """None if there is nothing to wait for."""
        if row["outcome"] in _REFUSALS and self._folds(row):
            return None
        if len(self._waiting) >= MAX_WAITING:
            self._lose(1)
            return None
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return written

    async def _wait(self, written: asyncio.Future[None] | None) -> None:
        if written is not None:
            await asyncio.wait({written}, timeout=WAIT_S)

    async def _write(self) -> None:
        """One commit for all that is waiting; meanwhile the next group gathers."""
        singly, pause = 0, FIRST_AGAIN_S
        while self._waiting:
            group = self._waiting[: 1 if singly else GROUP]
            try:
                async with self._database.pool.acquire() as connection, connection.transaction():
                    await audit.write_all(connection, [row for row, _ in group])
            except _HOPELESS:
                if len(group) > 1:  # one of them is at fault: the others are kept
                    singly = len(group)
                    continue
                _log.exception("an audit entry cannot be written", action=group[0][0]["action"])
                self._lose(1)
            except LOST as error:
                _log.warning("audit entries wait for the database", count=len(self._waiting), error=repr(error)[:200])
                await asyncio.sleep(pause)
                pause = min(AGAIN_S, pause * 2)
                continue
            del self._waiting[: len(group)]
            singly, pause = max(0, singly - 1), FIRST_AGAIN_S
            for _, written in group:
                if not written.done():
                    written.set_result(None)

    def _folds(self, row: dict[str, Any]) -> bool:
        """Whether a refusal is only counted."""
        now = self._clock()
        who, most = (row["workspace_id"], row["actor"], row["address"]), ALIKE
        if row["actor_kind"] is ActorKind.ANONYMOUS:  # a name costs nothing
            who = (None, None, peer_name(row["address"] or ""))
            most = ALIKE if row["code"] == LimitReachedError.code else ALIKE_OF_STRANGERS
        kind = (*who, row["action"], row["outcome"], row["code"])
        alike = self._alike.get(kind)
        if alike is None or now - alike.began >= WINDOW_S:
            if alike is not None and alike.folded:
                self._add_folded(alike)
            if alike is None and len(self._alike) >= MAX_KINDS:
                self._unfold(now - WINDOW_S)
                if len(self._alike) >= MAX_KINDS:
                    return False
            self._alike[kind] = _Alike(now, 1, 0, row)
            return False
        alike.count += 1
        if alike.count <= most:
            return False
        alike.folded += 1
        if alike.row["actor"] != row["actor"]:
            alike.row = alike.row | {"actor": SOMEONE}
        return True

    def _unfold(self, before: float) -> None:
        for kind, alike in list(self._alike.items()):
            if alike.began <= before:
                del self._alike[kind]
                if alike.folded:
                    self._add_folded(alike)

    def _add_folded(self, alike: _Alike) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._lose(alike.folded)
            return
        row = alike.row | {"times": alike.folded, "input": {}, "request_id": None}
        self._waiting.append((row, asyncio.get_running_loop().create_future()))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    def _lose(self, count: int) -> None:
        if count:
            self.lost += count
            _log.error("audit entries are lost", count=count, lost=self.lost)


def _address(text: str | None) -> str | None:
    """An IP address without a zone; None for what is none, such as a socket's path."""
    try:
        return None if text is None else str(ip_address(text.partition("%")[0]))
    except ValueError:
        return None
