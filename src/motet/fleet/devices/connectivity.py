"""What networks tell without being asked: each notification once, in its order, answered after its commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from motet.domain.identities import imei_body
from motet.domain.network import (
    Attached,
    AttachFailed,
    Detached,
    EsimProgress,
    ImeiSeen,
    LocationUpdated,
    Notification,
    OperationResult,
    OperatorOutage,
    OrderState,
    Outcome,
    SessionRecord,
    Verdict,
)
from motet.fleet.devices.whereabouts import DONE, Course, Whereabouts
from motet.fleet.journal import Journal
from motet.fleet.network_ports import Attachments, Esims, Outages, SessionRecords
from motet.fleet.orders import OrderEnds
from motet.storage import attachment, network_order
from motet.storage.acting import Act, ActorKind, Edge, system_act
from motet.storage.database import Database, Executor, PooledConnection
from motet.storage.transaction import transaction

AHEAD_S = 300
"""How far a network's clock may be ahead of ours."""

_UNKNOWN_SIM = Outcome(Verdict.UNKNOWN_SIM, words="No live SIM has this number")
_UNKNOWN_ORDER = Outcome(Verdict.UNKNOWN_ORDER, words="There is no open order with this id")
_AHEAD = Outcome(Verdict.INVALID, words=f"Its time is more than {AHEAD_S} s ahead")
_BAD_IMEI = Outcome(Verdict.INVALID, words="This is no IMEI and no IMEISV")


class ConnectivityService:
    """Takes notifications for all workspaces. One per node."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        whereabouts: Whereabouts,
        sessions: SessionRecords,
        *,
        ends: OrderEnds,
        line_changed: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`line_changed` is told the MSISDN of each SIM that rules see with other eyes, after the commit."""
        self._database = database
        self._journal = journal
        self._whereabouts = whereabouts
        self._sessions = sessions
        self._line_changed = line_changed
        self._ends = ends
        self._outages: list[Outages] = []
        self._attachments: list[Attachments] = []
        self._esims: Esims | None = None
        self._clock = clock
        self._turn = asyncio.Lock()

    def on_outage(self, who: Outages) -> None:
        """Tell this one when a visited network fails or is back."""
        self._outages.append(who)

    def on_attach(self, who: Attachments) -> None:
        """Tell this one when a SIM attaches, or cannot."""
        self._attachments.append(who)

    def on_esim(self, who: Esims) -> None:
        """Ask this one when a phone takes a step with an activation code."""
        self._esims = who

    async def take(self, source: str, told: Sequence[tuple[str, Notification]]) -> list[Outcome]:
        """Notifications of the network `source`, each with an id of its own there: the answers, in their order.

        All that is answered is committed. One that was told before, by its id, is answered as it was then; session
        records are counted by session and sequence. What a network tells at once is taken one after the other.
        """
        outcomes: list[Outcome] = []
        async with self._turn:
            position = 0
            while position < len(told):
                end = position
                while end < len(told) and isinstance(told[end][1], SessionRecord):
                    end += 1
                if end > position:
                    records = [one for _, one in told[position:end] if isinstance(one, SessionRecord)]
                    outcomes += await self._records(source, records)
                    position = end
                else:
                    outcomes.append(await self._once(source, *told[position]))
                    position += 1
        return outcomes

    async def _once(self, source: str, notification_id: str, told: Notification) -> Outcome:
        if told.at > self._now() + timedelta(seconds=AHEAD_S):
            return _AHEAD
        if isinstance(told, Attached | LocationUpdated | ImeiSeen) and told.imei and imei_body(told.imei) is None:
            return _BAD_IMEI
        async with transaction(self._database, act=_act(source, told)) as connection:
            assumed = _stored(DONE)
            before = await attachment.note(connection, source, notification_id, assumed)
            if before is not None:
                return Outcome(**{**before, "verdict": Verdict(before["verdict"]), "repeated": True})
            course, workspace_id, msisdn = await self._taken(connection, told)
            if workspace_id is not None and course.changes:
                await self._journal.write(connection, workspace_id, source, course.changes)
            result = _stored(course.outcome)
            if result != assumed:
                await attachment.note_result(connection, source, notification_id, result)
        if course.changes:
            self._journal.committed()
        if course.rules_affected and msisdn is not None:
            self._line_changed(msisdn)
        if isinstance(told, OperationResult):
            self._ends.committed()
        if isinstance(told, EsimProgress) and self._esims is not None:
            self._esims.committed()
        if isinstance(told, OperatorOutage):
            for outages in self._outages:
                await outages.changed(told)
        return course.outcome

    async def _taken(self, connection: PooledConnection, told: Notification) -> tuple[Course, int | None, str | None]:
        """(what it comes to, whose SIM it is about, its MSISDN)."""
        if isinstance(told, OperatorOutage):
            await attachment.set_outage(connection, told.operator, told.at, out=told.out)
            return Course(), None, None
        if isinstance(told, OperationResult):
            return Course(await self._ended(connection, told)), None, None
        if isinstance(told, EsimProgress):
            outcome = _UNKNOWN_SIM if self._esims is None else await self._esims.progressed(connection, told)
            return Course(outcome), None, None
        owner = await attachment.owner(connection, told.sim)
        if owner is None:
            return Course(_UNKNOWN_SIM), None, None
        workspace_id, sim_id, kind = owner
        match told:
            case Attached() | LocationUpdated():
                course = await self._whereabouts.arrive(connection, workspace_id, sim_id, told)
            case Detached() | AttachFailed():
                course = await self._whereabouts.leave(connection, workspace_id, sim_id, told)
            case ImeiSeen():
                course = await self._whereabouts.equip(connection, workspace_id, sim_id, told.at, told.imei)
            case _:
                raise TypeError(f"{type(told).__name__} is taken elsewhere")
        if course.outcome.verdict is Verdict.DONE:
            for attachments in self._attachments:
                if isinstance(told, Attached | LocationUpdated):
                    used, country = told.sim if kind == "imsi" else None, course.country
                    await attachments.attached(connection, workspace_id, sim_id, used, country, told.at)
                elif isinstance(told, AttachFailed):
                    await attachments.attach_failed(connection, workspace_id, sim_id, course.country)
        msisdn = (await attachment.lock(connection, workspace_id, sim_id)).msisdn if course.rules_affected else None
        return course, workspace_id, msisdn

    async def _ended(self, connection: PooledConnection, told: OperationResult) -> Outcome:
        workspace_id = await network_order.workspace_of(connection, told.order_id)
        if workspace_id is None:
            return _UNKNOWN_ORDER
        state = OrderState.DONE if told.ok else OrderState.REFUSED
        ended = await self._ends.end(connection, workspace_id, state, told)
        return DONE if ended else _UNKNOWN_ORDER

    async def _records(self, source: str, records: Sequence[SessionRecord]) -> list[Outcome]:
        """Session records are counted by whoever counts; what equipment they tell of is looked at before."""
        for record in records:
            if record.imei is not None and imei_body(record.imei) is not None:
                await self._seen(source, record)
        return list(await self._sessions.ingest(records))

    async def _seen(self, source: str, record: SessionRecord) -> None:
        course, msisdn = Course(), None
        async with transaction(self._database, act=_act(source, record)) as connection:
            owner = await attachment.owner(connection, record.sim)
            if owner is not None and record.imei is not None:
                course = await self._whereabouts.equip(connection, *owner[:2], record.at, record.imei)
                if course.changes:
                    await self._journal.write(connection, owner[0], source, course.changes)
                msisdn = (await attachment.lock(connection, *owner[:2])).msisdn
        if course.changes:
            self._journal.committed()
        if course.rules_affected and msisdn is not None:
            self._line_changed(msisdn)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _act(source: str, told: Notification) -> Act:
    """What the network says may change what is ours: a lock to equipment, a card's profile, an order's end."""
    return system_act(type(told).__name__, source, kind=ActorKind.NETWORK, edge=Edge.NETWORK)


def _stored(outcome: Outcome) -> dict[str, object]:
    return {
        "verdict": outcome.verdict.value,
        "reason": outcome.reason,
        "words": outcome.words,
        "detail": outcome.detail,
    }


class CurrentOutages:
    """Which visited networks do not work now, as networks have told."""

    async def current(self, connection: Executor) -> Sequence[str]:
        return await attachment.outages(connection)
