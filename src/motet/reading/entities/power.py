"""How a device saves power and when it can be reached, from its own row and when it was heard last."""

# ruff: noqa: S608 - text of this module's constants

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from motet.domain.states import Direction, MessageState
from motet.radio.reachability import PowerProfile, next_window, profile_warnings
from motet.reading.model import Value

RECENT_MESSAGES = 20
"""Messages of a device that are looked at for the last one that it sent or took."""

_PROFILE = ("power_at", "power_learned", "power_rat", "psm_tau_s", "psm_active_s", "edrx_cycle_ms", "edrx_window_ms")

_TOLD_AT = (
    "(SELECT a.told_at FROM attachment a WHERE a.workspace_id = {t}.workspace_id AND a.sim_id = {t}.sim_id"
    " AND a.attached)"
)
_HEARD_AT = (
    f"(SELECT max(CASE WHEN m.direction = {Direction.MO:d} THEN m.submitted_at"
    f" WHEN m.state = {MessageState.DELIVERED:d} THEN m.final_at END)"
    " FROM (SELECT direction, state, submitted_at, final_at FROM message WHERE workspace_id = {t}.workspace_id"
    f" AND device_id = {{t}}.id ORDER BY id DESC LIMIT {RECENT_MESSAGES}) m)"
)
"""An MO, or an MT that the device has taken."""


def _profile(at: datetime | None, learned: bool, rat: str | None, *times: int | None) -> dict[str, Any] | None:
    if at is None:
        return None
    tau_s, active_s, cycle_ms, window_ms = times
    return {
        "__typename": "PowerProfile",
        "rat": rat,
        "psmEnabled": active_s is not None,
        "tauSeconds": tau_s,
        "activeSeconds": active_s,
        "edrxCycleSeconds": None if cycle_ms is None else cycle_ms / 1_000,
        "pagingTimeWindowSeconds": None if window_ms is None else window_ms / 1_000,
        "learned": learned,
        "updatedAt": at,
        "warnings": list(profile_warnings(PowerProfile(tau_s, active_s, cycle_ms))),
    }


def _reachability(
    at: datetime | None,
    tau_s: int | None,
    active_s: int | None,
    cycle_ms: int | None,
    now: datetime,
    told_at: datetime | None,
    heard_at: datetime | None,
) -> dict[str, Any] | None:
    if at is None:
        return None
    last = max((one for one in (told_at, heard_at) if one is not None), default=None)
    found = next_window(
        PowerProfile(tau_s, active_s, cycle_ms), None if last is None else _unix_ms(last), _unix_ms(now)
    )
    return {
        "__typename": "Reachability",
        "state": found.state.name,
        "opensAt": _moment(found.opens_ms),
        "closesAt": _moment(found.closes_ms),
        "pageWithinSeconds": found.page_within_ms / 1_000,
        "pageCertain": found.is_page_certain,
        "silentPeriods": found.silent_periods,
        "lastHeardAt": last,
        "reason": found.reason,
    }


def _unix_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def _moment(unix_ms: int | None) -> datetime | None:
    return None if unix_ms is None else datetime.fromtimestamp(unix_ms / 1_000, UTC)


POWER_PROFILE = Value(tuple("{t}." + name for name in _PROFILE), _profile)

NEXT_REACHABILITY = Value(
    ("{t}.power_at", "{t}.psm_tau_s", "{t}.psm_active_s", "{t}.edrx_cycle_ms", "now()", _TOLD_AT, _HEARD_AT),
    _reachability,
)
