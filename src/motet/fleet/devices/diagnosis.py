"""Why is my device offline, and why was this SMS refused: the facts, gathered by a constant number of statements."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from motet.domain.data_session import SessionStatus
from motet.domain.diagnosis import Diagnosis, Known, diagnose
from motet.domain.ids import unix_ms_of
from motet.domain.quota import MonthLimit, QuotaService, brought_to, limit_reached, month_of
from motet.domain.refusals import Refusal
from motet.domain.session_rules import quota_refusal
from motet.domain.traffic_rules import RULES, Traffic
from motet.storage import diagnosis, quota, traffic, usage
from motet.storage.database import Database, PooledConnection
from motet.storage.diagnosis import RefusalEvent

_METERED = (
    (Traffic.SMS_MT, MonthLimit.SMS_MT, QuotaService.SMS),
    (Traffic.SMS_MO, MonthLimit.SMS_MO, QuotaService.SMS),
    (Traffic.DATA, MonthLimit.DATA, QuotaService.DATA),
)


class DeviceDiagnosis(NamedTuple):
    """What is wrong with a device, and what it is judged by."""

    known: Known
    found: Diagnosis


class PastRefusal(NamedTuple):
    """Why an SMS was refused. `rule` and `words` are those of the rule, None for what is no rule: a meter, a form."""

    event_id: int
    at: datetime
    from_device: bool
    reason: str | None
    description: str
    rule: str | None
    words: str | None
    device_id: int | None
    sim_id: int | None
    message_id: int | None


class DiagnosisService:
    """Explains, for all workspaces, each call scoped to one."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        self._database = database
        self._clock = clock

    async def device(self, workspace_id: int, device_id: int) -> DeviceDiagnosis | None:
        """What is wrong with a device; None for one that is deleted, or that the workspace has not.

        Counters are those of the database, which the hub's are ahead of by a few seconds.
        """
        now = datetime.fromtimestamp(self._clock(), UTC)
        async with self._database.pool.acquire() as connection:
            line = await traffic.of_device(connection, workspace_id, device_id)
            signs = await diagnosis.signs(connection, workspace_id, device_id)
            if line is None or signs is None:
                return None
            counted = await _counted(connection, workspace_id, device_id, now)
        seen = [moment for moment in (signs.told_at, signs.sms_at) if moment is not None]
        known = Known(
            facts=line.facts,
            now=now,
            attached=signs.attached,
            since=signs.since,
            last_seen_at=max(seen, default=None),
            operator=signs.operator,
            outage_since=signs.outage_since,
            refused=signs.refused,
            refused_at=signs.refused_at,
            session_open=None if signs.session_status is None else signs.session_status == SessionStatus.OPEN,
            session_at=signs.session_at,
            session_reason=signs.session_reason,
            session_cause=signs.session_cause,
            counted=counted,
        )
        return DeviceDiagnosis(known, diagnose(known))

    async def refusal(
        self, workspace_id: int, *, event_id: int | None = None, message_id: int | None = None
    ) -> PastRefusal | None:
        """Why an SMS was refused, by the event that told of it or by the stored message; None if it was not, or is none
        of the workspace's."""
        pool = self._database.pool
        if event_id is not None:
            event = await diagnosis.refusal_by_event(pool, workspace_id, event_id)
        else:
            event = await diagnosis.refusal_by_message(pool, workspace_id, message_id or 0)
        return None if event is None else _past(event)


async def _counted(
    connection: PooledConnection, workspace_id: int, device_id: int, now: datetime
) -> dict[Traffic, Refusal | None]:
    """What limits and quotas say of each kind of traffic for which there are any."""
    key = (workspace_id, device_id)
    month = (await usage.month_of_devices(connection, [key], month_of(now))).get(device_id)
    if month is None:
        return {}
    held = {
        service: (await quota.in_force(connection, [key], service)).get(device_id)
        for service in (QuotaService.SMS, QuotaService.DATA)
    }
    stored = {one.id: one for one in await quota.load(connection, [each for each in held.values() if each is not None])}
    counted: dict[Traffic, Refusal | None] = {}
    for kind, limit, service in _METERED:
        if month.limits[limit] is not None:
            reached = limit_reached(month.used[limit], month.limits[limit], month.extensions[limit])
            counted[kind] = Refusal.MONTH_LIMIT_REACHED if reached else None
        applies = month.data_quota_applies if service is QuotaService.DATA else month.sms_quota_applies
        if applies and counted.get(kind) is None:
            key_of = held[service]
            found = None if key_of is None else stored.get(key_of[1])
            counted[kind] = quota_refusal(None if found is None else brought_to(found.quota, now)[0])[0]
    return counted


def _past(event: RefusalEvent) -> PastRefusal:
    reason = event.data.get("reason")
    name = reason if isinstance(reason, str) else None
    rule = next((each for each in RULES if each.refusal.name == name), None)
    return PastRefusal(
        event.id,
        datetime.fromtimestamp(unix_ms_of(event.id) / 1000, UTC),
        event.type == "sms.mo_refused",
        name,
        event.description,
        None if rule is None else rule.name,
        None if rule is None else rule.words,
        event.device_id or None,
        event.sim_id or None,
        event.message_id,
    )
