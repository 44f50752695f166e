"""Which command a peer may send in which session state: SMPP 3.4 §2.2 and table 2-1, as one table.

What is not in the table is answered with ESME_RINVBNDSTS. Responses are not in it: they are legal where they answer a
request that is in flight. replace_sm is allowed to a transceiver as well (an omission of 3.4 that 5.0 mends).
"""

from enum import Enum, IntEnum
from typing import Final

from motet.smpp.constants import CommandId


class Side(Enum):
    """Who we are on this session."""

    ESME = "esme"
    SMSC = "smsc"


class State(IntEnum):
    """SMPP 3.4 §2.2, and UNBINDING while an unbind is not answered yet."""

    OPEN = 0
    OUTBOUND = 1
    BOUND_TX = 2
    BOUND_RX = 3
    BOUND_TRX = 4
    UNBINDING = 5
    CLOSED = 6


_BOTH = frozenset({CommandId.ENQUIRE_LINK, CommandId.UNBIND})
_ANY_BIND = frozenset({CommandId.BIND_TRANSMITTER, CommandId.BIND_RECEIVER, CommandId.BIND_TRANSCEIVER})
_SENDING = frozenset(
    {
        CommandId.SUBMIT_SM,
        CommandId.SUBMIT_MULTI,
        CommandId.DATA_SM,
        CommandId.QUERY_SM,
        CommandId.CANCEL_SM,
        CommandId.REPLACE_SM,
    }
)
_RECEIVING = frozenset({CommandId.DELIVER_SM, CommandId.DATA_SM, CommandId.ALERT_NOTIFICATION})

_FROM_ESME = {
    State.OPEN: _ANY_BIND,
    State.OUTBOUND: frozenset({CommandId.BIND_RECEIVER, CommandId.BIND_TRANSCEIVER}),
    State.BOUND_TX: _BOTH | _SENDING,
    State.BOUND_RX: _BOTH,
    State.BOUND_TRX: _BOTH | _SENDING,
}
_FROM_SMSC = {
    State.OPEN: frozenset({CommandId.OUTBIND}),
    State.OUTBOUND: frozenset[CommandId](),
    State.BOUND_TX: _BOTH,
    State.BOUND_RX: _BOTH | _RECEIVING,
    State.BOUND_TRX: _BOTH | _RECEIVING,
}

REQUESTS: Final[dict[Side, dict[State, frozenset[CommandId]]]] = {Side.ESME: _FROM_ESME, Side.SMSC: _FROM_SMSC}
"""By sender and state, the requests that it may send. UNBINDING and CLOSED are not here: nothing new begins in them,
though a peer that has not read our unbind yet may still send what its bound state allowed."""

BOUND_BY: Final[dict[int, State]] = {
    CommandId.BIND_TRANSMITTER: State.BOUND_TX,
    CommandId.BIND_RECEIVER: State.BOUND_RX,
    CommandId.BIND_TRANSCEIVER: State.BOUND_TRX,
}
"""The state that an accepted bind leads to."""

BOUND: Final = frozenset(BOUND_BY.values())

UNANSWERED: Final = frozenset({CommandId.OUTBIND, CommandId.ALERT_NOTIFICATION, CommandId.GENERIC_NACK})
"""Commands that have no response (§4.1.7, §4.12, §4.3)."""


def other(side: Side) -> Side:
    """The peer's side."""
    return Side.SMSC if side is Side.ESME else Side.ESME
