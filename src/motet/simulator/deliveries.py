"""What the SMSC owes its ESME: receipts and MO texts, kept until a bind has answered them."""

from collections import deque
from heapq import heappop, heappush
from itertools import count

from motet.simulator.store import Store
from motet.smpp.codec import decode, encode_sm
from motet.smpp.constants import CommandId, CommandStatus
from motet.smpp.pdu import Sm

MAX_DELIVERIES = 500_000
"""About 1 KB of memory each; beyond it submit_sm is answered ESME_RMSGQFUL until the ESME has fetched some."""

DELIVERY_VALIDITY_S = 7 * 24 * 3600.0
"""An ESME that stays away longer loses them, as at a carrier."""

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0
"""A delivery that the ESME cannot take now is sent again, each time after twice as long."""

_TEMPORARY = frozenset(
    {
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RSYSERR,
        CommandStatus.ESME_RX_T_APPN,
    }
)
"""What a later attempt can mend (SMPP 3.4 §5.1.3); any other status drops the delivery."""


class Delivery:
    """A deliver_sm; `row` is its key in the store."""

    __slots__ = ("attempts", "is_receipt", "made_at", "row", "sm")

    def __init__(self, row: int, is_receipt: bool, made_at: float, sm: Sm) -> None:
        self.row = row
        self.is_receipt = is_receipt
        self.made_at = made_at
        self.sm = sm
        self.attempts = 0


class Deliveries:
    """The deliveries that no bind has in flight, in order; retries wait apart until they are due."""

    def __init__(self, store: Store) -> None:
        self.dropped = 0
        """Refused for good by the ESME, or too old."""
        self._store = store
        self._rows = store.numbers("outgoing", 1)
        self._ready: deque[Delivery] = deque()
        self._retries: list[tuple[float, int, Delivery]] = []
        self._tie = count()
        self._live = 0
        for row, receipt, made_at, pdu in store.all_outgoing():
            body = decode(pdu).body
            if isinstance(body, Sm):
                self._ready.append(Delivery(row, bool(receipt), made_at, body))
        self._live = len(self._ready)

    def __len__(self) -> int:
        """All that is not answered, in flight included."""
        return self._live

    @property
    def is_full(self) -> bool:
        """True when no more may be added."""
        return self._live >= MAX_DELIVERIES

    def add(self, sm: Sm, *, is_receipt: bool, now: float) -> None:
        """Keep a new deliver_sm. Its octets are what the store holds, so fields that do not fit raise UsageError."""
        row = next(self._rows)
        self._store.outgoing.append((row, is_receipt, now, encode_sm(CommandId.DELIVER_SM, 1, sm)))
        self._ready.append(Delivery(row, is_receipt, now, sm))
        self._live += 1

    def take(self, now: float) -> Delivery | None:
        """The next one to send; the caller has it until `answered` or `give_back`."""
        while self._ready:
            delivery = self._ready.popleft()
            if delivery.made_at + DELIVERY_VALIDITY_S > now:
                return delivery
            self._done(delivery)
            self.dropped += 1
        return None

    @property
    def is_ready(self) -> bool:
        """True when `take` may have something."""
        return bool(self._ready)

    def give_back(self, deliveries: list[Delivery]) -> None:
        """Take back what a bind has not answered, in its order, to be sent before all others."""
        self._ready.extendleft(reversed(deliveries))

    def answered(self, delivery: Delivery, status: int, now: float) -> None:
        """The ESME answered with `command_status`: done, to be retried, or refused for good."""
        if status in _TEMPORARY:
            pause_s = min(FIRST_RETRY_S * (1 << min(delivery.attempts, 16)), LAST_RETRY_S)
            delivery.attempts += 1
            heappush(self._retries, (now + pause_s, next(self._tie), delivery))
            return
        if status:
            self.dropped += 1
        self._done(delivery)

    def next_due(self) -> float | None:
        """When the first retry is due."""
        return self._retries[0][0] if self._retries else None

    def on_time(self, now: float) -> None:
        """Make the retries that are due ready."""
        while self._retries and self._retries[0][0] <= now:
            self._ready.append(heappop(self._retries)[2])

    def _done(self, delivery: Delivery) -> None:
        self._store.outgoing_done.append((delivery.row,))
        self._live -= 1
