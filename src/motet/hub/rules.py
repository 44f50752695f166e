"""What decides whether an SMS of a SIM may pass: the rules as one table, for the hot path and for whoever asks why."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from motet.domain.sim_lifecycle import CARRIES_TRAFFIC
from motet.domain.states import DeviceStatus
from motet.hub.refusals import Refusal


class Facts(NamedTuple):
    """What the rules look at. Null: there is no such thing."""

    sim_status: int | None
    device_status: int | None


class Rule(NamedTuple):
    """One condition for traffic. `judge` says whether the facts meet it, null if it has nothing to look at."""

    name: str
    words: str
    refusal: Refusal
    judge: Callable[[Facts], bool | None]


RULES = (
    Rule(
        "SIM_ACTIVE",
        "The SIM is ACTIVATED or in FACTORY_TEST",
        Refusal.SIM_NOT_ACTIVE,
        lambda facts: None if facts.sim_status is None else facts.sim_status in CARRIES_TRAFFIC,
    ),
    Rule(
        "SIM_IN_DEVICE",
        "The SIM is in a device",
        Refusal.NO_DEVICE,
        lambda facts: facts.sim_status is not None and facts.device_status is not None,
    ),
    Rule(
        "DEVICE_ENABLED",
        "The device is ENABLED",
        Refusal.DEVICE_DISABLED,
        lambda facts: None if facts.device_status is None else facts.device_status == DeviceStatus.ENABLED,
    ),
)
"""In their order: the first that is not met gives the reason."""


def refusal_of(facts: Facts) -> Refusal | None:
    """Why traffic may not pass, or None if it may."""
    return next((rule.refusal for rule in RULES if rule.judge(facts) is False), None)
