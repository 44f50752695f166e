"""What follows when a SIM comes, moves, leaves, or is seen in some equipment: state, history, events, in the caller's
transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from motet.domain.coverage_policy import Network
from motet.domain.event_types import (
    DEVICE_ATTACH_FAILED,
    DEVICE_ATTACH_REFUSED,
    DEVICE_ATTACHED,
    DEVICE_DETACHED,
    DEVICE_IMEI_BOUND,
    DEVICE_IMEI_CHANGED,
    DEVICE_IMEI_MISMATCH,
    DEVICE_LOCATION_UPDATED,
    DEVICE_RESET_DONE,
    EventType,
)
from motet.domain.global_ids import encode_global_id
from motet.domain.identities import imei_body, is_same_device
from motet.domain.ids import IdGenerator
from motet.domain.network import Attached, AttachFailed, Detached, LocationUpdated, Outcome, Place, Verdict
from motet.domain.numbering import luhn_digit
from motet.domain.states import EventSource
from motet.domain.traffic_rules import Traffic, refusal_of
from motet.fleet.journal import Change
from motet.fleet.sims.sim_step import told
from motet.storage import attachment, traffic
from motet.storage.attachment import LockedAttachment
from motet.storage.database import PooledConnection

KEPT_LOCATIONS = 100
"""Places of a SIM that are remembered: a month of a van that crosses three networks a day."""

DONE = Outcome(Verdict.DONE)
STALE = Outcome(Verdict.STALE, words="Something newer was told before")


@dataclass(slots=True)
class Course:
    """What a notification comes to: its answer, the events, and whether rules see the SIM with other eyes now."""

    outcome: Outcome = DONE
    changes: list[Change] = field(default_factory=list)
    rules_affected: bool = False
    country: str | None = None
    """Where it is, or tried to be."""


class Whereabouts:
    """Writes what networks say of SIMs; the caller has the transaction, and writes the events."""

    def __init__(
        self,
        ids: IdGenerator,
        *,
        country_of: Callable[[str], str | None] = lambda _operator: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`country_of` gives the ISO 3166 code for a PLMN, where the network does not tell the country itself."""
        self._ids = ids
        self._country_of = country_of
        self._clock = clock

    async def arrive(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, told_: Attached | LocationUpdated
    ) -> Course:
        """A SIM attaches or moves: the rules decide whether it may be there."""
        known = await attachment.lock(connection, workspace_id, sim_id)
        if known.told_at is not None and told_.at < known.told_at:
            return Course(STALE)
        place = self._placed(told_.place)
        course = Course(country=place[1])
        line = await traffic.of_iccid(connection, workspace_id, known.iccid)
        facts = None if line is None else line.facts._replace(network=Network(place[1], place[0], place[2]))
        refusal = None if facts is None else refusal_of(facts, Traffic.ATTACH)
        if refusal is not None:
            await attachment.detach(connection, workspace_id, sim_id, told_.at, refusal.name)
            course.outcome = Outcome(Verdict.REFUSED, refusal.name, refusal.words)
            course.rules_affected = known.attached
            if known.refused != refusal.name or known.attached:  # a phone that tries every minute is told of once
                detail = {"reason": refusal.name, "words": refusal.words, "network": _network(place)}
                course.changes.append(_change(DEVICE_ATTACH_REFUSED, known, sim_id, **detail))
            return course
        await self._settle(connection, workspace_id, sim_id, told_.at, known, place, course)
        if told_.imei is not None:
            await self._equip(connection, workspace_id, sim_id, told_.at, known, told_.imei, course)
        return course

    async def leave(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, told_: Detached | AttachFailed
    ) -> Course:
        """A SIM left its network, or could not get into one."""
        known = await attachment.lock(connection, workspace_id, sim_id)
        if known.told_at is not None and told_.at < known.told_at:
            return Course(STALE)
        await attachment.detach(connection, workspace_id, sim_id, told_.at)
        course = Course(rules_affected=known.attached, country=known.country)
        if isinstance(told_, AttachFailed):
            network = {"operator": told_.operator, "rat": told_.rat}
            course.country = None if told_.operator is None else self._country_of(told_.operator)
            course.changes.append(_change(DEVICE_ATTACH_FAILED, known, sim_id, reason=told_.reason, network=network))
        elif known.attached:
            course.changes.append(
                _change(DEVICE_DETACHED, known, sim_id, reason=told_.reason, network=_network(_place_of(known)))
            )
        return course

    async def equip(
        self, connection: PooledConnection, workspace_id: int, sim_id: int, at: datetime, imei: str
    ) -> Course:
        """A SIM is seen in some equipment."""
        known = await attachment.lock(connection, workspace_id, sim_id)
        course = Course()
        await self._equip(connection, workspace_id, sim_id, at, known, imei, course)
        return course

    async def _settle(
        self,
        connection: PooledConnection,
        workspace_id: int,
        sim_id: int,
        at: datetime,
        known: LockedAttachment,
        place: _Placed,
        course: Course,
    ) -> None:
        moved = place != _place_of(known)
        location_id = known.location_id
        if moved or location_id is None:
            location_id = self._ids.next(int(self._clock() * 1_000))
            await attachment.add_location(
                connection, workspace_id, location_id, sim_id, known.device_id, at, place, KEPT_LOCATIONS
            )
        else:
            await attachment.confirm_location(connection, workspace_id, location_id, at)
        await attachment.attach(connection, workspace_id, sim_id, at, place, location_id)
        course.rules_affected = not known.attached or place[:3] != _place_of(known)[:3]
        after_reset = None
        if not known.attached and known.device_id is not None:
            after_reset = await attachment.reattached(connection, workspace_id, known.device_id, at)
        if not known.attached:
            course.changes.append(_change(DEVICE_ATTACHED, known, sim_id, network=_network(place)))
        elif course.rules_affected or place[4] != known.node:  # another cell is no event, but in the history
            before = _network(_place_of(known))
            course.changes.append(
                _change(DEVICE_LOCATION_UPDATED, known, sim_id, network=_network(place), before=before)
            )
        if after_reset is not None:
            reset = encode_global_id("ConnectivityReset", after_reset)
            course.changes.append(_change(DEVICE_RESET_DONE, known, sim_id, network=_network(place), reset=reset))

    async def _equip(
        self,
        connection: PooledConnection,
        workspace_id: int,
        sim_id: int,
        at: datetime,
        known: LockedAttachment,
        imei: str,
        course: Course,
    ) -> None:
        body = imei_body(imei) or ""
        if known.imei is not None and is_same_device(known.imei, imei) and known.imei_matches is not None:
            return
        expected = known.locked_imei
        if known.imei_lock and known.device_id is not None and expected is None and not known.imei_allowed:
            expected = body + luhn_digit(body)
            if await attachment.bind_imei(connection, workspace_id, known.device_id, expected):
                course.changes.append(_change(DEVICE_IMEI_BOUND, known, sim_id, imei=expected))
                course.rules_affected = True
        if known.imei is not None and is_same_device(known.imei, imei) and not course.rules_affected:
            return
        matches = await attachment.set_imei(connection, workspace_id, sim_id, imei, at)
        if known.imei is not None and not is_same_device(known.imei, imei):
            course.changes.append(_change(DEVICE_IMEI_CHANGED, known, sim_id, seen=imei, before=known.imei))
        if matches is False:
            detail = {"expected": expected, "allowed": known.imei_allowed, "seen": imei}
            course.changes.append(_change(DEVICE_IMEI_MISMATCH, known, sim_id, **detail))
        course.rules_affected = course.rules_affected or matches != known.imei_matches

    def _placed(self, place: Place) -> _Placed:
        return place.operator, place.country or self._country_of(place.operator), place.rat, place.cell, place.node


_Placed = tuple[str, str | None, str | None, str | None, str | None]
"""Operator, country, RAT, cell, node: in the order of the statements."""


def _place_of(known: LockedAttachment) -> tuple[str | None, str | None, str | None, str | None, str | None]:
    return known.operator, known.country, known.rat, known.cell, known.node


def _network(place: tuple[str | None, ...]) -> dict[str, Any]:
    return dict(zip(("operator", "country", "rat", "cell", "node"), place, strict=True))


def _change(kind: EventType, known: LockedAttachment, sim_id: int, **detail: Any) -> Change:
    device = {} if known.device_id is None else {"device": {"name": known.device_name}}
    detail = {**device, **told(known.iccid, known.imsi, known.msisdn), **detail}
    refused = kind is DEVICE_ATTACH_REFUSED
    return Change(
        kind,
        known.device_id,
        sim_id,
        detail,
        EventSource.POLICY if refused or kind is DEVICE_IMEI_MISMATCH else EventSource.NETWORK,
        words=detail["words"] if refused else None,
    )
