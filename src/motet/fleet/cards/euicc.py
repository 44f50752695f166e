"""What a workspace does with the profiles of an eUICC: add, download, enable, disable, delete, go back, set a fallback.

What is asked for is judged by `motet.domain.euicc` and goes out as an order to the network; what comes of it is told to
`fleet/cards/euicc_results.py`. One operation at a time on each eUICC; whoever changes one locks its SIM first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg

from motet.domain import euicc as rules
from motet.domain.errors import ConflictError, DeniedError, NotFoundError
from motet.domain.euicc import Card, CardProfile, Effect, OperationState, OperationType, Plan, ProfileState, check_room
from motet.domain.event_types import SIM_PROFILE_ADDED
from motet.domain.identities import parse_iccid, parse_imsi, parse_msisdn
from motet.domain.ids import IdGenerator
from motet.domain.network import OrderKind
from motet.domain.states import SimStatus
from motet.fleet.journal import Change, Journal
from motet.fleet.network_ports import Orders
from motet.fleet.rules import check_plmn, check_range
from motet.storage import euicc, imsi, sim
from motet.storage.database import Database, PooledConnection
from motet.storage.sim import LockedSim
from motet.storage.transaction import transaction

VALIDITY_S = 24 * 3600
"""How long an operation may take if nobody says: a meter that wakes once a day gets it."""

MIN_VALIDITY_S, MAX_VALIDITY_S = 60, 30 * 24 * 3600

ROLLBACK_AFTER_S = 600
"""How long a SIM may take to attach with a profile just enabled, if nobody says: several scans of all bands."""

MIN_ROLLBACK_AFTER_S, MAX_ROLLBACK_AFTER_S = 10, 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProfile:
    """A profile that waits at the SM-DP. Identities are as people type them; `plmn` is the home operator's."""

    iccid: str
    imsi: str
    msisdn: str
    plmn: str | None = None

    def checked(self) -> NewProfile:
        """The same in canonical form. Raises InvalidError with the path of the field at fault."""
        return NewProfile(
            iccid=parse_iccid(self.iccid, ("iccid",)),
            imsi=parse_imsi(self.imsi, ("imsi",)),
            msisdn=parse_msisdn(self.msisdn, ("msisdn",)),
            plmn=None if self.plmn is None else check_plmn(self.plmn, "plmn"),
        )


class ToldEffect(NamedTuple):
    """What an operation does to a profile once the card has confirmed it, as it is told to people."""

    profile_id: int
    iccid: str
    before: str
    after: str
    is_fallback: bool


class Operated(NamedTuple):
    """An operation that was ordered, or would be: after a dry run there is no id."""

    operation_id: int | None
    effects: list[ToldEffect]


class EuiccService:
    """The eUICCs of all workspaces, each call scoped to one; `actor` is who asked for it. Errors are domain errors;
    paths name input fields."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        journal: Journal,
        orders: Orders,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.database = database
        self._ids = ids
        self.journal = journal
        self._orders = orders
        self.clock = clock

    async def add_profile(self, workspace_id: int, actor: str, euicc_id: int, new: NewProfile) -> int:
        """Note a profile that the SM-DP has for an eUICC; it is AVAILABLE. Its id.

        Raises NotFoundError (path `euicc_id`), InvalidError, ConflictError for an identity that any SIM has,
        LimitReachedError if the eUICC is full.
        """
        new = new.checked()
        profile_id = self.next_id()
        at = self.now()
        async with transaction(self.database, makes=profile_id, after=self.journal.committed) as connection:
            _, card, _ = await locked_card(connection, workspace_id, euicc_id, ("euicc_id",))
            check_room(card, ("euicc_id",))
            named = (("iccid", new.iccid), ("imsi", new.imsi), ("msisdn", new.msisdn))
            free = await sim.claim(connection, workspace_id, [(kind, value, euicc_id) for kind, value in named])
            for kind, value in named:
                if (kind, value) not in free:
                    raise ConflictError("This is taken.", path=(kind,))
            await euicc.add_profile(
                connection,
                workspace_id,
                profile_id,
                euicc_id,
                iccid=new.iccid,
                imsi=new.imsi,
                msisdn=new.msisdn,
                plmn=new.plmn,
                state=ProfileState.AVAILABLE,
                created_at=at,
            )
            await imsi.add(connection, workspace_id, self.next_id(), euicc_id, profile_id, new.imsi, None, at)
            detail = {"profile": {"iccid": new.iccid, "imsi": new.imsi, "msisdn": new.msisdn}}
            await self.journal.write(
                connection, workspace_id, actor, [Change(SIM_PROFILE_ADDED, None, euicc_id, detail)]
            )
        return profile_id

    async def operate(
        self,
        workspace_id: int,
        actor: str,
        kind: OperationType,
        *,
        euicc_id: int | None = None,
        profile_id: int | None = None,
        validity_s: int = VALIDITY_S,
        rollback_after_s: int | None = ROLLBACK_AFTER_S,
        dry_run: bool = False,
    ) -> Operated:
        """Order an operation on a profile; ROLLBACK is of an eUICC, and finds the profile. A dry run only tells.

        `rollback_after_s` is for ENABLE; None: no rollback. Raises NotFoundError, DeniedError, ConflictError while
        another operation is open (path `id`), InvalidError.
        """
        check_range(validity_s, "validity_s", MIN_VALIDITY_S, MAX_VALIDITY_S)
        if rollback_after_s is not None:
            check_range(rollback_after_s, "rollback_after_s", MIN_ROLLBACK_AFTER_S, MAX_ROLLBACK_AFTER_S)
        operation_id = self.next_id()
        async with transaction(self.database, makes=None if dry_run else operation_id) as connection:
            if euicc_id is None:
                found = await euicc.euicc_of_profile(connection, workspace_id, profile_id or 0)
                if found is None:
                    raise NotFoundError("There is no such profile.", path=("id",))
                euicc_id = found
            _, card, rows = await locked_card(connection, workspace_id, euicc_id, ("id",))
            plan = rules.plan(card, kind, profile_id)
            if not dry_run:
                await self.order(
                    connection,
                    workspace_id,
                    euicc_id,
                    plan,
                    operation_id,
                    valid_until=self.now() + timedelta(seconds=validity_s),
                    rollback_after_s=rollback_after_s if kind is OperationType.ENABLE else None,
                    actor=actor,
                )
        if not dry_run:
            self.journal.committed()
            self._orders.wake()
        return Operated(None if dry_run else operation_id, _told(plan, rows))

    async def order(
        self,
        connection: PooledConnection,
        workspace_id: int,
        euicc_id: int,
        plan: Plan,
        operation_id: int,
        *,
        valid_until: datetime,
        rollback_after_s: int | None = None,
        origin_id: int | None = None,
        actor: str | None = None,
    ) -> None:
        """Write an operation that the card, which is locked, allows, and order it. Call `wake` of the orders then."""
        at = self.now()
        found = await euicc.find(connection, workspace_id, euicc_id)
        rows = {row["id"]: row for row in await euicc.profiles(connection, workspace_id, euicc_id)}
        order_id: int | None = None
        if plan.needs_card and found is not None:
            body = order_body(found["eid"], plan.type, rows[plan.profile_id], valid_until, rollback_after_s)
            body["parameters"] |= _change_over(plan, rows)
            (order_id,) = await self._orders.add(connection, workspace_id, OrderKind.EUICC, [euicc_id], body)
        state = OperationState.QUEUED if plan.needs_card else OperationState.OK
        await euicc.add_operation(
            connection,
            workspace_id,
            operation_id,
            euicc_id,
            plan.profile_id,
            kind=plan.type,
            state=state,
            order_id=order_id,
            valid_until=valid_until,
            rollback_after_s=rollback_after_s,
            origin_id=origin_id,
            actor=actor,
            created_at=at,
            ended_at=None if plan.needs_card else at,
        )
        await euicc.add_step(connection, workspace_id, self.next_id(), operation_id, state, None, at)
        await self.apply(connection, workspace_id, euicc_id, plan.at_once)

    async def apply(
        self, connection: PooledConnection, workspace_id: int, euicc_id: int, effects: Sequence[Effect]
    ) -> None:
        """Write what happens to the profiles of a locked eUICC. The enabled one gives the SIM its identities."""
        at = self.now()
        for effect in effects:
            enabled = effect.after is ProfileState.ENABLED and effect.before is not ProfileState.ENABLED
            await euicc.set_profile(
                connection, workspace_id, effect.profile_id, effect.after, effect.is_fallback, at if enabled else None
            )
            if enabled:
                await euicc.use_profile(connection, workspace_id, euicc_id, effect.profile_id)
            if effect.after is ProfileState.DELETED:
                await euicc.free_profile(connection, workspace_id, euicc_id, effect.profile_id)

    def wake(self) -> None:
        """A transaction that ordered something has ended well."""
        self._orders.wake()

    def next_id(self) -> int:
        """A new id of this node."""
        return self._ids.next(int(self.clock() * 1_000))

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)


async def locked_card(
    connection: PooledConnection, workspace_id: int, euicc_id: int, path: tuple[str, ...]
) -> tuple[LockedSim, Card, list[asyncpg.Record]]:
    """The eUICC, its SIM locked. Raises NotFoundError, DeniedError if the SIM is deleted."""
    locked = await sim.lock(connection, workspace_id, euicc_id)
    found = None if locked is None else await euicc.find(connection, workspace_id, euicc_id)
    if locked is None or found is None:
        raise NotFoundError("There is no such eUICC.", path=path)
    if locked.status == SimStatus.DELETED:
        raise DeniedError("The SIM is deleted.", path=path)
    rows = await euicc.profiles(connection, workspace_id, euicc_id)
    return locked, card_of(found, rows), rows


def card_of(found: asyncpg.Record, rows: Sequence[asyncpg.Record]) -> Card:
    """The eUICC as the rules see it."""
    profiles = [
        CardProfile(
            row["id"],
            ProfileState(row["state"]),
            row["is_fallback"],
            0.0 if row["enabled_at"] is None else row["enabled_at"].timestamp(),
        )
        for row in rows
    ]
    return Card(profiles, found["is_busy"], found["max_profiles"])


def order_body(
    eid: str, kind: OperationType, profile: asyncpg.Record, valid_until: datetime, rollback_after_s: int | None
) -> dict[str, Any]:
    """What the network is told; see `motet.domain.network.EuiccOperation`. A ROLLBACK is an ENABLE to the card."""
    return {
        "eid": eid,
        "name": kind.name,
        "iccid": profile["iccid"],
        "parameters": {
            "imsi": profile["imsi"],
            "msisdn": profile["msisdn"],
            "valid_until": valid_until.isoformat(),
            "rollback_after_s": rollback_after_s,
        },
    }


def _change_over(plan: Plan, rows: Mapping[int, asyncpg.Record]) -> dict[str, Any]:
    """The identities that the SIM has after the operation, and before: what a network would have to look up."""
    named: dict[str, Any] = {"enables": None, "disables": None}
    for effect in plan.when_done:
        key = {ProfileState.ENABLED: "enables", ProfileState.DISABLED: "disables"}.get(effect.after)
        if key is not None and effect.before is not effect.after and plan.type is not OperationType.DOWNLOAD:
            row = rows[effect.profile_id]
            named[key] = {"iccid": row["iccid"], "imsi": row["imsi"], "msisdn": row["msisdn"]}
    return named


def _told(plan: Plan, rows: Sequence[asyncpg.Record]) -> list[ToldEffect]:
    """At the end: of a profile that changes twice, from its first state to its last."""
    iccids = {row["id"]: row["iccid"] for row in rows}
    first = {effect.profile_id: effect.before for effect in reversed((*plan.at_once, *plan.when_done))}
    last = {effect.profile_id: effect for effect in (*plan.at_once, *plan.when_done)}
    return [
        ToldEffect(number, iccids[number], first[number].name, effect.after.name, effect.is_fallback)
        for number, effect in last.items()
    ]
