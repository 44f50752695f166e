"""The IMSIs of SIMs: add, remove, ask which would be used where and why, and switch by hand or by need."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

import asyncpg

from motet.domain.errors import ConflictError, DeniedError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.event_types import SIM_IMSI_ADDED, SIM_IMSI_REMOVED, SIM_IMSI_SWITCHED, EventType
from motet.domain.identities import home_networks, parse_imsi
from motet.domain.ids import IdGenerator
from motet.domain.imsi_selection import Candidate, FactorName, Ranked, Selection, SwitchReason, Terms, select
from motet.domain.network import OrderKind
from motet.domain.states import EventSource, SimStatus
from motet.fleet.cards.roaming_partner import check_country
from motet.fleet.journal import Change, Journal
from motet.fleet.network_ports import Orders
from motet.fleet.rules import check_plmn
from motet.fleet.sims.sim_step import told
from motet.storage import imsi, roaming_partner, sim
from motet.storage.database import Database, Executor, PooledConnection
from motet.storage.sim import LockedSim
from motet.storage.transaction import transaction

MAX_IMSIS = 10
"""Of one SIM, or of one profile: what applets on cards hold."""

MAX_OUTAGES = 50
"""Operators in one question."""

DAY = timedelta(days=1)


class KnownOutages(Protocol):
    """Who knows which operators are out."""

    async def current(self, connection: Executor) -> Sequence[str]: ...


class Answer(NamedTuple):
    """What would be chosen in the country, and what was taken into account."""

    country: str
    outages: tuple[str, ...]
    selection: Selection


class ImsiService:
    """The IMSIs of all workspaces' SIMs, each call scoped to one. Errors are domain errors; paths name input fields."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        journal: Journal,
        orders: Orders,
        outages: KnownOutages,
        *,
        on_change: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_change` is called after each commit that gives a SIM another IMSI."""
        self.database = database
        self._ids = ids
        self.journal = journal
        self._orders = orders
        self._outages = outages
        self._on_change = on_change
        self.clock = clock

    async def add(
        self,
        workspace_id: int,
        actor: str,
        sim_id: int,
        typed: str,
        *,
        partner_id: int | None = None,
        profile_id: int | None = None,
    ) -> int:
        """Give a SIM one more IMSI, of an eUICC one of its profiles: the IMSI's id.

        Raises NotFoundError, InvalidError, ConflictError for an IMSI that any SIM has, LimitReachedError, DeniedError
        for a deleted SIM.
        """
        value = parse_imsi(typed, ("imsi",))
        imsi_id = self.next_id()
        async with transaction(self.database, makes=imsi_id, after=self.journal.committed) as connection:
            locked = await self._locked(connection, workspace_id, sim_id, ("sim_id",))
            await self._check_partner(connection, workspace_id, partner_id)
            profile_id = await self._profile(connection, workspace_id, sim_id, profile_id)
            if await imsi.count(connection, workspace_id, sim_id, profile_id) >= MAX_IMSIS:
                raise LimitReachedError(
                    "A SIM, or a profile, has at most {most} IMSIs.", path=("sim_id",), most=MAX_IMSIS
                )
            if not await sim.claim(connection, workspace_id, [("imsi", value, sim_id)]):
                raise ConflictError("This is taken.", path=("imsi",))
            await imsi.add(connection, workspace_id, imsi_id, sim_id, profile_id, value, partner_id, self.now())
            await self._note(connection, workspace_id, actor, sim_id, locked, SIM_IMSI_ADDED, value)
        return imsi_id

    async def set_partner(self, workspace_id: int, imsi_id: int, partner_id: int | None) -> None:
        """Say whose an IMSI is; None: nobody's that has terms. Raises NotFoundError."""
        async with transaction(self.database) as connection:
            if await imsi.find(connection, workspace_id, imsi_id) is None:
                raise NotFoundError("There is no such IMSI.", path=("id",))
            await self._check_partner(connection, workspace_id, partner_id)
            await imsi.set_partner(connection, workspace_id, imsi_id, partner_id)

    async def remove(self, workspace_id: int, actor: str, imsi_id: int) -> None:
        """Take an IMSI from its SIM and leave it to others. Raises NotFoundError, DeniedError for the one in use."""
        async with transaction(self.database, after=self.journal.committed) as connection:
            found, locked = await self._found(connection, workspace_id, imsi_id)
            if found["active"] or found["imsi"] == locked.imsi:
                raise DeniedError("This IMSI is in use: switch to another one first.", path=("id",))
            if (
                found["profile_id"] is not None
                and await imsi.count(connection, workspace_id, found["sim_id"], found["profile_id"]) == 1
            ):
                raise DeniedError("This is the only IMSI of its profile.", path=("id",))
            await imsi.remove(connection, workspace_id, imsi_id)
            await self._note(connection, workspace_id, actor, found["sim_id"], locked, SIM_IMSI_REMOVED, found["imsi"])

    async def ask(
        self,
        workspace_id: int,
        sim_id: int,
        *,
        country: str | None = None,
        rat: str | None = None,
        outages: Sequence[str] = (),
    ) -> Answer | None:
        """Which IMSI the SIM would use in a country (None: where it attached last) if these operators were out, besides
        those that are. None for a SIM that the workspace has not. Raises InvalidError."""
        if len(outages) > MAX_OUTAGES:
            raise InvalidError("At most {most} operators.", path=("outages",), most=MAX_OUTAGES)
        for plmn in outages:
            check_plmn(plmn, "outages")
        if country is not None:
            check_country(country, ("country",))
        async with self.database.pool.acquire() as connection:
            if not await sim.exists(connection, workspace_id, sim_id):
                return None
            country = country or await imsi.country_of_sim(connection, workspace_id, sim_id)
            if country is None:
                raise InvalidError("The SIM has not attached yet: name a country.", path=("country",))
            return await self.choose(connection, workspace_id, sim_id, country, rat=rat, outages=outages)

    async def choose(
        self,
        connection: PooledConnection,
        workspace_id: int,
        sim_id: int,
        country: str,
        *,
        rat: str | None = None,
        outages: Sequence[str] = (),
    ) -> Answer:
        """The same, on a connection."""
        out = tuple(sorted({*outages, *await self._outages.current(connection)}))
        now = self.now()
        rows = await imsi.candidates(connection, workspace_id, sim_id, country)
        found = select([candidate_of(row, country, now) for row in rows], country, outages=out, rat=rat)
        return Answer(country, out, found)

    async def outages(self) -> Sequence[str]:
        """The operators that are out, by PLMN code."""
        return await self._outages.current(self.database.pool)

    async def switch(self, workspace_id: int, actor: str, sim_id: int, imsi_id: int) -> None:
        """Let a SIM use this IMSI; one that is in use stays.

        Raises NotFoundError, DeniedError for one of a profile that is not enabled, of an operator that is out, or whose
        days where the SIM is are over (path `imsi_id`).
        """
        async with transaction(self.database, after=self.journal.committed) as connection:
            locked = await self._locked(connection, workspace_id, sim_id, ("id",))
            found = await imsi.find(connection, workspace_id, imsi_id)
            if found is None or found["sim_id"] != sim_id:
                raise NotFoundError("The SIM has no such IMSI.", path=("imsi_id",))
            if found["active"]:
                return
            country = await imsi.country_of_sim(connection, workspace_id, sim_id)
            answer = await self.choose(connection, workspace_id, sim_id, country or "")
            ranked = next((one for one in answer.selection.ranked if one.candidate.id == imsi_id), None)
            if ranked is None:
                raise DeniedError("This IMSI is of a profile that is not enabled.", path=("imsi_id",))
            words = "It was asked for."
            if why := _bar(ranked, country):
                raise DeniedError(why, path=("imsi_id",))
            await self.use(
                connection, workspace_id, actor, sim_id, locked, ranked.candidate, SwitchReason.REQUEST, country, words
            )
        await self.switched()

    async def use(
        self,
        connection: PooledConnection,
        workspace_id: int,
        actor: str | None,
        sim_id: int,
        locked: LockedSim,
        chosen: Candidate,
        reason: SwitchReason,
        country: str | None,
        words: str,
    ) -> None:
        """Write that the locked SIM uses another IMSI, and order it of the network unless the card did it by itself.
        Call `switched` after the commit."""
        await imsi.use(connection, workspace_id, sim_id, chosen.id, chosen.imsi)
        await imsi.add_switch(
            connection, workspace_id, self.next_id(), sim_id, locked.imsi, chosen.imsi, reason, country, words, actor,
            self.now(),
        )  # fmt: skip
        if reason is not SwitchReason.CARD:
            await self._orders.add(connection, workspace_id, OrderKind.SWITCH_IMSI, [sim_id], {"imsi": chosen.imsi})
        detail = {
            **told(locked.iccid, chosen.imsi, locked.msisdn),
            "old_imsi": locked.imsi,
            "new_imsi": chosen.imsi,
            "reason": reason.name,
            "country": country,
            "explanation": words,
        }
        source = EventSource.API if reason is SwitchReason.REQUEST else EventSource.POLICY
        source = EventSource.NETWORK if reason is SwitchReason.CARD else source
        change = Change(SIM_IMSI_SWITCHED, locked.device_id, sim_id, detail, source)
        await self.journal.write(connection, workspace_id, actor, [change])

    async def switched(self) -> None:
        """A transaction that gave SIMs other IMSIs has ended well."""
        self.journal.committed()
        self._orders.wake()
        await self._on_change()

    def next_id(self) -> int:
        """A new id of this node."""
        return self._ids.next(int(self.clock() * 1_000))

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    async def _found(
        self, connection: PooledConnection, workspace_id: int, imsi_id: int
    ) -> tuple[asyncpg.Record, LockedSim]:
        """An IMSI, its SIM locked before it is looked at."""
        found = await imsi.find(connection, workspace_id, imsi_id)
        if found is None:
            raise NotFoundError("There is no such IMSI.", path=("id",))
        locked = await self._locked(connection, workspace_id, found["sim_id"], ("id",))
        found = await imsi.find(connection, workspace_id, imsi_id)
        if found is None:
            raise NotFoundError("There is no such IMSI.", path=("id",))
        return found, locked

    async def _locked(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, path: tuple[str, ...]
    ) -> LockedSim:
        locked = await sim.lock(connection, workspace_id, sim_id)
        if locked is None:
            raise NotFoundError("There is no such SIM.", path=path)
        if locked.status == SimStatus.DELETED:
            raise DeniedError("The SIM is deleted.", path=path)
        return locked

    async def _check_partner(self, connection: PooledConnection, workspace_id: int, partner_id: int | None) -> None:
        if partner_id is not None and not await roaming_partner.known(connection, workspace_id, [partner_id]):
            raise NotFoundError("There is no such partner.", path=("partner_id",))

    async def _profile(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, profile_id: int | None
    ) -> int | None:
        """The profile that an IMSI is added to: of an eUICC the one named, or the enabled one; else none."""
        chosen = await imsi.profile_for(connection, workspace_id, sim_id, profile_id)
        if profile_id is not None and chosen is None:
            raise NotFoundError("The SIM has no such profile.", path=("profile_id",))
        return chosen

    async def _note(
        self,
        connection: PooledConnection,
        workspace_id: int,
        actor: str,
        sim_id: int,
        locked: LockedSim,
        kind: EventType,
        value: str,
    ) -> None:
        detail = {**told(locked.iccid, locked.imsi, locked.msisdn), "imsi": value}
        change = Change(kind, locked.device_id, sim_id, detail)
        await self.journal.write(connection, workspace_id, actor, [change])


def candidate_of(row: asyncpg.Record, country: str, now: datetime) -> Candidate:
    """A row of `imsi.candidates` as the selection sees it."""
    terms = None
    if row["country"] is not None:
        terms = Terms(
            row["country"], row["networks"], row["rats"], row["permanent_roaming"], row["max_stay_days"], row["psm"],
            row["edrx"],
        )  # fmt: skip
    stays = row["stay_country"] == country and row["stay_since"] is not None
    return Candidate(
        id=row["id"],
        imsi=row["imsi"],
        plmn=row["plmn"] or "".join(home_networks(row["imsi"])[0]),
        terms=terms,
        stay_days=max(0.0, (now - row["stay_since"]) / DAY) if stays else 0.0,
        attach_failures=row["attach_failures"],
        preference=row["position"],
        is_active=row["active"],
    )


def _bar(ranked: Ranked, country: str | None) -> str | None:
    """Why an IMSI must not be used even if somebody asks for it. That it has failed before is no bar."""
    bars = {FactorName.OPERATOR_IN_SERVICE}
    if country is not None:
        bars |= {FactorName.COUNTRY_COVERED, FactorName.NETWORK_IN_SERVICE, FactorName.PERMANENT_ROAMING_ALLOWED}
        if ranked.candidate.terms is None:  # nobody has said where it may be used
            bars.discard(FactorName.COUNTRY_COVERED)
    return next((one.words for one in ranked.factors if one.name in bars and one.met is False), None)
