"""Data sessions (PDP contexts): what a network's record of one comes to."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple


class SessionStatus(IntEnum):
    """Stored."""

    OPEN = 0
    CLOSED = 1
    REFUSED = 2


class Decision(StrEnum):
    """What the network is to do with a session after one of its records."""

    ALLOW = "ALLOW"
    REFUSE = "REFUSE"
    """Do not open it."""
    CUT = "CUT"
    """Close it now."""


class SessionVerdict(NamedTuple):
    """The answer to one record, in the order of the records."""

    session_id: str
    sequence: int
    decision: Decision
    reason: str | None = None
    """A name of domain.refusals.Refusal, UNKNOWN_SUBSCRIBER or INVALID_RECORD; None when allowed."""
    words: str | None = None
    throttle_kbit_s: int | None = None
    """An exhausted quota lets traffic go on at this rate."""
    repeated: bool = False
    """The record was counted before: nothing was counted now."""
