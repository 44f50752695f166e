"""Why a device is offline, or why something of it does not pass: what is known, asked one thing after the other.

The traffic rules say what may pass, as on the hot path; beside them stands what networks have told, and what is
counted. The first thing that is wrong, in the order of `ORDER`, is the likeliest cause: what lies behind it often
follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple

from motet.domain.refusals import Refusal
from motet.domain.traffic_rules import RULES, Facts, Traffic

QUIET_AFTER = timedelta(hours=24)
"""A device that is attached and of which nothing was heard for longer may have gone without a word: periodic updates of
location come more often than that by default, but PSM may stretch them (TS 24.008, T3412 extended)."""


class Verdict(Enum):
    ONLINE = "ONLINE"
    """The network has it, and nothing keeps anything from passing."""
    LIMITED = "LIMITED"
    """The network has it, but something does not pass."""
    OFFLINE = "OFFLINE"
    """The network does not have it, or would refuse all that it does."""
    UNKNOWN = "UNKNOWN"
    """No network has told where it is, and nothing here keeps it away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a device and the SIM in it. None: nobody has said."""

    facts: Facts
    now: datetime
    attached: bool | None = None
    since: datetime | None = None
    """Attached, or not, since."""
    last_seen_at: datetime | None = None
    """When a network told of it last, or an SMS passed."""
    operator: str | None = None
    """Where it is, or was last."""
    outage_since: datetime | None = None
    """Since when that operator fails."""
    refused: str | None = None
    """What refused its last attempt to attach; the name of a Refusal."""
    refused_at: datetime | None = None
    session_open: bool | None = None
    """Of its last data session."""
    session_at: datetime | None = None
    session_reason: str | None = None
    """Why that was refused or cut: the name of a Refusal."""
    session_cause: str | None = None
    """Why it ended, in the network's words."""
    counted: Mapping[Traffic, Refusal | None] = field(default_factory=dict)
    """Where something is counted for the kind of traffic: what a quota or limit says now."""


class Decision(NamedTuple):
    """What one check says; `met` is None where it has nothing to look at. `advice`, `detail` only where it is False."""

    name: str
    words: str
    met: bool | None
    reason: str | None
    detail: str | None
    advice: str | None
    traffic: frozenset[Traffic]
    """What does not pass if it is not met."""


class Diagnosis(NamedTuple):
    """`cause` is the first decision that is not met, None if all are."""

    verdict: Verdict
    cause: Decision | None
    decisions: tuple[Decision, ...]
    blocked: frozenset[Traffic]
    """What does not pass now."""


class Check(NamedTuple):
    """One thing to look at beside the traffic rules."""

    name: str
    words: str
    advice: str
    traffic: frozenset[Traffic]
    judge: Callable[[Known], bool | None]
    detail: Callable[[Known], str | None] = lambda known: None
    reason: Callable[[Known], str | None] = lambda known: None


_ALL: Final = frozenset(Traffic)
_NONE: Final[frozenset[Traffic]] = frozenset()
_MT: Final = frozenset({Traffic.SMS_MT, Traffic.P2P_IN})
_MO: Final = frozenset({Traffic.SMS_MO, Traffic.P2P_INSIDE, Traffic.P2P_OUTSIDE})
_DATA: Final = frozenset({Traffic.DATA})

RULE_ADVICE: Final[Mapping[str, str]] = {
    "SIM_IN_DEVICE": "Put a SIM into the device: deviceAssignSim.",
    "SIM_ACTIVE": "Take the SIM into use, or end its suspension: simActivate.",
    "DEVICE_ENABLED": "Let the device take part: deviceEnable.",
    "SMS_MT_ENABLED": "Allow SMS to the device in its service policy, or give it another.",
    "SMS_MO_ENABLED": "Allow SMS from the device in its service policy, or give it another.",
    "P2P_INSIDE": "Allow SMS between devices in the service policy, or give the device another.",
    "P2P_OUTSIDE": "Allow SMS to numbers outside in the service policy, or give the device another.",
    "DATA_ENABLED": "Allow data in the device's service policy, or give it another.",
    "IMEI_LOCK": "See which equipment has the SIM. If it may, lock to its IMEI or add it to the list.",
    "IMEI_LOCK_FOR_SMS": "See which equipment has the SIM. If it may, lock to its IMEI or add it to the list.",
    "COVERAGE": "Allow the network in the coverage policy, or reset connectivity: the device then looks for another.",
    "RAT_ALLOWED": "Allow the RAT in the service policy, or have the equipment choose another.",
    "SMS_ON_NB_IOT": "Send data instead, or allow SMS on NB-IoT in the service policy.",
}
"""What to do about a traffic rule that is not met, by its name."""


def _silent(known: Known) -> bool | None:
    if not known.attached or known.last_seen_at is None:
        return None
    return known.now - known.last_seen_at <= QUIET_AFTER


def _counted(traffic: Traffic) -> Callable[[Known], bool | None]:
    return lambda known: known.counted[traffic] is None if traffic in known.counted else None


def _counted_reason(traffic: Traffic) -> Callable[[Known], str | None]:
    def reason(known: Known) -> str | None:
        refusal = known.counted.get(traffic)
        return None if refusal is None else refusal.name

    return reason


def _words_of(name: str | None) -> str | None:
    return Refusal[name].words if name is not None and name in Refusal.__members__ else name


def _at(moment: datetime | None) -> str:
    return "an unknown time" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


_NETWORK: Final = (
    Check(
        "ATTACH_ACCEPTED",
        "The device's last attempt to attach to a network was let in",
        "Allow the network that it tried, or wait until it finds another.",
        _ALL,
        lambda known: None if known.refused is None and known.attached is None else known.refused is None,
        lambda known: f"{_words_of(known.refused)}, at {_at(known.refused_at)}.",
        lambda known: known.refused,
    ),
    Check(
        "OPERATOR_WORKS",
        "No outage is known of the operator that the device is at, or was last",
        "Wait for the operator, or reset the device's connectivity so that it looks for another.",
        _NONE,
        lambda known: None if known.operator is None else known.outage_since is None,
        lambda known: f"{known.operator} fails since {_at(known.outage_since)}.",
    ),
    Check(
        "SEEN",
        "Something was heard of the device: from a network, or an SMS",
        "See whether the device has power, an antenna, the SIM the right way round, and the right APN and bands.",
        _NONE,
        lambda known: None if known.facts.sim_status is None else known.last_seen_at is not None,
    ),
    Check(
        "ATTACHED",
        "A network has the device attached now",
        "See whether the device has power and coverage where it is; a device in PSM comes back by itself.",
        _NONE,
        lambda known: known.attached,
        lambda known: f"Last at {known.operator or 'an unknown operator'}, gone since {_at(known.since)}.",
    ),
    Check(
        "HEARD_LATELY",
        "Something was heard of the attached device in the last 24 hours",
        "It may have gone without a word: reset its connectivity, and see whether it comes back. Long sleeps of PSM are"
        " as they should be.",
        _NONE,
        _silent,
        lambda known: f"Last heard of at {_at(known.last_seen_at)}.",
    ),
)

_COUNTED: Final = (
    Check(
        "SMS_MT_COUNTED",
        "The monthly limit and the quota leave room for SMS to the device",
        "Top the quota up, extend the month's limit, or wait for the refill.",
        _MT,
        _counted(Traffic.SMS_MT),
        lambda known: _words_of(_counted_reason(Traffic.SMS_MT)(known)),
        _counted_reason(Traffic.SMS_MT),
    ),
    Check(
        "SMS_MO_COUNTED",
        "The monthly limit and the quota leave room for SMS from the device",
        "Top the quota up, extend the month's limit, or wait for the refill.",
        _MO,
        _counted(Traffic.SMS_MO),
        lambda known: _words_of(_counted_reason(Traffic.SMS_MO)(known)),
        _counted_reason(Traffic.SMS_MO),
    ),
    Check(
        "DATA_COUNTED",
        "The monthly limit and the quota leave room for data",
        "Top the quota up, extend the month's limit, or wait for the refill.",
        _DATA,
        _counted(Traffic.DATA),
        lambda known: _words_of(_counted_reason(Traffic.DATA)(known)),
        _counted_reason(Traffic.DATA),
    ),
)

_SESSION: Final = Check(
    "DATA_SESSION",
    "The device's last data session was not refused or cut",
    "See the rules above: the device opens another session once they let it.",
    _NONE,
    lambda known: None if known.session_open is None else known.session_reason is None,
    lambda known: f"{_words_of(known.session_reason)}, at {_at(known.session_at)}.",
    lambda known: known.session_reason,
)

ORDER: Final = (
    "SIM_IN_DEVICE",
    "SIM_ACTIVE",
    "DEVICE_ENABLED",
    "IMEI_LOCK",
    "COVERAGE",
    "RAT_ALLOWED",
    *(check.name for check in _NETWORK),
    "DATA_ENABLED",
    "SMS_MT_ENABLED",
    "SMS_MO_ENABLED",
    "P2P_INSIDE",
    "P2P_OUTSIDE",
    "IMEI_LOCK_FOR_SMS",
    "SMS_ON_NB_IOT",
    *(check.name for check in _COUNTED),
    _SESSION.name,
)
"""What is asked, the likeliest cause first. A traffic rule that is not named here comes behind."""

CHECKS: Final = (*_NETWORK, *_COUNTED, _SESSION)

UNWANTED: Final = frozenset({"P2P_OUTSIDE", "P2P_INSIDE"})
"""Rules that many policies keep from being met on purpose: they are told, but are no cause of anything."""


def diagnose(known: Known) -> Diagnosis:
    """What is wrong with the device, if anything is, and how that is known."""
    decisions = [_of_check(check, known) for check in CHECKS]
    for rule in RULES:
        met = rule.judge(known.facts)
        refused = met is False
        decisions.append(
            Decision(
                rule.name,
                rule.words,
                met,
                rule.refusal.name if refused else None,
                f"{rule.refusal.words}." if refused else None,
                RULE_ADVICE.get(rule.name) if refused else None,
                rule.kinds,
            )
        )
    place = {name: number for number, name in enumerate(ORDER)}
    decisions.sort(key=lambda decision: place.get(decision.name, len(place)))
    failed = [decision for decision in decisions if decision.met is False]
    blocked = frozenset(kind for decision in failed for kind in decision.traffic)
    cause = next((decision for decision in failed if decision.name not in UNWANTED), None)
    return Diagnosis(_verdict(known, blocked, cause), cause, tuple(decisions), blocked)


def _verdict(known: Known, blocked: frozenset[Traffic], cause: Decision | None) -> Verdict:
    if blocked == _ALL or known.attached is False:
        return Verdict.OFFLINE
    if known.attached is None:
        return Verdict.UNKNOWN
    return Verdict.ONLINE if cause is None else Verdict.LIMITED


def _of_check(check: Check, known: Known) -> Decision:
    met = check.judge(known)
    if met is not False:
        return Decision(check.name, check.words, met, None, None, None, check.traffic)
    return Decision(check.name, check.words, met, check.reason(known), check.detail(known), check.advice, check.traffic)
