"""The transaction of a change that an edge asks for, the idempotency key that is held with it, and its audit entry.

Every service changes things inside `transaction`. An edge that was given a key does its work inside `Keys.once`; the
transaction that makes the object then claims the key before it does anything else, so that the key and the change are
committed together or not at all. A service need not know: it says which object the transaction `makes`, no more.

Where someone is acting (`motet.storage.acting`), the transaction's last statement makes the entry of the audit log.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson

from motet.domain.errors import ConflictError
from motet.domain.idempotency import HOLD, check_key
from motet.storage import audit, idempotency
from motet.storage.acting import Act, Edge, current_act
from motet.storage.database import Database, PooledConnection
from motet.storage.scope import scoped


class RepeatedError(Exception):
    """The change was made before under the same key: `object_id` is what it made. No error for the caller."""

    def __init__(self, object_id: int) -> None:
        super().__init__(object_id)
        self.object_id = object_id


@dataclass(slots=True)
class _Once:
    """A key that the next transaction which makes something claims."""

    workspace_id: int
    mutation: str
    key: str
    input_hash: bytes
    claimed: bool = False
    """Also once the caller has its answer: a task that was started on the way is not held to the key."""


_ONCE: ContextVar[_Once | None] = ContextVar("motet_once", default=None)


@asynccontextmanager
async def transaction(
    database: Database,
    *,
    makes: int | None = None,
    after: Callable[[], None] | None = None,
    act: Act | None = None,
) -> AsyncIterator[PooledConnection]:
    """A connection in a transaction that commits at the end; `after` is called once it has.

    `makes` is the id of the object that a repeated request is answered with: give it wherever something is created.
    Raises RepeatedError, before the body, if the key that the caller gave is taken with the same input, ConflictError
    (path `idempotency_key`) if with another. Equal requests at once wait for each other here.

    If someone is acting, the act's first transaction leaves an entry in the audit log, and so does each further one
    that changes something. What nobody asked for, a rule or a schedule does, brings its own `act` (`system_act`).
    Raises LimitReachedError, before the body, if too many changes of the same workspace are under way for too long.
    """
    once = _ONCE.get()
    act = current_act() or act
    claims = once is not None and makes is not None and not once.claimed
    told = False
    async with database.shares.of(_asker(act)), database.pool.acquire() as connection:
        try:
            async with connection.transaction():
                if once is not None and makes is not None and claims:
                    once.claimed = True
                    await _claim(connection, once, makes)
                async with scoped(connection):
                    if act is None:
                        yield connection
                    else:
                        if makes is not None and makes not in act.objects:
                            act.objects.append(makes)
                        async with audited(connection, act) as entry:
                            yield connection
                        told = entry.made
        except BaseException:
            if once is not None and claims:
                once.claimed = False
            raise
        if act is not None:
            act.written |= told
    if after is not None:
        after()


def _asker(act: Act | None) -> int | None:
    """The workspace whose share of the connections a change takes: of what people and programs ask for, at edges that
    let many ask at once."""
    return act.actor.workspace_id if act is not None and act.edge in (Edge.GRAPHQL, Edge.REST) else None


@dataclass(slots=True)
class Entry:
    """The audit entry of a transaction."""

    made: bool = False


@asynccontextmanager
async def audited(connection: PooledConnection, act: Act) -> AsyncIterator[Entry]:
    """What the connection's transaction changes inside is changed by this act; its end makes the entry. For whoever
    learns only inside its transaction whose act it is; all others have `transaction`."""
    entry = Entry()
    await audit.begin(connection)
    yield entry
    entry.made = await audit.write(connection, act.row(), always=not (act.written or act.only_changes))


class Keys:
    """The idempotency keys of mutations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def once(self, workspace_id: int, mutation: str, key: str, given: Mapping[str, Any]) -> AsyncIterator[None]:
        """What is done inside is done once for the key: the first transaction that makes something claims it.

        `given` is the input without the key, as plain values. A request that was served before is not judged anew:
        raises RepeatedError at once. Raises InvalidError for a key that is none, ConflictError for one that is held
        with another input (path `idempotency_key`). What fails holds no key.
        """
        once = _Once(workspace_id, mutation, check_key(key), _hash(given))
        held = await idempotency.find(self._database.pool, workspace_id, mutation, key)
        if held is not None:
            raise _repeated(once, *held)
        token = _ONCE.set(once)
        try:
            yield
        finally:
            once.claimed = True
            _ONCE.reset(token)


async def _claim(connection: PooledConnection, once: _Once, object_id: int) -> None:
    held = await idempotency.claim_one(
        connection, once.workspace_id, once.mutation, once.key, once.input_hash, object_id, HOLD
    )
    if held is not None:
        raise _repeated(once, *held)


def _repeated(once: _Once, input_hash: bytes, object_id: int) -> Exception:
    if input_hash != once.input_hash:
        return ConflictError("The idempotency key was used with another input.", path=("idempotency_key",))
    return RepeatedError(object_id)


def _hash(given: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS, default=str)).digest()
