"""The keys that sign access tokens: loaded, changed by age or by hand, and taken over by all nodes as they run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from motet.access.secrets import SecretBox
from motet.access.tokens import (
    SHORT_TTL_S,
    CheckingKey,
    TokenAuthority,
    generate_key,
    key_id_of,
    public_key_of,
)
from motet.domain.errors import LimitReachedError
from motet.storage import signing_key
from motet.storage.acting import system_act
from motet.storage.database import LOST, Database, PooledConnection
from motet.storage.setting import lock_by_name, read_setting
from motet.storage.signing_key import SigningKeyRow
from motet.storage.transaction import transaction

ROTATE_AFTER = timedelta(days=30)
"""A key signs for so long, then another one does."""

KEPT_AFTER = timedelta(seconds=SHORT_TTL_S + 15 * 60)
"""How long a key checks after it has signed its last as far as the database knows: the longest token that is not noted,
and the time that a node without a connection may go on signing with it."""

CHECK_S = 60.0
"""How often a node looks at the keys anyway."""

REREAD_S = 1.0
"""A token with an unknown key makes a node read the keys again, at most this often: anyone can make up such tokens."""

MAX_KEYS = 100
"""Keys at once. They go as their tokens expire, so that only changing them by the minute gets there."""

_FORMER_SETTING = "token.signing_key"
"""Where the one key was kept before there were several."""

_LOCK = "signing keys"

_log = structlog.get_logger(__name__)


async def load(connection: PooledConnection, box: SecretBox, now: datetime) -> tuple[bytes, list[CheckingKey]]:
    """The key that signs, made by whichever node comes first, and those that only check. Raises SecretError when they
    were encrypted with another key file."""
    rows = await signing_key.held(connection, now, MAX_KEYS)
    if not rows or rows[0].sealed_key is None:
        former = await read_setting(connection, _FORMER_SETTING)
        await _add(connection, box, generate_key() if former is None else box.decrypt(former), now)
        rows = await signing_key.held(connection, now, MAX_KEYS)
    return _opened(rows, box)


async def rotate(
    connection: PooledConnection,
    box: SecretBox,
    now: datetime,
    *,
    older_than: timedelta = timedelta(0),
    end_others: bool = False,
) -> bool:
    """Lets a new key sign, if the present one is `older_than` that. `end_others`: no token that was signed before is
    good any more. False if nothing was to be done. Raises LimitReachedError at `MAX_KEYS`."""
    async with connection.transaction():
        await lock_by_name(connection, _LOCK)
        rows = await signing_key.held(connection, now, MAX_KEYS)
        if len(rows) >= MAX_KEYS and not end_others:
            raise LimitReachedError("There are {most} signing keys whose tokens have not expired yet.", most=MAX_KEYS)
        if await signing_key.retire(connection, now, now + KEPT_AFTER, now - older_than) is None:
            return False
        await _add(connection, box, generate_key(), now)
        if end_others:
            await signing_key.drop_retired(connection)
        await signing_key.purge(connection, now)
    return True


async def note_lasting(connection: PooledConnection, authority: TokenAuthority, ttl_s: int, now: int) -> None:
    """Before the authority signs a token that lasts longer than the short ones: its key is kept as long."""
    if ttl_s > SHORT_TTL_S:
        await signing_key.note_expiry(connection, authority.kid, datetime.fromtimestamp(now + ttl_s, UTC))


class SigningKeys:
    """Keeps a node's `TokenAuthority` up to date."""

    def __init__(
        self,
        database: Database,
        box: SecretBox,
        authority: TokenAuthority,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.authority = authority
        self._database = database
        self._box = box
        self._clock = clock
        self._monotonic = monotonic
        self.on_ended: Callable[[], None] = lambda: None
        """Called when a key is gone whose tokens would not have expired yet."""
        self._read_at = -REREAD_S
        self._known: tuple[bytes, list[CheckingKey]] | None = None
        self._reading: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Reads the keys again."""
        self._read_at = self._monotonic()
        async with self._database.pool.acquire() as connection:
            known = await load(connection, self._box, self._now())
        if known != self._known:
            lasting = self.authority.key_ids(int(self._clock()))
            self._known = known
            self.authority.use(*known)
            if not lasting <= self.authority.key_ids(0):
                self.on_ended()

    async def refresh_for_unknown(self) -> bool:
        """Reads the keys again because a token names an unknown one, unless that was done within `REREAD_S`; False if
        it was. Callers at once share one read."""
        if self._reading is None:
            if self._monotonic() - self._read_at < REREAD_S:
                return False
            self._reading = asyncio.create_task(self.refresh())
            self._reading.add_done_callback(self._read)
        await asyncio.shield(self._reading)
        return True

    async def rotate_old(self) -> bool:
        """Changes the signing key if it is older than `ROTATE_AFTER`."""
        async with transaction(self._database, act=system_act("signingKeyRotation", "schedule")) as connection:
            rotated = await rotate(connection, self._box, self._now(), older_than=ROTATE_AFTER)
        if rotated:
            _log.info("the signing key of access tokens was changed by age")
            await self.refresh()
        return rotated

    async def run(self) -> None:
        """Until cancelled: changes a key that is old, and reads them now and then, should a notice have been lost."""
        while True:
            try:
                if not await self.rotate_old():
                    await self.refresh()
            except LOST as error:
                _log.warning("the signing keys could not be read", error=repr(error)[:200])
            await asyncio.sleep(CHECK_S)

    def _read(self, done: asyncio.Task[None]) -> None:
        self._reading = None
        if not done.cancelled():
            done.exception()  # the callers have it

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


async def _add(connection: PooledConnection, box: SecretBox, private: bytes, now: datetime) -> None:
    public = public_key_of(private)
    await signing_key.add(connection, key_id_of(public), public, box.encrypt(private), now)


def _opened(rows: list[SigningKeyRow], box: SecretBox) -> tuple[bytes, list[CheckingKey]]:
    private: bytes | None = None
    others: list[CheckingKey] = []
    for row in rows:
        if row.sealed_key is not None:
            private = box.decrypt(row.sealed_key)
        else:
            others.append(CheckingKey(row.public_key, int(row.last_expiry.timestamp())))
    if private is None:
        raise RuntimeError("there is no key that signs")
    return private, others
