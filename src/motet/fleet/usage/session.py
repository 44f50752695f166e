"""Data sessions: what networks tell of them is counted once, and answered with what the network is to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from motet.domain.data_session import Decision, SessionStatus, SessionVerdict
from motet.domain.event_types import SESSION_CREATED, SESSION_CUT, SESSION_DELETED, SESSION_UPDATED, EventType
from motet.domain.ids import IdGenerator
from motet.domain.network import SessionRecord
from motet.domain.quota import MonthLimit, Quota, QuotaService, limit_reached, month_of
from motet.domain.refusals import Refusal
from motet.domain.session_rules import facts_at, fault_of, quota_refusal
from motet.domain.states import EventSeverity, EventSource
from motet.domain.traffic_rules import Traffic, refusal_of
from motet.fleet.journal import Change, Journal
from motet.fleet.usage.metering import Ledger, Told, ledger_of, tell_limits
from motet.storage import data_session, traffic, usage
from motet.storage.database import Database, PooledConnection
from motet.storage.traffic import Line
from motet.storage.usage import DeviceMonth

MAX_RECORDS = 1_000
"""Records of one call: the network sends the rest in another."""


@dataclass(frozen=True, slots=True)
class Session:
    """A data session as it is stored."""

    workspace_id: int
    id: int
    sim_id: int
    device_id: int | None
    session_id: str
    status: SessionStatus
    apn: str | None
    ip_address: str | None
    region: str | None
    operator: str | None
    rat: str | None
    imei: str | None
    cause: str | None
    reason: str | None
    octets_up: int
    octets_down: int
    record_count: int
    last_sequence: int
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None

    def row(self) -> tuple[Any, ...]:
        """In the order of storage.data_session.SESSION_COLUMNS."""
        return tuple(int(value) if name == "status" else value for name, value in self._items())

    def _items(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in data_session.SESSION_COLUMNS]


class SessionService:
    """Takes the records of data sessions, whatever workspace their SIMs are in. Implements `SessionRecords`."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        journal: Journal,
        *,
        on_exhausted: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_exhausted` is called after a commit by which others' sessions may have to be cut, too."""
        self._database = database
        self._ids = ids
        self._journal = journal
        self._on_exhausted = on_exhausted
        self._clock = clock
        self.on_used: Callable[[Collection[int]], None] = lambda sim_ids: None
        """Called with the SIMs of records that are counted, after their commit."""

    async def ingest(self, records: Sequence[SessionRecord]) -> list[SessionVerdict]:
        """Count the records, each (SIM, session, sequence) once however often it is told and in whatever order, and say
        what is to become of their sessions: a verdict for each record, in their order.

        What cannot be counted (an unknown SIM, a record that is none) is answered REFUSE and changes nothing. Raises
        ValueError for more than `MAX_RECORDS`. When this returns, what it counted is on disk.
        """
        if len(records) > MAX_RECORDS:
            raise ValueError(f"At most {MAX_RECORDS} records at once.")
        now = datetime.fromtimestamp(self._clock(), UTC)
        faults = [fault_of(record, now) for record in records]
        sims = {record.sim.removeprefix("+") for record, fault in zip(records, faults, strict=True) if fault is None}
        lines = await traffic.of_identities(self._database.pool, sorted(sims)) if sims else {}
        verdicts: list[SessionVerdict | None] = [None] * len(records)
        todo: list[tuple[int, SessionRecord, Line]] = []
        for index, (record, fault) in enumerate(zip(records, faults, strict=True)):
            line = lines.get(record.sim.removeprefix("+")) if fault is None else None
            if fault is not None:
                verdicts[index] = _turned_away(record, "INVALID_RECORD", fault)
            elif line is None:
                verdicts[index] = _turned_away(record, "UNKNOWN_SUBSCRIBER", "No SIM has this identity")
            else:
                todo.append((index, record, line))
        if todo:
            async with self._database.pool.acquire() as connection, connection.transaction():
                batch = _Batch(self, connection, now)
                for index, verdict in await batch.run(todo):
                    verdicts[index] = verdict
            self._journal.committed()
            if batch.exhausted:
                self._on_exhausted()
            self.on_used([line.sim_id for _, _, line in todo if line.sim_id])
        return [verdict for verdict in verdicts if verdict is not None]

    def new_id(self, now: datetime) -> int:
        return self._ids.next_at(now)

    @property
    def journal(self) -> Journal:
        return self._journal


class _Batch:
    """The records of one call, in one transaction."""

    def __init__(self, service: SessionService, connection: PooledConnection, now: datetime) -> None:
        self._service = service
        self._connection = connection
        self._now = now
        self._month = month_of(now)
        self._told = Told()
        self._sessions: dict[tuple[int, int, str], Session] = {}
        self._stored: dict[int, Session] = {}
        self._records: list[tuple[Any, ...]] = []
        self._months: dict[int, DeviceMonth] = {}
        self.exhausted = False
        """Whether a quota or limit came to its end."""

    async def run(self, todo: Sequence[tuple[int, SessionRecord, Line]]) -> list[tuple[int, SessionVerdict]]:
        connection = self._connection
        await usage.lock_workspaces(connection, [line.workspace_id for _, _, line in todo])
        for row in await data_session.lock_by_names(connection, [_key(record, line) for _, record, line in todo]):
            stored = Session(**{**dict(row), "status": SessionStatus(row["status"])})
            self._sessions[stored.workspace_id, stored.sim_id, stored.session_id] = stored
            self._stored[stored.id] = stored
        counted = await self._known(todo)
        devices = list({(line.workspace_id, line.device_id or 0) for _, _, line in todo if line.device_id})
        self._months = await usage.month_of_devices(connection, devices, self._month)
        metered = [(one.workspace_id, one.device_id) for one in self._months.values() if one.data_quota_applies]
        ledger, quotas = await ledger_of(connection, metered, QuotaService.DATA, self._now, self._told)
        verdicts = []
        for index, record, line in todo:
            session = self._sessions.get(_key(record, line))
            repeated = session is not None and (session.id, record.sequence) in counted
            if session is None:
                session = self._new(record, line)
            counted.add((session.id, record.sequence))
            if not repeated:
                session = self._count(session, record, line, ledger, quotas)
            verdicts.append((index, self._judge(session, record, line, ledger, quotas, repeated=repeated)))
        await self._write(ledger)
        return verdicts

    async def _known(self, todo: Sequence[tuple[int, SessionRecord, Line]]) -> set[tuple[int, int]]:
        found = [(self._sessions.get(_key(record, line)), record.sequence) for _, record, line in todo]
        keys = [(session.id, sequence) for session, sequence in found if session is not None]
        return await data_session.known_records(self._connection, keys)

    def _new(self, record: SessionRecord, line: Line) -> Session:
        return Session(
            line.workspace_id, self._service.new_id(self._now), line.sim_id or 0, line.device_id, record.session_id,
            SessionStatus.OPEN, None, None, None, None, None, None, None, None, 0, 0, 0, -1, record.opened_at,
            record.at, None,
        )  # fmt: skip

    def _count(
        self, session: Session, record: SessionRecord, line: Line, ledger: Ledger, quotas: Mapping[int, int]
    ) -> Session:
        """The session with the record in it; what it carried is charged."""
        octets = record.octets_up + record.octets_down
        newest = record.sequence > session.last_sequence
        moved = newest and session.record_count > 0 and _moved(session, record)
        before = session
        session = replace(
            session,
            octets_up=session.octets_up + record.octets_up,
            octets_down=session.octets_down + record.octets_down,
            record_count=session.record_count + 1,
            opened_at=min(session.opened_at, record.opened_at),
            updated_at=max(session.updated_at, record.at),
        )
        if newest:
            session = replace(
                session,
                last_sequence=record.sequence,
                **{name: getattr(record, name) or getattr(session, name) for name in _TOLD_EACH_TIME},
            )
        if record.closed:
            session = replace(session, status=SessionStatus.CLOSED, closed_at=record.at, cause=record.cause)
        device_id = line.device_id or 0
        self._records.append(
            (
                session.id, record.sequence, session.workspace_id, device_id, session.sim_id, record.at,
                record.octets_up, record.octets_down,
            )
        )  # fmt: skip
        month = self._months.get(device_id)
        if month is not None and month_of(record.at) == self._month:
            mt, mo, used = month.used
            self._months[device_id] = month._replace(used=(mt, mo, used + octets))
        quota_id = quotas.get(device_id)
        if quota_id is not None and record.at >= ledger.rows[quota_id].quota.period_started_at:
            ledger.charge(quota_id, octets)
        self._keep(session)
        if record.closed and before.status is not SessionStatus.CLOSED:
            self._tell(SESSION_DELETED, session, line)
        elif moved:
            self._tell(SESSION_UPDATED, session, line)
        return session

    def _judge(
        self,
        session: Session,
        record: SessionRecord,
        line: Line,
        ledger: Ledger,
        quotas: Mapping[int, int],
        *,
        repeated: bool,
    ) -> SessionVerdict:
        """What is to become of the session, and what that changes of it."""
        quota_id = quotas.get(line.device_id or 0)
        quota = None if quota_id is None else ledger.rows[quota_id].quota
        refusal, throttle = self._refusal(session, line, quota)
        opening = session.record_count == 1 and not (session.octets_up or session.octets_down or record.closed)
        status, reason = session.status, session.reason
        if refusal is None:
            if status is SessionStatus.REFUSED:
                status, reason = SessionStatus.OPEN, None
            if opening and not repeated:
                self._tell(SESSION_CREATED, session, line)
            decision = Decision.ALLOW
        elif opening or status is SessionStatus.REFUSED:
            status, reason = SessionStatus.REFUSED, refusal.name
            if not repeated:
                self._tell(SESSION_CREATED, session, line, refusal)
            decision = Decision.REFUSE
        else:
            if status is SessionStatus.OPEN and reason is None:
                reason = refusal.name
                self._tell(SESSION_CUT, session, line, refusal)
            decision = Decision.CUT
        if (status, reason) != (session.status, session.reason):
            self._keep(replace(session, status=status, reason=reason))
        name, words = (None, None) if refusal is None else (refusal.name, refusal.words)
        return SessionVerdict(record.session_id, record.sequence, decision, name, words, throttle, repeated)

    def _refusal(self, session: Session, line: Line, quota: Quota | None) -> tuple[Refusal | None, int | None]:
        """Why the session may not go on; and the rate that it may go on at, if it is throttled."""
        refusal = refusal_of(facts_at(line.facts, session.operator, session.rat), Traffic.DATA)
        if refusal is not None:
            return refusal, None
        month = self._months.get(line.device_id or 0)
        if month is None:
            return None, None
        kind = MonthLimit.DATA
        if limit_reached(month.used[kind], month.limits[kind], month.extensions[kind]):
            return Refusal.MONTH_LIMIT_REACHED, None
        return quota_refusal(quota) if month.data_quota_applies else (None, None)

    def _keep(self, session: Session) -> None:
        self._sessions[session.workspace_id, session.sim_id, session.session_id] = session

    def _tell(self, kind: EventType, session: Session, line: Line, refusal: Refusal | None = None) -> None:
        source = EventSource.NETWORK if refusal is None else EventSource.POLICY
        severity = None if refusal is None else EventSeverity.WARN
        detail = told_of(session, line.msisdn) | ({} if refusal is None else {"reason": refusal.name})
        self._told.add(
            session.workspace_id,
            Change(
                kind,
                line.device_id,
                session.sim_id,
                detail,
                source=source,
                severity=severity,
                words=None if refusal is None else refusal.words,
            ),
        )

    async def _write(self, ledger: Ledger) -> None:
        connection = self._connection
        new = [session for session in self._sessions.values() if session.id not in self._stored]
        await data_session.copy_sessions(connection, [session.row() for session in new])
        changed = [one for one in self._sessions.values() if one.id in self._stored and one != self._stored[one.id]]
        await data_session.update_sessions(connection, [(one.workspace_id, one.id, *one.row()[5:]) for one in changed])
        await data_session.copy_records(connection, self._records)
        octets = [
            (workspace_id, device_id, sim_id, at, up, down)
            for _, _, workspace_id, device_id, sim_id, at, up, down in self._records
            if device_id and (up or down)
        ]
        await usage.count_octets(connection, octets)
        await ledger.write(connection)
        limits = await tell_limits(connection, self._months.values(), (MonthLimit.DATA,), self._month, self._told)
        self.exhausted = limits or bool(ledger.ended)
        await self._told.write(connection, self._service.journal)


_TOLD_EACH_TIME = ("apn", "ip_address", "region", "operator", "rat", "imei")


def _moved(session: Session, record: SessionRecord) -> bool:
    """Whether something about the session is new, as an Update PDP Context tells."""
    return any(
        getattr(record, name) is not None and getattr(record, name) != getattr(session, name)
        for name in _TOLD_EACH_TIME
    )


def told_of(session: Session, msisdn: str | None) -> dict[str, Any]:
    """The session as its events tell of it."""
    return {
        "session_id": session.session_id,
        "sim": {"msisdn": msisdn},
        "pdp_context": {
            "apn": session.apn,
            "ue_ip_address": session.ip_address,
            "region": session.region,
            "operator": session.operator,
            "rat": session.rat,
            "imei": session.imei,
            "tunnel_created": session.opened_at.isoformat(),
        },
        "volume": {"tx": session.octets_up, "rx": session.octets_down},
        "cause": session.cause,
    }


def _key(record: SessionRecord, line: Line) -> tuple[int, int, str]:
    return line.workspace_id, line.sim_id or 0, record.session_id


def _turned_away(record: SessionRecord, reason: str, words: str) -> SessionVerdict:
    return SessionVerdict(record.session_id, record.sequence, Decision.REFUSE, reason, words)
