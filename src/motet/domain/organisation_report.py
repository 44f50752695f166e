"""What an organisation's workspaces have and used, added up: bounds, sums, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from motet.domain.errors import InvalidError
from motet.domain.states import MessageState, SimStatus
from motet.domain.usage import Granularity

MAX_WORKSPACES: Final = 1_000
"""Workspaces of one report; of a larger organisation, those below it are asked one by one."""

MAX_SPAN: Final[Mapping[Granularity, timedelta]] = {
    Granularity.HOUR: timedelta(days=31),
    Granularity.DAY: timedelta(days=366),
    Granularity.MONTH: timedelta(days=5 * 366),
}
"""So that a report has at most some 750 periods."""

OUTCOME_BOUND: Final = 10_000
"""Messages of one workspace and outcome are counted up to here."""

OUTCOMES: Final = (
    MessageState.FAILED,
    MessageState.EXPIRED,
    MessageState.CANCELLED,
    MessageState.REJECTED,
    MessageState.UNKNOWN,
)
"""Ends of messages that are counted one by one; the others were delivered, or are open."""


class Volume(NamedTuple):
    """What was used."""

    sms_mt: int = 0
    sms_mt_parts: int = 0
    sms_mo: int = 0
    sms_mo_parts: int = 0
    octets_up: int = 0
    octets_down: int = 0

    def plus(self, other: Volume) -> Volume:
        """Both together."""
        return Volume(*(one + another for one, another in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class WorkspaceReport:
    """One workspace."""

    workspace_id: int
    name: str
    organisation: str
    ended_at: datetime | None
    sims: Mapping[SimStatus, int] = field(default_factory=dict)
    devices: int = 0
    volume: Volume = field(default_factory=Volume)
    outcomes: Mapping[MessageState, int] = field(default_factory=dict)
    """Up to OUTCOME_BOUND each."""


@dataclass(frozen=True, slots=True)
class OrganisationReport:
    """All of them."""

    workspaces: Sequence[WorkspaceReport]
    is_truncated: bool
    """There are more than MAX_WORKSPACES."""
    periods: Sequence[tuple[datetime, Volume]]

    @property
    def totals(self) -> Volume:
        found = Volume()
        for one in self.workspaces:
            found = found.plus(one.volume)
        return found


def check_span(since: datetime, until: datetime, granularity: Granularity) -> None:
    """Raises InvalidError for a time that is none, or longer than such periods are shown for."""
    if until <= since:
        raise InvalidError("`until` must be after `since`.", path=("until",))
    longest = MAX_SPAN[granularity]
    if until - since > longest:
        raise InvalidError(
            "A report by {granularity} spans at most {most} days.",
            path=("until",),
            granularity=granularity.name,
            most=longest.days,
        )


def as_csv(report: OrganisationReport) -> str:
    """A line a workspace, by name, with a header (RFC 4180)."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(
        [
            "workspace", "organisation", "ended_at", *(f"sims_{status.name.lower()}" for status in SimStatus),
            "devices", *Volume._fields, *(f"sms_{state.name.lower()}" for state in OUTCOMES),
        ]
    )  # fmt: skip
    for one in report.workspaces:
        lines.writerow(
            [
                one.name, inert(one.organisation), "" if one.ended_at is None else one.ended_at.isoformat(),
                *(one.sims.get(status, 0) for status in SimStatus), one.devices, *one.volume,
                *(one.outcomes.get(state, 0) for state in OUTCOMES),
            ]
        )  # fmt: skip
    return text.getvalue()


def inert(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
