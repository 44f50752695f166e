"""Why the hub says no to a submission. Each edge has a table from these to its own statuses."""

from enum import Enum

from motet.domain.errors import (
    ConflictError,
    DeniedError,
    DomainError,
    InvalidError,
    LimitReachedError,
    NotFoundError,
    UpstreamError,
)


class Refusal(Enum):
    """(domain error, words for the caller, the input field to blame, whether an event tells the workspace)."""

    THROTTLED = (LimitReachedError, "The account's rate is exceeded", None, False)
    QUEUE_FULL = (LimitReachedError, "The account has too many open messages", None, False)
    UNKNOWN_DESTINATION = (NotFoundError, "No SIM of this workspace has this number", "msisdn", False)
    BAD_SOURCE = (InvalidError, "The source address is not one that can be used", "from", False)
    BAD_EXPIRY = (InvalidError, "The message would expire before it could be sent", "expiresAt", False)
    BAD_SCHEDULE = (InvalidError, "The message is scheduled too far ahead", "scheduledAt", False)
    TOO_LONG = (InvalidError, "The text needs more than 255 parts", "text", False)
    BAD_TEXT = (InvalidError, "The text does not fit its data coding", "text", False)
    NO_DEVICE = (DeniedError, "The SIM has no device", None, True)
    DEVICE_DISABLED = (DeniedError, "The device is disabled", None, True)
    SIM_NOT_ACTIVE = (DeniedError, "The SIM is not activated", None, True)
    KEY_CONFLICT = (ConflictError, "The idempotency key was used with another input", "idempotencyKey", False)
    NOT_STORABLE = (InvalidError, "The message cannot be stored", None, False)
    STOPPING = (UpstreamError, "The gateway is shutting down", None, False)

    def __init__(self, error: type[DomainError], words: str, field: str | None, tells: bool) -> None:
        self.error_type = error
        self.words = words
        self.field = field
        self.makes_event = tells

    def to_error(self) -> DomainError:
        """The domain error that an API caller gets."""
        return self.error_type(self.words, path=(self.field,) if self.field else ())
