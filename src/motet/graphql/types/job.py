"""Jobs: work on many things at once."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from motet.graphql.errors import UserErrorCode
from motet.graphql.filters import filter_input
from motet.graphql.lists import listed
from motet.graphql.types.device import Device
from motet.graphql.types.relay import Node, described
from motet.graphql.types.sim import Sim


@strawberry.enum(description="What a job does.")
class JobKind(Enum):
    DEVICE_UPDATE = strawberry.enum_value("DEVICE_UPDATE", description="Changes devices.")
    DEVICE_DELETE = strawberry.enum_value("DEVICE_DELETE", description="Deletes devices; their SIMs are released.")
    DEVICE_RESET = strawberry.enum_value(
        "DEVICE_RESET", description="Resets devices' connectivity, 10 in a second, lest they all come back at once."
    )
    SIM_UPDATE = strawberry.enum_value("SIM_UPDATE", description="Takes steps in SIMs' lives.")
    SIM_IMPORT = strawberry.enum_value("SIM_IMPORT", description="Registers the SIMs of a list that was uploaded.")


@strawberry.enum(description="How far a job is.")
class JobState(Enum):
    QUEUED = strawberry.enum_value("QUEUED", description="It has not begun.")
    RUNNING = strawberry.enum_value("RUNNING", description="Some items were gone through.")
    SUCCEEDED = strawberry.enum_value(
        "SUCCEEDED", description="All items were gone through; `failed` says how many of them could not be done."
    )
    FAILED = strawberry.enum_value(
        "FAILED", description="It could not go on, by our own fault; what was done stays done."
    )
    CANCELLED = strawberry.enum_value("CANCELLED", description="Someone ended it; what was done stays done.")


@strawberry.enum(description="What became of one item of a job. In a dry run: what would become of it.")
class JobItemOutcome(Enum):
    PENDING = strawberry.enum_value("PENDING", description="It was not gone through.")
    CHANGED = strawberry.enum_value("CHANGED", description="It was changed.")
    UNCHANGED = strawberry.enum_value("UNCHANGED", description="It was as it was to be.")
    FAILED = strawberry.enum_value("FAILED", description="It could not be done: `code` and `message` say why.")


@strawberry.type(description="One thing that a job works on.")
class JobItem(Node):
    id: strawberry.ID = described("The global id.")
    number: int = described("Its place in what was handed in, from 1 on; of a CSV text the line.")
    outcome: JobItemOutcome = described("What became of it.")
    code: UserErrorCode | None = described("Of one that failed: what kind of trouble, as in `userErrors`.")
    message: str | None = described("Of one that failed: what is wrong, in words.")
    path: list[str] | None = described("Of one that failed: what is at fault, such as a column's name.")
    detail: JSON | None = described("What was changed, as `{before, after}`; in a dry run, what would be.")
    device: Device | None = described("The device that it is about.")
    sim: Sim | None = described("The SIM that it is about.")
    job: Annotated[Job, strawberry.lazy("motet.graphql.types.job")] | None = described("The job that it is part of.")


@filter_input("Which items of a job.")
class JobItemFilter:
    outcome: list[JobItemOutcome] | None = strawberry.field(
        default=strawberry.UNSET, description="With one of these outcomes, such as FAILED for all errors."
    )


@strawberry.type(
    description="Work on many things at once. It goes on whatever happens to the node that it runs on, and does each"
    " item once. Kept for 30 days."
)
class Job(Node):
    id: strawberry.ID = described("The global id.")
    kind: JobKind = described("What it does.")
    state: JobState = described("How far it is.")
    dry_run: bool = described("Whether it only finds out what would happen, and changes nothing.")
    input: JSON = described("What is the same for all items.")
    total: int = described("How many items it has.")
    done: int = described("How many of them were gone through.")
    changed: int = described("How many were changed; in a dry run, would be.")
    failed: int = described("How many could not be done.")
    progress: float = described("`done` as a part of `total`, 0 to 1.")
    error: str | None = described("Why it cannot go on, or is tried again.")
    actor: str = described("Who asked for it, as the viewer's `subject` shows them.")
    created_at: datetime = described("When it was asked for.")
    started_at: datetime | None = described("When the first items were done.")
    finished_at: datetime | None = described("When it ended.")
    undoes: Annotated[Job, strawberry.lazy("motet.graphql.types.job")] | None = described(
        "The job whose changes it takes back."
    )
    items = listed(JobItem, "What it works on, in the order in which that was handed in.", filter_by=JobItemFilter)


@filter_input("Which jobs. Conditions side by side must all hold.")
class JobFilter:
    state: list[JobState] | None = strawberry.field(default=strawberry.UNSET, description="In one of these states.")
    kind: list[JobKind] | None = strawberry.field(default=strawberry.UNSET, description="Of one of these kinds.")
