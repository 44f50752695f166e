"""Jobs: what they can be of, the states they go through, and what can become of an item."""

from collections.abc import Mapping
from enum import Enum, IntEnum, StrEnum

from motet.domain.errors import ConflictError


class JobKind(StrEnum):
    """What a job does. The names are what the database stores and what GraphQL shows."""

    DEVICE_UPDATE = "DEVICE_UPDATE"
    DEVICE_DELETE = "DEVICE_DELETE"
    DEVICE_RESET = "DEVICE_RESET"
    SIM_UPDATE = "SIM_UPDATE"
    SIM_IMPORT = "SIM_IMPORT"


class JobState(IntEnum):
    QUEUED = 0
    RUNNING = 1
    SUCCEEDED = 2
    """Every item was gone through; some of them may have failed."""
    FAILED = 3
    """It could not go on, by our own fault; what was done stays done."""
    CANCELLED = 4


class ItemOutcome(IntEnum):
    PENDING = 0
    CHANGED = 1
    UNCHANGED = 2
    """It was as it was to be."""
    FAILED = 3


class JobStep(Enum):
    """What can happen to a job."""

    WORK = "work"
    """A chunk was gone through, and there is more."""
    END = "end"
    """The last chunk was gone through."""
    GIVE_UP = "give up"
    CANCEL = "cancel"


_OPEN = (JobState.QUEUED, JobState.RUNNING)

_AFTER = {
    JobStep.WORK: JobState.RUNNING,
    JobStep.END: JobState.SUCCEEDED,
    JobStep.GIVE_UP: JobState.FAILED,
    JobStep.CANCEL: JobState.CANCELLED,
}

TRANSITIONS: Mapping[tuple[JobState, JobStep], JobState] = {
    (state, step): after for state in _OPEN for step, after in _AFTER.items()
} | {(JobState.CANCELLED, JobStep.CANCEL): JobState.CANCELLED}
"""Everything that can happen. Cancelling twice is cancelling once."""


def after(state: JobState, step: JobStep) -> JobState:
    """The state after a step. Raises ConflictError (path `id`) for a job that is over."""
    found = TRANSITIONS.get((state, step))
    if found is None:
        raise ConflictError("The job is over: it is {state}.", path=("id",), state=state.name)
    return found


def is_over(state: JobState) -> bool:
    """Whether nothing more happens to the job."""
    return state not in _OPEN
