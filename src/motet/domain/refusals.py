"""Why traffic may not pass, and why the hub says no to a submission. Each edge has a table from these to its own
statuses."""

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
from motet.domain.messages import said


class Refusal(Enum):
    """(domain error, words for the caller, the input field to blame, whether an event tells the workspace)."""

    THROTTLED = (LimitReachedError, said("The account's rate is exceeded"), None, False)
    QUEUE_FULL = (LimitReachedError, said("The account has too many open messages"), None, False)
    UNKNOWN_DESTINATION = (NotFoundError, said("No SIM of this workspace has this number"), "msisdn", False)
    BAD_SOURCE = (InvalidError, said("The source address is not one that can be used"), "from", False)
    BAD_EXPIRY = (InvalidError, said("The message would expire before it could be sent"), "expiresAt", False)
    BAD_SCHEDULE = (InvalidError, said("The message is scheduled too far ahead"), "scheduledAt", False)
    TOO_LONG = (InvalidError, said("The text needs more than 255 parts"), "text", False)
    BAD_TEXT = (InvalidError, said("The text does not fit its data coding"), "text", False)
    NO_DEVICE = (DeniedError, said("The SIM has no device"), None, True)
    DEVICE_DISABLED = (DeniedError, said("The device is disabled"), None, True)
    SIM_NOT_ACTIVE = (DeniedError, said("The SIM is not activated"), None, True)
    SMS_MT_NOT_ALLOWED = (DeniedError, said("The service policy does not allow SMS to the device"), None, True)
    SMS_MO_NOT_ALLOWED = (DeniedError, said("The service policy does not allow SMS from the device"), None, True)
    P2P_INSIDE_NOT_ALLOWED = (DeniedError, said("The service policy does not allow SMS between devices"), None, True)
    P2P_OUTSIDE_NOT_ALLOWED = (
        DeniedError,
        said("No SIM of this workspace has this number, and the service policy does not allow SMS to others"),
        None,
        True,
    )
    P2P_LIMIT_REACHED = (
        DeniedError,
        said("The device has sent as many P2P messages as it may in 24 hours"),
        None,
        True,
    )
    DATA_NOT_ALLOWED = (DeniedError, said("The service policy does not allow data"), None, True)
    IMEI_MISMATCH = (DeniedError, said("The SIM is in other equipment than it is locked to"), None, True)
    NETWORK_NOT_ALLOWED = (
        DeniedError,
        said("The coverage policy does not allow the network that the device is on"),
        None,
        True,
    )
    RAT_NOT_ALLOWED = (
        DeniedError,
        said("The service policy does not allow the RAT that the device is on"),
        None,
        True,
    )
    SMS_ON_NB_IOT = (DeniedError, said("The service policy refuses SMS to and from devices on NB-IoT"), None, True)
    NO_QUOTA = (DeniedError, said("The service policy asks for a quota, and the device has none"), None, True)
    QUOTA_USED_UP = (DeniedError, said("The quota is used up"), None, True)
    QUOTA_EXPIRED = (DeniedError, said("The quota has expired"), None, True)
    QUOTA_THROTTLED = (LimitReachedError, said("The quota is used up: more may pass soon"), None, True)
    MONTH_LIMIT_REACHED = (
        DeniedError,
        said("The device has reached the monthly limit of its service policy"),
        None,
        True,
    )
    KEY_CONFLICT = (ConflictError, said("The idempotency key was used with another input"), "idempotencyKey", False)
    NOT_STORABLE = (InvalidError, said("The message cannot be stored"), None, False)
    STOPPING = (UpstreamError, said("The gateway is shutting down"), None, False)

    def __init__(self, error: type[DomainError], words: str, field: str | None, tells: bool) -> None:
        self.error_type = error
        self.words = words
        self.field = field
        self.makes_event = tells

    def to_error(self) -> DomainError:
        """The domain error that an API caller gets."""
        return self.error_type(self.words, path=(self.field,) if self.field else ())
