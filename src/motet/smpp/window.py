"""What a session hands up, and the requests that it sent and that have no response yet."""

from itertools import islice
from typing import Any, Final, NamedTuple

from motet.smpp.constants import MAX_SEQUENCE_NUMBER
from motet.smpp.pdu import Body, Empty

RESPONSE_TIMEOUT: Final = -1
"""command_status of an event whose response did not come in time."""
RESPONSE_INVALID: Final = -2
"""command_status of an event whose response came and does not parse."""
CONNECTION_LOST: Final = -3
"""command_status of an event whose response cannot come any more."""

EMPTY: Final = Empty()
OWN: Final = object()
"""The context of the session's own requests, which no event shows."""


class Event(NamedTuple):
    """A PDU from the peer, or the end of waiting for one. `context` is None for the peer's requests.

    For our requests it is what `request` was given. `command_status` may then also be RESPONSE_TIMEOUT,
    RESPONSE_INVALID or CONNECTION_LOST (all negative) with an Empty body, and `command_id` GENERIC_NACK, which is a
    refusal whatever its status.
    """

    command_id: int
    command_status: int
    sequence_number: int
    body: Body
    context: Any


class Window:
    """The requests in flight by sequence number, oldest first: (id of the response, context, deadline)."""

    __slots__ = ("_next", "requests", "reserved")

    def __init__(self) -> None:
        self.requests: dict[int, tuple[int, Any, float]] = {}
        self.reserved = 0
        """A sequence number that is in use elsewhere."""
        self._next = 1

    def take_sequence(self) -> int:
        """The next free sequence number, 1 to 0x7FFFFFFF (§3.2)."""
        sequence = self._next
        while sequence in self.requests or sequence == self.reserved:
            sequence = sequence + 1 if sequence < MAX_SEQUENCE_NUMBER else 1
        self._next = sequence + 1 if sequence < MAX_SEQUENCE_NUMBER else 1
        return sequence

    def next_deadline(self) -> float | None:
        """The oldest request's deadline: all have the same response time, so it is the first to come."""
        return next((deadline for _, _, deadline in islice(self.requests.values(), 1)), None)

    def expire(self, now: float) -> list[Event]:
        """Take out the requests whose time is over."""
        expired = []
        for sequence, (command_id, context, deadline) in self.requests.items():
            if deadline > now:
                break
            expired.append(Event(command_id, RESPONSE_TIMEOUT, sequence, EMPTY, context))
        for event in expired:
            del self.requests[event.sequence_number]
        return expired

    def drain(self) -> list[Event]:
        """Take out all, for no response can come any more."""
        events = [
            Event(command_id, CONNECTION_LOST, sequence, EMPTY, context)
            for sequence, (command_id, context, _) in self.requests.items()
            if context is not OWN
        ]
        self.requests.clear()
        return events
