"""The profiles of an eUICC as tables: which operation is possible, and what it does to which profile (SGP.02, SGP.32).

An eUICC has exactly one enabled profile, and at most one fallback profile. Every decision is a function of the card as
it is; nothing here knows a network or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from motet.domain.errors import ConflictError, DeniedError, LimitReachedError, NotFoundError
from motet.domain.messages import said

MAX_PROFILES: Final = 10
"""Of one eUICC, those that still have to be downloaded included."""

Path = tuple[str | int, ...]


class ProfileState(IntEnum):
    """Where a profile is. The numbers are stored."""

    AVAILABLE = 0
    """Waits at the SM-DP."""
    DOWNLOADING = 1
    DISABLED = 2
    """On the card, not in use."""
    ENABLED = 3
    DELETED = 4


class OperationType(IntEnum):
    """What can be done with a profile. The numbers are stored."""

    DOWNLOAD = 0
    ENABLE = 1
    DISABLE = 2
    """The fallback profile takes over."""
    DELETE = 3
    ROLLBACK = 4
    """Back to the profile that was enabled before."""
    SET_FALLBACK = 5


class OperationState(IntEnum):
    """How far an operation is. The numbers are stored."""

    QUEUED = 0
    SENT = 1
    """The network has taken it; its result is outstanding."""
    OK = 2
    FAILED = 3
    EXPIRED = 4
    """No result within the validity."""


OPEN_STATES: Final = frozenset({OperationState.QUEUED, OperationState.SENT})

OPERATION_MOVES: Final[Mapping[OperationState, frozenset[OperationState]]] = MappingProxyType(
    {
        OperationState.QUEUED: frozenset(
            {OperationState.SENT, OperationState.OK, OperationState.FAILED, OperationState.EXPIRED}
        ),
        OperationState.SENT: frozenset({OperationState.OK, OperationState.FAILED, OperationState.EXPIRED}),
        OperationState.OK: frozenset(),
        OperationState.FAILED: frozenset(),
        OperationState.EXPIRED: frozenset({OperationState.OK}),
    }
)
"""A confirmation that comes late is believed: the card has done it. What else is said of an ended one is old."""


class CardProfile(NamedTuple):
    """A profile as the rules see it. `enabled_at` orders profiles by when they were last enabled; 0: never."""

    id: int
    state: ProfileState
    is_fallback: bool = False
    enabled_at: float = 0.0


class Card(NamedTuple):
    """An eUICC as the rules see it. `is_busy`: an operation is open."""

    profiles: Sequence[CardProfile]
    is_busy: bool = False
    max_profiles: int = MAX_PROFILES

    def profile(self, profile_id: int) -> CardProfile | None:
        return next((one for one in self.profiles if one.id == profile_id), None)

    @property
    def enabled(self) -> CardProfile | None:
        return next((one for one in self.profiles if one.state is ProfileState.ENABLED), None)

    @property
    def fallback(self) -> CardProfile | None:
        return next((one for one in self.profiles if one.is_fallback), None)

    @property
    def previous(self) -> CardProfile | None:
        """What a rollback enables: of the disabled profiles the one enabled last, else the fallback profile."""
        disabled = [one for one in self.profiles if one.state is ProfileState.DISABLED]
        before = [one for one in disabled if one.enabled_at > 0]
        if before:
            return max(before, key=lambda one: (one.enabled_at, one.id))
        return next((one for one in disabled if one.is_fallback), None)


class Effect(NamedTuple):
    """What happens to one profile: its state from and to, and whether it is the fallback profile from then on."""

    profile_id: int
    before: ProfileState
    after: ProfileState
    is_fallback: bool


class Plan(NamedTuple):
    """What an operation does: when it is ordered, and when the card has confirmed it."""

    type: OperationType
    profile_id: int
    at_once: tuple[Effect, ...]
    when_done: tuple[Effect, ...]
    needs_card: bool
    """False: nothing has to be told to the card, and the effects are `at_once`."""


_ON_CARD: Final = said("The profile is on the card already.")
_GONE: Final = said("The profile is deleted; that cannot be undone.")
_COMING: Final = said("The profile is being downloaded.")
_MISSING: Final = said("The profile is not on the card: download it first.")

REFUSALS: Final[Mapping[tuple[OperationType, ProfileState], str | None]] = MappingProxyType(
    {
        (OperationType.DOWNLOAD, ProfileState.AVAILABLE): None,
        (OperationType.DOWNLOAD, ProfileState.DOWNLOADING): _COMING,
        (OperationType.DOWNLOAD, ProfileState.DISABLED): _ON_CARD,
        (OperationType.DOWNLOAD, ProfileState.ENABLED): _ON_CARD,
        (OperationType.DOWNLOAD, ProfileState.DELETED): _GONE,
        (OperationType.ENABLE, ProfileState.AVAILABLE): _MISSING,
        (OperationType.ENABLE, ProfileState.DOWNLOADING): _COMING,
        (OperationType.ENABLE, ProfileState.DISABLED): None,
        (OperationType.ENABLE, ProfileState.ENABLED): said("The profile is enabled already."),
        (OperationType.ENABLE, ProfileState.DELETED): _GONE,
        (OperationType.DISABLE, ProfileState.AVAILABLE): _MISSING,
        (OperationType.DISABLE, ProfileState.DOWNLOADING): _COMING,
        (OperationType.DISABLE, ProfileState.DISABLED): said("The profile is disabled already."),
        (OperationType.DISABLE, ProfileState.ENABLED): None,
        (OperationType.DISABLE, ProfileState.DELETED): _GONE,
        (OperationType.DELETE, ProfileState.AVAILABLE): None,
        (OperationType.DELETE, ProfileState.DOWNLOADING): _COMING,
        (OperationType.DELETE, ProfileState.DISABLED): None,
        (OperationType.DELETE, ProfileState.ENABLED): said("The profile is enabled: enable another one first."),
        (OperationType.DELETE, ProfileState.DELETED): _GONE,
        (OperationType.ROLLBACK, ProfileState.AVAILABLE): _MISSING,
        (OperationType.ROLLBACK, ProfileState.DOWNLOADING): _COMING,
        (OperationType.ROLLBACK, ProfileState.DISABLED): None,
        (OperationType.ROLLBACK, ProfileState.ENABLED): said("The profile is enabled already."),
        (OperationType.ROLLBACK, ProfileState.DELETED): _GONE,
        (OperationType.SET_FALLBACK, ProfileState.AVAILABLE): _MISSING,
        (OperationType.SET_FALLBACK, ProfileState.DOWNLOADING): _COMING,
        (OperationType.SET_FALLBACK, ProfileState.DISABLED): None,
        (OperationType.SET_FALLBACK, ProfileState.ENABLED): None,
        (OperationType.SET_FALLBACK, ProfileState.DELETED): _GONE,
    }
)
"""Every operation x every state of its profile: None, or why not."""


def check_room(card: Card, path: Path = ()) -> None:
    """Raises LimitReachedError if no profile can be added to the card."""
    live = sum(one.state is not ProfileState.DELETED for one in card.profiles)
    if live >= card.max_profiles:
        raise LimitReachedError(
            "An eUICC has at most {most} profiles: delete one first.", path=path, most=card.max_profiles
        )


def plan(card: Card, kind: OperationType, profile_id: int | None = None, path: Path = ("id",)) -> Plan:
    """What the operation would do to the card; of ROLLBACK, the profile is chosen here if none is named.

    Raises NotFoundError for a profile that the card has not, DeniedError if its state or role does not allow it,
    ConflictError while another operation is open.
    """
    if profile_id is None:
        previous = card.previous
        if previous is None:
            raise DeniedError("No other profile was enabled before.", path=path)
        profile_id = previous.id
    profile = card.profile(profile_id)
    if profile is None:
        raise NotFoundError("The eUICC has no such profile.", path=path)
    refusal = REFUSALS[kind, profile.state] or _refusal_of_role(card, kind, profile)
    if refusal is not None:
        raise DeniedError(refusal, path=path)
    if card.is_busy:
        raise ConflictError("Another operation on this eUICC is not finished yet.", path=path)
    effects = tuple(_effects(card, kind, profile))
    if kind is OperationType.DELETE and profile.state is ProfileState.AVAILABLE:
        return Plan(kind, profile_id, effects, (), needs_card=False)
    at_once: tuple[Effect, ...] = ()
    if kind is OperationType.DOWNLOAD:
        at_once = (_to(profile, ProfileState.DOWNLOADING),)
        effects = tuple(_effects(card, kind, profile._replace(state=ProfileState.DOWNLOADING)))
    return Plan(kind, profile_id, at_once, effects, needs_card=True)


def confirmed(card: Card, kind: OperationType, profile_id: int) -> tuple[Effect, ...]:
    """What the card's confirmation of an operation changes; empty if it is that way already, or can be no more."""
    profile = card.profile(profile_id)
    if profile is None:
        return ()
    coming = kind is OperationType.DOWNLOAD and profile.state in (ProfileState.DOWNLOADING, ProfileState.AVAILABLE)
    if not coming and (REFUSALS[kind, profile.state] is not None or _refusal_of_role(card, kind, profile) is not None):
        return ()
    return tuple(_effects(card, kind, profile))


def failed(card: Card, kind: OperationType, profile_id: int) -> tuple[Effect, ...]:
    """What the end of an operation without success changes: a download can be tried again."""
    profile = card.profile(profile_id)
    if profile is None or kind is not OperationType.DOWNLOAD or profile.state is not ProfileState.DOWNLOADING:
        return ()
    return (_to(profile, ProfileState.AVAILABLE),)


def _refusal_of_role(card: Card, kind: OperationType, profile: CardProfile) -> str | None:
    match kind:
        case OperationType.DISABLE if card.fallback is None:
            return said("The eUICC has no fallback profile, and one must be enabled: enable another one instead.")
        case OperationType.DISABLE if profile.is_fallback:
            return said("This is the fallback profile, which takes over from others: enable another one instead.")
        case OperationType.DELETE if profile.is_fallback:
            return said("This is the fallback profile: make another one that first.")
        case OperationType.SET_FALLBACK if profile.is_fallback:
            return said("This is the fallback profile already.")
    return None


def _effects(card: Card, kind: OperationType, profile: CardProfile) -> list[Effect]:
    match kind:
        case OperationType.DOWNLOAD:
            return [_to(profile, ProfileState.DISABLED)]
        case OperationType.ENABLE | OperationType.ROLLBACK:
            return _change_over(card.enabled, profile)
        case OperationType.DISABLE:
            fallback = card.fallback
            return [] if fallback is None else _change_over(profile, fallback)
        case OperationType.DELETE:
            return [_to(profile, ProfileState.DELETED)]
        case OperationType.SET_FALLBACK:
            before = card.fallback
            lost = [] if before is None else [Effect(before.id, before.state, before.state, is_fallback=False)]
            return [*lost, Effect(profile.id, profile.state, profile.state, is_fallback=True)]


def _change_over(old: CardProfile | None, new: CardProfile) -> list[Effect]:
    """The old one first: at no moment are two enabled."""
    left = [] if old is None else [_to(old, ProfileState.DISABLED)]
    return [*left, _to(new, ProfileState.ENABLED)]


def _to(profile: CardProfile, state: ProfileState) -> Effect:
    return Effect(profile.id, profile.state, state, profile.is_fallback)
