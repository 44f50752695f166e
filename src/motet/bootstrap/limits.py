"""Bounds that are set by name, such as --smpp-limit sessions_per_address=50."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from motet.config.errors import StartError
from motet.domain.seats import SeatLimits


def limits_of(flag: str, default: SeatLimits, given: Sequence[tuple[str, int]]) -> SeatLimits:
    """The limits with those that were given. Raises StartError for a name that there is not."""
    known = {field.name for field in fields(default)}
    for name, _ in given:
        if name not in known:
            raise StartError(f"--{flag} {name}: there are {', '.join(sorted(known))}")
    return replace(default, **dict(given))
