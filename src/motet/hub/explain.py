"""Why would an SMS to or from a device be refused now? Each rule's decision, from the database and not from memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from motet.domain.quota import (
    ExhaustionAction,
    MonthLimit,
    Quota,
    QuotaService,
    QuotaStatus,
    brought_to,
    limit_reached,
    month_of,
)
from motet.domain.refusals import Refusal
from motet.domain.traffic_rules import RULES_OF, Traffic
from motet.hub.meters import TO_DEVICE
from motet.storage import p2p, quota, traffic, usage
from motet.storage.database import Executor
from motet.storage.traffic import Line

_P2P_FROM_DEVICE = (Traffic.P2P_INSIDE, Traffic.P2P_OUTSIDE)


class Decision(NamedTuple):
    """What one rule says; `met` is null where it has nothing to look at."""

    name: str
    words: str
    refusal: Refusal
    met: bool | None


class Explanation(NamedTuple):
    """Whether an SMS to the SIM or device would be taken now. `reason` is the refusal's name, null if it would be."""

    sim_id: int | None
    device_id: int | None
    reason: str | None
    decisions: tuple[Decision, ...]


Ahead = Callable[[int | None, int], tuple[int, tuple[int, int]]]


def not_ahead(quota_id: int | None, device_id: int) -> tuple[int, tuple[int, int]]:
    """The database has counted everything."""
    return 0, (0, 0)


async def explain(
    connection: Executor,
    workspace_id: int,
    *,
    device_id: int | None = None,
    msisdn: str | None = None,
    iccid: str | None = None,
    kind: Traffic = Traffic.SMS_MT,
    ahead: Ahead = not_ahead,
    now: datetime | None = None,
) -> Explanation | None:
    """The decisions for a device or a SIM, by exactly one key; None for one that the workspace has not.

    `ahead` says what has passed that the database has not counted yet: by the quota, and (MT, MO) by the device.
    """
    line: Line | None
    if device_id is not None:
        line = await traffic.of_device(connection, workspace_id, device_id)
    elif msisdn is not None:
        line = await traffic.of_msisdn(connection, workspace_id, msisdn.removeprefix("+"))
    else:
        line = await traffic.of_iccid(connection, workspace_id, iccid or "")
    if line is None:
        return None
    rules = [Decision(rule.name, rule.words, rule.refusal, rule.judge(line.facts)) for rule in RULES_OF[kind]]
    counted = [await _p2p_limit(connection, line)] if kind in _P2P_FROM_DEVICE else []
    if kind is not Traffic.ATTACH:
        counted += await _counted(connection, line, kind, ahead, now or datetime.now(UTC))
    decisions = (*rules, *counted)
    reason = next((decision.refusal.name for decision in decisions if decision.met is False), None)
    return Explanation(line.sim_id, line.device_id, reason, decisions)


async def _counted(
    connection: Executor, line: Line, kind: Traffic, ahead: Ahead, now: datetime
) -> tuple[Decision, Decision]:
    """What the monthly limit and the quota say, as motet.hub.meters would, or motet.fleet.usage.session of data."""
    is_data = kind is Traffic.DATA
    service = QuotaService.DATA if is_data else QuotaService.SMS
    device_id = line.device_id
    month = None
    if device_id is not None:
        key = (line.workspace_id, device_id)
        month = (await usage.month_of_devices(connection, [key], month_of(now))).get(device_id)
    within: bool | None = None
    refusal = Refusal.QUOTA_USED_UP
    passes: bool | None = None
    if month is not None and device_id is not None:
        held = (await quota.in_force(connection, [key], service)).get(device_id)
        by_quota, by_device = ahead(None if held is None or is_data else held[1], device_id)
        limit = MonthLimit.DATA if is_data else MonthLimit.SMS_MT if kind in TO_DEVICE else MonthLimit.SMS_MO
        if month.limits[limit] is not None:
            used = month.used[limit] + (0 if is_data else by_device[limit])
            within = not limit_reached(used, month.limits[limit], month.extensions[limit])
        if month.data_quota_applies if is_data else month.sms_quota_applies:
            rows = await quota.load(connection, [] if held is None else [held])
            found = _refusal_of(rows[0].quota, by_quota, now) if rows else Refusal.NO_QUOTA
            passes, refusal = found is None, found or refusal
    return (
        Decision(
            "MONTH_LIMIT", "The device is within the monthly limit of its policy", Refusal.MONTH_LIMIT_REACHED, within
        ),
        Decision(
            f"{service.name}_QUOTA", "Where the policy asks for a quota, there is something left of it", refusal, passes
        ),
    )


def _refusal_of(stored: Quota, ahead: int, now: datetime) -> Refusal | None:
    brought = brought_to(stored, now)[0]
    if brought.period_started_at != stored.period_started_at:
        ahead = 0
    if brought.status is QuotaStatus.EXPIRED:
        return Refusal.QUOTA_EXPIRED
    if brought.remaining - ahead > 0 or brought.action is ExhaustionAction.THROTTLE:
        return None
    return Refusal.QUOTA_USED_UP


async def _p2p_limit(connection: Executor, line: Line) -> Decision:
    limit = None if line.facts.service is None else line.facts.service.p2p_limit_per_day
    met = None
    if limit is not None and line.device_id is not None:
        met = await p2p.sent(connection, line.workspace_id, line.device_id) < limit
    words = "The device has not sent as many P2P messages as the service policy allows in 24 hours"
    return Decision("P2P_LIMIT", words, Refusal.P2P_LIMIT_REACHED, met)
