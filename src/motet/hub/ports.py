"""What the hub asks of the rooms around it. The hub knows no protocol: edges translate to and from these."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol

from motet.domain.refusals import Refusal
from motet.hub.message import Delivery, Message, Unit


class Reply(Protocol):
    """Whoever submitted, waiting to hear. Calls come in batches; `flush` ends each batch."""

    def accepted(self, message: Message) -> None:
        """The message is committed. `message.reply_token` says which command it answers."""

    def refused(self, message: Message, refusal: Refusal) -> None:
        """It is not, and will not be. Nothing is stored but, for some refusals, an event."""

    def flush(self) -> None:
        """Send what has piled up."""


class UpstreamReceipt(NamedTuple):
    """What an SMSC says of a message that it has taken."""

    token: int
    """Handed back with the answer."""
    smsc_message_id: str
    state: int | None
    """A final MessageState; None for an intermediate notification."""
    error: str | None
    at: int
    source: str
    """The address that the receipt came from: the message's destination."""


class MobileOriginated(NamedTuple):
    """A text, or a part of one, from a phone."""

    token: int
    source: str
    source_ton: int
    source_npi: int
    destination: str
    dest_ton: int
    dest_npi: int
    protocol_id: int
    data_coding: int
    udh: bytes | None
    payload: bytes
    segment: tuple[int, int, int] | None
    """(ref, total, number); 16-bit references have 65,536 added, so that the kinds do not meet."""


class Verdict(Enum):
    """What an SMSC's answer to a submit means for us."""

    TAKEN = "taken"
    BUSY = "busy"
    """Throttled or its queue is full: the whole bind rests a moment."""
    TRY_LATER = "try later"
    """A fault of the moment with this message."""
    REFUSED = "refused"
    """It never will take it."""


class UpstreamAnswer(NamedTuple):
    """What became of one cancel or replace upstream."""

    ok: bool
    error: str


class Upstream(Protocol):
    """One bind to an SMSC that can send."""

    link_id: int
    free: int
    """Slots of its window that are free. The hub takes them by `submit` and gives them back by `release`."""

    def submit(self, units: Sequence[Unit]) -> None:
        """Send these; each is answered through `Hub.upstream_answered`."""

    def release(self, count: int) -> None:
        """That many slots are free again: their answers are committed."""

    def acknowledge(self, tokens: Sequence[int], *, ok: bool) -> None:
        """Answer receipts and MO: they are committed, or (not ok) we failed and want them again."""

    async def cancel(self, unit: Unit) -> UpstreamAnswer: ...

    async def replace(self, unit: Unit, validity_until: int, registered_delivery: int) -> UpstreamAnswer: ...


class Receiver(Protocol):
    """One session of an ESME that may receive."""

    account_id: int
    free: int
    """Deliveries that it may be sent now."""

    @property
    def unanswered(self) -> int:
        """Deliveries that it was sent and has not answered."""

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Send these; each is answered through `Hub.delivery_answered`."""

    def release(self, count: int) -> None: ...


class FactoryTests(Protocol):
    """What is told of traffic that is committed, since it may end factory tests."""

    @property
    def tested(self) -> Collection[int]:
        """SIMs in factory test; mostly none."""
        ...

    def used(self, sim_ids: Collection[int]) -> None:
        """These SIMs have sent or received something; most of them are in no test."""
        ...


class EventOutbox(Protocol):
    """Where events leave for webhooks, in the same transaction as what they tell of."""

    def wants(self, workspace_id: int, event_type: str) -> bool: ...

    def rows_for(
        self, workspace_id: int, event_type: str, at_us: int, data: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]: ...

    def wake(self) -> None: ...


class MessageBus(Protocol):
    """Where changes of messages are told to those who listen on this node."""

    @property
    def is_silent(self) -> bool: ...

    def has_listeners(self, workspace_id: int) -> bool: ...

    def publish(self, workspace_id: int, message_ids: Sequence[int]) -> None: ...


@dataclass(frozen=True, slots=True)
class HubLimits:
    """The bounds of one hub. Counts are of messages unless said otherwise."""

    live: int = 10_000
    """To be sent or in upstream windows, in memory: more wait in the database. 50,000 cost a second of latency."""
    awaiting: int = 20_000
    """Upstream has them and their receipts are outstanding, in memory; about 1 KiB each."""
    group: int = 2_000
    """Facts in one commit."""
    spill_after_s: float = 0.5
    """How long accepts wait for room before they go to `waiting`."""
    park_after_s: float = 60.0
    """How long a message waits for its receipt in memory before it waits in the database."""
    park_under_pressure_s: float = 2.0
    receipt_grace_s: float = 3_600.0
    """How long after its validity a message without a receipt becomes UNKNOWN."""
    early_receipt_grace_s: float = 10.0
    """How long a receipt for an unknown id is kept: its submit_sm_resp may still come on another bind."""
    early_receipts: int = 20_000
    outbox: int = 10_000
    """Deliveries of one account in memory; more are paged in."""
    outboxes: int = 50_000
    """Deliveries of all accounts in memory."""
    mo_pending: int = 10_000
    mo_part_wait_s: float = 3_600.0
    """How long a part waits for the others; then what came is handed on."""
    default_validity_s: int = 24 * 3_600
    max_validity_s: int = 7 * 24 * 3_600
    max_schedule_s: int = 30 * 24 * 3_600
    targets: int = 500_000
    """Numbers whose owner is remembered."""
