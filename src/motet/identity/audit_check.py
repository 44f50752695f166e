"""Walks the audit log's chains and says where one is broken first: changed, removed, added or out of order."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from motet.domain.audit_chain import GENESIS, Link, exported, next_link
from motet.domain.errors import InvalidError
from motet.domain.ids import first_id_at
from motet.identity.audit_retention import REMOVAL, SHORTEST_DAYS
from motet.storage import audit_chain
from motet.storage.audit_chain import Chain
from motet.storage.database import Database, PooledConnection

PAGE = 1_000
"""Entries read at a time."""

SEALED_WITHIN = timedelta(seconds=60)
"""Sealing takes about a second; an entry that waits longer is reported."""


NEVER_REMOVED = timedelta(days=SHORTEST_DAYS - 1)
"""Younger entries are not removed by any retention; a day is for entries that waited for their seal."""


class Anchor(NamedTuple):
    """Where a log's chain was at some time: kept elsewhere, it shows whether what is behind was cut off."""

    log: int
    seq: int
    hash: bytes
    at: datetime | None = None
    """When that was; None if it is not known."""


class Verdict(NamedTuple):
    """What came of one log. `broken` says where its chain is broken first; None: it is whole."""

    log: int
    name: str | None
    """The workspace's; None for the installation's, and for a workspace that is no more."""
    entries: int
    """That were looked at."""
    end: Link
    broken: str | None


class AuditCheck:
    """Reads the whole database's log: for whoever has the database itself. Everything is read in one snapshot."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def verify(
        self,
        logs: Sequence[int] | None = None,
        *,
        since: datetime | None = None,
        anchors: Sequence[Anchor] = (),
        show: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[Verdict]:
        """The verdict of each log (None: of all). `since` leaves out what was made before; `show` is told (entries
        done, entries in all)."""
        async with self._snapshot() as connection:
            chains = [one for one in await audit_chain.chains(connection, GENESIS) if logs is None or one.log in logs]
            known = {chain.log for chain in chains}
            verdicts = [
                Verdict(anchor.log, None, 0, Link(0, GENESIS), f"the log of the anchor at {anchor.seq} is gone")
                for anchor in anchors
                if anchor.log not in known and (logs is None or anchor.log in logs)
            ]
            total, done = sum(chain.end.seq - chain.removed.seq for chain in chains), 0
            for chain in chains:
                walk = _Walk(connection, chain, since, self._now())
                async for count in walk.steps():
                    show(done + count, total)
                done += chain.end.seq - chain.removed.seq
                show(done, total)
                broken = walk.broken or await walk.against([one for one in anchors if one.log == chain.log])
                verdicts.append(Verdict(chain.log, chain.name, walk.count, chain.end, broken))
        return verdicts

    async def anchors(self, logs: Sequence[int] | None = None) -> list[tuple[Anchor, str | None]]:
        """Where the chains end now, each with its workspace's name."""
        async with self._snapshot() as connection:
            return [
                (Anchor(chain.log, *chain.end, self._now()), chain.name)
                for chain in await audit_chain.chains(connection, GENESIS)
                if (logs is None or chain.log in logs) and chain.end.seq
            ]

    async def export(
        self, logs: Sequence[int] | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Sealed entries, log by log in the order of their chain, as plain values with their place in it."""
        first, last = _first_id(since), None if until is None else _first_id(until)
        async with self._snapshot() as connection:
            for chain in await audit_chain.chains(connection, GENESIS):
                if logs is not None and chain.log not in logs:
                    continue
                async for one in audit_chain.all_sealed(connection, chain.log, chain.removed.seq, PAGE):
                    if one.entry is None or one.entry_id < first or (last is not None and one.entry_id >= last):
                        continue
                    yield {"seq": one.link.seq, "hash": one.link.hash.hex(), "entry": exported(one.entry)}

    def _snapshot(self) -> Any:
        return _Snapshot(self._database)


class _Snapshot:
    """A connection that sees the database as it is now, without a limit of time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> PooledConnection:
        self._connection = await self._database.connect("audit")
        await self._connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        self._transaction = self._connection.transaction(isolation="repeatable_read", readonly=True)
        await self._transaction.start()
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


class _Walk:
    """Over one chain."""

    def __init__(self, connection: PooledConnection, chain: Chain, since: datetime | None, now: datetime) -> None:
        self._connection = connection
        self._chain = chain
        self._since = since
        self._now = now
        self.count = 0
        self.broken: str | None = None

    async def steps(self) -> AsyncIterator[int]:
        """How far it is, now and then; at the end `broken` is known."""
        connection, chain = self._connection, self._chain
        last = await self._begin()
        if self.broken is None:
            async for one in audit_chain.all_sealed(connection, chain.log, last.seq, PAGE):
                if one.link.seq != last.seq + 1:
                    self.broken = f"the seal of entry {last.seq + 1} is missing"
                elif one.entry is None:
                    self.broken = f"entry {one.link.seq} is missing (id {one.entry_id})"
                elif (link := next_link(last, one.entry)) != one.link:
                    self.broken = f"entry {one.link.seq} is not what was sealed (id {one.entry_id})"
                else:
                    last = link
                    self.count += 1
                    if self.count % PAGE == 0:
                        yield last.seq - chain.removed.seq
                    continue
                return
            self.broken = self._end(last) or await self._beside()

    async def against(self, anchors: Sequence[Anchor]) -> str | None:
        """Whether the chain still goes through these places."""
        for anchor in sorted(anchors, key=lambda one: one.seq):
            if anchor.seq < self._chain.removed.seq:
                # What came behind the anchor is younger than it, and no retention is so short.
                if anchor.at is not None and anchor.at > self._now - NEVER_REMOVED:
                    return f"entries behind {anchor.seq}, which an anchor tells of, were removed before their time"
                continue
            found = await audit_chain.seal_at(self._connection, self._chain.log, anchor.seq)
            if anchor.seq == self._chain.removed.seq:
                found = self._chain.removed
            if found is None:
                return f"entry {anchor.seq}, which an anchor tells of, is not there: the end was cut off"
            if found.hash != anchor.hash:
                return f"entry {anchor.seq} is not the one that an anchor tells of: the chain was made anew"
        return None

    async def _begin(self) -> Link:
        connection, chain = self._connection, self._chain
        start = chain.removed
        if start.seq and not await audit_chain.removal_is_told(connection, chain.log, REMOVAL, start):
            self.broken = f"the entries up to {start.seq} are gone, and no entry tells of their removal"
        elif self._since is not None:
            first = await audit_chain.first_seq_since(connection, chain.log, _first_id(self._since))
            before = (chain.end.seq + 1 if first is None else first) - 1
            if before > start.seq:
                found = await audit_chain.seal_at(connection, chain.log, before)
                if found is None:
                    self.broken = f"the seal of entry {before} is missing"
                else:
                    start = found
        return start

    def _end(self, last: Link) -> str | None:
        if last == self._chain.end:
            return None
        if last.seq < self._chain.end.seq:
            return f"the entries from {last.seq + 1} to {self._chain.end.seq} are missing"
        return f"the chain goes on behind its end, {self._chain.end.seq}"

    async def _beside(self) -> str | None:
        """Entries without a place in the chain."""
        lost = await audit_chain.lost_pending(self._connection, self._chain.log)
        if lost is not None:
            return f"the entry with id {lost} was removed before it was sealed"
        unsealed = await audit_chain.oldest_unsealed(self._connection, self._chain.log)
        if unsealed is None:
            return None
        if not unsealed.pending:
            return f"the entry with id {unsealed.entry_id} was put in beside the chain"
        if self._now - unsealed.at > SEALED_WITHIN:
            return f"the entry with id {unsealed.entry_id} was never sealed: does a node run?"
        return None


def anchor_line(anchor: Anchor, name: str | None, at: datetime) -> str:
    """An anchor as a line of a file."""
    return json.dumps(
        {"log": str(anchor.log), "workspace": name, "seq": anchor.seq, "hash": anchor.hash.hex(), "at": at.isoformat()}
    )


def read_anchors(text: str) -> list[Anchor]:
    """The anchors of such a file. Raises InvalidError."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            at = datetime.fromisoformat(told["at"]).astimezone(UTC) if "at" in told else None
            found.append(Anchor(int(told["log"]), int(told["seq"]), bytes.fromhex(told["hash"]), at))
        except (ValueError, KeyError, TypeError):
            raise InvalidError("line {number} is no anchor", number=number) from None
    return found


def _first_id(moment: datetime | None) -> int:
    return 0 if moment is None else first_id_at(int(moment.timestamp() * 1_000))
