"""Whether a SIM can move to another workspace, and what it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from motet.domain.errors import ConflictError, DeniedError, DomainError, InvalidError
from motet.domain.states import SimStatus

MAX_SIMS: Final = 500
"""SIMs of one move: they are locked together, in one transaction."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A SIM that is to move, as far as that decides."""

    status: SimStatus
    device_id: int | None
    device_is_locked: bool
    """The transaction holds the device that it is in, too."""
    has_open_operation: bool
    """Its eUICC or its IMSI is being changed right now."""
    has_unused_code: bool
    """Somebody holds an activation code with which its profile can still be downloaded."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a SIM: its status in the other workspace, or why it stays."""

    status: SimStatus | None
    error: DomainError | None = None


def judge(moving: Moving, *, auto_detach: bool) -> Verdict:
    """Whether the SIM moves. One that is activated is suspended by it: whoever has it now decides when it is used."""
    refusal = _refusal(moving, auto_detach)
    if refusal is not None:
        return Verdict(None, refusal)
    return Verdict(SimStatus.SUSPENDED if moving.status is SimStatus.ACTIVATED else moving.status)


def _refusal(moving: Moving, auto_detach: bool) -> DomainError | None:
    if moving.status is SimStatus.DELETED:
        return DeniedError("The SIM is deleted.")
    if moving.status is SimStatus.FACTORY_TEST:
        return DeniedError("The SIM is in factory test, which only activation ends.")
    if moving.has_open_operation:
        return DeniedError("An operation on the SIM is under way: wait for its end.")
    if moving.has_unused_code:
        return DeniedError("The SIM has an activation code that was not used: revoke it first.")
    if moving.device_id is None:
        return None
    if not auto_detach:
        return DeniedError("A device holds this SIM: release it first, or ask for that with `autoDetachDevices`.")
    return None if moving.device_is_locked else ConflictError("The SIM was just put into another device: try again.")


def check_number_of_sims(number: int) -> None:
    """Raises InvalidError."""
    if not 1 <= number <= MAX_SIMS:
        raise InvalidError("Name 1 to {most} SIMs.", path=("sim_ids",), most=MAX_SIMS)
