"""A message while the hub has it in memory, and the parts and deliveries that hang on it.

These are plain slotted classes with few methods: a hundred thousand of them pass each second. Times are int
microseconds since 1970 (UTC).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from motet.domain.states import Direction, MessageKind, MessageState

if TYPE_CHECKING:
    from motet.hub.ports import Reply


_OPEN = int(MessageState.OPEN)
_MT = int(Direction.MT)
_A2P = int(MessageKind.A2P)


class Stage:
    """Where an open MT is in its owner's memory. Plain integers: with Python 3.11 the look-up of an Enum's member takes
    five times as long, and a message's way has a dozen."""

    ACCEPTING: Final = 0
    """Not committed yet."""
    READY: Final = 1
    """To be sent when a slot of an upstream window is free."""
    SENT: Final = 2
    """In an upstream window: handed over, the answer or its commit is outstanding."""
    AWAITING: Final = 3
    """Upstream has it; a receipt will come."""
    STAYING: Final = 4
    """Being replaced or cancelled: it is not sent until that is decided."""
    FINISHED: Final = 5
    """Final; the commit of that may be outstanding."""
    PARKED: Final = 6
    """In `waiting`, and no longer here."""


@dataclass(slots=True)
class Extra:
    """What few messages have. A message without it is written with the short column list."""

    dest_ton: int = 1
    dest_npi: int = 1
    protocol_id: int = 0
    priority: int = 0
    service_type: str = ""
    udh: bytes | None = None
    """The user data header with its length octet, as its maker made it."""
    tlvs: bytes | None = None
    """Optional parameters to pass on, as on the wire."""
    segment: tuple[int, int, int] | None = None
    """(ref, total, number) of a part that the ESME made."""
    scheduled_at: int | None = None
    origin_id: int | None = None
    idempotency_key: str | None = None
    input_hash: bytes = b""
    """What the key stands for: the same key with another hash is a conflict."""
    winner: tuple[bytes, int] | None = None
    """(input hash, message id) of whoever used the key before: this message is not stored."""
    lead: Message | None = None
    """The first message of the same submission, whose id stands for all of them."""


NO_EXTRA = Extra()
"""The defaults, for reading only."""


class Message:
    """One text to one destination. It gets its id when the group that stores it is put together."""

    __slots__ = (
        "account_id",
        "attempts",
        "awaiting_since",
        "data_coding",
        "destination",
        "device_id",
        "direction",
        "error",
        "error_detail",
        "esm_class",
        "expires_at",
        "extra",
        "final_at",
        "id",
        "in_waiting",
        "kind",
        "link_id",
        "part_count",
        "parts",
        "payload",
        "registered_delivery",
        "reply",
        "reply_token",
        "sim_id",
        "smsc_message_id",
        "source",
        "source_npi",
        "source_ton",
        "stage",
        "state",
        "submission_id",
        "submitted_at",
        "workspace_id",
    )

    number = 0
    """As a unit of sending, a message in one piece is its own part 0."""

    def __init__(
        self,
        workspace_id: int,
        account_id: int | None,
        source_ton: int,
        source_npi: int,
        source: str,
        destination: str,
        esm_class: int,
        registered_delivery: int,
        data_coding: int,
        payload: bytes,
        submitted_at: int,
        expires_at: int,
        reply: Reply | None,
        reply_token: int,
        extra: Extra | None = None,
    ) -> None:
        self.id = 0
        self.submission_id = 0
        self.workspace_id = workspace_id
        self.account_id = account_id
        self.device_id = 0
        self.sim_id = 0
        self.source_ton = source_ton
        self.source_npi = source_npi
        self.source = source
        self.destination = destination
        self.esm_class = esm_class
        self.registered_delivery = registered_delivery
        self.data_coding = data_coding
        self.payload = payload
        self.submitted_at = submitted_at
        self.expires_at = expires_at
        self.reply = reply
        self.reply_token = reply_token
        self.extra = extra
        self.direction = _MT
        self.kind = _A2P
        self.part_count = 1
        self.parts: list[Part] | None = None
        self.stage: int = Stage.ACCEPTING
        self.state = _OPEN
        self.error: str | None = None
        self.error_detail: str | None = None
        self.final_at: int | None = None
        self.attempts = 0
        self.in_waiting = False
        self.link_id = 0
        self.smsc_message_id = ""
        self.awaiting_since = 0

    @property
    def message(self) -> Message:
        return self

    @property
    def user_data(self) -> bytes:
        """UDH and payload as one part carries them."""
        extra = self.extra
        return self.payload if extra is None or extra.udh is None else extra.udh + self.payload

    @property
    def units(self) -> list[Unit]:
        """What is sent upstream: the parts, or the message itself."""
        return [self] if self.parts is None else list(self.parts)


class Part:
    """One of several parts that we made of a message."""

    __slots__ = ("error", "link_id", "message", "number", "smsc_message_id", "stage", "state", "stored", "user_data")

    def __init__(self, message: Message, number: int, user_data: bytes) -> None:
        self.message = message
        self.number = number
        """0 is the first."""
        self.user_data = user_data
        self.stage: int = Stage.READY
        self.state = _OPEN
        self.stored = False
        """Whether its final state is committed."""
        self.error: str | None = None
        self.link_id = 0
        self.smsc_message_id = ""


Unit = Message | Part
"""What one submit_sm carries upstream."""


class Delivery:
    """A receipt, an intermediate notification or an MO that an account's ESME is owed."""

    __slots__ = ("account_id", "at", "attempts", "error", "expires_at", "id", "kind", "message", "state")

    def __init__(
        self,
        delivery_id: int,
        account_id: int,
        kind: int,
        message: Message,
        state: int,
        error: str | None,
        at: int,
        expires_at: int,
    ) -> None:
        self.id = delivery_id
        self.account_id = account_id
        self.kind = kind
        self.message = message
        self.state = state
        self.error = error
        self.at = at
        self.expires_at = expires_at
        self.attempts = 0
