"""The life of a SIM as one table: which trigger, by whom, moves it from which status to which, and what that emits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from motet.domain.errors import DeniedError
from motet.domain.messages import said
from motet.domain.states import SimStatus


class SimTrigger(IntEnum):
    """What may move a SIM. The numbers are stored in its history, so they are never reused."""

    START_FACTORY_TEST = 0
    ACTIVATE = 1
    """Also what ends a suspension."""
    SUSPEND = 2
    DELETE = 3
    TEST_USAGE_REACHED = 4
    """The SIM under test has used up what a test may use: see `FactoryTestLimits`."""
    TEST_PERIOD_ENDED = 5
    TEST_WITHDRAWN = 6
    """The workspace's package no longer has a factory test."""
    DEVICE_STATUS_CHANGED = 7
    CONNECTIVITY_RESET = 8


class SimActor(IntEnum):
    """Who pulls the trigger. Stored in the history."""

    USER = 0
    NETWORK = 1
    SCHEDULE = 2


MAY_TRIGGER: Final[Mapping[SimTrigger, frozenset[SimActor]]] = MappingProxyType(
    {
        SimTrigger.START_FACTORY_TEST: frozenset({SimActor.USER, SimActor.SCHEDULE}),
        SimTrigger.ACTIVATE: frozenset({SimActor.USER, SimActor.SCHEDULE}),
        SimTrigger.SUSPEND: frozenset({SimActor.USER, SimActor.SCHEDULE}),
        SimTrigger.DELETE: frozenset({SimActor.USER, SimActor.SCHEDULE}),
        SimTrigger.TEST_USAGE_REACHED: frozenset({SimActor.NETWORK}),
        SimTrigger.TEST_PERIOD_ENDED: frozenset({SimActor.SCHEDULE}),
        SimTrigger.TEST_WITHDRAWN: frozenset({SimActor.USER, SimActor.SCHEDULE}),
        SimTrigger.DEVICE_STATUS_CHANGED: frozenset({SimActor.USER, SimActor.SCHEDULE}),
        SimTrigger.CONNECTIVITY_RESET: frozenset({SimActor.USER, SimActor.SCHEDULE}),
    }
)
"""A trigger of the user's may also be put into the schedule; what the network tells cannot be asked for."""

SCHEDULABLE: Final = frozenset(
    {SimTrigger.START_FACTORY_TEST, SimTrigger.ACTIVATE, SimTrigger.SUSPEND, SimTrigger.DELETE}
)
"""What a user may ask to happen at a later time."""

EVENT_OF_STATUS: Final[Mapping[SimStatus, str]] = MappingProxyType(
    {
        SimStatus.ACTIVATED: "sim.activated",
        SimStatus.SUSPENDED: "sim.suspended",
        SimStatus.DELETED: "sim.deleted",
        SimStatus.FACTORY_TEST: "sim.factory_test_started",
    }
)
"""The event type that entering a status emits; no transition enters ISSUED."""

CARRIES_TRAFFIC: Final = frozenset({SimStatus.FACTORY_TEST, SimStatus.ACTIVATED})
"""The statuses in which SMS and data go through."""


@dataclass(frozen=True, slots=True)
class FactoryTestLimits:
    """What a SIM under test may use; the one that reaches either is activated."""

    sms: int = 10
    """The tenth SMS, of either direction, ends the test."""

    data_octets: int = 100_000
    """100 KB up and down together, of 1,000 octets each."""

    period: timedelta = timedelta(days=30)
    """How long a test lasts if nobody says otherwise: a production run and its transport to the first shelf."""

    longest: timedelta = timedelta(days=366)


DEFAULT_TEST_LIMITS: Final = FactoryTestLimits()


@dataclass(frozen=True, slots=True)
class Move:
    """A trigger takes the SIM to another status."""

    to: SimStatus

    @property
    def event_type(self) -> str:
        return EVENT_OF_STATUS[self.to]


@dataclass(frozen=True, slots=True)
class Stay:
    """A trigger changes nothing, and is no mistake: the SIM is there already, or its status is not concerned."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A trigger is illegal in this status; `reason` is for whoever pulled it."""

    reason: str


Outcome = Move | Stay | Refusal

_STAY: Final = Stay()
_DELETED: Final = Refusal(said("The SIM is deleted; that cannot be undone."))
_TESTED: Final = Refusal(said("A factory test is only for a SIM that was never activated."))

_ENDS_OF_TEST: Final = (
    SimTrigger.TEST_USAGE_REACHED,
    SimTrigger.TEST_PERIOD_ENDED,
    SimTrigger.TEST_WITHDRAWN,
    SimTrigger.DEVICE_STATUS_CHANGED,
    SimTrigger.CONNECTIVITY_RESET,
)

TRANSITIONS: Final[Mapping[tuple[SimStatus, SimTrigger], Outcome]] = MappingProxyType(
    {
        (SimStatus.ISSUED, SimTrigger.START_FACTORY_TEST): Move(SimStatus.FACTORY_TEST),
        (SimStatus.ISSUED, SimTrigger.ACTIVATE): Move(SimStatus.ACTIVATED),
        (SimStatus.ISSUED, SimTrigger.SUSPEND): Refusal(
            said("The SIM was never activated, so it cannot be suspended.")
        ),
        (SimStatus.ISSUED, SimTrigger.DELETE): Move(SimStatus.DELETED),
        **{(SimStatus.ISSUED, end): _STAY for end in _ENDS_OF_TEST},
        (SimStatus.FACTORY_TEST, SimTrigger.START_FACTORY_TEST): _STAY,
        (SimStatus.FACTORY_TEST, SimTrigger.ACTIVATE): Move(SimStatus.ACTIVATED),
        (SimStatus.FACTORY_TEST, SimTrigger.SUSPEND): Refusal(
            said("The SIM is in factory test, which only activation ends: activate it, then suspend it.")
        ),
        (SimStatus.FACTORY_TEST, SimTrigger.DELETE): Move(SimStatus.DELETED),
        **{(SimStatus.FACTORY_TEST, end): Move(SimStatus.ACTIVATED) for end in _ENDS_OF_TEST},
        (SimStatus.ACTIVATED, SimTrigger.START_FACTORY_TEST): _TESTED,
        (SimStatus.ACTIVATED, SimTrigger.ACTIVATE): _STAY,
        (SimStatus.ACTIVATED, SimTrigger.SUSPEND): Move(SimStatus.SUSPENDED),
        (SimStatus.ACTIVATED, SimTrigger.DELETE): Move(SimStatus.DELETED),
        **{(SimStatus.ACTIVATED, end): _STAY for end in _ENDS_OF_TEST},
        (SimStatus.SUSPENDED, SimTrigger.START_FACTORY_TEST): _TESTED,
        (SimStatus.SUSPENDED, SimTrigger.ACTIVATE): Move(SimStatus.ACTIVATED),
        (SimStatus.SUSPENDED, SimTrigger.SUSPEND): _STAY,
        (SimStatus.SUSPENDED, SimTrigger.DELETE): Move(SimStatus.DELETED),
        **{(SimStatus.SUSPENDED, end): _STAY for end in _ENDS_OF_TEST},
        (SimStatus.DELETED, SimTrigger.START_FACTORY_TEST): _DELETED,
        (SimStatus.DELETED, SimTrigger.ACTIVATE): _DELETED,
        (SimStatus.DELETED, SimTrigger.SUSPEND): _DELETED,
        (SimStatus.DELETED, SimTrigger.DELETE): _STAY,
        **{(SimStatus.DELETED, end): _STAY for end in _ENDS_OF_TEST},
    }
)
"""Every status x every trigger. Illegal is what a user could expect to work and does not; a late word of the network
or of the schedule about a test that is over changes nothing."""


@dataclass(frozen=True, slots=True)
class SimTransition:
    """A change of status as the history keeps it; `event_type` is what it emits."""

    from_status: SimStatus
    to_status: SimStatus
    trigger: SimTrigger
    actor: SimActor
    event_type: str


def transition(
    status: SimStatus,
    trigger: SimTrigger,
    actor: SimActor,
    *,
    has_device: bool,
    path: tuple[str | int, ...] = (),
) -> SimTransition | None:
    """What the trigger does to a SIM in this status; None if nothing.

    Raises DeniedError if it is illegal here, deletes a SIM that a device still holds, or is not this actor's to pull.
    """
    if actor not in MAY_TRIGGER[trigger]:
        raise DeniedError(
            "{trigger} is not for the {actor} to trigger.", path=path, trigger=trigger.name, actor=actor.name.lower()
        )
    outcome = TRANSITIONS[status, trigger]
    if isinstance(outcome, Refusal):
        raise DeniedError(outcome.reason, path=path)
    if isinstance(outcome, Stay):
        return None
    if outcome.to is SimStatus.DELETED and has_device:
        raise DeniedError("A device holds this SIM: release it first.", path=path)
    return SimTransition(status, outcome.to, trigger, actor, outcome.event_type)


def statuses_before(trigger: SimTrigger) -> frozenset[SimStatus]:
    """The statuses that the trigger moves a SIM out of: the WHERE of its one UPDATE."""
    return frozenset(
        status for (status, one), outcome in TRANSITIONS.items() if one is trigger and isinstance(outcome, Move)
    )


def is_test_over(sms: int, data_octets: int, limits: FactoryTestLimits = DEFAULT_TEST_LIMITS) -> bool:
    """Whether a SIM that has used so much (SMS of both directions, octets up and down) has ended its test."""
    return sms >= limits.sms or data_octets >= limits.data_octets
