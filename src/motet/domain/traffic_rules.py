"""What decides whether traffic of a device may pass: the rules as one table, for the hot path and for whoever asks why.

What is counted (quotas, limits) is not a rule but a `Meter`: it changes with every message.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from motet.domain.coverage_policy import CoveragePolicy, Network, can_attach
from motet.domain.refusals import Refusal
from motet.domain.service_policy import ALERT, ServicePolicy
from motet.domain.sim_lifecycle import CARRIES_TRAFFIC
from motet.domain.states import DeviceStatus


class Traffic(IntEnum):
    """The kinds of traffic, seen from the device. Numbers are positions in `Refusals`."""

    SMS_MT = 0
    """From an application."""
    SMS_MO = 1
    """To an application: a short number."""
    P2P_INSIDE = 2
    """To another device of the workspace."""
    P2P_OUTSIDE = 3
    """To a long number that is nobody's in the workspace."""
    P2P_IN = 4
    """From another device of the workspace."""
    DATA = 5
    """A data session."""
    ATTACH = 6
    """Being in a network at all."""


class Facts(NamedTuple):
    """What the rules look at. None: there is no such thing, or it is not known."""

    sim_status: int | None
    device_status: int | None
    service: ServicePolicy | None = None
    coverage: CoveragePolicy | None = None
    """None: every network."""
    blocked_operators: tuple[str, ...] = ()
    network: Network | None = None
    """Where the device is attached, as the network last told."""
    imei_matches: bool | None = None
    """Whether the equipment that was last seen is what the SIM is locked to; None: no lock, or nothing was seen."""


class Rule(NamedTuple):
    """One condition for some kinds of traffic. `judge` says whether the facts meet it, None if it has nothing to look
    at."""

    name: str
    words: str
    refusal: Refusal
    kinds: frozenset[Traffic]
    judge: Callable[[Facts], bool | None]


class Meter(Protocol):
    """Something that is counted for one SIM and device: a quota, a limit."""

    def admit(self, traffic: Traffic, count: int, now_us: int) -> Refusal | None:
        """Let `count` more of the traffic pass, and count them; or say why they may not. Called on the hot path, from
        one thread, after all rules have let the traffic pass. SMS are counted in parts."""


_ALL: Final = frozenset(Traffic)
_SMS: Final = _ALL - {Traffic.DATA, Traffic.ATTACH}
_FROM_DEVICE: Final = frozenset({Traffic.SMS_MO, Traffic.P2P_INSIDE, Traffic.P2P_OUTSIDE})
_TO_DEVICE: Final = frozenset({Traffic.SMS_MT, Traffic.P2P_IN})


def _flag(name: str) -> Callable[[Facts], bool | None]:
    return lambda facts: None if facts.service is None else bool(getattr(facts.service, name))


def _imei(facts: Facts) -> bool | None:
    if facts.imei_matches is None or facts.service is None or facts.service.imei_lock_mode == ALERT:
        return None
    return facts.imei_matches


def _imei_for_sms(facts: Facts) -> bool | None:
    return _imei(facts) if facts.service is not None and facts.service.imei_lock_applies_to_sms else None


def _coverage(facts: Facts) -> bool | None:
    if facts.network is None or (facts.coverage is None and not facts.blocked_operators):
        return None
    return can_attach(facts.coverage, facts.network, facts.blocked_operators).allowed


def _rat(facts: Facts) -> bool | None:
    if facts.network is None or facts.network.rat is None or facts.service is None:
        return None
    return facts.service.allowed_rats is None or facts.network.rat in facts.service.allowed_rats


def _not_nb_iot(facts: Facts) -> bool | None:
    if facts.service is None or not facts.service.sms_on_nb_iot_refused:
        return None
    return None if facts.network is None or facts.network.rat is None else facts.network.rat != "NB_IOT"


RULES: Final = (
    Rule(
        "SIM_ACTIVE",
        "The SIM is ACTIVATED or in FACTORY_TEST",
        Refusal.SIM_NOT_ACTIVE,
        _ALL,
        lambda facts: None if facts.sim_status is None else facts.sim_status in CARRIES_TRAFFIC,
    ),
    Rule(
        "SIM_IN_DEVICE",
        "The SIM is in a device",
        Refusal.NO_DEVICE,
        _ALL,
        lambda facts: facts.sim_status is not None and facts.device_status is not None,
    ),
    Rule(
        "DEVICE_ENABLED",
        "The device is ENABLED",
        Refusal.DEVICE_DISABLED,
        _ALL,
        lambda facts: None if facts.device_status is None else facts.device_status == DeviceStatus.ENABLED,
    ),
    Rule(
        "SMS_MT_ENABLED",
        "The service policy allows SMS to the device",
        Refusal.SMS_MT_NOT_ALLOWED,
        _TO_DEVICE,
        _flag("sms_mt_enabled"),
    ),
    Rule(
        "SMS_MO_ENABLED",
        "The service policy allows SMS from the device",
        Refusal.SMS_MO_NOT_ALLOWED,
        _FROM_DEVICE,
        _flag("sms_mo_enabled"),
    ),
    Rule(
        "P2P_INSIDE",
        "The service policy allows SMS between devices of the workspace",
        Refusal.P2P_INSIDE_NOT_ALLOWED,
        frozenset({Traffic.P2P_INSIDE, Traffic.P2P_IN}),
        _flag("p2p_inside"),
    ),
    Rule(
        "P2P_OUTSIDE",
        "The service policy allows SMS from the device to numbers outside the workspace",
        Refusal.P2P_OUTSIDE_NOT_ALLOWED,
        frozenset({Traffic.P2P_OUTSIDE}),
        _flag("p2p_outside"),
    ),
    Rule(
        "DATA_ENABLED",
        "The service policy allows data",
        Refusal.DATA_NOT_ALLOWED,
        frozenset({Traffic.DATA}),
        _flag("data_enabled"),
    ),
    Rule(
        "IMEI_LOCK",
        "The SIM is in the equipment that it is locked to",
        Refusal.IMEI_MISMATCH,
        frozenset({Traffic.DATA}),
        _imei,
    ),
    Rule(
        "IMEI_LOCK_FOR_SMS",
        "The SIM is in the equipment that it is locked to, where the service policy asks for that for SMS, too",
        Refusal.IMEI_MISMATCH,
        _SMS,
        _imei_for_sms,
    ),
    Rule(
        "COVERAGE",
        "The coverage policy and the device's blocked operators let it be on the network that it is on",
        Refusal.NETWORK_NOT_ALLOWED,
        _ALL,
        _coverage,
    ),
    Rule(
        "RAT_ALLOWED",
        "The service policy allows the RAT that the device is on",
        Refusal.RAT_NOT_ALLOWED,
        _ALL,
        _rat,
    ),
    Rule(
        "SMS_ON_NB_IOT",
        "The device is not on NB-IoT, where the service policy refuses SMS on it",
        Refusal.SMS_ON_NB_IOT,
        _SMS,
        _not_nb_iot,
    ),
)
"""In their order: the first that is not met gives the reason."""

RULES_OF: Final = {traffic: tuple(rule for rule in RULES if traffic in rule.kinds) for traffic in Traffic}

Refusals = tuple[Refusal | None, ...]
"""For each `Traffic`, why it may not pass, or None if it may."""

OPEN: Final[Refusals] = (None,) * len(Traffic)
"""Everything may pass."""


def refusal_of(facts: Facts, traffic: Traffic) -> Refusal | None:
    """Why traffic of the kind may not pass, or None if it may."""
    return next((rule.refusal for rule in RULES_OF[traffic] if rule.judge(facts) is False), None)


def refusals_of(facts: Facts) -> Refusals:
    """The same for every kind. All that may pass everything share one tuple."""
    refusals = tuple(refusal_of(facts, traffic) for traffic in Traffic)
    return OPEN if refusals == OPEN else refusals
